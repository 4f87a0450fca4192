"""Resultants of polynomials whose coefficients are polynomials, through FLINT."""

from __future__ import annotations

from typing import Any

import sympy as sp
from flint import fmpq, fmpq_mpoly_ctx


def resultant(f: sp.Poly, g: sp.Poly) -> sp.Expr:
    """Res(f, g) of two polynomials in one variable over Q or a ring of polynomials over Q.

    SymPy's sequence of remainders takes 6 s where this takes 0.05: the fold of the 3-cycles of a double well.

    Examples
    --------
    >>> x, r = sp.symbols("x r")
    >>> resultant(sp.Poly(x**2 - r, x), sp.Poly(r*x + 1, x))
    1 - r**3
    """
    f, g = f.unify(g)
    parameters = () if f.domain.is_Numerical else f.domain.symbols
    context = fmpq_mpoly_ctx.get([f"x{k}" for k in range(1 + len(parameters))], "lex")

    def read(p: sp.Poly) -> Any:
        terms = (p.inject() if parameters else p).as_dict()
        return context.from_dict({powers: fmpq(int(c.p), int(c.q)) for powers, c in terms.items()})

    terms = {powers[1:]: sp.Rational(int(c.p), int(c.q)) for powers, c in read(f).resultant(read(g), "x0").to_dict().items()}
    return sp.Poly.from_dict(terms, *parameters).as_expr() if parameters else sp.Add(*terms.values())
