"""The normal form of a polynomial map: w = Φ(u) with g(Φ(u)) = Φ(G(u)), G of the monomials that a kind keeps."""

from collections.abc import Callable, Sequence

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.normal_forms.codimension_two.centre import CentreMap
from cfdyn.normal_forms.codimension_two.polynomials import Degrees, Polynomials

UNSOLVED = 1e-6  # of the parts: what a normal form leaves over where it lacks a monomial
RESONANT = 1e-6  # of λ^e − λ_i: the multiplier is there, to what a point of codimension two is known
Kept = Callable[[int, tuple[int, ...]], bool]


class NormalMap:
    """G of a `CentreMap`; ``kept(i, exponent)``: whether its component i has this monomial, of degree two or more.

    Of the parameters' linear parts those are left that no shift w = u + s α takes away.
    """

    def __init__(self, centre: CentreMap, kept: Kept):
        self.space: Polynomials = centre.space
        self.m, p = centre.m, centre.space.variables - centre.m
        self.given = {k: np.concatenate([part, np.zeros((p, part.shape[-1]))]) for k, part in centre.parts.items() if k > 1}
        self.given[1] = centre.linear
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
        """N φ(u) − φ(Nu) − G(u) = −g(Φ(u)) + Φ(G(u)), of degree k, the least φ that solves it."""
        space, m = self.space, self.m
        inner = space.composed(self.given, space.series(self.change), k)
        if k > 2:
            inner = inner - space.composed({j: part for j, part in self.change.items() if j > 1}, space.series(self.parts), k)
        wanted = -space.coefficients(inner, k)[:m]  # (m, C)
        count = wanted.shape[1]
        operator = np.kron(self.parts[1][:m, :m], np.eye(count)) - np.kron(np.eye(m), space.substituted(self.parts[1], k).T)
        operator[np.abs(operator) < RESONANT] = 0.0
        places = [(i, e) for i in range(m) for e, exponent in enumerate(space.index[k]) if kept(i, exponent)]
        columns = np.zeros((m * count, len(places)), dtype=operator.dtype)
        for column, (i, e) in enumerate(places):
            columns[i * count + e, column] = -1.0
        solved = _least(operator, columns, wanted.ravel())
        found, values = solved[: m * count].reshape(m, count), solved[m * count :]
        p = space.variables - m
        self.change[k] = np.concatenate([found, np.zeros((p, count))])
        self.parts[k] = np.zeros_like(self.change[k])
        for (i, e), value in zip(places, values, strict=True):
            self.parts[k][i, e] = value

    def coefficient(self, component: int, exponent: Sequence[int]) -> complex:
        """Of w^exponent."""
        value = self.parts[int(np.sum(exponent))][component, self.space.index[int(np.sum(exponent))][tuple(exponent)]]
        return complex(value)

    def real(self, component: int, exponent: Sequence[int]) -> float:
        """The same of a real map."""
        return self.coefficient(component, exponent).real


def _least(operator: np.ndarray, columns: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The shortest φ and the G with operator φ + columns G = right."""
    whole = np.concatenate([operator, columns], axis=1)
    solved = np.linalg.lstsq(whole, right, rcond=1e-13)[0]
    left = np.abs(whole @ solved - right).max(initial=0.0)
    if not left <= UNSOLVED * max(np.abs(right).max(initial=0.0), 1e-300):
        raise NumericsError("more multipliers are critical, or in resonance, than at this point alone")
    return solved
