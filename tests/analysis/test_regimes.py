"""Maps of regimes: labels are those of `classify`, boundaries are where theory has them, doubt stays undecided."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import CHAOTIC, ESCAPED, UNSETTLED
from cfdyn.settling.samples import KINDS, QUASI_PERIODIC

ADAM = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.adam(lr=0.01))
HEAVY = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
DELAYED = cf.Map.from_text(["a*x*(1 - (1 - c)*x - c*y)", "x"], "x y", {"a": 2.1, "c": 0.5})
LOGISTIC = cf.Map.from_text("r*x*(1 - x) + s", "x", {"r": 3.0, "s": 0.0})


def labels_alone(found: cf.analysis.regimes.RegimeMap, step: cf.Map, start: list[float], cells: np.ndarray) -> np.ndarray:
    """What `classify` says of some cells."""
    labels = np.empty(len(cells), int)
    for k, (row, column) in enumerate(zip(*np.divmod(cells, len(found.first)), strict=True)):
        values = {found.names[0]: float(found.first[column]), found.names[1]: float(found.second[row])}
        alone = cf.analysis.classify(step.at(**values), start)
        labels[k] = alone.period or KINDS[alone.kind]
    return labels


def differing(found: cf.analysis.regimes.RegimeMap, step: cf.Map, start: list[float], cells: np.ndarray) -> list[tuple]:
    """Cells whose label is another than that of `classify`, both labels; undecided ones may be anything."""
    given, alone = found.labels.ravel()[cells], labels_alone(found, step, start, cells)
    wrong = np.flatnonzero((given != alone) & (given != UNSETTLED))
    return [(int(cells[k]), int(given[k]), int(alone[k])) for k in wrong]


def by_label(found: cf.analysis.regimes.RegimeMap, most: int, seed: int) -> np.ndarray:
    """Some cells of each label."""
    random, flat = np.random.default_rng(seed), found.labels.ravel()
    cells = [np.flatnonzero(flat == label) for label in np.unique(flat)]
    return np.concatenate([random.choice(some, min(most, len(some)), replace=False) for some in cells])


def test_labels_are_those_of_single_orbits():
    found = cf.analysis.regimes(HEAVY, [("lr", np.linspace(0.1, 4, 80)), ("momentum", np.linspace(0, 0.95, 60))], [1.1])
    cells = by_label(found, 3, seed=1)
    assert {1, 2, 3, 4, CHAOTIC, ESCAPED} <= set(np.unique(found.labels))
    assert differing(found, HEAVY, [1.1], cells) == []
    assert (found.labels == UNSETTLED).mean() <= 0.01


@pytest.mark.slow
def test_a_curve_is_told_from_long_and_slow_cycles():
    found = cf.analysis.regimes(DELAYED, [("a", np.linspace(1.9, 2.3, 30)), ("c", np.linspace(0.8, 1.0, 8))], [0.3, 0.3])
    labels = set(np.unique(found.labels))
    assert QUASI_PERIODIC in labels
    assert 7 in labels
    assert differing(found, DELAYED, [0.3, 0.3], by_label(found, 3, seed=2)) == []
    # At c = 1 the fixed point 1 − 1/a loses its stability at a = 2 in a Neimark–Sacker bifurcation.
    stable = found.first < 2
    assert (found.labels[-1, stable] == 1).all()
    assert (found.labels[-1, ~stable] != 1).all()


def test_boundaries_are_where_the_edges_are():
    """Of heavy ball at w = 1, where L″ = 2: lr = 1 + β."""
    lr, momentum = np.linspace(0.9, 1.6, 141), np.linspace(0, 0.5, 6)
    found = cf.analysis.regimes(HEAVY, [("lr", lr), ("momentum", momentum)], [1.02])
    beyond = lr - 1 - momentum[:, None]
    assert (found.labels[beyond < -0.004] == 1).all()
    assert (found.labels[(beyond > 0.004) & (beyond < 0.1)] == 2).all()


def test_curves_of_bifurcations_lie_between_the_cells():
    """The flips of the fixed point and of the 2-cycle by continuation: in each row, one cell from where the label changes."""
    lr, momentum = np.linspace(0.9, 1.9, 201), np.linspace(0.021, 0.503, 7)
    found = cf.analysis.regimes(HEAVY, [("lr", lr), ("momentum", momentum)], [1.02])
    bounds = ((0.8, 2.0), (0.0, 0.6))
    first = cf.analysis.bifurcation_curve(HEAVY.at(lr=1.5), ("flip", [[1.0, 0.0]]), ("lr", "momentum"), bounds)
    doubled = cf.analysis.classify(HEAVY.at(lr=1.65), [1.02]).points
    second = cf.analysis.bifurcation_curve(HEAVY.at(lr=1.65), ("flip", doubled), ("lr", "momentum"), bounds, search=True)
    for curve, labels in ((first, (1, 2)), (second, (2, 4))):
        order = np.argsort(curve.parameters[:, 1])
        at = np.interp(momentum, *curve.parameters[order].T[::-1])
        changes = [lr[np.flatnonzero((row[:-1] == labels[0]) & (row[1:] != labels[0]))[0]] for row in found.labels]
        assert np.abs(at - changes).max() <= lr[1] - lr[0]
        assert [row[np.searchsorted(lr, x + 0.01)] for row, x in zip(found.labels, at, strict=True)] == [labels[1]] * 7
    axes = cf.plot(found, also=[first, second]).axes[0]
    assert [line.get_label() for line in axes.lines] == ["flip", "flip, period 2"]
    other = cf.analysis.bifurcation_curve(HEAVY.at(lr=1.5), ("flip", [[1.0, 0.0]]), ("lr", "a"), ((0.8, 2.0), (0.5, 2.0)))
    with pytest.raises(UsageError, match="does not lie in a map over"):
        cf.plot(found, also=[other])


def test_chaos_that_ends_late_is_none():
    """This orbit wanders for more than 100,000 steps before it comes to a 16-cycle."""
    rates = {"lr": 1.5615230460921845, "momentum": 0.10090180360721442}
    found = cf.analysis.regimes(HEAVY, [(name, [value]) for name, value in rates.items()], [1.1])
    alone = cf.analysis.classify(HEAVY.at(**rates), [1.1])
    assert found.period.tolist() == [[alone.period]] == [[16]]
    assert found.lyapunov[0, 0] == pytest.approx(alone.lyapunov, rel=1e-6)


def test_exponents_of_cycles_have_closed_forms():
    found = cf.analysis.regimes(LOGISTIC, [("r", [2.4, 3.3]), ("s", [0.0])], [0.3])
    assert np.allclose(found.lyapunov[0], [np.log(0.4), np.log(abs(4 + 6.6 - 3.3**2)) / 2], rtol=1e-7)
    assert found.period.tolist() == [[1, 2]]
    assert found.kind.tolist() == [["fixed point", "cycle"]]
    assert found.fractions == {"fixed point": 0.5, "period 2": 0.5}


@pytest.mark.parametrize("case", [
    (HEAVY, [("lr", np.linspace(1.0, 2.0, 40)), ("momentum", np.linspace(0, 0.8, 30))]),
    pytest.param((ADAM, [("lr", np.geomspace(0.003, 0.3, 60)), ("beta1", [0.1, 0.9])]), marks=pytest.mark.slow),
], ids=["heavy ball", "adam"])  # fmt: skip
@pytest.mark.usefixtures("shared_however_little")
def test_threads_do_not_matter(case):
    one, two = (cf.analysis.regimes(*case, [1.1], threads=k) for k in (1, 2))
    assert np.array_equal(one.labels, two.labels)
    assert np.array_equal(one.lyapunov, two.lyapunov, equal_nan=True)


@pytest.mark.slow
def test_what_a_closer_look_denies_is_withdrawn():
    # Beyond the range of floats the map comes back: 1/x after x³.
    step = cf.Map.from_text("Piecewise((a*x**9 + b, Abs(x) < 1e120), (1/x, True))", "x", {"a": 1.0, "b": 0.0})
    found = cf.analysis.regimes(step, [("a", [0.5, 2.0]), ("b", [0.0, 0.1])], [1.3])
    assert not (found.labels == ESCAPED).any()
    assert "refinement" in found.note
    # Adam rests beyond the rate at which its minimum is unstable, until round-off ends that.
    adam = cf.as_map(cf.losses.double_well(), cf.optimizers.adam(lr=0.01))
    rests = cf.analysis.regimes(adam, [("lr", [0.01, 0.05]), ("beta1", [0.5, 0.9])], [1.2])
    assert not (rests.labels == 1).any()


def test_long_cycles_stay_undecided_and_rest_on_a_continuum_is_rest():
    found = cf.analysis.regimes(LOGISTIC, [("r", [3.5, 3.83]), ("s", [0.0])], [0.3], max_period=2)
    assert found.labels.tolist() == [[UNSETTLED, UNSETTLED]]
    neutral = cf.as_map(cf.Loss("(1 - x*y)**2/2"), cf.optimizers.heavy_ball(lr=0.1, momentum=0.5))
    flat = cf.analysis.regimes(neutral, [("lr", [0.1, 0.2]), ("momentum", [0.3, 0.5])], [1.2, 0.9])
    assert (flat.labels == 1).all()
    assert differing(flat, neutral, [1.2, 0.9], np.arange(4)) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "second"), [("adam", "beta1"), ("adam", "eps"), ("rmsprop", "beta2")])
def test_no_label_of_optimizers_with_averages_is_contradicted(name, second):
    """Nine tenths of the cells of a map over ε or β₂ have a label; Adam's exponents for β₁ in 0.2…0.6 are too near to 0."""
    values = {"beta1": np.linspace(0, 0.95, 30), "eps": np.geomspace(1e-8, 0.1, 30), "beta2": 1 - np.geomspace(0.1, 1e-3, 30)}
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.get(name)(lr=0.1))
    found = cf.analysis.regimes(step, [("lr", np.geomspace(1e-3, 2, 30)), (second, values[second])], [1.1])
    assert differing(found, step, [1.1], np.random.default_rng(6).choice(900, 500, replace=False)) == []
    assert (found.labels == UNSETTLED).mean() <= {"beta1": 0.25, "eps": 0.05, "beta2": 0.05}[second]


