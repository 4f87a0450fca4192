"""All real solutions of an equation that is not a polynomial, where algebra gives them in closed form."""

from collections.abc import Mapping

import sympy as sp
from sympy.functions.elementary.trigonometric import TrigonometricFunction

from cfdyn.symbolic.exact.algebra.closed import readable, tidy


def solutions(equation: sp.Expr, x: sp.Symbol) -> list[sp.Expr] | None:
    """All real solutions, as formulas that the safe parser can read, or None if there may be others.

    With parameters a formula may be a solution only for some of their values, as that of √(x + r) = x for x ≥ 0.

    >>> x, r = sp.symbols("x r", real=True)
    >>> solutions(x*sp.exp(r*(1 - x)) - x, x)
    [0, 1]
    >>> solutions(r*sp.tanh(x) - x, x), solutions(sp.sin(x), x)
    (None, None)
    """
    powers = sp.Mul.make_args(sp.factor(sp.fraction(sp.together(equation))[0]))
    roots: list[sp.Expr] = []
    for factor in (power.as_base_exp()[0] for power in powers if power.has(x)):
        if factor.has(TrigonometricFunction):  # they repeat without end
            return None
        try:
            candidates = _candidates(factor, x)
        except NotImplementedError:
            return None
        real = [root for root in candidates if root.is_real is not False and (root.free_symbols or real_number(root) is not None)]
        if any(root.has(sp.I, x) or not readable(root) for root in real):
            return None
        roots += [root for root in real if not equation.subs(x, root).has(sp.nan, sp.zoo, sp.oo)]
    return list(dict.fromkeys(roots))


def is_zero(expression: sp.Expr, values: Mapping[sp.Symbol, sp.Expr]) -> bool:
    """True if the expression is 0 at the values of the symbols, to 30 of 50 digits."""
    number = sp.N(expression.subs(values), 50, chop=True)
    return bool(number.is_finite) and abs(number) < sp.Float(10) ** -30


def real_number(expression: sp.Expr) -> float | None:
    """The value of the expression; None if it is infinite or complex."""
    number = sp.N(expression)
    if not number.is_number or number.has(sp.nan) or number.is_finite is False:
        return None
    value = complex(number)
    return value.real if abs(value.imag) <= 1e-12 * (1 + abs(value)) else None


def _candidates(factor: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    """The finite roots of a factor, with those that SymPy cannot check; a NotImplementedError if it knows no method."""
    y = sp.Symbol("y_")  # real solutions of e^x = a are missed where the sign of a is unknown, but |x| = a needs a real x
    try:
        roots = [root.xreplace({y: x}) for root in sp.solve(factor.xreplace({x: y}), y)]
    except NotImplementedError:
        roots = sp.solve(factor, x)
    return [tidy(sp.simplify(root)) for root in roots if root.is_finite is not False]
