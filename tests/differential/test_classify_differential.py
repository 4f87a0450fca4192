"""`classify` against the 160-bit reference on random maps: no verdict may differ, and few may be left undecided."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterable

import pytest

import cfdyn as cf
from tests.differential import reference
from tests.differential.random_maps import Case, cases, neutral_cases
from tests.oracles import needs_compiler

KINDS = ("fixed point", "cycle", "quasi-periodic", "chaotic", "divergent")
FEWEST = 200  # of each kind
UNDECIDED, UNDECIDED_REFERENCE = 0.03, 0.05
LONGER = 16


@functools.cache
def package_map(formulas: tuple[str, ...], variables: tuple[str, ...], names: tuple[str, ...]) -> cf.Map:
    return cf.Map.from_text(formulas, variables, dict.fromkeys(names, 1.0))


def verdicts(case: Case) -> tuple[reference.Verdict, cf.analysis.Regime]:
    """Of the reference and of the package. Where they differ the reference looks again, at an orbit 16 times as long."""
    found = cf.analysis.classify(package_map(case.formulas, case.variables, tuple(case.params)).at(**case.params), case.start)
    truth = reference.classify(case.formulas, case.variables, case.params, case.start)
    if "undecided" not in (truth.kind, found.kind) and differ(truth, found):
        truth = reference.classify(case.formulas, case.variables, case.params, case.start, effort=LONGER)
    return truth, found


def differ(truth: reference.Verdict, found: cf.analysis.Regime) -> bool:
    return (truth.kind, truth.period) != (found.kind, found.period)


def compare(chosen: Iterable[Case]) -> tuple[Counter, dict[str, list[str]]]:
    """How many of each kind (the reference's), and in words: wrong verdicts, and of each kind those left undecided here."""
    counts, report = Counter(), defaultdict(list)
    for case in chosen:
        truth, found = verdicts(case)
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
def test_forty_random_maps():
    counts, report = compare(cases()[:40])
    assert not report["wrong"]
    assert sum(len(report[kind]) for kind in KINDS) <= 2
    assert min(counts[kind] for kind in KINDS) >= 2


def test_the_maps_are_many_and_the_same_every_time():
    every = cases()
    assert len(every) == 2000 and every == cases()
    assert len({case.formulas for case in every}) >= 400
    assert {len(case.start) for case in every} == {1, 2}


@needs_compiler
@pytest.mark.slow
def test_two_thousand_random_maps():
    counts, report = compare(cases())
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
        found = package_map(case.formulas, case.variables, tuple(case.params)).at(**case.params)
        regime = cf.analysis.classify(found, case.start)
        print(case.family, case.params, case.start, truth, regime.kind, regime.period, regime.reason)
        assert regime.kind in (truth, "undecided"), case
        undecided += regime.kind == "undecided"
    assert undecided <= len(neutral_cases()) // 3
