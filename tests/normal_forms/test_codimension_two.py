"""Coefficients of codimension two against the formulas of Kuznetsov & Meijer in 30 digits, and against closed forms."""

from __future__ import annotations

import json
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.normal_forms.codimension_two.by_kind import KINDS, codimension_two_fields
from tests.normal_forms import multilinear

R = -0.4
DESCENT = cf.as_map(cf.Loss("w**2/2 + a*w**3/3 + w**4/4", params={"a": 0.5**0.5}), cf.optimizers.gd(lr=2.0))


def fields(step, points, kind, names):
    """Coefficients and meaning of the point."""
    found = codimension_two_fields(step, np.array(points, dtype=float), kind, names)
    return found["coefficients"], found["meaning"]


def test_generalized_flip_of_descent():
    """w²/2 + aw³/3 + w⁴/4 at (2, 1/√2): the map is −w − √2 w² − 2w³, w ↦ −w − 8w⁵ in its normal form."""
    (curve,) = [cf.analysis.bifurcation_curve(DESCENT, ("flip", [[0.0]]), ("lr", "a"), ((1.5, 3), (0.2, 1.5)))]
    (found,) = curve.special
    assert found.parameters == pytest.approx([2, 0.5**0.5], abs=1e-12)
    assert found.coefficients == {"e": pytest.approx(-8, rel=1e-11)}
    assert "the smaller one stable" in found.meaning and "where the flip is supercritical (larger a)" in found.meaning
    assert found.directions["fold of the 2-cycle"] == pytest.approx([0, 1], abs=1e-12)
    exact = multilinear.generalized_flip(multilinear.Derivatives(lambda w: [-w - mp.sqrt(2) * w * w - 2 * w * w * w], [0]))
    assert abs(exact["e"] + 8) < 1e-25


def general(s):
    """The generalised Hénon map where (s, s) is fixed and β = 1 + Rs: as formulas and as a function."""
    b = 1 + R * s
    a = s * (1 + b) + s * s * (1 - R)
    step = cf.Map.from_text(["y", "a - b*x - y**2 + R*x*y"], "x y", {"a": a, "b": b, "R": R})
    return step, lambda x, y: [y, a - b * x - y * y + R * x * y]


@pytest.mark.parametrize(("name", "trace"), [("1:1", 2), ("1:2", -2), ("1:3", -1), ("1:4", 0)])
def test_resonances_of_the_generalised_henon_map(name, trace):
    s = trace / (R - 2)
    step, f = general(s)
    found, _ = fields(step, [[s, s]], f"resonance {name}", ("a", "b"))
    wanted = getattr(multilinear, f"resonance_{name[-1]}")(multilinear.Derivatives(f, [s, s]))
    assert {key: found[key] for key in wanted} == pytest.approx({key: complex(value) for key, value in wanted.items()}, rel=1e-11)


@pytest.mark.parametrize(("e", "k", "trace"), [(0.5, -1.0, 0.5), (0.5, -1.0, 1.5)])
def test_chenciner(e, k, trace):
    """(x, y) ↦ (y, −βx + τy + y² + exy + kx²y), where its first Lyapunov coefficient vanishes."""
    params = {"b": 1.0, "t": trace, "e": e, "k": k}
    step = cf.Map.from_text(["y", "-b*x + t*y + y**2 + e*x*y + k*x**2*y"], "x y", params)
    found, _ = fields(step, [[0.0, 0.0]], "chenciner", ("b", "t"))
    at = multilinear.Derivatives(lambda x, y: [y, -x + trace * y + y * y + e * x * y + k * x * x * y], [0, 0])
    wanted = {key: float(value) for key, value in multilinear.chenciner(at, mp.acos(mp.mpf(trace) / 2)).items()}
    assert {key: found[key] for key in wanted} == pytest.approx(wanted, rel=1e-9)


def test_cusp():
    """k + cx − x³ + x²y, y ↦ y/2 + sx²: c = −1 + 2s."""
    step = cf.Map.from_text(["k + c*x - x**3 + x*y", "y/2 + s*x**2"], "x y", {"k": 0.0, "c": 1.0, "s": 0.2})
    found, meaning = fields(step, [[0.0, 0.0]], "cusp", ("k", "c"))
    assert found == {"c": pytest.approx(-0.6, abs=1e-12)} and "the outer two stable" in meaning
    exact = multilinear.cusp(multilinear.Derivatives(lambda x, y: [x - x * x * x + x * y, y / 2 + x * x * mp.mpf("0.2")], [0, 0]))
    assert abs(exact["c"] + mp.mpf("0.6")) < 1e-25


def test_a_curve_keeps_them_in_files_and_figures(tmp_path):
    """Complex ones too; files from before they were there have none."""
    step, _ = general(0.0)
    start = -0.5 / (R - 2)
    a, b = start * (2 + R * start) + start * start * (1 - R), 1 + R * start
    curve = cf.analysis.bifurcation_curve(
        step.at(a=a, b=b), ("neimark-sacker", [[start] * 2]), ("a", "b"), ((-0.5, 0.5), (0.5, 1.4))
    )
    (found,) = curve.special
    (again,) = cf.load(curve.save(tmp_path / "curve.npz")).special
    assert again.coefficients == found.coefficients and isinstance(again.coefficients["A"], complex)
    assert again.meaning == found.meaning and set(again.directions) == {"first fold of the 4-cycle", "second fold of the 4-cycle"}
    said = json.loads(json.dumps(found.to_json()))["coefficients"]["A"]
    assert complex(*said) == found.coefficients["A"]
    old = type(found)(found.kind, found.parameters, found.points, found.multipliers, found.place)
    assert (old.coefficients, old.meaning, old.directions) == ({}, "", {})
    flip = cf.analysis.bifurcation_curve(DESCENT, ("flip", [[0.0]]), ("lr", "a"), ((1.5, 3), (0.2, 1.5)))
    labels = [text.get_text() for text in cf.plot(flip).axes[0].get_legend().get_texts()]
    assert "generalized flip\nnormal-form coefficient −8" in labels


PAGE = Path(__file__).parents[2] / "docs" / "guides" / "bifurcations.md"


def test_the_page_has_all_kinds():
    names = [row.split("|")[1].strip() for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| ")][1:]
    spelled = {name.lower().replace("–", "-").replace("generalised", "generalized") for name in names}
    assert spelled == {kind.removeprefix("resonance ") for kind in KINDS}
