"""Invariant measures of expanding maps: against slopes by hand, orbits, and what has none."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.certify.balls import ball
from cfdyn.certify.borders.sides import Sides
from cfdyn.certify.certificate import proved
from cfdyn.certify.checker.maps import read_map
from cfdyn.certify.checker.numbers.boxes import Interval
from cfdyn.certify.checker.sides import Sides as CheckedSides
from cfdyn.certify.subject import subject
from cfdyn.errors import UsageError
from tests.certify.cycle_examples import BENT

GD, KINK = cf.optimizers.gd, "(Abs(w) - 1)**2/2"
BORDER = "Piecewise((a*x + 1, x < 0), (b*x + 1, True))"


def border(a, b):
    return cf.Map.from_text(BORDER, params={"a": a, "b": b})


def test_descent_into_a_kink_in_closed_form():
    """The step is −(η − 1)w ± η: slope 1 − η, and [−η, η] is taken into itself for 2 < η < 3."""
    for lr in (2.1, 2.5, 2.9):
        found = cf.certify.measure(KINK, GD(lr=lr), (-lr - 0.01, lr + 0.01))
        assert found.proved and cf.certify.check(found.document).valid
        assert lr - 1 - 2e-6 <= float(found.claim["growth"]) <= lr - 1 and found.claim["steps"] == 1
    assert "leave" in cf.certify.measure(KINK, GD(lr=3.2), (-3.3, 3.3)).reason  # 0.1 goes to 2.98, −3.3 to 10.46 − …
    assert "expand" in cf.certify.measure(KINK, GD(lr=1.9), (-2, 2)).reason  # stable minima
    varied = cf.certify.measure(KINK, GD(lr=1), (-3.01, 3.01), lr=("2.01", "2.99"))
    assert varied.statement.startswith("For every lr from 2.01 to 2.99: ") and 1 < float(varied.claim["growth"]) <= 1.01
    assert not cf.certify.measure(KINK, GD(lr=1), (-3.01, 3.01), lr=("1.99", "2.99")).proved


@pytest.mark.parametrize("a, b", [(1.2, -1.5), (0.9, -2.5), (0.6, -2.5), (0.7, -1.45), (0.4, -3.0)])
def test_slopes_along_orbits_are_products_of_two(a, b):
    """(gᵐ)′ on every piece is a product of a's and b's: the least of them over 200,000 starts is the growth, or a little more."""
    found = cf.certify.measure(border(a, b), start=0.1)
    assert found.proved and cf.certify.check(found.document).valid
    lo, hi = (float.fromhex(end) for end in found.claim["interval"])
    x, size = np.linspace(lo, hi, 200_003)[1:-1], 1.0
    for _ in range(found.claim["steps"]):
        size = size * np.where(x < 0, abs(a), abs(b))
        x = np.where(x < 0, a * x, b * x) + 1
        assert lo < x.min() and x.max() < hi
    assert size.min() * (1 - 1e-5) < float(found.claim["growth"]) < size.min()


@pytest.mark.parametrize("a, b, period", [(0.5, -3.5, 3), (0.5, -1.5, 2), (0.3, -2.0, 2)])
def test_slopes_with_a_stable_cycle_are_not_proved(a, b, period):
    """A 3-cycle with the multiplier a²b = −0.875; a 2-cycle, ab = −0.75; another, −0.6."""
    step = border(a, b)
    assert cf.analysis.classify(step, [0.1]).period == period
    found = cf.certify.measure(step, start=0.1)
    assert not found.proved and "expand" in found.reason
    assert not cf.certify.measure(step, start=0.1, steps=6).proved


def test_a_remainder_jumps_and_expands():
    """Rényi's map: a jump at 1/β, slope β."""
    found = cf.certify.measure(cf.Map.from_text("frac(b*x)", params={"b": 1.618}), box=(-0.1, 1.1))
    assert found.proved and cf.certify.check(found.document).valid and 1.617998 < float(found.claim["growth"]) <= 1.618


def test_curved_pieces_and_more_steps():
    found = cf.certify.measure(BENT, GD(lr=1), (-0.04, 0.0125))
    assert found.proved and found.claim["steps"] == 5 and "|(f^5)′| ≥ " in found.statement
    assert 1.34 < float(found.claim["growth"]) < 0.6**4 * 2.5 * (2.51 / 2.5) * 6  # four steps on the left for one on the right
    assert cf.certify.check(found.document).valid


@pytest.mark.parametrize("formula, box, words", [
    ("3.9*x*(1 - x)", (0.01, 0.99), "expand"),  # a critical point
    ("Piecewise((x/(1 - x), x < 1/2), (2*x - 1, True))", (0, 1), "leave"),  # Lasota and Yorke's own example of slope 1 at 0
    ("Piecewise((9/10 - 9/5*sqrt(x), x > 0), (9/10 + 9/5*x, True))", (-1, 1), "curvature"),  # an infinite slope at 0
    ("Piecewise((9/10 - 3/2*x - x**(3/2)/5, x > 0), (9/10 + 9/5*x, True))", (-1, 1), "curvature"),  # slopes from 1.5 to 1.8
    ("Piecewise((9/10 - 9/5*Abs(x), x**2 > 0), (1/10, True))", (-1, 1), "end more than once"),  # not seen to have one zero
    ("frac(1/x)", (0, 1), ""),  # infinitely many pieces
    ("2*x", (-1, 1), "leave"),
])  # fmt: skip
def test_what_does_not_satisfy_the_hypotheses(formula, box, words):
    found = cf.certify.measure(cf.Map.from_text(formula), box=box)
    assert not found.proved and words in found.reason and found.reason


