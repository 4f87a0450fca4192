"""Derivatives up to the third order of a step and of gⁿ, in the state and one parameter λ (the last index)."""

from __future__ import annotations

from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from cfdyn.certify.checker.formulas.values import Program
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.numbers.boxes import Interval, point
from cfdyn.certify.checker.numbers.tensors import dot, turned


class Jet(NamedTuple):
    """g (d,), its first (d, e), second (d, e, e) and third (d, e, e, e) derivatives, e = d + 1."""

    value: Interval
    first: Interval
    second: Interval
    third: Interval


class Jets:
    """The jets of a map with one varied parameter."""

    def __init__(self, g: CheckedMap):
        self.g, nodes = g, g.derivatives(3, and_parameters=True)
        self.names = [f"x:{n}" for n in g.names] + [f"p:{n}" for n in g.varied]
        self.keys = {k: [key for key in nodes if len(key) <= k] for k in (2, 3)}
        self.programs = {k: Program(g.graph, [node for key in keys for node in nodes[key]]) for k, keys in self.keys.items()}

    def at(self, x: Interval, parameter: Interval, order: int = 3) -> list[Jet]:
        """Over boxes (n, d) and an interval of the parameter (1,): one for each box, of order 2 without third derivatives."""
        n, d, e = len(x.lo), self.g.d, self.g.d + 1
        values = {name: x[:, i] for i, name in enumerate(self.names[:d])} | {self.names[d]: parameter[0]}
        results = iter(self.programs[order](values))
        parts = [(np.zeros((n, d, *[e] * k)), np.zeros((n, d, *[e] * k))) for k in range(4)]
        for key in self.keys[order]:
            places = set(permutations([self.names.index(name) for name in key]))
            for i in range(d):
                value = next(results)
                for place in places:
                    lo, hi = (part[:, i] for part in parts[len(key)])
                    spot: Any = (..., *place)
                    lo[spot], hi[spot] = value.lo, value.hi
        return [Jet(*[Interval(lo[k], hi[k]) for lo, hi in parts]) for k in range(n)]


def composed(outer: Jet, inner: Jet) -> Jet:
    """The jet of outer(inner(x, λ), λ)."""
    d = inner.first.shape[0]
    e = d + 1
    h1 = _with_parameter(inner.first, np.eye(e)[d])
    h2, h3 = _with_parameter(inner.second, np.zeros((e, e))), _with_parameter(inner.third, np.zeros((e, e, e)))
    first = dot(outer.first, h1)
    half = dot(outer.second, h1)  # [i, a, q]
    second = dot(turned(half, 0, 2, 1), h1) + dot(outer.first, h2)
    third = dot(turned(dot(turned(dot(outer.third, h1), 0, 3, 1, 2), h1), 0, 1, 3, 2), h1) + dot(outer.first, h3)
    mixed = dot(turned(half, 0, 2, 1), h2)  # [i, r, p, q] = Σ f2[a, b] h1[b, r] h2[a, p, q]
    third = third + mixed + turned(mixed, 0, 2, 1, 3) + turned(mixed, 0, 2, 3, 1)
    return Jet(outer.value, first, second, third)


def _with_parameter(part: Interval, row: np.ndarray) -> Interval:
    below = point(row[None])
    return Interval(np.concatenate([part.lo, below.lo]), np.concatenate([part.hi, below.hi]))
