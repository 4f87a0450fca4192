"""The smooth pieces of a map of one variable over boxes: the formula with one branch taken wherever a branch is open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.formulas.graph import Node
from cfdyn.certify.checker.formulas.jets import derivative
from cfdyn.certify.checker.formulas.switches import Switches
from cfdyn.certify.checker.formulas.values import Program
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.numbers.boxes import Array, Interval, meet, point

MOST_PIECES, MOST_WHOLES = 20_000, 64  # in all; values of one floor over one box


class Piece(NamedTuple):
    """For the boxes ``rows``: the image of each under a piece, (rows,), and its slope there."""

    rows: Array
    image: Interval
    slope: Interval


class Sides:
    """The pieces of g on boxes, and where they are not known to be C² and finitely many."""

    def __init__(self, g: CheckedMap):
        self.g, self.graph, self.name = g, g.graph, f"x:{g.names[0]}"
        self._programs: dict[tuple[Node, int], Program] = {}
        self.switches = Switches(g.graph)
        self._known: dict[Node, tuple[Node, Node] | None] = {}

    def over(self, x: Interval, lines: Interval) -> tuple[Array, list[Piece]]:
        """For boxes (N,) and parameters (N, p): where the pieces are known, and the pieces."""
        known, pieces, seen = np.ones(len(x.lo), dtype=bool), list[Piece](), 0
        stack = [(self.g.step[0], np.arange(len(x.lo)))]
        while stack:
            node, rows = stack.pop()
            rows, seen = rows[known[rows]], seen + 1
            if seen > MOST_PIECES:
                raise NotValid("the map has too many pieces")
            if not len(rows):
                continue
            switch = self._first(node)
            if switch is None:
                image, slope, curvature = self._at(node, 2, x[rows], lines[rows])
                good = _finite(image) & _finite(slope) & _finite(curvature)
                m = point(x[rows].middle)
                mean = self._at(node, 0, m, lines[rows])[0] + slope * (x[rows] - m)
                known[rows[~good]] = False
                pieces.append(Piece(rows[good], meet(image, mean)[good], slope[good]))
                continue
            place, changes = self._at(switch[1], 1, x[rows], lines[rows])
            known[rows[~self._bounded(switch[0], place)]] = False
            for value, chosen, once in self._values(switch[0], place):
                known[rows[chosen & ~once & ~changes.without_zero()]] = False
                stack.append((self._taken(node, switch, value), rows[chosen]))
        return known, [Piece(p.rows[known[p.rows]], p.image[known[p.rows]], p.slope[known[p.rows]]) for p in pieces]

    def _values(self, switch: Node, place: Interval) -> Iterator[tuple[int, Array, Array]]:
        """Each sign that a place can have (for a floor: each integer), on which boxes, and where it can have no other."""
        if self.switches.kind(switch) != "floor":
            yield 1, place.hi >= 0, place.lo > 0
            yield -1, place.lo <= 0, place.hi < 0
            return
        low, high = np.floor(place.lo), np.floor(place.hi)
        good = self._bounded(switch, place)
        wholes = [np.arange(a, b + 1) for a, b in zip(low[good], high[good])]
        for value in np.unique(np.concatenate([np.empty(0), *wholes])):
            yield int(value), good & (low <= value) & (value <= high), low == high

    def _bounded(self, switch: Node, place: Interval) -> Array:
        """Where a place is defined and, for a floor, takes few values."""
        few = np.floor(place.hi) - np.floor(place.lo) < MOST_WHOLES if self.switches.kind(switch) == "floor" else True
        return _finite(place) & few

    def _first(self, node: Node) -> tuple[Node, Node] | None:
        """The first switch of a formula, and its deciding function."""
        if node not in self._known:
            self._known[node] = self.switches.first(node)
        return self._known[node]

    def _taken(self, node: Node, switch: tuple[Node, Node], value: int) -> Node:
        """The formula where the place of a switch has that sign, or a floor that value."""
        if self.switches.kind(switch[0]) == "floor":
            return self.switches.at_floor(node, switch[0], value)
        return self.switches.taken(node, switch[1], value)

    def _at(self, node: Node, order: int, x: Interval, lines: Interval) -> list[Interval]:
        """A function and its derivatives, each over the boxes."""
        if (node, order) not in self._programs:
            nodes = [node]
            for _ in range(order):
                nodes += derivative(self.graph, nodes[-1:], self.name)
            self._programs[node, order] = Program(self.graph, nodes)
        values = {self.name: x} | {f"p:{n}": lines[:, i] for i, n in enumerate(self.g.varied)}
        zero = np.zeros(len(x.lo))
        return [Interval(v.lo + zero, v.hi + zero) for v in self._programs[node, order](values)]


def _finite(x: Interval) -> Array:
    return np.isfinite(x.lo) & np.isfinite(x.hi)
