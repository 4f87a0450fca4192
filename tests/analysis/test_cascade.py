"""Cascades of period doublings against published digits of flips, accumulation points and Feigenbaum's numbers."""

import math

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.parameters.cascade import cascade, limit_of

DELTA, ALPHA = 4.669201609102990671853, 2.502907875095892822283
LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})


def optimizer(loss, lr):
    return cf.as_map(loss, cf.optimizers.gd(lr=lr))


CASES = {
    "logistic": (LOGISTIC, [0.6], "r", (1.5, 4.0), 3.569945671870944902, 1e-12),
    "C1": (optimizer(cf.Loss("w**3/3 - w"), 0.8), [1.0], "lr", (0.1, 1.5), 1.284972835935472, 1e-12),
    "C2": (optimizer(cf.losses.double_well(), 0.8), [1.0], "lr", (0.1, 2.0), 1.30228346270071, 1e-12),
    "C4": (optimizer(cf.Loss("exp(w) - w"), 1.5), [0.0], "lr", (0.5, 3.5), 2.6923688544, 5e-11),
    "C5": (optimizer(cf.Loss("log(1 + exp(w)) - 2*w/3"), 5.0), [math.log(2)], "lr", (1.0, 20.0), 14.123018, 5e-7),
}


@pytest.mark.parametrize("name", CASES)
def test_accumulation_points_of_the_theory(name):
    step, start, parameter, bounds, expected, digits = CASES[name]
    found = cascade(step, start, parameter, bounds, levels=11)
    # To all the digits that are printed, C4 and C5 have fewer.
    assert found.accumulation == pytest.approx(expected, abs=digits)
    assert len(found.flips) == 11 and found.periods == [2**k for k in range(11)]
    assert found.accumulation_error < 1e-10
    assert found.delta == pytest.approx(DELTA, abs=1e-6) and found.alpha == pytest.approx(ALPHA, abs=1e-4)
    assert all(a < b for a, b in zip(found.flips, found.flips[1:], strict=False)) and found.flips[-1] < found.accumulation


def test_flips_and_superstable_parameters_of_the_logistic_map():
    found = cascade(LOGISTIC, [0.6], "r", (1.5, 4.0), levels=6)
    expected = [3, 1 + 6**0.5, 3.544090359551922854, 3.564407266095432598, 3.568759419543826431, 3.569691609801396714]
    np.testing.assert_allclose(found.flips, expected, rtol=1e-13)
    # Superstable 2-, 4- and 8-cycle: 1 + √5, and the zeros of f⁴(½) − ½, f⁸(½) − ½.
    for k, r in enumerate(found.superstable, 1):
        x = 0.5
        for _ in range(2**k):
            x = r * x * (1 - x)
        assert x == pytest.approx(0.5, abs=1e-9)
    assert found.superstable[0] == pytest.approx(1 + 5**0.5, rel=1e-13)


def test_henon_with_dissipation():
    """The Hénon map at b = 0.3: the accumulation point 1.058048… and the same δ."""
    step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 0.3, "b": 0.3})
    x = (-0.7 + math.sqrt(0.49 + 1.2)) / 0.6
    found = cascade(step, [x, 0.3 * x], "a", (0.0, 1.4), levels=9)
    assert found.flips[:2] == pytest.approx([0.3675, 0.9125], rel=1e-12)
    assert found.accumulation == pytest.approx(1.058048, abs=2e-6) and found.delta == pytest.approx(DELTA, abs=1e-3)
    assert found.superstable == [] and found.alpha == pytest.approx(ALPHA, abs=2e-4)
    assert abs(found.alpha - ALPHA) <= 2 * found.alpha_error


@pytest.mark.parametrize("b", [-0.3, 0.1, 0.6])
def test_two_variables_that_contract_have_the_same_numbers(b):
    step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 0.1, "b": b})
    x = (b - 1 + math.sqrt((1 - b) ** 2 + 0.4)) / 0.2
    found = cascade(step, [x, b * x], "a", (0.0, 3.0), levels=9)
    assert found.alpha == pytest.approx(ALPHA, abs=1e-3) and found.delta == pytest.approx(DELTA, abs=1e-3)


def test_a_map_that_keeps_areas_has_others():
    """δ = 8.721097200, α = 4.018076704 (Greene, MacKay, Vivaldi and Feigenbaum 1981)."""
    step = cf.Map.from_text(["1 - a*x**2 + y", "-x"], variables="x y", params={"a": 0.1})
    x = (math.sqrt(4.4) - 2) / 0.2
    found = cascade(step, [x, -x], "a", (0.0, 5.0), levels=9)
    assert found.delta == pytest.approx(8.721097200, abs=1e-5) and found.alpha == pytest.approx(4.018076704, abs=1e-5)


def test_a_cascade_is_printed_in_a_few_lines():
    found = cascade(LOGISTIC, [0.6], "r", (1.5, 4.0), levels=9)
    assert len(found.points[-1]) == 256 and len(repr(found)) < 1200 and "flips=[3.0" in repr(found)


def test_a_cascade_of_a_three_cycle():
    step = LOGISTIC.at(r=3.84)
    found = cascade(step, cf.analysis.cycles(step, 3, [(0, 1)])[0], "r", (3.82, 3.86), levels=7)
    assert found.flips[0] == pytest.approx(3.841499007543507846, rel=1e-13) and found.periods[:3] == [3, 6, 12]
    # Superstable cycles, f³ᵐ(½) = ½, lie between the flips and have the same limit.
    for k, (r, below, above) in enumerate(zip(found.superstable, found.flips, found.flips[1:], strict=False), 1):
        x = 0.5
        for _ in range(3 * 2**k):
            x = r * x * (1 - x)
        assert x == pytest.approx(0.5, abs=1e-7) and below < r < above
    assert limit_of(found.superstable)[0] == pytest.approx(found.accumulation, abs=1e-8)


