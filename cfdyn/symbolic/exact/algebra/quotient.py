"""Arithmetic on the points of cycles: K[x]/q for the field K of rational functions of the parameters."""

import math
from collections.abc import Sequence
from functools import reduce
from itertools import permutations
from typing import Any

import sympy as sp
from flint import fmpq, fmpq_mpoly_ctx
from sympy.combinatorics.permutations import Permutation


class Quotient:
    """Rational functions of x at the roots of an irreducible polynomial q, each written as a polynomial of lower degree.

    >>> x, r = sp.symbols("x r", real=True)
    >>> at = Quotient(x**2 - r, x, [r])
    >>> at.ratio(1/x).as_expr(), at.zeros(at.ratio(x + 1))
    (x/r, [r - 1])
    """

    def __init__(self, q: sp.Expr, x: sp.Symbol, parameters: Sequence[sp.Symbol]):
        self.x = x
        self.domain = sp.QQ.frac_field(*parameters) if parameters else sp.QQ
        self.q = sp.Poly(q, x, domain=self.domain)
        self.one = sp.Poly(1, x, domain=self.domain)

    @property
    def degree(self) -> int:
        """The number of roots of q."""
        return self.q.degree()

    def times(self, a: sp.Poly, b: sp.Poly) -> sp.Poly:
        """a b."""
        return (a * b).rem(self.q)

    def ratio(self, expression: sp.Expr) -> sp.Poly:
        """An expression of x and the parameters."""
        return self.at(expression, [self.x], [sp.Poly(self.x, self.x, domain=self.domain).rem(self.q)])

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

    def zeros(self, element: sp.Poly) -> list[sp.Expr]:
        """The irreducible factors, in the parameters, of the product of an element's values at all roots of q."""
        q, top, denominator, _ = self._thinned(element)
        powers: dict[sp.Expr, int] = {}
        below = [(q.LC(), top.degree()), (denominator, q.degree())]
        for part, times in [(resultant(q, top), 1), *((part, -times) for part, times in below)]:
            for factor, power in sp.factor_list(part)[1]:
                powers[factor] = powers.get(factor, 0) + times * power
        return [factor for factor, power in powers.items() if power > 0 and not factor.is_Symbol]

    def characteristic(self, element: sp.Poly, t: sp.Symbol) -> sp.Expr:
        """A polynomial in t whose zeros are exactly the element's values at the roots of q."""
        q, top, denominator, _ = self._thinned(element)
        return resultant(q, sp.Poly(t * denominator - top.as_expr(), self.x))

    def _thinned(self, element: sp.Poly) -> tuple[sp.Poly, sp.Poly, sp.Expr, int]:
        """q and the element's numerator with xᵏ in place of x where both depend on xᵏ alone, its denominator, and k."""
        denominator, top = element.clear_denoms(convert=True)
        _, q = self.q.clear_denoms(convert=True)
        k = math.gcd(*(m for part in (q, top) for (m,) in part.monoms()))
        thin = []
        for part in (q, top):
            terms = {(m // k,): c for (m,), c in part.as_dict(native=True).items()}
            thin.append(sp.Poly.from_dict(terms, self.x, domain=part.domain))
        return thin[0], thin[1], denominator, k


def resultant(f: sp.Poly, g: sp.Poly) -> sp.Expr:
    """Res(f, g) of two polynomials in one variable over Q or a ring of polynomials over Q.

    For the fold of the 3-cycles of a double well SymPy's sequence of remainders takes 6 s; this takes 0.05 s.

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
