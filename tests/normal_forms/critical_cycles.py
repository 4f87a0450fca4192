"""Random maps with a cycle whose multipliers are given: as a `Map`, and as a function for other arithmetic.

The state is (x, s): s runs through 0, 1, …, n − 1 with the slope 0, and chooses between n polynomials in x with f_k(0) = 0.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from numpy.polynomial import Polynomial

import cfdyn as cf


def turning(theta):
    return np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])


def blocks(*parts):
    """A block matrix; numbers are blocks of one."""
    parts = [np.atleast_2d(part) for part in parts]
    whole, k = np.zeros((sum(map(len, parts)),) * 2), 0
    for part in parts:
        whole[k : k + len(part), k : k + len(part)] = part
        k += len(part)
    return whole


class CriticalCycle:
    """A cycle of period n at x = 0 with the product of Jacobians similar to ``linear``."""

    def __init__(self, linear, n, seed, order=3):
        self.generator, self.n, self.d = np.random.default_rng(seed), n, len(linear)
        matrices = [self._near_identity() for _ in range(n)]
        around, total = self._near_identity(), np.eye(self.d)
        for matrix in matrices[:-1]:
            total = matrix @ total
        matrices[-1] = around @ linear @ np.linalg.inv(around) @ np.linalg.inv(total)
        self.terms = [self._terms(matrix, order) for matrix in matrices]
        self.selectors, self.next = _selectors(n), _next(n)

    def _near_identity(self):
        return np.eye(self.d) + 0.2 * self.generator.normal(size=(self.d, self.d))

    def _terms(self, matrix, order):
        """[(component, variables, coefficient)]."""
        found = [(i, (j,), matrix[i, j]) for i in range(self.d) for j in range(self.d)]
        for degree in range(2, order + 1):
            each = list(combinations_with_replacement(range(self.d), degree))
            for i in range(self.d):
                found += [
                    (i, each[k], round(self.generator.normal() / degree, 3)) for k in self.generator.permutation(len(each))[:4]
                ]
        return found

    def __call__(self, *z):
        """f(x, s)."""
        *x, s = z if self.n > 1 else (*z, 0)
        chosen = [_at(polynomial, s) for polynomial in self.selectors] if self.n > 1 else [1]
        image = [0] * self.d
        for weight, terms in zip(chosen, self.terms, strict=True):
            for i, variables, coefficient in terms:
                product = weight * float(coefficient)
                for j in variables:
                    product = product * x[j]
                image[i] = product + image[i]
        return [*image, _at(self.next, s)] if self.n > 1 else image

    def map(self):
        names = [f"x{i}" for i in range(self.d)]
        image = [""] * self.d
        for k, terms in enumerate(self.terms):
            texts = [""] * self.d
            for i, variables, coefficient in terms:
                texts[i] += f" + ({float(coefficient)!r})*" + "*".join(names[j] for j in variables)
            for i, text in enumerate(texts):
                image[i] += f" + ({_text(self.selectors[k])})*(0{text})" if self.n > 1 else text
        last = ([_text(self.next)], ["s"]) if self.n > 1 else ([], [])
        return cf.Map.from_text([f"0{text}" for text in image] + last[0], " ".join(names + last[1]), {})

    @property
    def points(self):
        return np.column_stack([np.zeros((self.n, self.d)), np.arange(self.n)])[:, : self.d + (self.n > 1)]


def _selectors(n):
    """1 at k, 0 at the others."""
    found = []
    for k in range(n):
        others = [j for j in range(n) if j != k]
        product = Polynomial([1.0])
        for j in others:
            product *= Polynomial([-j / (k - j), 1 / (k - j)])
        found.append(product)
    return found


def _next(n):
    """k + 1 at k, 0 at n − 1, with the slope 0 at all of them."""
    rows = [[k**j for j in range(2 * n)] for k in range(n)] + [[j * k ** max(j - 1, 0) for j in range(2 * n)] for k in range(n)]
    return Polynomial(np.linalg.solve(np.array(rows, dtype=float), [*range(1, n), 0, *[0] * n]))


def _at(polynomial, s):
    value = 0
    for coefficient in polynomial.coef[::-1]:
        value = s * value + float(coefficient)
    return value


def _text(polynomial):
    text = ""
    for coefficient in polynomial.coef[::-1]:
        text = f"({text})*s + ({float(coefficient)!r})" if text else f"({float(coefficient)!r})"
    return text
