"""A formula is defined where it is defined as written: what cancels, and what a slope does not tell, is not forgotten."""

from __future__ import annotations

import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.errors import FormulaError
from cfdyn.symbolic.text.conditions import span
from cfdyn.symbolic.text.formula import formula
from cfdyn.symbolic.text.parse import parse, parse_as_written
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.program import Program, Tape

CANCELLED = {  # formula: (what it is where it is defined, points inside, points outside)
    "3.9*x*(1-x) + log(x-2) - log(x-2)": (lambda x: 3.9 * x * (1 - x), (2.5, 9.0), (2.0, 0.5, -1.0)),
    "x/2 + 0*log(x)": (lambda x: x / 2, (0.5, 2.0), (0.0, -1.0)),
    "x/2 + x/x - 1": (lambda x: x / 2, (0.5, -2.0), (0.0,)),
    "sqrt(x)**2/2": (lambda x: x / 2, (0.5, 3.0), (-1.0, -1e-9)),
    "1/(1/x)/2": (lambda x: x / 2, (0.5, -3.0), (0.0,)),
    "x/2 + floor(1/x) - floor(1/x)": (lambda x: x / 2, (0.5, -3.0), (0.0,)),
    "x/2 + tan(1/x) - tan(1/x)": (lambda x: x / 2, (0.5, -3.0), (0.0,)),
    "x*1**log(x - 1)": (lambda x: x, (1.5, 3.0), (1.0, 0.0)),
    "x + log(x)**0": (lambda x: x + 1, (0.5, 3.0), (0.0, -2.0)),
    "x**(x - x)*x": (lambda x: x, (0.5, -1.0), (0.0,)),
    "x*(log(x) > log(x) - 1)": (lambda x: x, (0.5, 2.0), (-1.0,)),
    "Piecewise((x/x + 1, x > -1), (x, True))": (lambda x: 2.0 if x > -1 else x, (0.5, -3.0), (0.0,)),
}
UNTOUCHED = ("(w**2 - 1)**2/4", "log(1 + exp(-s*w))", "log(1 - sigmoid(w))", "sqrt(w)", "1/(2*w)", "w/sqrt(w**2 + 1)", "w**a", "sqrt(4*w**2)",
             "log(cosh(w))", "log(w**2 + 1)", "log1p(exp(w))", "g*sqrt(v)/(sqrt(v) + eps)", "1/w - 1/w + 1/w", "log(Max(w, 1))",
             "Piecewise((1/w, w > 0), (0, True))", "exp(-w)/(1 + exp(-w))", "0**2*w", "2**w", "0*a + w")  # fmt: skip


@pytest.mark.parametrize("text", CANCELLED)
def test_what_is_cancelled_is_not_forgotten_in_floats(text):
    reduced, inside, outside = CANCELLED[text]
    assert inside and outside
    loss, step = cf.Loss(text), cf.Map.from_text(text)
    for x in inside:
        assert loss.value([x]) == pytest.approx(reduced(x), rel=1e-15)
        assert step([x])[0] == loss.value([x]) and np.isfinite(step.jacobian([x])).all()
    for x in outside:
        found = [loss.value([x]), *loss.gradient([x]), *loss.hessian([x]).ravel(), *step([x]), *step.jacobian([x]).ravel()]
        assert np.isnan(found).all(), x
        assert cf.iterate(step, [x], 5).status != "done" and cf.iterate(step, [x], 5, digits=30).status != "done"


def test_the_slope_of_a_logarithm_ends_where_the_logarithm_does():
    """1/w says nothing of w > 0."""
    loss = cf.Loss("w - log(w)")
    assert loss.gradient([0.5]) == pytest.approx([-1.0]) and np.isnan(loss.gradient([-0.5])).all()
    both = cf.Loss("w - log(Abs(w))")
    assert both.gradient([-0.5]) == pytest.approx([3.0])


def test_data_are_taken_row_by_row():
    rows = {"x": [1.0, 2.0], "y": [1.0, 3.0]}
    loss = cf.Loss("(w*x - y)**2 + 0*log(w + x)", variables="w", data=rows)
    assert loss.value([-0.5]) == pytest.approx(((-0.5 - 1) ** 2 + (-1 - 3) ** 2) / 2)
    assert np.isnan(loss.value([-1.5])) and np.isnan(loss.gradient([-1.5])).all()


@pytest.mark.parametrize("text", UNTOUCHED)
def test_formulas_that_tell_by_themselves_stay_as_they_are(text):
    assert parse_as_written(text).conditions == []
    found = formula(text)
    assert found.conditions == () and "nil" not in found.tape.ops


@pytest.mark.parametrize("text", ["0**(x - x)", "x + 0**(x - x)", "x + (x - x)**(-1)"])
def test_what_is_nowhere_defined_is_refused(text):
    with pytest.raises(FormulaError, match="nowhere defined|divides by zero"):
        cf.Loss(text)


