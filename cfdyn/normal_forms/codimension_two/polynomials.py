"""Polynomials in a few variables, by their series along straight lines w = s u.

The composition of a map with a polynomial is a Taylor series along each line, which the compiled rules compute to any order;
values on enough lines determine the coefficients, to rounding, separately for each degree.
"""

from functools import cached_property, lru_cache
from itertools import combinations_with_replacement

import numpy as np

LINES = 3  # for each coefficient of the highest degree: fewer lose digits
Degrees = dict[int, np.ndarray]  # coefficients (…, C_k) of the homogeneous parts of degree k


class Polynomials:
    """Polynomials of degree up to ``order`` in variables that are real, or w followed by w̄ for each ``w`` in ``pairs``.

    ``exponents[k]`` (C_k, m): the monomials of degree k, more of an earlier variable first. ``lines`` (r, m).
    """

    def __init__(self, variables: int, order: int, pairs: tuple[int, ...] = ()):
        self.variables, self.order = variables, order
        self.exponents = {k: _exponents(variables, k) for k in range(order + 1)}
        self.index = {k: {tuple(e): i for i, e in enumerate(table.tolist())} for k, table in self.exponents.items()}
        real = np.random.default_rng(0).normal(size=(LINES * len(self.exponents[order]), variables))
        self.lines = (real / np.linalg.norm(real, axis=1)[:, None]).astype(complex if pairs else float)
        for j in pairs:
            w = self.lines[:, j] + 1j * self.lines[:, j + 1]
            self.lines[:, j], self.lines[:, j + 1] = w, w.conj()

    @cached_property
    def monomials(self) -> Degrees:
        """The values of the monomials, (r, C_k), at the ends of the lines."""
        return {k: np.prod(self.lines[:, None, :] ** table, axis=2) for k, table in self.exponents.items()}

    @cached_property
    def _inverses(self) -> Degrees:
        return {k: np.linalg.pinv(values) for k, values in self.monomials.items() if k}

    def coefficients(self, values: np.ndarray, k: int) -> np.ndarray:
        """The coefficients (…, C_k) of the part of degree k with these values (r, …) at the ends of the lines."""
        return np.moveaxis(np.tensordot(self._inverses[k], values, 1), 0, -1)

    def series(self, parts: Degrees) -> np.ndarray:
        """The series along the lines, (r, order + 1, …), from the coefficients."""
        shape = next(iter(parts.values())).shape[:-1]
        series = np.zeros((len(self.lines), self.order + 1, *shape), dtype=np.result_type(self.lines, *parts.values()))
        for k, part in parts.items():
            series[:, k] = np.tensordot(self.monomials[k], part, (1, -1))
        return series

    def composed(self, outer: Degrees, inner: np.ndarray, k: int) -> np.ndarray:
        """Degree k of Σ outer_j(inner), (r, …), the inner one given by its series (r, order + 1, m) without a constant term."""
        total: np.ndarray | float = 0.0
        for j, parts in outer.items():
            total = total + np.tensordot(self._powers(inner, j, k), parts, (1, -1))
        return np.asarray(total)

    def _powers(self, inner: np.ndarray, j: int, k: int) -> np.ndarray:
        """Degree k of all monomials of degree j of the inner series, (r, C_j)."""
        below = {(0,) * self.variables: np.eye(1, k + 1).repeat(len(inner), axis=0)}
        for degree in range(1, j + 1):
            powers = {}
            for exponent in self.index[degree]:
                i, lower = _lower(exponent)
                powers[exponent] = _product(below[lower], inner[:, : k + 1, i])
            below = powers
        return np.stack([found_one[:, k] for found_one in below.values()], axis=1)

    def substituted(self, linear: np.ndarray, k: int) -> np.ndarray:
        """S (C_k, C_k) with (Nw)^e = Σ_e′ S[e, e′] w^e′ for the monomials of degree k."""
        below, units = {(0,) * self.variables: np.ones(1)}, np.eye(self.variables, dtype=int)
        for degree in range(1, k + 1):
            index, terms = self.index[degree], {}
            # Where each monomial of the degree below goes with one variable more.
            raised = [[index[tuple(e)] for e in (self.exponents[degree - 1] + unit).tolist()] for unit in units]
            for exponent in index:
                i, lower = _lower(exponent)
                terms[exponent] = row = np.zeros(len(index), dtype=linear.dtype)
                for j in np.flatnonzero(linear[i]):
                    row[raised[j]] += below[lower] * linear[i, j]
            below = terms
        return np.array(list(below.values()))


@lru_cache(maxsize=32)
def polynomials(variables: int, order: int, pairs: tuple[int, ...] = ()) -> Polynomials:
    """The `Polynomials` with these arguments, cached."""
    return Polynomials(variables, order, pairs)


def _exponents(variables: int, degree: int) -> np.ndarray:
    chosen = combinations_with_replacement(range(variables), degree)
    return np.array([np.bincount(list(one), minlength=variables) for one in chosen], dtype=int).reshape(-1, variables)


def _lower(exponent: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """A variable of the monomial, and the monomial divided by it."""
    i = next(i for i, e in enumerate(exponent) if e)
    return i, (*exponent[:i], exponent[i] - 1, *exponent[i + 1 :])


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The product of series (r, k + 1)."""
    product = np.zeros(a.shape, dtype=np.result_type(a, b))
    for j in range(a.shape[1]):
        product[:, j:] += a[:, j : j + 1] * b[:, : a.shape[1] - j]
    return product
