"""`classify` against 66-digit recomputations of random orbits."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from tests.long_orbits import FAMILIES, Family, attracts, recompute
from tests.oracles import needs_compiler


def package_map(family: Family, params: dict) -> cf.Map:
    text = family.text
    if "map" in text:
        return cf.Map.from_text(text["map"], text.get("variables", "x"), params)
    options = {"bias_correction": False, "eps_inside": True} if text["optimizer"] == "adam" else {}
    return cf.as_map(cf.Loss(text["loss"]), getattr(cf.optimizers, text["optimizer"])(**params, **options))


def draw(rng: np.random.Generator, family: Family) -> tuple[dict, list[float]]:
    params = {k: float(rng.uniform(*bounds)) for k, bounds in family.ranges.items()} | family.fixed
    return params, [float(rng.uniform(*bounds)) for bounds in family.start] + [0.0] * family.rest


def disagreement(found, other, family, params) -> str | None:
    """None where both say the same, or classify's cycle is confirmed where an orbit may choose between attractors."""
    if other.kind == "periodic" and found.period is not None:
        size = float(np.abs(found.multipliers[0]))
        if found.period == other.period and abs(size - other.multiplier) <= 1e-5 * max(1, found.period):
            return None
    elif other.kind == "chaotic" and found.kind == "chaotic":
        return None if abs(found.lyapunov - other.exponent) < 0.1 else "exponents differ"
    elif other.kind == found.kind == "divergent" or (other.kind is None and found.kind == "quasi-periodic"):
        return None
    if found.period is not None and attracts(family, params, found.points, float(np.abs(found.multipliers[0]))):
        return "another attractor"
    return "different"


def compare(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = list(FAMILIES)
    undecided, unsettled, elsewhere, wrong = [], [], [], []
    for i in range(count):
        name = names[i % len(names)]
        family = FAMILIES[name]
        params, z0 = draw(rng, family)
        found = cf.analysis.classify(package_map(family, params), z0)
        case = f"{name} {params} from {z0}: {found.kind} {found.period} {found.multipliers} {found.lyapunov:.4g} ({found.reason})"
        if found.kind == "undecided":
            undecided.append(case)
            continue
        other = recompute(family, params, z0)
        if other.kind is None and not (found.kind == "quasi-periodic" and abs(other.exponent) < 0.01):
            unsettled.append(f"{case} | {other}")
            continue
        what = disagreement(found, other, family, params)
        if what == "another attractor":
            elsewhere.append(f"{case} | {other}")
        elif what:
            wrong.append(f"{what}: {case} | {other}")
    report = {"wrong": wrong, "undecided": undecided, "not settled with 66 digits": unsettled, "another attractor": elsewhere}
    for title, cases in report.items():
        print(f"{title}: {len(cases)} of {count}", *cases, sep="\n    ")
    assert not wrong
    assert len(undecided) <= 0.05 * count
    assert len(unsettled) <= 0.03 * count
    assert len(elsewhere) <= 0.02 * count


@needs_compiler
def test_some_random_orbits():
    compare(60, seed=1)


@needs_compiler
@pytest.mark.slow
def test_a_thousand_random_orbits():
    compare(1000, seed=2)