@pytest.mark.slow
def test_no_label_of_ten_thousand_is_contradicted():
    """And hardly any is left open: neither of all cells, nor of those of a regime that more than a hundredth of them have."""
    found = cf.analysis.regimes(HEAVY, [("lr", np.linspace(0.1, 4, 500)), ("momentum", np.linspace(0, 0.95, 500))], [1.1])
    assert (found.labels == UNSETTLED).mean() <= 0.01
    cells = np.random.default_rng(5).choice(found.labels.size, 10_000, replace=False)
    alone = labels_alone(found, HEAVY, [1.1], cells)
    given = found.labels.ravel()[cells]
    assert np.flatnonzero((given != alone) & (given != UNSETTLED)).tolist() == []
    for label, count in zip(*np.unique(alone, return_counts=True), strict=True):
        assert count <= 100 or (given[alone == label] == UNSETTLED).mean() <= 0.01


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (("q", [1.0]), ("lr", [1.0]), "unknown parameter"),
        (("lr", [1.0]), ("lr", [1.0]), "two different parameters"),
        (("lr", [2.0, 1.0]), ("momentum", [0.5]), "increase"),
        (("lr", np.linspace(0, 1, 10**5)), ("momentum", np.linspace(0, 1, 10**4)), "GiB"),
    ],
)
def test_bad_input_gets_a_sentence(first, second, words):
    with pytest.raises(UsageError, match=words):
        cf.analysis.regimes(HEAVY, [first, second], [1.1])


