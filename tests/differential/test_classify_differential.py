"""`classify` against the 160-bit reference on random maps: no verdict may differ, and few may be left undecided."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import pytest

import cfdyn as cf
from tests.differential import reference
from tests.differential.random_maps import OPTIMIZERS, Case, cases, neutral_cases, optimizer_cases
from tests.oracles import needs_compiler

KINDS = ("fixed point", "cycle", "quasi-periodic", "chaotic", "divergent")
FEWEST = 200  # of each kind
UNDECIDED, UNDECIDED_REFERENCE = 0.03, 0.05
LONGER = 16


def package_map(case: Case) -> cf.Map:
    if case.descent is None:
        return cf.Map.from_text(case.formulas, case.variables, case.params)
    loss, optimizer = case.descent
    options = {"bias_correction": False, "eps_inside": True} if optimizer == "adam" else {}
    return cf.as_map(cf.Loss(loss), cf.optimizers.get(optimizer)(**case.params, **options))


def verdicts(case: Case, awaited: Future | None = None) -> tuple[reference.Verdict, cf.analysis.Regime]:
    """Of the reference and of the package. Where they differ the reference looks again, at an orbit 16 times as long."""
    found = cf.analysis.classify(package_map(case), case.start)
    question = case.formulas, case.variables, case.params, case.start
    truth = awaited.result() if awaited else reference.classify(*question)
    if "undecided" not in (truth.kind, found.kind) and differ(truth, found):
        truth = reference.classify(*question, effort=LONGER)
    return truth, found


def differ(truth: reference.Verdict, found: cf.analysis.Regime) -> bool:
    """Another kind or period, or another multiplier or exponent."""
    if (truth.kind, truth.period) != (found.kind, found.period):
        return True
    if found.period is not None:
        return abs(abs(found.multipliers[0]) - truth.number) > 1e-5 * found.period
    return found.kind == "chaotic" and abs(found.lyapunov - truth.number) > 0.1


def together(chosen: Iterable[Case]) -> Iterator[tuple[Case, Future]]:
    """Each case with what the reference says of it, worked out in processes of its own beside."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        asked = [(c, pool.submit(reference.classify, c.formulas, c.variables, c.params, c.start)) for c in chosen]
        yield from asked


def compare(chosen: Iterable[tuple[Case, Future | None]]) -> tuple[Counter, dict[str, list[str]]]:
    """How many of each kind (the reference's), and in words: wrong verdicts, and of each kind those left undecided here."""
    counts, report = Counter(), defaultdict(list)
    for case, awaited in chosen:
        truth, found = verdicts(case, awaited)
        counts[truth.kind] += 1
        words = f"{case}: {truth.kind} {truth.period} ({truth.evidence}), here {found.kind} {found.period} ({found.reason})"
        if truth.kind == "undecided":
            report["undecided by the reference"].append(words)
        elif found.kind == "undecided":
            report[truth.kind].append(words)
        elif differ(truth, found):
            report["wrong"].append(words)
    print(dict(counts))
    for title, lines in report.items():
        print(f"{title}: {len(lines)}", *lines, sep="\n    ")
    return counts, report


@needs_compiler
def test_some_random_maps():
    """The first of some families and six wholly random ones."""
    every = cases()
    names = ("logistic", "logistic, late", "logistic, barely escaping", "delayed logistic, late", "gap", "shift")
    known = [case for case in every if case.family in names]
    some = [*known[:30], *(case for case in every if case.family.startswith("random"))][:36]
    counts, report = compare((case, None) for case in some)
    assert not report["wrong"]
    assert sum(len(report[kind]) for kind in KINDS) <= 1
    assert min(counts[kind] for kind in KINDS) >= 2


def check_optimizers(chosen: Iterable[tuple[Case, Future | None]]) -> None:
    counts, report = compare(chosen)
    assert not report["wrong"]
    assert counts["undecided"] <= UNDECIDED_REFERENCE * counts.total()
    assert sum(len(report[kind]) for kind in KINDS) <= UNDECIDED * counts.total()
    assert min(counts[kind] for kind in ("fixed point", "cycle", "chaotic", "divergent")) >= counts.total() // 50


