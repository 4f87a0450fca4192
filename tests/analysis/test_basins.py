"""Basins: closed forms, single verdicts, attractors of every kind, and doubt that stays undecided."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import ESCAPED, UNSETTLED
from cfdyn.settling.samples import UNRESOLVED

WELL = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.2))
HEAVY = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=1.5, momentum=0.3))
HIMMELBLAU = cf.as_map(cf.losses.himmelblau(), cf.optimizers.gd(lr=0.03))
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
DELAYED = cf.Map.from_text(["a*x*(1 - y)", "x"], "x y", {"a": 2.1})


def over(step: cf.Map, box: list, count: int) -> list[tuple]:
    """The first coordinates over a box, so many starts along each side."""
    return [(name, (*ends, count)) for name, ends in zip(step.names, box, strict=False)]


def differing(found: cf.analysis.Basins, step: cf.Map, most: int, seed: int = 1) -> list[tuple]:
    """Of some starts of each label those that `classify` sees elsewhere; what either leaves undecided may be anything."""
    random, flat, wrong = np.random.default_rng(seed), found.labels.ravel(), []
    for label in np.unique(flat[flat != UNSETTLED]):
        cells = np.flatnonzero(flat == label)
        for cell in random.choice(cells, min(most, len(cells)), replace=False):
            z = found.base.copy()
            z[step.names.index(found.names[0])] = found.first[cell % len(found.first)]
            if len(found.second):
                z[step.names.index(found.names[1])] = found.second[cell // len(found.first)]
            alone = cf.analysis.classify(step, z)
            if alone.kind != "undecided" and not is_that(found, int(label), alone):
                wrong.append((z, int(label), alone.kind, alone.period))
    return wrong


def is_that(found: cf.analysis.Basins, label: int, alone: cf.analysis.Regime) -> bool:
    if label == ESCAPED:
        return alone.kind == "divergent"
    one = found.attractors[label]
    if one.period is None or alone.period is None:
        return one.kind == alone.kind
    size = np.abs(one.points).max()
    near = np.abs(one.points - alone.points[0]).max(axis=1).min() <= 1e-6 * size
    return one.period == alone.period and (near or one.kind == "continuum of fixed points")


def test_basins_of_small_steps_are_the_sides_of_the_maximum():
    """f(w) = w − 0.2 (w³ − w) increases up to √2 and is positive up to √6; a step grows beyond √11."""
    found = cf.analysis.basins(WELL, [("w", (-2, 2, 1000))])
    assert [(one.kind, one.period) for one in found.attractors] == [("fixed point", 1)] * 2
    assert [one.points[0, 0] for one in found.attractors] == pytest.approx([-1, 1], rel=1e-14)
    assert np.array_equal(found.labels[0], (found.first > 0).astype(int))
    assert found.attractors[0].multipliers == pytest.approx([1 - 0.2 * 2])
    assert [one.error for one in found.attractors] == pytest.approx([(0.25 / 1000) ** 0.5] * 2)
    wide = cf.analysis.basins(WELL, [("w", (-4, 4, 1000))])
    x = np.abs(wide.first)
    assert np.array_equal(wide.labels[0] == ESCAPED, x > 11**0.5)
    stays = x < 6**0.5
    side = np.array([one.points[0, 0] for one in wide.attractors])[wide.labels[0, stays]]
    assert np.allclose(side, np.sign(wide.first[stays]), rtol=1e-14)


def test_newtons_basins_of_a_square_root_are_half_planes():
    """z ↦ z − (z² − 1)/(2z) converges to the root on the side of the start."""
    newton = cf.Map.from_text(["(x + x/(x**2 + y**2))/2", "(y - y/(x**2 + y**2))/2"], "x y")
    found = cf.analysis.basins(newton, [("x", (-2, 2, 40)), ("y", (-1, 3, 30))])
    assert found.labels.shape == (30, 40)
    assert len(found.attractors) == 2
    right = next(k for k, one in enumerate(found.attractors) if one.points[0, 0] > 0)
    assert np.array_equal(found.labels == right, np.tile(found.first > 0, (30, 1)))
    assert (found.labels >= 0).all()


@pytest.mark.parametrize(
    ("step", "box", "shape", "kinds"),
    [
        (HEAVY, [(-3, 3)], 500, {("cycle", 2)}),
        (HEAVY.at(lr=1.2, momentum=0.5), [(-3, 3), (-2, 2)], 60, {("fixed point", 1)}),
        (HIMMELBLAU, [(-6, 6), (-6, 6)], 40, {("cycle", 2), ("cycle", 4), ("chaotic", None)}),
        (HENON.at(a=1.25), [(-2, 2), (-2, 2)], 60, {("cycle", 7)}),
        (HENON, [(-2, 2), (-2, 2)], 30, {("chaotic", None)}),
        (DELAYED, [(0, 1), (0, 1)], 20, {("quasi-periodic", None)}),
    ],
)
def test_labels_are_those_of_single_orbits(step, box, shape, kinds):
    found = cf.analysis.basins(step, over(step, box, shape))
    assert {(one.kind, one.period) for one in found.attractors} == kinds
    assert ESCAPED in found.labels
    assert differing(found, step, 2 if len(found.attractors) > 1 else 1) == []
    assert (found.labels == UNSETTLED).mean() <= 0.01
    assert sum(found.fractions.values()) == pytest.approx(1)


def test_attractors_that_are_images_have_equal_basins():
    """Of the double well, whose starts are symmetric: two chaotic ones, of which each stays on its side."""
    step = WELL.at(lr=1.4)
    found = cf.analysis.basins(step, [("w", (-1.5, 1.5, 400))])
    chaotic = [one for one in found.attractors if one.kind == "chaotic"]
    sides = sorted(float(np.sign(one.points[0, 0])) for one in chaotic)
    assert sides == [-1.0, 1.0]
    assert all((np.sign(one.points) == np.sign(one.points[0])).all() for one in chaotic)
    assert abs(chaotic[0].count - chaotic[1].count) <= 4
    assert differing(found, step, 2) == []


@pytest.mark.usefixtures("shared_however_little")
def test_threads_and_blocks_do_not_matter(monkeypatch):
    one, two = (cf.analysis.basins(HIMMELBLAU, [("x", (-6, 6, 30)), ("y", (-6, 6, 30))], threads=k) for k in (1, 2))
    assert one.to_json() == two.to_json()
    monkeypatch.setattr(sys.modules["cfdyn.analysis.attractors.basins"], "AT_ONCE", 500)
    parts = cf.analysis.basins(HIMMELBLAU, [("x", (-6, 6, 30)), ("y", (-6, 6, 30))])
    assert np.array_equal(parts.labels, one.labels)


def test_what_is_no_attractor_is_undecided():
    # The unstable maximum, on which the middle start lies exactly.
    on_top = cf.analysis.basins(WELL, [("w", (-2, 2, 3))])
    assert on_top.labels.tolist() == [[0, UNSETTLED, 1]]
    assert "do not attract" in on_top.note
    # Curves of an area-preserving map, and the chaos between.
    area = cf.Map.from_text(["x + y - k*sin(2*pi*x)/(2*pi)", "y - k*sin(2*pi*x)/(2*pi)"], "x y", {"k": 0.5})
    curves = cf.analysis.basins(area, [("x", (-0.2, 0.2, 4)), ("y", (0.01, 0.02, 1))])
    assert (curves.labels == UNSETTLED).all()
    assert "preserves volume" in curves.note
    # Adam rests on its minima until round-off ends that.
    adam = cf.as_map(cf.losses.double_well(), cf.optimizers.adam(lr=0.05))
    found = cf.analysis.basins(adam, [("w", (-2.2, 0, 1))])
    assert not [one for one in found.attractors if one.kind != "chaotic"]
    assert "round-off" in found.note


def test_where_a_map_is_undefined_nothing_is_known():
    """x ↦ √x − 1/5 from beyond its upper fixed point goes there, from 0 … 0.04 out of the domain, as from below 0."""
    step = cf.Map.from_text("sqrt(x) - 1/5", "x")
    found = cf.analysis.basins(step, [("x", (-1, 1, 200))])
    repelling = ((1 - 0.2**0.5) / 2) ** 2  # √x − x = 1/5
    assert np.array_equal(found.labels[0], np.where(found.first > repelling, 0, UNSETTLED))
    assert found.attractors[0].points[0, 0] == pytest.approx(((1 + 0.2**0.5) / 2) ** 2)


def test_sums_over_data_rows_have_basins_too():
    """Of phase retrieval, whose loss is even about the line s·w = 0, s = (3/5, 4/5)."""
    step = cf.as_map(cf.losses.phase_retrieval(), cf.optimizers.gd(lr=0.05))
    found = cf.analysis.basins(step, [(name, (-1, 1, 10)) for name in step.names[:2]], transient=300)
    x, y = np.meshgrid(found.first, found.second)
    assert [one.points.round(9).tolist() for one in found.attractors] == [[[-0.6, -0.8]], [[0.6, 0.8]]]
    assert np.array_equal(found.labels, (3 * x + 4 * y > 0).astype(int))


def test_minima_that_are_no_points_are_one_continuum():
    step = cf.as_map(cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=0.2))
    found = cf.analysis.basins(step, [("x", (-1, 1, 30)), ("y", (-1, 1, 30))])
    assert [one.kind for one in found.attractors] == ["continuum of fixed points"]
    assert np.allclose(found.attractors[0].points.prod(axis=1), 1, atol=1e-8)
    assert differing(found, step, 4) == []


def test_other_coordinates_are_fixed():
    """z ↦ z/2 beside the double well: whatever its start, it ends at 0."""
    step = cf.Map.from_text(["w - 0.2*(w**3 - w)", "z/2", "q/3"], "w z q")
    found = cf.analysis.basins(step, [("z", (-1, 1, 4)), ("w", (-2, 2, 2))], [9, 9, 0.5])
    assert found.names == ("z", "w")
    assert [found.attractors[k].points[0].round(12).tolist() for k in found.labels[:, 0]] == [[-1, 0, 0], [1, 0, 0]]
    assert np.array_equal(found.labels, np.repeat(found.labels[:, :1], 4, axis=1))


def test_a_closer_look_withdraws_labels():
    # Beyond the range of floats the map comes back: 1/x after x³.
    step = cf.Map.from_text("Piecewise((x**9, Abs(x) < 1e120), (1/x, True))", "x")
    found = cf.analysis.basins(step, [("x", (-2, 2, 40))])
    assert ESCAPED not in found.labels
    assert "refinement" in found.note


def test_all_that_escapes_is_divergent_and_what_decays_ends_at_zero():
    assert cf.analysis.basins(WELL.at(lr=5.0), [("w", (3, 9, 50))]).fractions == {"divergent": 1.0}
    assert cf.analysis.basins(WELL, [("w", (1e300, 1.7e308, 5))]).fractions == {"divergent": 1.0}
    half = cf.analysis.basins(cf.Map.from_text("x/2", "x"), [("x", (-2, 2, 8))])
    assert half.attractors[0].points.tolist() == [[0.0]]


def test_ctrl_c_keeps_the_starts_that_are_done(monkeypatch):
    monkeypatch.setattr(sys.modules["cfdyn.analysis.attractors.basins"], "AT_ONCE", 300)

    def stop(done: int) -> None:
        if done >= 600:
            raise KeyboardInterrupt

    with pytest.raises(cf.Interrupted) as stopped:
        cf.analysis.basins(HIMMELBLAU, [("x", (-6, 6, 30)), ("y", (-6, 6, 30))], progress=stop)
    part, whole = stopped.value.record, cf.analysis.basins(HIMMELBLAU, [("x", (-6, 6, 30)), ("y", (-6, 6, 30))])
    assert (part.labels[20:] == UNRESOLVED).all() and (part.labels[:20] != UNRESOLVED).all()
    assert part.fractions["unresolved"] == pytest.approx(1 / 3)
    assert np.array_equal(part.labels[:20] == ESCAPED, whole.labels[:20] == ESCAPED)
    cf.plot(part)


@pytest.mark.slow
def test_no_label_of_a_thousand_differs():
    for step, box in ((HIMMELBLAU.at(lr=0.022), [(-6, 6)] * 2), (HEAVY, [(-3, 3), (-2, 2)])):
        found = cf.analysis.basins(step, over(step, box, 100))
        assert differing(found, step, 120) == []


@pytest.mark.parametrize(
    ("step", "vary", "options", "words"),
    [
        (WELL, [("w", (2, -2, 10))], {}, "LO < HI"),
        (WELL, [("w", (-2, np.inf, 10))], {}, "finite"),
        (WELL, [("w", (-1.7e308, 1.7e308, 10))], {}, "finite"),
        (WELL, [("w", (-2, 2, 0))], {}, "count of w"),
        (WELL, [("w", [1.0, 0.0])], {}, "increase"),
        (WELL, [("w", [0.0, 1.0, 3.0])], {}, "equally spaced"),
        (WELL, [("w", (-2, 2, 5))] * 2, {}, "two different entries"),
        (HENON, [("x", (-2, 2, 5))] * 3, {}, "one or two entries"),
        (HENON, [("x", (-2, 2, 5)), ("q", (-2, 2, 5))], {}, "unknown entry"),
        (HENON, [("x", (-2, 2, 5)), ("a", (-2, 2, 5))], {}, "a is a parameter: cf.analysis.basin_fractions"),
        (HENON, [("x", (-2, 2, 5))], {}, "give z0"),
        (HENON, over(HENON, [(-2, 2)] * 2, 5), {"transient": 0}, "transient"),
        (HENON, over(HENON, [(-2, 2)] * 2, 10**5), {}, "GiB"),
        (WELL, [("w", (-2, 2, 10))], {"max_period": 10**9}, "GiB"),
        (WELL, [("w", (-2, 2, 10))], {"threads": -1}, "threads"),
        (WELL, [None], {}, "each entry of `vary` is a list"),
    ],
)
def test_bad_input_gets_a_sentence(step, vary, options, words):
    with pytest.raises(UsageError, match=words):
        cf.analysis.basins(step, vary, **options)


def test_values_and_ranges_mean_the_same_and_coarse_finds_the_same():
    """(lo, hi, count) are the middles of cells, and so are their values; half planes with a straight boundary are filled right."""
    middles = -2 + (np.arange(60) + 0.5) / 15
    vary = [("x", (-2, 2, 60)), ("y", (-2, 2, 60))]
    newton = cf.Map.from_text(["(x + x/(x**2 + y**2))/2", "(y - y/(x**2 + y**2))/2"], "x y")
    found, given = cf.analysis.basins(newton, vary), cf.analysis.basins(newton, [("x", middles), ("y", middles)])
    np.testing.assert_array_equal(found.labels, given.labels)
    np.testing.assert_allclose(given.box, found.box, rtol=1e-12)
    told: list[int] = []
    filled = cf.analysis.basins(newton, vary, coarse=8, progress=told.append)
    np.testing.assert_array_equal(np.sign(found.first) > 0, found.labels[0] == found.labels[0, -1])
    np.testing.assert_array_equal(filled.labels, found.labels)
    assert told[-1] < filled.labels.size and "filled from around them" in filled.note


def test_regimes_and_periods_take_what_basins_take():
    """A range is the middles of cells of parameters too, and a start need not be given."""
    box = [("a", (0.2, 1.4, 6)), ("b", (0.0, 0.3, 2))]
    for function in (cf.analysis.regimes, cf.analysis.period_diagram):
        found, alone = function(HENON, box), function(HENON, [("a", [0.3, 0.5, 0.7, 0.9, 1.1, 1.3]), ("b", [0.075, 0.225])], [0.1, 0.1])
        np.testing.assert_allclose(found.first, alone.first, rtol=1e-14)
        np.testing.assert_array_equal(found.labels, alone.labels)