def test_orbits_that_round_off_holds_on_what_repels_are_undecided():
    """At a maximum; Adam, which stands still at a minimum where it would part from it by 1/eps, is followed with perturbations."""
    well = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.5))
    saddle = cf.analysis.regimes(well, [("lr", [0.3, 1.9]), ("w", [-0.1, 0.0, 0.1])], [0.0])
    assert saddle.labels.tolist() == [[1, CHAOTIC], [UNSETTLED, UNSETTLED], [1, CHAOTIC]]
    adam = cf.as_map(cf.losses.double_well(), cf.optimizers.adam(lr=0.1))
    found = cf.analysis.regimes(adam, [("lr", [0.05, 0.2]), ("beta1", [0.1, 0.9])], [1.1])
    assert found.labels.tolist() == [[2, 2], [CHAOTIC, CHAOTIC]]
    assert differing(found, adam, [1.1], np.arange(4)) == []


def test_neutral_cycles_have_their_period_unless_they_rest_on_a_jump():
    quarter = cf.Map.from_text(["a*y + b", "-a*x"], "x y", {"a": 1.0, "b": 0.0})
    turned = cf.analysis.regimes(quarter, [("a", [0.5, 1.0]), ("b", [0.0, 0.5])], [0.3, 0.1])
    assert turned.labels.tolist() == [[1, 4]] * 2
    signs = cf.as_map(cf.losses.double_well(), cf.optimizers.sign_gd(lr=0.1))
    found = cf.analysis.regimes(signs, [("lr", [0.02, 0.3, 1.7]), ("a", np.linspace(0.5, 2, 6))], [1.1])
    assert (found.labels[:, 1:] == 2).all()
    assert (found.labels[:, 0] == UNSETTLED).all()  # from 1.1 five steps of 0.02 end at 1, where the sign is 0
    assert differing(found, signs, [1.1], np.arange(found.labels.size)) == []
    momentum = cf.as_map(cf.losses.double_well(), cf.optimizers.lion(lr=0.1))
    found = cf.analysis.regimes(momentum, [("lr", np.linspace(0.1, 2, 8)), ("beta1", np.linspace(0.1, 0.95, 4))], [1.1])
    assert (found.labels > 0).mean() > 0.3 and differing(found, momentum, [1.1], by_label(found, 1, seed=3)) == []
