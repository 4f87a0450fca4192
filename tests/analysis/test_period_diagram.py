"""Period diagrams: closed forms beside flips, single verdicts, curves, filled cells, Ctrl-C, and bad input."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.ensembles.labels import WATCHED
from cfdyn.ensembles.orbits import Orbits
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import ESCAPED, UNSETTLED
from cfdyn.settling.samples import UNRESOLVED

HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
HEAVY = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
BOX = [("a", np.linspace(1.0, 2.0, 90)), ("b", np.linspace(-0.1, 0.4, 70))]


def on_its_cycle(step: cf.Map, start: list[float], period: int) -> bool:
    """True if the orbit has come to its cycle where the diagram looks for returns last; later ones it does not wait for."""
    z = cf.iterate(step, start, 16_000 + period).z
    return bool(np.allclose(z[-1], z[-1 - period], rtol=1e-6))


def contradicted(found: cf.analysis.PeriodDiagram, step: cf.Map, start: list[float], cells: np.ndarray) -> list[tuple]:
    """Cells of which a single verdict says otherwise; what either leaves undecided may be anything."""
    wrong = []
    for cell in cells:
        row, column = divmod(int(cell), len(found.first))
        label = int(found.labels[row, column])
        here = step.at(**{found.names[0]: found.first[column], found.names[1]: found.second[row]})
        alone = cf.analysis.classify(here, start)
        same = {ESCAPED: alone.kind == "divergent", 0: alone.kind in ("chaotic", "quasi-periodic")}.get(
            label, alone.period == label
        )
        if label == 0 and alone.kind == "cycle":
            same = not on_its_cycle(here, start, alone.period)
        if label != UNSETTLED and alone.kind != "undecided" and not same:
            wrong.append((found.first[column], found.second[row], label, alone.kind, alone.period))
    return wrong


def test_the_longest_period_may_be_one():
    """Of Hénon's map with b = 0: fixed points up to a = 3/4, and then cycles that are too long."""
    found = cf.analysis.period_diagram(HENON, [("a", [0.5, 0.7, 0.8, 1.0]), ("b", [0.0])], max_period=1)
    assert found.labels[0, :2].tolist() == [1, 1]
    assert (found.labels[0, 2:] != 1).all()


@pytest.mark.parametrize("b", [0.0, 0.3, -0.1])
def test_beside_flips_labels_are_right_or_undecided(b):
    """Of Hénon's map: at 3(1 − b)²/4, and of the 2-cycle at (1 − b)² + (1 + b)²/4."""
    beside = np.concatenate([-(10.0 ** np.arange(-2, -10, -1)), [0.0], 10.0 ** np.arange(-9, -1)])
    for flip, below, above in ((0.75 * (1 - b) ** 2, 1, 2), ((1 - b) ** 2 + (1 + b) ** 2 / 4, 2, 4)):
        found = cf.analysis.period_diagram(HENON, [("a", flip + beside), ("b", [b])]).labels[0]
        expected = np.where(beside < 0, below, above)
        decided = found != UNSETTLED
        assert (found[decided] == expected[decided]).all()
        assert decided[np.abs(beside) >= 1e-4].all()
        assert not decided[beside == 0].any()


