"""Comparisons that intervals leave open over a box and polynomials decide: both sides are expanded, equal terms cancel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cfdyn.certify.checker.formulas.graph import Graph, Node
from cfdyn.certify.checker.formulas.joins import Polynomial, Undecided, difference
from cfdyn.certify.checker.formulas.values import Program
from cfdyn.certify.checker.numbers.boxes import Interval, exact, point, power


def settled(graph: Graph, roots: Sequence[Node], values: Mapping[str, Interval]) -> list[Node] | None:
    """The roots with each comparison that is constant over one box replaced by its value; None if nothing new is known.

    values : the box, a scalar interval for each name
    """
    order = graph.reached(roots)
    known = _Known(graph, dict(zip(order, Program(graph, order)(values), strict=True)))
    decided: dict[tuple, Node] = {}
    for node in order:
        what = graph.nodes[node]
        if what[0] in ("less", "least") and known.truth(node) is None:
            gap = _gap(graph, what, known, values)
            if gap is not None:
                decided[what] = graph.put("true" if gap < 0 or gap == 0 and what[0] == "least" else "false")
    return graph.substituted(roots, decided) if decided else None


def _gap(graph: Graph, what: tuple, known: _Known, values: Mapping[str, Interval]) -> int | None:
    """The sign of the left-hand side minus the right-hand side, if it is constant."""
    try:
        gap = difference(graph, what[1], what[2], known)
    except Undecided:
        return None
    if not gap:
        return 0
    value = _value(gap, values)
    return None if value is None else 1 if value.lo > 0 else -1 if value.hi < 0 else None


def _value(p: Polynomial, values: Mapping[str, Interval]) -> Interval | None:
    total = point(0.0)
    for powers, coefficient in p.items():
        term = exact(coefficient)
        for atom, k in powers:
            if atom[0] != "name":
                return None
            term = term * power(values[atom[1]], k)
        total = total + term
    return total


class _Known(Mapping[Node, bool]):
    """The branch that is taken, for the nodes for which it is the same throughout a box."""

    def __init__(self, graph: Graph, values: Mapping[Node, Any]):
        self.graph, self.spans = graph, values

    def truth(self, condition: Node) -> bool | None:
        """The truth value of a condition; None if it is open or may be undefined."""
        true, false, lost = self.spans[condition]
        return None if lost or true == false else bool(true)

    def _branch(self, node: Node) -> bool | None:
        kind, *rest = self.graph.nodes[node]
        if kind == "select":
            return self.truth(rest[0]) if rest[0] in self.spans else None
        if any(a not in self.spans for a in rest[1:]):
            return None
        if rest[0] == "sign":
            value = self.spans[rest[1]]
            return True if value.lo > 0 else False if value.hi < 0 else None
        a, b = (self.spans[n] for n in rest[1:])
        if rest[0] == "Min":
            a, b = b, a
        return True if a.lo >= b.hi else False if a.hi <= b.lo else None

    def __contains__(self, node: object) -> bool:
        return isinstance(node, int) and self._branch(node) is not None

    def __getitem__(self, node: Node) -> bool:
        branch = self._branch(node)
        if branch is None:
            raise KeyError(node)
        return branch

    def __iter__(self) -> Iterator[Node]:
        return (node for node in self.spans if node in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
