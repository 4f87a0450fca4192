"""The bifurcation conditions of a family of cycles: polynomials in the parameters, and their roots."""

from collections.abc import Sequence
from typing import Any

import sympy as sp

from cfdyn.symbolic.exact.algebra.closed import latex, readable, shown, square_roots, tidy

DIGITS = 40  # more than twice those of a double
MOST_DEGREE = 120  # of a condition whose real roots are isolated in seconds


def factors(expression: sp.Expr, parameters: Sequence[sp.Symbol]) -> list[sp.Expr]:
    """The irreducible factors of a numerator that depend on the parameters, each once, except the parameters themselves."""
    numerator = sp.fraction(sp.together(expression))[0]
    if not numerator.free_symbols:
        return []
    parts = [f for f, _ in sp.factor_list(numerator, *parameters)[1]]
    return [f for f in parts if not f.is_Symbol]


def conditions(
    kind: str, polynomials: Sequence[sp.Expr], parameters: Sequence[sp.Symbol], values: dict[sp.Symbol, sp.Rational]
) -> list[dict[str, Any]]:
    """For each factor = 0 its roots in the first parameter, the others at their values."""
    return [
        {"kind": kind, "polynomial": readable(factor), "latex": latex(factor),
         "roots": real_roots(factor, parameters[0], values) if parameters else []}
        for factor in polynomials
    ]  # fmt: skip


def real_roots(factor: sp.Expr, p: sp.Symbol, values: dict[sp.Symbol, sp.Rational]) -> list[dict[str, Any]]:
    """The real roots (for a learning rate the positive ones), as number, isolating interval, and formula if there is one."""
    others = {symbol: value for symbol, value in values.items() if symbol != p}
    single = sp.Poly(factor.subs(others), p)
    if not 0 < single.degree() <= MOST_DEGREE:
        return []
    formulas = square_roots(factor, p) if sp.degree(factor, p) in (1, 2, 4) else []
    numbers = [(f, sp.N(f.subs(others), DIGITS)) for f in formulas]
    roots = []
    for root in single.real_roots(multiple=False):
        exact = root[0]
        value = sp.N(exact, DIGITS)
        if p.name == "lr" and value <= 0:
            continue
        formula = next((f for f, number in numbers if number.is_real and abs(number - value) < 1e-20 * (1 + abs(value))), None)
        text = {"text": "", "latex": ""} if formula is None else shown(tidy(formula))
        roots.append({"value": str(value), "interval": _interval(exact), **text})
    return roots


def formula_roots(formulas: Sequence[sp.Expr], p: sp.Symbol, others: dict[sp.Symbol, sp.Rational]) -> list[dict[str, Any]]:
    """Real roots that are known as formulas in the other parameters, as number, interval and formula."""
    roots = []
    for formula in formulas:
        exact = formula.subs(others)
        value = sp.N(exact, DIGITS)
        if value.is_real and value.is_finite and not (p.name == "lr" and value <= 0):
            roots.append({"value": str(value), "interval": _interval(exact), **shown(formula)})
    return roots


def _interval(root: sp.Expr) -> list[str]:
    """Rational numbers on both sides of a root, at most 1e-17 apart, or both equal to it."""
    if root.is_Rational:
        return [str(root), str(root)]
    middle = sp.Rational(str(sp.N(root, 30)))
    width = sp.Rational(1, 10**17) * max(1, abs(int(middle)))
    return [str(middle - width), str(middle + width)]
