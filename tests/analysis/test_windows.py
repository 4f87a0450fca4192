"""Windows of cycles against published values, an independent sign of their end, and other dimensions."""

import numpy as np
import pytest
from scipy.optimize import brentq

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


def test_a_window_is_the_start_of_the_curve_on_which_it_opens():
    """−rx + r/2 takes r x (1 − x) + e to y² + r/2 − r²/4 − r e, whose window of period 3 opens at −7/4."""
    step = cf.Map.from_text("r*x*(1-x) + e", "x", params={"r": 3.8, "e": 0.0})
    [window] = cf.analysis.windows(step, 3, "r", (3.5, 4.0), [(0.0, 1.0)])
    curve = cf.analysis.bifurcation_curve(step, window, ("r", "e"), ((3.5, 4.2), (-0.1, 0.1)))
    r, e = curve.parameters.T
    assert curve.kind == "fold" and curve.period == 3 and np.ptp(e) > 0.1
    np.testing.assert_allclose(r / 2 - r**2 / 4 - r * e, -1.75, rtol=0, atol=1e-10)


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


def test_a_multiplier_that_vanishes_twice_nearly_at_once():
    """Logistic regression: its two critical points ±c, σ′(c) = 1/η, come to the 3-cycle at 20.7167 and 20.7216, the multiplier > 0."""
    step = cf.as_map(cf.losses.logistic_regression(2, 3), cf.optimizers.gd(lr=19.0))
    [window] = cf.analysis.windows(step, 3, "lr", (17.0, 30.0), [(-30.0, 30.0)])

    def returns(lr):
        c = 2 * np.arctanh(np.sqrt(1 - 4 / lr))
        return cf.iterate(step.at(lr=lr), [c], 3).w[-1, 0] - c

    assert window.superstable == pytest.approx(brentq(returns, 20.5, 20.9, xtol=1e-13), abs=1e-10)
    assert window.flips is None and window.closes is None


def test_a_multiplier_that_is_a_square():
    """A 4-cycle of w → A w − w³ that is its own mirror image, f²(c) = −c at the critical point c = √(A/3); it opens at A = 2√2."""
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.0))
    window = cf.analysis.windows(step, 4, "lr", (1.8, 1.9), [(-2.0, 2.0)])[0]
    assert window.opens == pytest.approx(np.sqrt(8) - 1, abs=1e-12)
    once = np.polynomial.Polynomial([0, 2 / 3])  # f(c)/c and f²(c)/c in A
    twice = np.polynomial.Polynomial([0, 1]) * once - np.polynomial.Polynomial([0, 1 / 3]) * once**3
    found = [root.real - 1 for root in (twice + 1).roots() if abs(root.imag) < 1e-9 and 1.8 < root.real - 1 < 1.9]
    assert [window.superstable] == pytest.approx(found, abs=1e-12)
    assert window.flips is None and window.closes == pytest.approx(1.84886, abs=2e-5)  # where its bands become one, seen in orbits


def test_a_window_that_opens_just_before_the_end_of_the_range():
    """w → a w − w³ up to a = 3: the last 5-cycle's critical point is f⁵(√(a/3)) at a = 2.99977708."""
    step = cf.Map.from_text("a*x - x**3", params={"a": 2.5})

    def returns(a):
        x = np.sqrt(a / 3)
        for _ in range(5):
            x = a * x - x**3
        return x - np.sqrt(a / 3)

    found = cf.analysis.windows(step, 5, "a", (1.0, 3.0), [(-2.1, 2.1)])
    assert found[-1].superstable == pytest.approx(brentq(returns, 2.9997, 2.99985, xtol=1e-13), abs=1e-10) and len(found) == 12


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


def test_a_box_of_several_variables_is_refused():
    henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
    with pytest.raises(cf.CfdynError, match="known="):
        cf.analysis.windows(henon, 3, "a", (1.5, 2.3), [(-2, 2), (-1, 1)])
