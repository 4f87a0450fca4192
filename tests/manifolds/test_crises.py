"""Crises of maps of one variable against closed forms and 40-digit roots of fᵏ(c) = fᵏ⁺ⁿ(c)."""

import mpmath as mp
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError


def landing(f, critical, k, n, near):
    """The parameter near a value at which the k-th image of the critical point is n-periodic, with 40 digits."""
    with mp.workdps(40):

        def gap(p):
            x = critical(p)
            seen = []
            for _ in range(k + n):
                x = f(x, p)
                seen.append(x)
            return seen[k - 1] - seen[-1]

        return float(mp.findroot(gap, (mp.mpf(near), mp.mpf(near) + mp.mpf(10) ** -6)))


def test_the_logistic_map():
    step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.8})
    found = cf.analysis.crises(step, "r", (3.65, 4.05), [(-0.1, 1.1)], periods=3, samples=8, grid=80)
    assert [(c.kind, c.period, c.steps) for c in found] == [
        ("band merging", 1, 3), ("band merging", 3, 7), ("interior", 3, 4), ("boundary", 1, 2)]  # fmt: skip

    def f(x, r):
        return r * x * (1 - x)

    half = lambda r: mp.mpf(1) / 2  # noqa: E731
    merging = max(np.roots([1, -2, -4, -8]).real)  # r³ − 2r² − 4r − 8 = 0
    expected = [merging, landing(f, half, 7, 3, 3.851128), landing(f, half, 4, 3, 3.856800), 4.0]
    assert [c.parameter for c in found] == pytest.approx(expected, abs=1e-12)
    assert found[2].multiplier > 1 and found[0].multiplier == pytest.approx(2 - merging, abs=1e-9)


def test_the_end_of_the_window_of_the_double_wells_three_cycle():
    """By the same analysis: f⁴ of the critical point, √(A/3) in the variable √lr w with A = 1 + lr, lands on the unstable 3-cycle."""
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.46))
    found = cf.analysis.crises(step, "lr", (1.464, 1.48), [(-2, 2)], periods=3, samples=3, grid=24)
    [end] = [c for c in found if c.kind == "interior"]
    precise = landing(lambda w, lr: w - lr * (w**3 - w), lambda lr: mp.sqrt((1 + lr) / (3 * lr)), 4, 3, 1.472927)
    assert end.parameter == pytest.approx(precise, abs=1e-12) and end.parameter == pytest.approx(1.47292765399, abs=1e-11)
    assert end.steps == 4 and abs(end.critical) == pytest.approx(np.sqrt((1 + end.parameter) / (3 * end.parameter)), abs=1e-12)
    orbit = [end.critical]
    for _ in range(7):
        orbit.append(orbit[-1] - end.parameter * (orbit[-1] ** 3 - orbit[-1]))
    assert abs(orbit[4] - end.points[0, 0]) < 1e-9 and abs(orbit[7] - orbit[4]) < 1e-9 and end.multiplier > 1
    # Both wells become one attractor: f²(c) = 0, A = 3√3/2.
    [both] = cf.analysis.crises(step, "lr", (1.5, 1.7), [(-2, 2)], periods=1, samples=3, grid=24)
    assert both.kind == "interior" and both.parameter == pytest.approx(1.5 * np.sqrt(3) - 1, abs=1e-12)


def test_a_landing_that_is_no_crisis_is_none():
    """Descent beyond the edge to a 2-cycle: critical orbits may land, but nothing changes."""
    step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
    assert len(cf.analysis.crises(step, "lr", (0.6, 1.2), [(-2, 2)], periods=2, samples=4, grid=40)) == 0


@pytest.mark.parametrize(("words", "call"), {
    "plane": ("one variable", lambda f: f(cf.Map.from_text(["x/2", "a*y"], "x y", {"a": 1.0}), "a", (0, 1), [(0, 1), (0, 1)])),
    "box": ("lo < hi", lambda f: f(cf.Map.from_text("r*x*(1-x)", params={"r": 3.0}), "r", (3, 4), [(1, 0)])),
    "boxes": ("one interval", lambda f: f(cf.Map.from_text("r*x*(1-x)", params={"r": 3.0}), "r", (3, 4), [(0, 1), (0, 1)])),
    "bounds": ("lo < hi", lambda f: f(cf.Map.from_text("r*x*(1-x)", params={"r": 3.0}), "r", (4, 3), [(0, 1)])),
}.values())  # fmt: skip
def test_wrong_usage(words, call):
    with pytest.raises(UsageError, match=words):
        call(cf.analysis.crises)