@pytest.mark.slow
@needs_compiler
def test_some_optimizers():
    check_optimizers((case, None) for case in optimizer_cases(6))


@needs_compiler
@pytest.mark.slow
def test_a_thousand_optimizers():
    check_optimizers(together(optimizer_cases(1000 // len(OPTIMIZERS))))


# Where the package once differed and was wrong, by a cause of its own each.
FOUND = [
    # Comes back from beyond 1e15
    (("a - exp(x)",), {"a": 3.0}, (80.0,)),
    (("3 - exp(x)",), {}, (800.0,)),
    (("r*x*(1-x/1e18)",), {"r": 3.293546456629153}, (2.722731710172809e17,)),
    # A detour far out is not the scale of what follows
    (("a - exp(x)",), {"a": 3.3330829013163443}, (33.56136938718013,)),
    (("b*x + a*cos(x)",), {"a": 2.643888614955608, "b": 0.3640848135431378}, (-91211598407723.33,)),
    (("Piecewise((b*x, x > 1), (r*x*(1-x), True))",), {"b": 0.32694305907508747, "r": 3.832741189700745}, (3612640590141.64,)),
    # On the stable set of a saddle, the stable multiplier positive
    (("2*x", "y/2"), {}, (0.0, 1.0)),
    # Slow escapes of maps with corners
    (("Min(a*x, b*(1-x))",), {"a": 1.438728174280351, "b": 3.3455468772000714}, (0.1118850143640871,)),
    (("0.321 + 2.084*Piecewise((-0.863, y < -0.433), (-1.75*y, True)) - 0.658*y", "x"), {}, (-0.03795971823645128, -0.570762206054752)),
    (("Piecewise((a*x + m, x < 0), (m - b*x, True))",),
     {"a": -0.8253711919907267, "b": 1.5751606105329723, "m": 0.5629254611936775}, (0.2145524287402526,)),
    # To 0 through the smallest floats
    (("x - r*Max(-1, Min(1, x)) + b*(x-y)", "x"), {"r": 2.959308368893298, "b": 0.7775505497621901}, (0.20562098228695944, 1.034829826946076)),
    # A map that is small
    (("r*x*(1-x*1e12)",), {"r": 3.5971724763433253}, (7.557447991302993e-13,)),
    (("r*x*(1-x*1e12)",), {"r": 3.849930458794244}, (4.2634843407192494e-13,)),
]  # fmt: skip


@pytest.mark.parametrize(("formulas", "params", "start"), FOUND)
@needs_compiler
def test_found_and_settled(formulas, params, start):
    truth, found = verdicts(Case("found", formulas, start, params))
    assert (found.kind, found.period) == (truth.kind, truth.period), (truth.evidence, found.reason)


def test_the_maps_are_many_and_the_same_every_time():
    every = cases()
    assert len(every) == 2000 and every == cases()
    assert len({case.formulas for case in every}) >= 400
    assert {len(case.start) for case in every} == {1, 2}


@needs_compiler
@pytest.mark.slow
def test_two_thousand_random_maps():
    counts, report = compare(together(cases()))
    assert not report["wrong"]
    assert counts["undecided"] <= UNDECIDED_REFERENCE * counts.total()
    for kind in KINDS:
        assert counts[kind] >= FEWEST
        assert len(report[kind]) <= UNDECIDED * counts[kind], kind


@needs_compiler
@pytest.mark.slow
def test_neutral_fixed_points():
    """Their fate is known: an orbit that creeps towards one along the rays of a rational rotation is on no q-cycle."""
    undecided = 0
    for case, truth in neutral_cases():
        regime = cf.analysis.classify(package_map(case), case.start)
        print(case.family, case.params, case.start, truth, regime.kind, regime.period, regime.reason)
        assert regime.kind in (truth, "undecided"), case
        undecided += regime.kind == "undecided"
    assert undecided <= len(neutral_cases()) // 3