def test_labels_are_those_of_single_orbits():
    found = cf.analysis.period_diagram(HENON, BOX)
    assert found.period.shape == (70, 90)
    assert {2, 4, 5, 7, 8, 10, 0, ESCAPED} <= set(np.unique(found.labels).tolist())
    assert (found.labels == UNSETTLED).mean() < 0.01
    beside = np.flatnonzero((np.diff(found.labels, axis=1) != 0).ravel())  # the last before a change, of rows of 89
    cells = np.random.default_rng(2).choice(beside // 89 * 90 + beside % 89, 12, replace=False)
    assert contradicted(found, HENON, [0.1, 0.1], cells) == []
    assert found.fractions["no period"] == np.mean(found.labels == 0)


@pytest.mark.slow
def test_no_label_of_two_thousand_is_contradicted():
    for step, vary, start in ((HENON, BOX, [0.1, 0.1]),
                              (HEAVY, [("lr", np.linspace(0.5, 2.2, 200)), ("momentum", np.linspace(0, 0.9, 200))], [1.1])):  # fmt: skip
        found = cf.analysis.period_diagram(step, vary, z0=start)
        cells = np.random.default_rng(0).choice(found.labels.size, 1000, replace=False)
        assert contradicted(found, step, start, cells) == []


def test_curves_lie_within_one_cell_of_the_finest_grid():
    """The flip of the fixed point and of the 2-cycle by continuation, in each of some rows of a fine grid."""
    a, b = np.linspace(0.25, 1.25, 401), np.linspace(0.013, 0.391, 3)
    found = cf.analysis.period_diagram(HENON, [("a", a), ("b", b)])
    point = cf.analysis.classify(HENON.at(a=0.3), [0.1, 0.1]).points
    doubled = cf.analysis.classify(HENON.at(a=0.8), [0.1, 0.1]).points
    bounds = ((0.1, 3.0), (-0.1, 0.5))
    first = cf.analysis.bifurcation_curve(HENON.at(a=0.3), ("flip", point), ("a", "b"), bounds, search=True)
    second = cf.analysis.bifurcation_curve(HENON.at(a=0.8), ("flip", doubled), ("a", "b"), bounds, search=True)
    for curve, label in ((first, 1), (second, 2)):
        order = np.argsort(curve.parameters[:, 1])
        at = np.interp(b, *curve.parameters[order].T[::-1])
        last = [a[np.flatnonzero(row == label)[-1]] for row in found.labels]
        assert np.abs(at - last).max() <= a[1] - a[0]
    figure = cf.plot(found, also=[first, second])
    assert [line.get_label() for line in figure.axes[0].lines] == ["flip", "flip, period 2"]
    with pytest.raises(UsageError, match="does not lie in a map over"):
        cf.plot(cf.analysis.period_diagram(HENON, [("b", [0.1, 0.2]), ("x", [0.0, 0.1])]), also=[first])


def test_filled_cells_are_as_those_that_are_looked_at_but_for_a_few():
    vary = [("lr", np.linspace(0.5, 1.35, 160)), ("momentum", np.linspace(0, 0.3, 120))]
    whole, told = cf.analysis.period_diagram(HEAVY, vary, z0=[1.1]), []
    filled = cf.analysis.period_diagram(HEAVY, vary, z0=[1.1], coarse=8, progress=told.append)
    assert whole.work == 1 and filled.work < 0.35 and told[-1] == filled.looked.sum()
    assert np.array_equal(filled.labels[filled.looked], whole.labels[filled.looked])
    assert (filled.labels != whole.labels).mean() < 2e-3
    assert "filled" in filled.note and whole.note == ""
    shown = [text.get_text() for text in cf.plot(whole).legends[0].texts]
    parts = {n: float((whole.labels == n).mean()) for n in np.unique(whole.labels[whole.labels > 0]).tolist()}
    assert {"1", "2", "4", "8"} <= {*shown} and [n for n, part in parts.items() if (part >= 1e-3 or n < 8) != (str(n) in shown) and n <= 10] == []


def test_the_key_counts_a_single_cell_among_other_periods():
    found, sides = cf.analysis.period_diagram(HENON, [("a", [0.3, 0.4]), ("b", [0.0, 0.3])]), np.arange(100.0)
    labels = np.where((sides[:, None] == 3) & (sides == 7), 9, 1)
    texts = cf.plot(replace(found, first=sides, second=sides, labels=labels)).legends[0].texts
    assert [text.get_text() for text in texts] == ["1", "other"]


@pytest.mark.parametrize("coarse", [1, 4])
def test_ctrl_c_keeps_what_is_done_and_it_goes_on(monkeypatch, tmp_path, coarse):
    vary = [("a", np.linspace(0.5, 1.5, 24)), ("b", np.linspace(0, 0.3, 20))]
    whole = cf.analysis.period_diagram(HENON, vary, coarse=coarse)
    monkeypatch.setattr(sys.modules["cfdyn.ensembles.grids"], "AT_ONCE", 100)

    def stop(done: int) -> None:
        if done >= 120:
            raise KeyboardInterrupt

    with pytest.raises(cf.Interrupted) as stopped:
        cf.analysis.period_diagram(HENON, vary, coarse=coarse, progress=stop)
    part = stopped.value.record
    assert not part.complete and part.looked.sum() >= 120 and (part.labels[~part.looked] == UNRESOLVED).all()
    assert np.array_equal(part.labels[part.looked], whole.labels[part.looked])
    loaded = cf.load(part.save(tmp_path / "part.npz"))
    cf.plot(loaded)
    done = loaded.extended()
    assert done.complete and np.array_equal(done.labels, whole.labels) and done.note == whole.note
    with pytest.raises(KeyboardInterrupt) as at_once:
        cf.analysis.period_diagram(HENON, vary, progress=lambda done: (_ for _ in ()).throw(KeyboardInterrupt))
    assert at_once.value.record.looked.sum() == 100


@pytest.mark.parametrize(
    ("vary", "options", "words"),
    [
        ([("a", [1.0])], {}, "two quantities"),
        ([("a", [1.0]), ("a", [1.0])], {}, "two different"),
        ([("a", [1.0]), ("q", [1.0])], {}, "unknown parameter"),
        ([("a", [1.0]), ("b", [2.0, 1.0])], {}, "increase"),
        ([("a", [1.0]), ("b", [np.nan])], {}, "finite"),
        ([("a", np.linspace(0, 1, 10**5)), ("b", np.linspace(0, 1, 10**4))], {}, "1000000000 cells need .* GiB"),
        ([("a", [1.0]), ("b", [0.1])], {"max_period": 0}, "max_period"),
        ([("a", [1.0]), ("b", [0.1])], {"coarse": 0}, "coarse"),
        ([("a", [1.0]), ("b", [0.1])], {"transient": 0}, "transient"),
    ],
)
def test_bad_input_gets_a_sentence(vary, options, words):
    with pytest.raises(UsageError, match=words):
        cf.analysis.period_diagram(HENON, vary, **options)


def test_values_that_the_map_does_not_allow_are_refused_before_anything_is_computed():
    with pytest.raises(UsageError, match="greater than 0"):
        cf.analysis.period_diagram(HEAVY, [("lr", [0.0, 1.0]), ("momentum", [0.1, 0.2])])


def test_averages_are_taken_only_where_they_decide(monkeypatch):
    """They take longest: of few cells, not of all that neither come back nor stretch within a few thousand steps."""
    asked, keep = [], Orbits.keep

    def counted(self, steps, *more):
        asked.extend([len(self.states)] if steps >= 2 * WATCHED else [])
        return keep(self, steps, *more)

    monkeypatch.setattr(Orbits, "keep", counted)
    cf.analysis.period_diagram(HENON, [("a", np.linspace(0.9, 1.3, 60)), ("b", np.linspace(0.1, 0.35, 60))])
    assert sum(asked) < 0.002 * 60**2


def returns_of(a: np.ndarray, b: np.ndarray, steps: int, longest: int = 32) -> np.ndarray:
    """Periods of Hénon's map by returns after so many steps alone, in NumPy; 0 for none, ESCAPED for what has left."""
    x, y = np.full(len(a), 0.1), np.full(len(a), 0.1)
    rows = []
    with np.errstate(all="ignore"):
        for k in range(steps + 2 * longest):
            x, y = 1 - a * x**2 + y, b * x
            if k >= steps - 1:
                rows.append((x, y))
        kept = np.array(rows)
        labels, size = np.zeros(len(a), int), np.abs(kept[longest:]).max(axis=(0, 1))
        for lag in range(longest, 0, -1):
            gap = np.abs(kept[longest:] - kept[longest - lag : -lag]).max(axis=(0, 1))
            labels[gap <= 1e-10 * size] = lag
    labels[~np.isfinite(size)] = ESCAPED
    return labels


@pytest.mark.slow
@pytest.mark.parametrize(("box", "least"), [(((0.0, 1.5), (-0.5, 0.5)), 0.997), (((0.9, 1.3), (0.1, 0.35)), 0.99)])
def test_labels_agree_with_long_runs(box, least):
    """What does not is decided by few cells beside bifurcations, which come back in 20,000 steps as little as in fewer."""
    (a, b) = (np.linspace(*ends, 120) for ends in box)
    found = cf.analysis.period_diagram(HENON, [("a", a), ("b", b)]).labels.ravel()
    grid = np.meshgrid(a, b)
    long = returns_of(grid[0].ravel(), grid[1].ravel(), 20_000)
    assert (found == long).mean() >= least
    decided = found != UNSETTLED
    # Of those that are decided, one of the two has come to its cycle and the other not.
    assert ((found == long) | (long == 0))[decided].mean() >= 0.998
