"""Windows of cycles against published values, an independent sign of their end, and other dimensions."""

import numpy as np
import pytest

import cfdyn as cf

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.8})


def descent(loss):
    return cf.as_map(loss, cf.optimizers.gd(lr=1.0))


def test_the_logistic_map_to_the_published_digits():
    [window] = cf.analysis.windows(LOGISTIC, 3, "r", (3.5, 4.0), [(0.0, 1.0)])
    assert window.opens == pytest.approx(1 + np.sqrt(8), abs=1e-12)
    assert window.superstable == pytest.approx(3.831874055283315568, abs=1e-13)
    assert window.flips == pytest.approx(3.841499007543507846, abs=1e-12)
    assert window.closes == pytest.approx(3.856800652477764822, abs=1e-12)
    assert LOGISTIC.at(r=window.opens)([window.points[0, 0]]) == pytest.approx(window.points[1], abs=1e-12)


# theory: w³/3 − w is the logistic map with r = 1 + 2η.
@pytest.mark.parametrize(
    ("loss", "bounds", "box", "opens", "superstable", "flips", "closes"),
    [
        (cf.Loss("w**3/3 - w"), (1.0, 1.5), (-2, 2), np.sqrt(2), 1.415937027641658, 1.420749503771753923, 1.428400326238882),
        (cf.losses.double_well(), (1.0, 2.0), (-2, 2), 1.450440964487875, None, None, None),
        (cf.losses.poisson_regression(), (2.0, 4.0), (-8, 8), 3.102439915635427, None, None, None),
        (cf.Loss("log(1 + exp(w)) - 2*w/3"), (9.0, 25.0), (-40, 40), 18.66560631478335, None, None, None),
    ],
    ids=["cubic", "double well", "Poisson", "logistic regression"],
)
def test_gradient_descent_to_the_printed_digits(loss, bounds, box, opens, superstable, flips, closes):
    window, *others = cf.analysis.windows(descent(loss), 3, "lr", bounds, [box])
    assert window.opens == pytest.approx(opens, rel=3e-15 * 10)
    for measured, expected in ((window.superstable, superstable), (window.flips, flips), (window.closes, closes)):
        assert expected is None or measured == pytest.approx(expected, rel=1e-12)
    # The cubic map has 3-cycles of two orders on three branches; the second is born just below full chaos.
    assert len(others) == (loss.spec.title == cf.losses.double_well().spec.title)


@pytest.mark.parametrize(("loss", "box"), [(cf.losses.double_well(), (-2, 2)), (cf.losses.poisson_regression(), (-8, 8))])
def test_the_attractor_widens_at_the_end_of_a_window(loss, box):
    """Independent of the condition that was solved: three narrow bands before the end, a wide one after it."""
    step = descent(loss)
    window = cf.analysis.windows(step, 3, "lr", (1.3, 4.0), [box])[0]
    widths = []
    for factor in (1 - 2e-4, 1 + 2e-4):
        there = step.at(lr=window.closes * factor)
        critical = cf.iterate(there, [_critical_point(there, window)], 20_000).w[2000:, 0]
        third = critical[::3]
        widths.append(np.ptp(third) / np.ptp(critical))
    assert widths[0] < 0.5 < 0.8 < widths[1]


def _critical_point(step, window):
    grid = np.linspace(window.points.min(), window.points.max(), 2001)
    slopes = [abs(step.jacobian([x])[0, 0]) for x in grid]
    return float(grid[int(np.argmin(slopes))])


def test_a_stable_cycle_that_is_known_is_enough_in_two_variables():
    step = cf.Map.from_text(["r*x*(1-x)", "y/2 + x/10"], "x y", {"r": 3.835})
    regime = cf.analysis.classify(step, [0.4, 0.1])
    [window] = cf.analysis.windows(step, 3, "r", (3.7, 3.9), known=[(3.835, regime.points)])
    assert window.opens == pytest.approx(1 + np.sqrt(8), abs=1e-10) and window.flips == pytest.approx(3.841499007543508, abs=1e-10)
    assert window.superstable is None and window.closes is None


def test_windows_of_other_periods():
    """The logistic map has two windows of period 4 beside the doubled 2-cycle: one fold, one (primary) flip."""
    found = cf.analysis.windows(LOGISTIC, 5, "r", (3.6, 4.0), [(0.0, 1.0)])
    # Superstable 5-cycles of the logistic map, r = 1 + √(1 − 4c) at c of the quadratic family.
    c = [-1.625413725123303, -1.860782522209487, -1.985424253054205]
    assert [w.superstable for w in found] == pytest.approx([1 + np.sqrt(1 - 4 * v) for v in c], abs=1e-9)


def test_nothing_there_is_an_empty_list():
    assert cf.analysis.windows(descent(cf.losses.log_cosh()), 3, "lr", (1.0, 9.0), [(-9, 9)]) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda: cf.analysis.windows(LOGISTIC, 1, "r", (3.5, 4.0), [(0, 1)]),
        lambda: cf.analysis.windows(LOGISTIC, 3, "r", (4.0, 3.5), [(0, 1)]),
        lambda: cf.analysis.windows(LOGISTIC, 3, "r", (np.nan, 4.0), [(0, 1)]),
        lambda: cf.analysis.windows(LOGISTIC, 3, "r", (3.5, 4.0)),
        lambda: cf.analysis.windows(LOGISTIC, 3, "a", (3.5, 4.0), [(0, 1)]),
    ],
)
def test_bad_input(call):
    with pytest.raises(cf.CfdynError):
        call()
