"""The normal form of a polynomial map: w = Φ(u) with g(Φ(u)) = Φ(G(u)), with the monomials of G that a kind keeps."""

from collections.abc import Callable, Sequence

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.normal_forms.codimension_two.centre import CentreMap
from cfdyn.normal_forms.codimension_two.polynomials import Degrees, Polynomials

UNSOLVED = 1e-6  # of the parts: what a normal form leaves over where it lacks a monomial
RESONANT = 1e-6  # of λ^e − λ_i: the multiplier is there, to what a point of codimension two is known
Kept = Callable[[int, tuple[int, ...]], bool]


def resonant(modulus: int | Sequence[int], *charges: int | Sequence[int]) -> Kept:
    """The monomials that rotate as their component does, if the variables rotate by multiples of angles, the ``charges``.

    ``modulus``: the multiple of an angle that is a full turn, 0 for an angle without such a multiple. Parameters do not rotate.
    """
    table, turns = np.atleast_2d(np.array(charges).T), np.atleast_1d(modulus)

    def kept(i: int, exponent: tuple[int, ...]) -> bool:
        rest = table @ np.array(exponent[: table.shape[1]]) - table[:, i]
        return bool(np.all(np.where(turns > 0, rest % np.maximum(turns, 1), rest) == 0))

    return kept


class NormalMap:
    """G of a `CentreMap`; ``kept(i, exponent)``: whether its component i has this monomial, of degree two or more.

    Among the parameters' linear parts, those remain that no shift w = u + s α removes.
    """

    def __init__(self, centre: CentreMap, kept: Kept):
        self.space: Polynomials = centre.space
        self.m, p = centre.m, centre.space.variables - centre.m
        self.given = {k: np.concatenate([part, np.zeros((p, part.shape[-1]))]) for k, part in centre.parts.items() if k > 1}
        self.given[1] = centre.linear
        self.sizes = centre.sizes
        # Φ and G with the parameters as components that stay.
        change, linear = np.eye(self.m + p, dtype=centre.linear.dtype), centre.linear.copy()
        still = linear[: self.m, : self.m] - np.eye(self.m)
        change[: self.m, self.m :] = -np.linalg.pinv(still, rcond=RESONANT) @ linear[: self.m, self.m :]
        linear[: self.m, self.m :] += still @ change[: self.m, self.m :]
        self.change: Degrees = {1: change}
        self.parts: Degrees = {1: linear}
        for k in range(2, centre.order + 1):
            self._solve(k, kept)

    def _solve(self, k: int, kept: Kept) -> None:
        """N φ(u) − φ(Nu) − G(u) = −g(Φ(u)) + Φ(G(u)), of degree k: the least φ that leaves only the kept monomials."""
        space, m = self.space, self.m
        inner = space.composed(self.given, space.series(self.change), k)
        if k > 2:
            inner = inner - space.composed({j: part for j, part in self.change.items() if j > 1}, space.series(self.parts), k)
        right = -space.coefficients(inner, k)[:m].ravel()
        count = len(space.exponents[k])
        operator = np.kron(self.parts[1][:m, :m], np.eye(count)) - np.kron(np.eye(m), space.substituted(self.parts[1], k).T)
        operator[np.abs(operator) < RESONANT] = 0.0
        free = np.array([kept(i, exponent) for i in range(m) for exponent in space.index[k]])
        solution = np.linalg.lstsq(operator[~free], right[~free], rcond=1e-13)[0]
        left = operator @ solution - right
        if not np.abs(left[~free]).max(initial=0.0) <= UNSOLVED * np.abs(right).max(initial=0.0):
            raise NumericsError("more multipliers are critical, or in resonance, than at this point alone")
        still = np.zeros((space.variables - m, count))
        self.change[k] = np.concatenate([solution.reshape(m, count), still])
        self.parts[k] = np.concatenate([np.where(free, left, 0.0).reshape(m, count), still])

    def size(self, degree: int) -> float:
        """The expected size of a coefficient of this degree: one of degree k scales with w like its (k − 1)th power."""
        return float(sum(size ** ((degree - 1) / (k - 1)) for k, size in self.sizes.items()))

    def coefficient(self, component: int, exponent: Sequence[int]) -> complex:
        """The coefficient of w^exponent."""
        value = self.parts[int(np.sum(exponent))][component, self.space.index[int(np.sum(exponent))][tuple(exponent)]]
        return complex(value)

    def real(self, component: int, exponent: Sequence[int]) -> float:
        """The coefficient for a real map."""
        return self.coefficient(component, exponent).real
