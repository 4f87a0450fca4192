"""Real solutions of an equation that is no polynomial, and in words why these may not be all."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import mpmath
import sympy as sp
from sympy.functions.elementary.trigonometric import TrigonometricFunction

from cfdyn.symbolic.exact.algebra.closed import readable, tidy

SIMPLE = (sp.S.Zero, sp.S.One, sp.S.NegativeOne)
SAMPLES, GOLDEN = 80, (math.sqrt(5) - 1) / 2
DIGITS, HALVINGS = 40, 60
POSITIVE = [0.01 * k for k in range(1, 1000)] + [10 * 1.01**k for k in range(470)]
GRID = [-v for v in reversed(POSITIVE)] + [0.0] + POSITIVE

Values = Mapping[sp.Symbol, sp.Expr]


def solutions(equation: sp.Expr, x: sp.Symbol, values: Values) -> tuple[list[sp.Expr], str]:
    """Those that SymPy finds factor by factor and the safe parser can read; the reason is empty if nothing speaks for more.

    Others are looked for where the parameters have their ``values``, by changes of sign.

    Examples
    --------
    >>> x, r = sp.symbols("x r", real=True)
    >>> solutions(x*sp.exp(r*(1 - x)) - x, x, {r: sp.S(2)})
    ([0, 1], '')
    >>> solutions(r*sp.sin(x) - x, x, {r: sp.S(2)})
    ([0], 'besides these there is one near x = 1.89549, and there may be others without a closed form')
    >>> solutions(sp.sin(x), x, {})
    ([0, pi], 'they repeat with the period 2*pi, and not all are listed')
    """
    powers = sp.Mul.make_args(sp.factor(sp.fraction(sp.together(equation))[0]))
    factors = [base for base in (power.as_base_exp()[0] for power in powers) if base.has(x)]
    solved = [_solved(factor, x) for factor in factors]
    found = [root for root in dict.fromkeys(root for roots, _ in solved for root in roots) if _solves(root, equation, x, values)]
    kept = [root for root in found if not root.has(sp.I) and readable(root)]
    period = next((p for p in (sp.periodicity(f, x) for f in factors if f.has(TrigonometricFunction)) if p is not None), None)
    if period is not None:
        return kept, f"they repeat with the period {period}, and not all are listed"
    other = _other(equation.subs(values), x, [v for v in (real_number(root.subs(values)) for root in kept) if v is not None])
    if other is None and kept == found and all(whole for _, whole in solved):
        return kept, ""
    near = "" if other is None else f" there is one near {x} = {other:.6g}, and"
    return kept, f"besides these{near} there may be others without a closed form"


def samples(values: Values) -> list[Values]:
    """The parameters' values, and others: a root may be one only there."""
    found, number = [values], 0
    for k in range(SAMPLES):
        at = {}
        for p, v in values.items():
            number += 1
            spread = sp.Rational(round(6000 * (number * GOLDEN % 1) - 3000), 1000)
            at[p] = v * spread if k % 2 else spread
        found.append(at)
    return found if values else found[:1]


def real_number(expression: sp.Expr) -> float | None:
    """Its value, None where that is infinite or complex."""
    number = sp.N(expression)
    if not number.is_number or number.has(sp.nan) or number.is_finite is False:
        return None
    value = complex(number)
    return value.real if abs(value.imag) <= 1e-12 * (1 + abs(value)) else None


def _solved(factor: sp.Expr, x: sp.Symbol) -> tuple[list[sp.Expr], bool]:
    """The roots of a factor, and whether SymPy takes them for all; where it knows no method, those that are seen at once."""
    y = sp.Symbol("y_")  # real solutions of e^x = a are missed where the sign of a is unknown, but |x| = a needs a real x
    for unknown in (y, x):
        try:
            found = [root.xreplace({y: x}) for root in sp.solve(factor.xreplace({x: unknown}), unknown, check=False)]
            break
        except NotImplementedError:
            continue
    else:
        return _seen(factor, x), False
    finite = [tidy(sp.simplify(root)) for root in found if root.is_finite is not False and not root.has(x)]
    seen = [] if all(map(readable, finite)) else _seen(factor, x)
    return seen + finite, not factor.has(TrigonometricFunction)


def _seen(factor: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    """Simple numbers that are roots."""
    return [root for root in SIMPLE if sp.simplify(factor.subs(x, root)) == 0]


def _solves(root: sp.Expr, equation: sp.Expr, x: sp.Symbol, values: Values) -> bool:
    """Whether it is real and a root, where the parameters have their values or others."""
    for at in samples(values):
        gap = sp.N(equation.subs(x, root).subs(at), DIGITS, chop=True)
        if real_number(root.subs(at)) is not None and gap.is_finite and abs(gap) < sp.Float(10) ** (-DIGITS // 2):
            return True
    return False


def _other(function: sp.Expr, x: sp.Symbol, known: Sequence[float]) -> float | None:
    """A zero of a function that is not among the known ones, the nearest to 0 on a grid."""
    quick, precise = sp.lambdify(x, function, "math"), sp.lambdify(x, function, "mpmath")
    signs = [_sign(quick, v) for v in GRID]
    there = [(v, sign) for v, sign in zip(GRID, signs) if sign]
    changes = [(a, b) for (a, before), (b, after) in zip(there, there[1:]) if before != after]
    with mpmath.workdps(DIGITS):
        for a, b in sorted(changes, key=lambda ends: (abs(ends[0] + ends[1]), -ends[0])):
            if not any(a - 1e-9 <= v <= b + 1e-9 for v in known):
                zero = _bisected(precise, a, b)
                if zero is not None:
                    return zero
    return None


def _sign(function: Callable, v: float) -> int:
    try:
        value = function(v)
        return 0 if value != value else (value > 0) - (value < 0)
    except (ArithmeticError, ValueError, TypeError):  # outside of the domain
        return 0


def _bisected(function: Callable, a: float, b: float) -> float | None:
    """The zero between two numbers; none where it is round-off that changes the sign, or a pole."""
    lo, hi = mpmath.mpf(a), mpmath.mpf(b)
    try:
        left, right = function(lo), function(hi)
        if not left * right < 0:
            return None
        for _ in range(HALVINGS):
            middle = (lo + hi) / 2
            value = function(middle)
            lo, hi = (lo, middle) if value * left <= 0 else (middle, hi)
    except (ArithmeticError, ValueError, TypeError):
        return None
    return float(middle) if math.isfinite(middle) and abs(value) < 1e-6 * max(abs(left), abs(right)) else None