def test_too_few_levels_say_nothing():
    found = cascade(LOGISTIC, [0.6], "r", (1.5, 4.0), levels=2)
    assert found.accumulation is None and found.delta is None and len(found.flips) == 2
    found = cascade(LOGISTIC, [0.6], "r", (1.5, 3.5), levels=9)
    assert len(found.flips) == 2 and "no flip within the bounds" in found.reason
    found = cascade(LOGISTIC, [0.6], "r", (1.5, 4.0), levels=1)
    assert found.flips == [pytest.approx(3, rel=1e-14)] and found.ratios == []


def test_log_cosh_does_not_double_beyond_period_two():
    """C8: 2-cycles for ever."""
    found = cascade(optimizer(cf.losses.log_cosh(), 1.0), [0.0], "lr", (0.5, 6.0), levels=5)
    assert found.flips == [pytest.approx(2, rel=1e-13)] and found.periods == [1]


@pytest.mark.parametrize("levels", [0, -1, 1.5, True, "three"])
def test_levels_that_make_no_sense(levels):
    with pytest.raises(cf.CfdynError, match="whole number"):
        cascade(LOGISTIC, [0.6], "r", (1.5, 4.0), levels=levels)


def test_no_flip_at_all():
    with pytest.raises(cf.CfdynError, match="does not flip"):
        cascade(LOGISTIC, [0.6], "r", (1.5, 2.9))


def test_limits_of_geometric_sums():
    limit, error = limit_of([2 - 0.3 * 0.2**k + 0.1 * 0.05**k - 0.05 * (-0.03) ** k for k in range(9)])
    assert abs(limit - 2) <= 1e-12 and abs(limit - 2) <= 10 * error
    limit, error = limit_of([1.0, 1.0, 1.0, 1.0])
    assert limit == 1.0


def test_a_quartic_maximum_has_its_own_universal_numbers():
    # δ = 7.2846862171, α = 1.6903029714 (Briggs 1991): the multiplier has a triple zero at the superstable cycles.
    step = cf.Map.from_text("1 - m*x**4", params={"m": 0.2})
    found = cf.analysis.cascade(step, [0.8], "m", (0, 2), levels=9)
    assert len(found.superstable) == 8
    assert abs(found.delta - 7.2846862171) < 1e-3 and abs(found.alpha - 1.6903029714) < 1e-4


def test_a_cascade_says_why_it_stops():
    # log cosh never flips again; beyond 12 levels neighbouring points of a cycle are nearer than rounding.
    never = cascade(cf.as_map(cf.Loss("log(cosh(w))"), cf.optimizers.gd(lr=0.5)), [0.0], "lr", (0.1, 9))
    assert never.flips == [pytest.approx(2, abs=1e-12)] and "no flip within the bounds" in never.reason
    assert "rounding" in cascade(LOGISTIC, [0.6], "r", (1.5, 4), levels=20).reason


def universal_delta(power: int, most: int) -> float:
    """Feigenbaum's δ of maxima |x|^p: the largest eigenvalue of DT at the fixed point of T g(x) = g(g(g(1) x))/g(1).

    g = 1 + Σ c_k |x|^(pk), by collocation and Newton's method, of ever more terms: nothing of a cascade is in it.
    """
    c = np.array([-1.4 if power < 6 else -1.7])
    for terms in range(1, most + 1):
        c, powers = np.pad(c, (0, terms - len(c))), power * np.arange(1, terms + 1)
        nodes = ((1 - np.cos(np.pi * np.arange(1, terms + 1) / terms)) / 2) ** (1 / power)

        def image(c: np.ndarray, powers=powers, nodes=nodes) -> np.ndarray:
            inner = 1 + np.abs((1 + c.sum()) * nodes)[:, None] ** powers @ c
            return np.linalg.solve(nodes[:, None] ** powers, (1 + np.abs(inner)[:, None] ** powers @ c) / (1 + c.sum()) - 1)

        def slopes(c: np.ndarray, image=image) -> np.ndarray:
            return np.array([(image(c + h) - image(c - h)) / 2e-6 for h in 1e-6 * np.eye(len(c))]).T

        for _ in range(20):
            c = c - np.linalg.solve(slopes(c) - np.eye(terms), image(c) - c)
    assert np.abs(image(c) - c).max() < 1e-9
    return float(np.abs(np.linalg.eigvals(slopes(c))).max())


@pytest.mark.parametrize(("power", "delta"), [(2, 4.669201609), (4, 7.2846862), (6, 9.2962468), (8, 10.948624)])
def test_the_error_of_delta_covers_it_for_flat_maxima_too(power, delta):
    """1 − a|x|^p at each number of levels: against δ of the renormalisation, which is the published one (Briggs 1991)."""
    assert universal_delta(power, 7) == pytest.approx(delta, abs=2e-3)
    step = cf.Map.from_text(f"1 - a*x**{power}", params={"a": 0.5})
    found = cf.analysis.cascade(step, [0.7], "a", (0.1, 2.0), levels=10)
    assert len(found.ratios) >= 6
    for count in range(4, len(found.ratios) + 1):
        value, error = limit_of(found.ratios[:count])
        assert abs(value - delta) < error
    assert found.delta_error < 0.05