def test_expressions_of_sympy_are_taken_as_they_are():
    import sympy as sp

    x = sp.Symbol("x", positive=True)
    assert np.isnan(cf.Loss(x - sp.log(x)).gradient([-1.0])).all()


# -- beside another arithmetic, operation by operation as the text is written -----------------------------------------

NUMBERS = st.sampled_from(["0", "1", "2", "0.5", "x", "x", "y"])


def _combined(inner):
    two = st.tuples(inner, inner)
    return st.one_of(
        two.map(lambda p: f"({p[0]} + {p[1]})"), two.map(lambda p: f"({p[0]} - {p[1]})"), two.map(lambda p: f"({p[0]})*({p[1]})"),
        two.map(lambda p: f"({p[0]})/({p[1]})"), inner.map(lambda a: f"({a})**2"), inner.map(lambda a: f"({a})**(-1)"),
        inner.map(lambda a: f"sqrt({a})"), inner.map(lambda a: f"log({a})"), inner.map(lambda a: f"floor({a})"),
        inner.map(lambda a: f"({a} - {a})"), inner.map(lambda a: f"Abs({a})"), inner.map(lambda a: f"exp({a})"),
    )  # fmt: skip


class Undefined(Exception):
    """An operation has no value there."""


class Unclear(Exception):
    """Rounding decides whether it has one."""


CONTEXT = mpmath.mp.clone()
CONTEXT.dps = 60


class Number:
    """A number of 60 digits; every operation is carried out as it is written, or raises."""

    def __init__(self, value):
        self.value = CONTEXT.mpf(value)

    def _sign(self) -> int:
        if 0 < abs(self.value) < 1e-40:
            raise Unclear
        return int(CONTEXT.sign(self.value))

    def __add__(self, other):
        return Number(self.value + other.value)

    def __sub__(self, other):
        return Number(self.value - other.value)

    def __mul__(self, other):
        return Number(self.value * other.value)

    def __truediv__(self, other):
        if other._sign() == 0:
            raise Undefined
        return Number(self.value / other.value)

    def __pow__(self, n):
        return Number(self.value**2) if n == 2 else Number(1) / self

    def __abs__(self):
        return Number(abs(self.value))


def _root(x: Number) -> Number:
    if x._sign() < 0:
        raise Undefined
    return Number(CONTEXT.sqrt(x.value))


def _log(x: Number) -> Number:
    if x._sign() <= 0:
        raise Undefined
    return Number(CONTEXT.log(x.value))


def _floor(x: Number) -> Number:
    if abs(x.value - CONTEXT.nint(x.value)) < 1e-40 and x.value != CONTEXT.nint(x.value):
        raise Unclear
    return Number(CONTEXT.floor(x.value))


def _exp(x: Number) -> Number:
    if abs(x.value) > 1e4:
        raise Unclear
    return Number(CONTEXT.exp(x.value))


def _as_written(text: str, x: float, y: float):
    """Its value; None where an operation has none."""
    names = {"sqrt": _root, "log": _log, "floor": _floor, "Abs": abs, "exp": _exp, "x": Number(x), "y": Number(y), "N": Number}
    try:
        return eval(re.sub(r"(?<![*-])\b(0\.5|[012])\b", r"N(\1)", text), {"__builtins__": {}}, names).value  # noqa: S307
    except Undefined:
        return None


@given(st.recursive(NUMBERS, _combined, max_leaves=6), st.sampled_from([-2.0, -0.5, 0.0, 0.25, 3.0]), st.sampled_from([-1.5, 0.0, 2.0]))
def test_beside_another_arithmetic(text, x, y):
    assert _agrees(text, x, y), text


def _agrees(text: str, x: float, y: float) -> bool:
    """True where both have the same value, or none, and where rounding decides."""
    try:
        expected = _as_written(text, x, y)
        read = formula(text)
    except Unclear:
        return True
    except FormulaError as refused:  # constants may be too close to be decided
        return expected is None or "nowhere defined" not in str(refused)
    tape = Tape()
    root = read.on(tape, tape.named("z", ["x", "y"]))
    algebra = mp_algebra(60)
    [found] = evaluate(Program(tape, (root,), 2, 0), algebra, [algebra.constant(Fraction(v)) for v in (x, y)], [])
    if expected is None:
        return not mpmath.isfinite(found)
    return bool(mpmath.isfinite(found) and abs(found - expected) <= 1e-30 * (1 + abs(expected)))


@given(st.recursive(NUMBERS, _combined, max_leaves=5), st.floats(-5, 5), st.floats(-5, 5))
def test_spans_hold_the_values(text, x, y):
    assert _within(text, x, y), text


def _within(text: str, x: float, y: float) -> bool:
    try:
        expected, whole = _as_written(text, x, y), span(parse(text))
    except (Unclear, FormulaError):
        return True
    if expected is None or abs(expected) > 1e300:
        return True
    slack = 1e-9 * max(1.0, abs(float(expected)))
    return bool(whole.lo <= float(expected) + slack and float(expected) - slack <= whole.hi)
