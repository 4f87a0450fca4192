"""Roots of a family's polynomial at numbers, in floats or in many digits."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
from scipy.special import erf

from cfdyn.symbolic.exact.families import ExactFamily
from cfdyn.tape.evaluate import Algebra

DIGITS = 30  # nearly double roots then keep those of a double


def complex_algebra() -> Algebra:
    """Programs of a tape on complex numpy arrays."""
    table: dict[str, Any] = {name: getattr(np, name) for name in "exp log sin cos tan sinh cosh tanh sqrt log1p".split()}
    table.update(erf=erf, add=np.add, sub=np.subtract, mul=np.multiply, div=np.divide, neg=np.negative, pow=np.power,
                 sech2=lambda x: 1 - np.tanh(x) ** 2, ipow=lambda x, k: x ** complex(k) if k < 0 else x**k)  # fmt: skip
    return Algebra(lambda f: complex(f), table, np.pi, np.e)


class Roots:
    """The polynomial of a family with its coefficients as exact functions of the parameters."""

    def __init__(self, family: ExactFamily, names: Sequence[str]):
        import sympy as sp

        from cfdyn.symbolic.text.parse import symbol

        gens = [symbol(name) for name in names]
        self.terms = []
        for c in sp.Poly(family.equation.expression, symbol(family.unknown)).all_coeffs():
            terms = sp.Poly(c, *gens).terms() if gens else [((), c)]
            self.terms.append([(powers, Fraction(int(k.p), int(k.q))) for powers, k in terms])

    def coefficients(self, p: Sequence[float]) -> list[Fraction]:
        """The coefficients of the polynomial, highest power first, exact for parameters that are doubles."""
        exact = [Fraction(float(v)) for v in p]
        result = []
        for terms in self.terms:
            total = Fraction(0)
            for powers, k in terms:
                for v, e in zip(exact, powers):
                    k *= v**e
                total += k
            result.append(total)
        return result

    def quick(self, p: Sequence[float]) -> np.ndarray:
        """The roots in floats, NaN where the degree drops."""
        c = self.coefficients(p)
        if not c[0]:
            return np.full(len(c) - 1, np.nan + 0j)
        roots = np.roots([float(value / c[0]) for value in c])
        return np.concatenate([roots, np.zeros(len(c) - 1 - len(roots))]).astype(complex)

    def precise(self, p: Sequence[float]) -> np.ndarray:
        """The roots computed with many digits and rounded, NaN where the degree drops or the iteration does not converge."""
        c, start = self.coefficients(p), self.quick(p)
        if not c[0] or len(c) < 3:
            return start
        with mpmath.workdps(DIGITS):
            monic = [mpmath.mpf(v.numerator) / v.denominator for v in (value / c[0] for value in c)]
            # Equal starts would stay equal.
            begin = [mpmath.mpc(z) + mpmath.mpc(1, 1) * k * mpmath.mpf(10) ** -14 for k, z in enumerate(start)]
            try:
                roots: Any = mpmath.polyroots(monic, maxsteps=300, extraprec=200, roots_init=begin)
            except mpmath.libmp.NoConvergence:
                return np.full(len(start), np.nan + 0j)
            return np.array([complex(z) for z in roots])
