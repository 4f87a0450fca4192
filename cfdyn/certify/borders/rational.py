"""Exact rational functions of atoms: variables, parameters, and values of exp, log, …"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

MOST_ATOMS, MOST_TERMS, HIGHEST = 24, 400, 64


class TooHard(Exception):
    """An expression with too many terms for an exact comparison."""


class Rational(NamedTuple):
    """p/q in lowest terms, q with the leading coefficient 1: equal functions are equal pairs."""

    p: fmpq_mpoly
    q: fmpq_mpoly

    @property
    def key(self) -> tuple[str, str]:
        """Text that equal functions share."""
        return str(self.p), str(self.q)


class Field:
    """The field of the functions; each atom has a key.

    >>> f = Field()
    >>> x, one = f.atom("x"), f.constant(1)
    >>> f.div(f.sub(f.power(x, 2), one), f.sub(x, one)).key == f.add(x, one).key
    True
    """

    def __init__(self) -> None:
        self.context = fmpq_mpoly_ctx.get([f"a{i}" for i in range(MOST_ATOMS)], Ordering.lex)
        self.atoms: dict[object, int] = {}
        self._generators = self.context.gens()
        self._one = self.context.constant(1)

    def constant(self, value: int | Fraction) -> Rational:
        """A number."""
        exact = Fraction(value)
        return Rational(self.context.constant(fmpq(exact.numerator, exact.denominator)), self._one)

    def atom(self, key: object) -> Rational:
        """The atom with that key."""
        index = self.atoms.setdefault(key, len(self.atoms))
        if index >= MOST_ATOMS:
            raise TooHard("too many different functions")
        return Rational(self._generators[index], self._one)

    def add(self, a: Rational, b: Rational) -> Rational:
        """a + b."""
        return self._lowest(a.p * b.q + b.p * a.q, a.q * b.q)

    def sub(self, a: Rational, b: Rational) -> Rational:
        """a − b."""
        return self._lowest(a.p * b.q - b.p * a.q, a.q * b.q)

    def mul(self, a: Rational, b: Rational) -> Rational:
        """a b."""
        return self._lowest(a.p * b.p, a.q * b.q)

    def div(self, a: Rational, b: Rational) -> Rational:
        """a / b."""
        return self._lowest(a.p * b.q, a.q * b.p)

    def power(self, a: Rational, n: int) -> Rational:
        """aⁿ for an integer n."""
        if abs(n) > HIGHEST:
            raise TooHard("too high a power")
        p, q = (a.p, a.q) if n >= 0 else (a.q, a.p)
        return self._lowest(p ** abs(n), q ** abs(n))

    def _lowest(self, p: fmpq_mpoly, q: fmpq_mpoly) -> Rational:
        if q.is_zero():
            raise TooHard("a division by 0")
        if len(p.monoms()) + len(q.monoms()) > MOST_TERMS:
            raise TooHard("too many terms")
        if p.is_zero():
            return Rational(p, self._one)
        common = p.gcd(q)
        if not common.is_one():
            p, q = divmod(p, common)[0], divmod(q, common)[0]
        lead = q.leading_coefficient()
        return Rational(p / lead, q / lead)

    def solved(self, a: Rational) -> tuple[object, Rational] | None:
        """(atom's key, value): a variable or parameter whose value makes a polynomial 0, if its coefficient in it is a number."""
        if not a.q.is_one():
            return None
        for key, index in self.atoms.items():
            slope = a.p.derivative(index)
            if isinstance(key, tuple) and key[0] in ("z", "p") and slope.is_constant() and not slope.is_zero():
                rest = a.p - slope * self._generators[index]
                return key, Rational(-rest / slope.leading_coefficient(), self._one)
        return None
