"""The reference itself, against closed forms and published numbers."""

from __future__ import annotations

import math

import pytest
from flint import arb

from tests.differential.model import Model
from tests.differential.reference import Verdict, classify

PLANE = ("x", "y")
SPIRAL = ("(x*cos(a) - y*sin(a))*(1 - x**2 - y**2)", "(x*sin(a) + y*cos(a))*(1 - x**2 - y**2)")


def verdict(*formulas: str, start: list[float], **params: float) -> Verdict:
    return classify(formulas, PLANE[: len(formulas)], params, start)


@pytest.mark.parametrize(
    ("r", "period", "multiplier"),
    [(2.9, 1, 0.9), (3.2, 2, abs(4 + 6.4 - 3.2**2)), (3.44, 2, abs(4 + 6.88 - 3.44**2)), (3.5, 4, None), (3.83, 3, None), (3.5699, 128, 0.616)],
)
def test_cycles_of_the_logistic_map(r, period, multiplier):
    found = verdict("r*x*(1-x)", start=[0.3], r=r)
    assert (found.kind, found.period) == ("fixed point" if period == 1 else "cycle", period)
    if multiplier is not None:
        assert found.number == pytest.approx(multiplier, abs=1e-3 if period > 2 else 1e-12)


@pytest.mark.parametrize(
    ("formulas", "start", "exponent", "error"),
    [
        (["4*x*(1-x)"], [0.3], math.log(2), 1e-3),
        (["(x - 1/x)/2"], [0.3], math.log(2), 3e-3),  # Boole's map
        (["Min(x/0.3, (1-x)/0.7)"], [0.2345], -0.3 * math.log(0.3) - 0.7 * math.log(0.7), 3e-3),  # the skew tent: an entropy
        (["1 - 1.4*x**2 + y", "0.3*x"], [0.1, 0.1], 0.419, 5e-3),  # Hénon's
        (["cos(3*x)*0 + 4*x*(1-x)", "y/2 + x"], [0.3, 0.1], math.log(2), 1e-3),
    ],
)
def test_exponents_of_chaotic_maps(formulas, start, exponent, error):
    found = verdict(*formulas, start=start)
    assert found.kind == "chaotic" and found.number == pytest.approx(exponent, abs=error)


@pytest.mark.parametrize(
    ("formulas", "start", "params"),
    [
        (["x*cos(a) - y*sin(a)", "x*sin(a) + y*cos(a)"], [0.3, 0.4], {"a": 1.0}),
        (["y", "t*y - x"], [0.3, 0.4], {"t": 0.7}),
        (["y", "(a+y)/x"], [1.2, 0.9], {"a": 0.7}),  # Lyness: integrable
        (["y", "2*m*y/(1+y**2) - x"], [0.6, 0.2], {"m": 0.4}),  # McMillan: integrable
        (["a*x*(1-y)", "x"], [0.5, 0.5], {"a": 2.1}),
        ([f"{s}*1.1 - (x**2+y**2)*{v}" for s, v in (("(x*cos(1)-y*sin(1))", "(x*cos(1)-y*sin(1))"),
                                                     ("(x*sin(1)+y*cos(1))", "(x*sin(1)+y*cos(1))"))], [0.3, 0.1], {}),
    ],
)  # fmt: skip
def test_invariant_circles(formulas, start, params):
    found = verdict(*formulas, start=start, **params)
    assert found.kind == "quasi-periodic" and abs(found.number) < 1e-3


def test_cycles_that_are_neutral():
    """Both maps repeat every orbit exactly."""
    six, five = verdict("y", "y - x", start=[0.3, 0.25]), verdict("y", "(1+y)/x", start=[0.7, 1.2])
    assert (six.kind, six.period, five.kind, five.period) == ("cycle", 6, "cycle", 5)
    assert [six.number, five.number] == pytest.approx([1, 1], abs=1e-12)


@pytest.mark.parametrize("q", [3, 5, 8, 12])
def test_a_rational_rotation_that_creeps_inwards_is_no_cycle(q):
    """r ↦ r(1 − r²) falls to 0: the truth is a fixed point, too slowly approached for this reference."""
    assert verdict(*SPIRAL, start=[0.4, 0.1], a=2 * math.pi / q).kind in ("fixed point", "undecided")


def test_neutral_points_are_not_judged_too_early():
    for formula, start in (("x + x**2", -0.4), ("x - x**3", 0.4), ("x**3 - x", 0.4), ("3*x*(1-x)", 0.3)):
        assert verdict(formula, start=[start]).kind in ("fixed point", "undecided")
    assert verdict("2*x*(1-y)", "x", start=[0.6, 0.5]).kind in ("fixed point", "undecided")


@pytest.mark.parametrize(
    ("formula", "start", "kind", "period"),
    [
        ("x + x**2", 0.1, "divergent", None),
        ("x + x**2 + 0.000001", -0.4, "divergent", None),  # after 3,146 steps, about π·10³
        ("x*exp(3*(1-x))", -1.0, "divergent", None),
        ("3 - exp(x)", 80.0, "cycle", 2),  # by way of −5.5e34
        ("3 - exp(x)", 800.0, "cycle", 2),  # by way of −2.7e347
        ("x*exp(1.5*(1-x))", 3000.0, "fixed point", 1),
        ("1e17*exp(-x**2)", 0.5, "cycle", 2),
        ("3.83*x*(1-x/1e20)", 3e19, "cycle", 3),
        ("Min(2*x, 2-2*x)", 0.3, "fixed point", 1),  # a start with 54 binary places
    ],
)
def test_what_leaves_and_what_comes_back(formula, start, kind, period):
    found = verdict(formula, start=[start])
    assert (found.kind, found.period) == (kind, period), found.evidence


def test_a_start_on_the_stable_set_of_a_saddle():
    found = verdict("2*x - x**3", "y/2", start=[0.0, 1.0])
    assert (found.kind, found.period, found.number) == ("fixed point", 1, 2.0)


def test_a_fate_that_hangs_on_the_last_bit_is_undecided():
    """x₀ = ½ lands on 0 for r = 4; every start beside it is chaotic."""
    assert verdict("4*x*(1-x)", start=[0.5]).kind == "undecided"


FORMULAS = [
    "sin(x)*cos(y) + tan(0.1*x)/(2 + cosh(y)) - sinh(0.3*x*y)", "exp(-x**2)*sqrt(1+y**2) - log(2+x)*tanh(y)",
    "Max(x, y**2) + Min(0.3*x, y) - abs(x - 2*y)", "Piecewise((x*y, x < 0.5), (x - y, y > 1), (x**3, True))", "x/(1+x)**2.5 - 4/y",
]  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_derivatives_by_differences(formula):
    """In 160 bits a difference of 2⁻⁵⁰ gives 2⁻⁵⁰."""
    model = Model([formula, "x*y"], PLANE, {})
    for x, y in ((0.31, 0.77), (0.9, 1.3), (0.8, 0.45)):
        h, slopes = 2.0**-50, model.slopes([[x, y]])[0, 0]
        here = model.balls(arb(x), arb(y))[0]
        moved = [model.balls(arb(x) + h, arb(y))[0], model.balls(arb(x), arb(y) + h)[0]]
        assert [float((m - here) / h) for m in moved] == pytest.approx(slopes.tolist(), abs=1e-12)