def test_a_point_has_no_density():
    """The fixed point of w → 2w, as an interval of its own: it is taken into itself, and the slope there is 2."""
    about = subject(cf.Map.from_text("2*w", "w"))
    found = proved("measure", about, {"interval": ["0x0.0p+0", "0x0.0p+0"], "steps": 1, "growth": "1.9"}, {"tree": "e"}).document
    assert "a point" in cf.certify.check(found).reason


def test_questions_that_make_no_sense():
    with pytest.raises(UsageError, match="one variable"):
        cf.certify.measure("x**2 + y**2", GD(lr=1), ((-1, 1), (-1, 1)))
    with pytest.raises(UsageError, match="from 1 to 16"):
        cf.certify.measure(KINK, GD(lr=2.5), (-2.9, 2.9), steps=0)
    for steps in (1.5, "2"):
        with pytest.raises(UsageError, match="whole number from 1 to 16"):
            cf.certify.measure(KINK, GD(lr=2.5), (-2.9, 2.9), steps=steps)
    with pytest.raises(UsageError, match="a start"):
        cf.certify.measure(KINK, GD(lr=2.5), start=np.inf)
    with pytest.raises(UsageError, match="not both"):
        cf.certify.measure(KINK, GD(lr=2.5), (-2.9, 2.9), start=0.1)
    assert "undecided" in cf.certify.measure(KINK, GD(lr=1), (-3.01, 3.01), lr=("2.01", "2.99"), most=5).reason


# Formulas with open branches, two numbers in each.
TEXTS = (
    "a*Abs(x - b) + x**2/3", "Max(a*x, b - x, x**2 - 1)", "Piecewise((a*x + sin(x), x < b), (exp(x)/3, x**2 < 2), (a - x, True))",
    "relu(x - a)**2 - relu(b - x)", "x*sign(x - a)*sign(b - x)", "floor(2*x + a) - b*x", "Abs(Abs(x - a) - 1/3) + tanh(b*x)",
    "Min(Abs(x), a, Heaviside(x - b)*x)", "Piecewise((x, (x > a) & (x < b)), (2*x, (x > 1) | (x < -1)), (log(3 + x), True))",
)  # fmt: skip
numbers = st.integers(-20, 20).map(lambda k: k / 10)


def both(text, a, b, middle, half):
    """The pieces over an interval by the prover and by the checker; None where one of them does not know."""
    step = cf.Map.from_text(text, params={"a": a, "b": b})
    prover = Sides(subject(step).enclosure("step")).over(ball(middle - half, middle + half))
    described = {"type": "formulas", "variables": ["x"], "formulas": [text], "params": {"a": str(a), "b": str(b)}}
    g = read_map({"map": described})
    known, checked = CheckedSides(g).over(Interval(np.array([middle - half]), np.array([middle + half])), g.lines[None])
    found = [(float(v.lower()), float(v.upper()), float(s.lower()), float(s.upper())) for v, s in prover or []]
    again = [(p.image.lo[0], p.image.hi[0], p.slope.lo[0], p.slope.hi[0]) for p in checked if len(p.rows)]
    return found if prover is not None else None, again if known[0] else None


@pytest.mark.parametrize("text", TEXTS)
def test_both_programs_know_all_pieces_over_a_small_interval(text):
    found = both(text, 0.7, 0.3, 0.3, 0.01)
    assert found[0] is not None and found[1] is not None
    assert np.allclose(sorted(found[0]), sorted(found[1]), atol=0.03)


@settings(max_examples=25)
@given(st.sampled_from(TEXTS), numbers, numbers, numbers, st.integers(0, 10), st.integers(0, 10**6))
def test_points_lie_in_the_pieces_of_both_programs(text, a, b, middle, size, seed):
    """Value and slope at a point, with 40 digits, are those of one piece over an interval that the point is in."""
    half = 0.75 / 2**size
    exactly = sp.lambdify(sp.Symbol("x"), _read(text, a, b), ["mpmath", {"Heaviside": lambda u, *_: (1 + mpmath.sign(u)) / 2}])
    trusted = [pieces for pieces in both(text, a, b, middle, half) if pieces is not None]
    with mpmath.workdps(40):
        points = [mpmath.mpf(at) for at in np.random.default_rng(seed).uniform(middle - half, middle + half, 4)]
        seen = [(exactly(at), mpmath.diff(exactly, at)) for at in points]
    assert not [(value, slope) for value, slope in seen for pieces in trusted if not any(
        lo - 1e-15 <= value <= hi + 1e-15 and low - 1e-15 <= slope <= high + 1e-15 for lo, hi, low, high in pieces)]  # fmt: skip


def _read(text, a, b):
    """The formula by SymPy's own reader, not by the package's."""
    own = {"relu": lambda u: sp.Max(0, u), "Heaviside": lambda u: sp.Heaviside(u, sp.Rational(1, 2))}
    text = text.replace("1/3", "Rational(1, 3)")
    return sp.sympify(text, locals={**own, "x": sp.Symbol("x")}).subs({"a": sp.Rational(str(a)), "b": sp.Rational(str(b))})
