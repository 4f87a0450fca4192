"""Resultants through FLINT against Sylvester's determinant."""

from __future__ import annotations

import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.polys.matrices import DomainMatrix

from cfdyn.symbolic.exact.algebra.quotient import resultant

X, R, S = sp.symbols("x r s", real=True)
NUMBERS = st.fractions(-3, 3, max_denominator=4).map(lambda q: sp.Rational(q.numerator, q.denominator))


def polynomials(*parameters: sp.Symbol) -> st.SearchStrategy[sp.Poly]:
    """Of degree one to three in x, with coefficients linear in each parameter."""
    coefficients = st.tuples(NUMBERS, *[NUMBERS for _ in parameters])
    linear = coefficients.map(lambda c: c[0] + sum((a * b for a, b in zip(c[1:], parameters, strict=True)), sp.S.Zero))
    rows = st.lists(linear, min_size=2, max_size=4).filter(lambda row: row[0] != 0)
    return rows.map(lambda row: sp.Poly(row, X))


def sylvester(f: sp.Poly, g: sp.Poly) -> sp.Expr:
    """det of the matrix whose rows are xᵏ f and xᵏ g."""
    size = f.degree() + g.degree()
    rows = [[0] * k + p.all_coeffs() + [0] * (size - p.degree() - 1 - k)
            for p, other in ((f, g), (g, f)) for k in range(other.degree())]  # fmt: skip
    matrix = DomainMatrix.from_Matrix(sp.Matrix(rows))
    return sp.expand((-1) ** size * matrix.domain.to_sympy(matrix.charpoly()[-1]))


@settings(max_examples=20, deadline=None)
@given(polynomials(R), polynomials(R, S))
def test_with_parameters(f: sp.Poly, g: sp.Poly) -> None:
    assert sp.expand(resultant(f, g) - sylvester(f, g)) == 0


@settings(max_examples=40, deadline=None)
@given(polynomials(), polynomials(), polynomials())
def test_numbers_and_products(f: sp.Poly, g: sp.Poly, h: sp.Poly) -> None:
    assert resultant(f, g) == sylvester(f, g)
    assert resultant(f * h, g) == resultant(f, g) * resultant(h, g)
    assert resultant(f, f) == 0
