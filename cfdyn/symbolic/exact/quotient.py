"""Arithmetic on the points of cycles: K[x]/q for the field K of rational functions of the parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from itertools import permutations

import sympy as sp
from sympy.combinatorics.permutations import Permutation


class Quotient:
    """Rational functions of x at the roots of an irreducible polynomial q, each written as a polynomial of lower degree.

    Examples
    --------
    >>> x, r = sp.symbols("x r", real=True)
    >>> at = Quotient(x**2 - r, x, [r])
    >>> at.expr(at.ratio(1/x)), at.norm(at.ratio(x + 1))
    (x/r, 1 - r)
    """

    def __init__(self, q: sp.Expr, x: sp.Symbol, parameters: Sequence[sp.Symbol]):
        self.x = x
        self.domain = sp.QQ.frac_field(*parameters) if parameters else sp.QQ
        self.q = sp.Poly(q, x, domain=self.domain)
        self.one = sp.Poly(1, x, domain=self.domain)

    @property
    def degree(self) -> int:
        """How many roots q has."""
        return self.q.degree()

    def expr(self, value: sp.Poly) -> sp.Expr:
        """An element as an expression in x."""
        return value.as_expr()

    def times(self, a: sp.Poly, b: sp.Poly) -> sp.Poly:
        """a b."""
        return (a * b).rem(self.q)

    def ratio(self, expression: sp.Expr) -> sp.Poly:
        """An expression of x and the parameters."""
        numerator, denominator = sp.fraction(sp.together(expression))
        top = sp.Poly(numerator, self.x, domain=self.domain).rem(self.q)
        if not denominator.has(self.x):
            return top * sp.Poly(1 / denominator, self.x, domain=self.domain)
        return self.times(top, sp.Poly(denominator, self.x, domain=self.domain).rem(self.q).invert(self.q))

    def at(self, function: sp.Expr, names: Sequence[sp.Symbol], point: Sequence[sp.Poly]) -> sp.Poly:
        """A rational function of several variables at a point whose entries are elements."""
        numerator, denominator = sp.fraction(sp.together(function))
        top = self._polynomial(numerator, names, point)
        if not denominator.has(*names):
            return top * sp.Poly(1 / denominator, self.x, domain=self.domain)
        return self.times(top, self._polynomial(denominator, names, point).invert(self.q))

    def _polynomial(self, function: sp.Expr, names: Sequence[sp.Symbol], point: Sequence[sp.Poly]) -> sp.Poly:
        terms = sp.Poly(function, *names).terms()
        powers = [[self.one] for _ in names]
        for row, entry, most in zip(powers, point, map(max, zip(*(m for m, _ in terms)))):
            for _ in range(most):
                row.append(self.times(row[-1], entry))
        total = self.one * 0
        for monomial, coefficient in terms:
            factors = [row[k] for row, k in zip(powers, monomial)]
            total += reduce(self.times, factors) * sp.Poly(coefficient, self.x, domain=self.domain)
        return total

    def determinant(self, matrix: Sequence[Sequence[sp.Poly]]) -> sp.Poly:
        """det of a small matrix of elements, by Leibniz' sum."""
        total, n = self.one * 0, len(matrix)
        for order in permutations(range(n)):
            sign = Permutation(list(order)).signature()
            total += reduce(self.times, [matrix[i][order[i]] for i in range(n)]) * sign
        return total

    def norm(self, element: sp.Poly) -> sp.Expr:
        """The product of an element's values at all roots of q, a rational function of the parameters."""
        q, top, denominator, times = self._thinned(element)
        resultant = sp.resultant(q, top, self.x)
        lead = sp.Poly(q, self.x).LC() ** sp.degree(top, self.x)
        return sp.cancel(resultant / (lead * denominator ** sp.degree(q, self.x))) ** times

    def characteristic(self, element: sp.Poly, t: sp.Symbol) -> sp.Expr:
        """A polynomial in t that vanishes just at the element's values at the roots of q."""
        q, top, denominator, _ = self._thinned(element)
        return sp.resultant(q, sp.expand(t * denominator - top), self.x)

    def _thinned(self, element: sp.Poly) -> tuple[sp.Expr, sp.Expr, sp.Expr, int]:
        """q and the element's numerator with xᵏ in place of x where both depend on xᵏ alone, its denominator, and k."""
        top, denominator = sp.fraction(sp.together(element.as_expr()))
        q = sp.fraction(sp.together(self.q.as_expr()))[0]
        both = [sp.Poly(part, self.x) for part in (q, top)]
        k = math.gcd(*(m for part in both for (m,) in part.monoms()))
        thin = [sum(c * self.x ** (m // k) for (m,), c in part.terms()) for part in both]
        return sp.expand(thin[0]), sp.expand(thin[1]), denominator, k
