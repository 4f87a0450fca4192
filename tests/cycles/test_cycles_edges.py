"""Cycles through single points at which a map of one variable ends, jumps or has no bounded slope."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf

INF, NAN = math.inf, math.nan
THREE = "Piecewise((x + 1, x < 0), (x, x <= 0), (x - 1, True))"


def found(formula, n, *box):
    return cf.analysis.cycles(cf.Map.from_text(formula), n, [box])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("formula", "n", "box", "truth"), [
    ("sqrt(x)", 1, (-1, 3), {0: INF, 1: 0.5}), ("sqrt(x)", 1, (0, 3), {0: INF, 1: 0.5}), ("x**(1/3)", 1, (-1, 2), {0: INF, 1: 1 / 3}),
    ("3*sqrt(x) - 1.2*x", 1, (0, 6), {0: INF, (3 / 2.2) ** 2: -0.1}), ("x*sqrt(x)", 1, (-1, 3), {0: 0, 1: 1.5}),
    ("x + sqrt(1 - x)", 1, (-3, 1), {1: -INF}), ("sqrt(x - 0.3) + 0.3", 1, (-1.1, 3.3), {0.3: INF, 1.3: 0.5}),
    ("0.7 - sqrt(0.7 - x)", 1, (-5, 2.3), {-0.3: 0.5, 0.7: INF}), ("sign(x)", 1, (-2, 2), {-1: 0, 0: NAN, 1: 0}),
    ("sign(x - 0.01) + 0.01", 1, (-1.1, 3.3), {-0.99: 0, 0.01: NAN, 1.01: 0}),
    ("sign(x)*sqrt(Abs(x))", 1, (-2, 2), {-1: 0.5, 0: INF, 1: 0.5}), ("Heaviside(x) - 0.5", 1, (-2, 2), {-0.5: 0, 0: NAN, 0.5: 0}),
    ("sqrt(Abs(x))", 1, (-2, 2), {0: INF, 1: 0.5}), ("Abs(x)**1.5", 1, (-2, 2), {0: 0, 1: 1.5}), (THREE, 1, (-2, 2), {0: NAN}),
    ("1/x", 1, (-2, 2), {-1: -1, 1: -1}), ("x*log(x)", 1, (0, 3), {math.e: 2}),
])  # fmt: skip
def test_fixed_points_where_there_is_no_derivative(formula, n, box, truth):
    every = found(formula, n, *box)
    assert every.complete, every.reason
    assert every.points.ravel() == pytest.approx([*truth], abs=1e-13)
    assert every.multipliers.ravel() == pytest.approx([*truth.values()], abs=1e-12, nan_ok=True)
    for cycle, mu in zip(every, truth.values(), strict=True):
        assert cycle.stable is (None if math.isnan(mu) or abs(mu) == 1 else abs(mu) < 1)


@pytest.mark.parametrize("box", [(-1.0, 2.0), (0.5, 2.0), (-INF, INF)])
@pytest.mark.parametrize("formula", ["1 - sqrt(x)", "sqrt(1 - x)"])
def test_a_two_cycle_from_one_end_of_the_domain_to_the_other(formula, box):
    every = found(formula, 2, *box)
    assert every.points[:, :, 0].tolist() == [[0.0, 1.0]] and every.multipliers[0] == INF and every[0].stable is False
    fourth = found(formula, 4, *box)
    assert len(fourth) == 0 and (fourth.complete or math.isinf(box[0])), "that is a 2-cycle"


def test_gradient_descent_to_the_end_of_a_loss():
    (least,) = cf.analysis.cycles(cf.as_map(cf.Loss("(1 - w)**1.5"), cf.optimizers.gd(lr=0.5)), 1, [(-3, 3)])
    assert least.points[0, 0] == 1 and least.multipliers[0] == -INF and not least.stable


def test_limits_are_no_values():
    """x/2 to the right of a jump: its limit at the border is fixed where the border belongs to it, else nothing is."""
    for less, count in (("<", 1), ("<=", 0)):
        at_zero = found(f"Piecewise((x/2 + 1, x {less} 0), (x/2, True))", 1, -1.3, 1.9)
        assert at_zero.complete and len(at_zero) == count
        beside = found(f"Piecewise((x/2 + 1, x {less} 0.3), (0.3 + (x - 0.3)/2, True))", 1, -1.3, 1.9)
        assert len(beside) == count and beside.complete == (count == 1)
        assert count or beside.undecided.ravel() == pytest.approx([0.3, 0.3])


def test_what_round_off_does_not_tell_is_undecided():
    """0 → 0.7 → 0.7 − √0.7 √0.7, which is 1.1e-16 in floating point."""
    every = found("0.7 - sqrt(0.7)*sqrt(x)", 2, -1, 2)
    assert not every.complete and "to round-off a cycle passes through 0," in every.reason
    assert every.undecided.ravel().tolist() == [0.0, 0.0]


@pytest.mark.parametrize("box", [(-1, 3), (0, 3), (-1.3, 2.9)])
def test_a_cycle_nearer_to_an_end_than_the_laps_is_undecided(box):
    """x = √x − ε at ε² to first order."""
    every = found("sqrt(x) - 1e-9", 1, *box)
    assert len(every) == 1 and not every.complete and every.undecided.ravel().tolist() == [0.0, 0.0]
    assert len(found("sqrt(x) - 1e-5", 1, *box)) == 2


@pytest.mark.parametrize(("formula", "place", "mu"), [
    ("2*Abs(x)", 0, 2), ("Abs(x)/2", 0, 0.5), ("2*Abs(x - 0.3) + 0.3", 0.3, 2), ("Max(0.7*x, 0.4*x)", 0, 0.7), ("3*Max(x, 0)", 0, NAN),
    ("Max(-0.5*x, -3*x)", 0, NAN), ("Max(0.4*x, 0.7*x) + sign(x)*x**2/9", 0, 0.7),
])  # fmt: skip
def test_multipliers_at_kinks(formula, place, mu):
    """Of two slopes that tell the same the one nearer to ±1; formulas say 0 or either."""
    (cycle,) = (c for c in found(formula, 1, -1.1, 0.9) if abs(c.points[0, 0] - place) < 1e-9)
    assert cycle.points[0, 0] == place
    assert cycle.multipliers[0] == pytest.approx(mu, nan_ok=True)
    assert cycle.stable is (None if math.isnan(mu) else mu < 1)


@settings(max_examples=40, deadline=None)
@given(st.floats(-2, 2).map(lambda e: e if abs(e) > 1e-290 else 0.0), st.floats(0.2, 2), st.floats(0.2, 2), st.floats(1.2, 3))
def test_a_corner_anywhere_is_fixed(corner, left, right, slope):
    """c + a |x − c| has the fixed point c only, for a > 1, wherever the box is cut."""
    step = cf.Map.from_text("c + a*Abs(x - c)", "x", {"c": corner, "a": slope})
    every = cf.analysis.cycles(step, 1, [(corner - left, corner + right)])
    assert [c.points[0, 0] for c in every] == pytest.approx([corner], abs=1e-15) or (not every.complete and len(every) <= 1)
    for cycle in every:
        assert cycle.stable is False and abs(cycle.multipliers[0]) == pytest.approx(slope)


def test_gradient_descent_on_a_loss_of_two_parabolas():
    """Slopes 1 − 0.3 and 1 − 0.6 at the minimum."""
    (least,) = cf.analysis.cycles(cf.as_map(cf.Loss("Max(w,0)**2/2 + Max(-w,0)**2"), cf.optimizers.gd(lr=0.3)), 1, [(-2, 2)])
    assert least.multipliers[0] == pytest.approx(0.7) and least.stable


def test_a_three_cycle_through_a_corner():
    """1 − a|x| at the golden mean: 0 → 1 → 1 − a → 0, with slopes ±a at 0 and ∓a, a after it."""
    a = (1 + math.sqrt(5)) / 2
    every = cf.analysis.cycles(cf.Map.from_text("1 - a*Abs(x)", params={"a": a}), 3, [(-2, 2)])
    through = [c for c in every if np.abs(c.points).min() < 1e-12]
    assert len(through) == 1 and every.complete
    assert abs(through[0].multipliers[0]) == pytest.approx(a**3, rel=1e-9) and through[0].stable is False


def test_a_domain_too_narrow_for_samples_is_not_passed_over():
    """0.3 + √(1e-8 − (x − 0.3)²) exists on an interval of 2e-4; fixed at 0.3 + 1e-4/√2."""
    every = found("0.3 + sqrt(1e-8 - (x - 0.3)**2)", 1, -1.1, 3.3)
    inside = (every.undecided[:, 0, 0] <= 0.3 + 1e-4 / math.sqrt(2)) & (0.3 + 1e-4 / math.sqrt(2) <= every.undecided[:, 0, 1])
    assert len(every) == 0 and not every.complete and inside.any()


@pytest.mark.parametrize("formula", ["sqrt(x**2 - x)", "log(x**3 - x)", "log(Abs(x) - 1) + x**(3/2)", "sqrt(x - 2) - sqrt(3 - x)"])
def test_parts_without_values_are_known(formula):
    assert found(formula, 1, -5, 5).complete


def test_a_place_is_printed_as_it_is():
    assert "at 0, where" in found("sign(x) + x/3", 1, -1.3, 2.9).reason


@pytest.mark.parametrize(("formula", "branches"), [
    ("Piecewise((2*x, x < 0.5), (2*x - 1, True))", 2), ("Piecewise((3*x, x < 1/3), (3*x - 1, x <= 2/3), (3*x - 2, True))", 3),
])  # fmt: skip
def test_angles_multiplied(formula, branches):
    """x → k x mod 1 has the cycles of all words of k letters; at 1, as here, the value 1."""
    words = {n: branches**n for n in range(1, 8)}
    for n in words:
        prime = (words[n] - sum(d * primes for d, primes in counts(branches, n - 1) if n % d == 0)) // n
        every = found(formula, n, 0, 1)
        assert every.complete and len(every) == prime


def counts(branches, last):
    primes = []
    for n in range(1, last + 1):
        primes.append((n, (branches**n - sum(d * p for d, p in primes if n % d == 0)) // n))
    return primes


@settings(max_examples=40, deadline=None)
@given(st.floats(-2, 2).map(lambda e: e if abs(e) > 1e-290 else 0.0), st.floats(0.3, 3), st.booleans())
def test_an_end_anywhere_is_fixed(end, width, left):
    """e ± √(±(x − e)) has the fixed points e and e ± 1, wherever the box is cut."""
    sign = -1 if left else 1
    step = cf.Map.from_text("e + s*sqrt(s*(x - e))", "x", {"e": end, "s": float(sign)})
    every = cf.analysis.cycles(step, 1, [(end - 1.01 * width - 1.1, end + width + 1.13)])
    assert every.complete
    assert every.points.ravel() == pytest.approx(sorted([end, end + sign]), abs=1e-12)
    assert sorted(np.abs(every.multipliers.ravel())) == pytest.approx([0.5, INF])
