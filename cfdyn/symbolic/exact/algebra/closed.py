"""Roots of polynomials that square roots express, and their texts for the safe parser."""

import sympy as sp

from cfdyn.errors import FormulaError
from cfdyn.symbolic.text.parse import parse

GREEK = {"lr": r"\eta", "momentum": r"\beta", "mu": r"\mu"}


def square_roots(polynomial: sp.Expr, x: sp.Symbol) -> list[sp.Expr]:
    """All roots, if square roots express them: degree 1 or 2, or a function of (x − c)² of degree 2; else an empty list.

    >>> x, A = sp.symbols("x A", real=True)
    >>> square_roots(x**4 - A*x**2 + 1, x)[0]
    -sqrt(A/2 - sqrt(A**2 - 4)/2)
    >>> square_roots(x**3 - x - A, x)
    []
    """
    q = sp.Poly(polynomial, x)
    n, (lead, second) = q.degree(), q.all_coeffs()[:2]
    centre = sp.cancel(-second / (n * lead))
    if n == 1:
        return [centre]
    if n not in (2, 4):
        return []
    even = [sp.cancel(c / lead) for c in sp.Poly(sp.expand(polynomial.subs(x, x + centre)), x).all_coeffs()]
    if n == 2:
        half = plain_root(-even[2])
        return [tidy(centre - half), tidy(centre + half)]
    if even[3] != 0:
        return []
    middle, half = -even[2] / 2, plain_root(sp.cancel(even[2] ** 2 / 4 - even[4]))
    inner = [sp.sqrt(sp.expand(middle + sign * half)) for sign in (-1, 1)]
    return [tidy(centre + sign * root) for root in inner for sign in (-1, 1)]


def plain_root(square: sp.Expr) -> sp.Expr:
    """One of the two square roots of a rational function, squares moved out without regard to their sign.

    >>> r = sp.Symbol("r", real=True)
    >>> plain_root((r**2 - 2*r - 3)/r**2)
    sqrt(r**2 - 2*r - 3)/r
    """
    outer, inner, number = sp.S.One, sp.S.One, sp.S.One
    for part, sign in zip(sp.fraction(sp.together(square)), (1, -1)):
        content, factors = sp.factor_list(part)
        number *= content**sign
        for factor, power in factors:
            # 1/d = d/d² under the root.
            outer *= factor ** (sign * (power // 2) - (power % 2 if sign < 0 else 0))
            inner *= factor ** (power % 2)
    whole, rest = sp.sqrt(abs(number)).as_coeff_Mul()
    return whole * outer * sp.sqrt(sp.expand(inner * rest**2 * sp.sign(number)))


def tidy(expression: sp.Expr) -> sp.Expr:
    """The shorter of an expression and its forms over one denominator."""
    forms = [expression, sp.together(expression), sp.factor_terms(expression), sp.expand(expression)]
    forms += [sp.factor(expression)] if expression.is_rational_function() else []
    return min(forms, key=lambda e: (sp.count_ops(e), len(str(e))))


def readable(expression: sp.Expr) -> str:
    """The expression as a text that the parser reads as the same expression, or an empty text.

    >>> x = sp.Symbol("x", real=True)
    >>> readable(sp.sqrt(x)/2), readable(sp.LambertW(x))
    ('sqrt(x)/2', '')
    """
    text = str(expression)
    try:
        parse(text)
    except FormulaError:
        return ""
    return text


def latex(expression: sp.Expr) -> str:
    """LaTeX in which the learning rate is η and the momentum β.

    >>> latex(sp.Symbol("lr", real=True) ** 2 - 2)
    '\\\\eta^{2} - 2'
    """
    names = {s: GREEK[s.name] for s in expression.free_symbols if s.name in GREEK}
    return sp.latex(expression, symbol_names=names)


def shown(expression: sp.Expr) -> dict[str, str]:
    """Text and LaTeX."""
    return {"text": readable(expression), "latex": latex(expression)}
