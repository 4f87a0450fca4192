"""Values of expressions over arrays of intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from cfdyn.certify.checker.formulas.graph import Graph, Node
from cfdyn.certify.checker.numbers import boxes, elementary
from cfdyn.certify.checker.numbers.boxes import Interval, hull, whole
from cfdyn.certify.checker.numbers.work import charge


class Program:
    """Some nodes of a graph, compiled for repeated evaluation.

    >>> graph = Graph()
    >>> w = graph.put("name", "w")
    >>> square = Program(graph, [graph.mul(w, w)])({"w": Interval(-1.0, 2.0)})[0]
    >>> float(square.lo), bool(4 <= square.hi < 4.000001)
    (0.0, True)
    """

    def __init__(self, graph: Graph, roots: Sequence[Node]):
        self.graph, self.roots, self.order = graph, list(roots), graph.reached(roots)
        last = {a: node for node in self.order for a in graph.arguments(node)}
        kept = set(self.roots)
        self.freed: dict[Node, list[Node]] = {}
        for a, node in last.items():
            if a not in kept:
                self.freed.setdefault(node, []).append(a)
        self.names = {graph.nodes[n][1] for n in self.order if graph.nodes[n][0] == "name"}

    def __call__(self, values: Mapping[str, Interval]) -> list[Interval]:
        """The values of the nodes for names in these intervals."""
        done: dict[Node, Any] = {}
        charge(len(self.order), max((v.lo.size for v in values.values()), default=1))
        with np.errstate(all="ignore"):
            for node in self.order:
                what = self.graph.nodes[node]
                if what[0] == "name":
                    done[node] = values[what[1]]
                else:
                    done[node] = _computed(what, [done[a] for a in self.graph.arguments(node)])
                for a in self.freed.get(node, ()):
                    del done[a]
        return [done[r] for r in self.roots]


def _computed(what: tuple, parts: list[Any]) -> Any:
    kind = what[0]
    if kind in _ARITHMETIC:
        return _ARITHMETIC[kind](*parts)
    if kind == "const":
        return boxes.exact(what[1])
    if kind == "power":
        return _handed_on(boxes.power(parts[0], what[2]), parts)
    if kind == "rational":
        return _handed_on(elementary.rational_power(parts[0], what[2]), parts)
    if kind == "call":
        return _handed_on(_called(what[1], parts), parts)
    if kind == "at":
        return _still(parts[0], what[2])
    return _truth(kind, parts)


def _handed_on(value: Interval, parts: list[Interval]) -> Interval:
    """The whole line if an argument is the whole line: the argument may be undefined, which a bounded function must not hide."""
    for part in parts:
        lost = (part.lo == -np.inf) & (part.hi == np.inf)
        if lost.any():
            value = Interval(np.where(lost, -np.inf, value.lo), np.where(lost, np.inf, value.hi))
    return value


def _called(name: str, parts: list[Interval]) -> Interval:
    if name == "nil":  # no rule removes it: nil·u is the whole line where u may be
        return boxes.exact(Fraction(0))
    if name == "pi" or name == "e":
        return elementary.PI if name == "pi" else elementary.E
    if name == "nowhere" or name == "between":
        return hull(*parts) if parts else whole()
    if name in ("Max", "Min"):
        return (elementary.larger if name == "Max" else elementary.smaller)(*parts)
    return elementary.FUNCTIONS[name](parts[0])


def _truth(kind: str, parts: list[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether a condition can be true, whether it can be false, and whether it may be undefined."""
    if kind in ("true", "false"):
        return np.asarray(kind == "true"), np.asarray(kind == "false"), np.asarray(False)
    (a, b) = parts
    if kind in ("and", "or"):
        joined = (a[0] & b[0], a[1] | b[1]) if kind == "and" else (a[0] | b[0], a[1] & b[1])
        return *joined, a[2] | b[2]
    lost = (a.lo == -np.inf) & (a.hi == np.inf) | (b.lo == -np.inf) & (b.hi == np.inf)
    return (a.lo < b.hi, a.hi >= b.lo, lost) if kind == "less" else (a.lo <= b.hi, a.hi > b.lo, lost)


def _select(condition: tuple, a: Interval, b: Interval, jumps: bool = False) -> Interval:
    true, false, lost = condition
    both = hull(a, b)
    lo = np.where(~false, a.lo, np.where(~true, b.lo, both.lo))
    hi = np.where(~false, a.hi, np.where(~true, b.hi, both.hi))
    lost = lost | (true & false) if jumps else lost
    return Interval(np.where(lost, -np.inf, lo), np.where(lost, np.inf, hi))


def _still(u: Interval, at_whole_numbers: bool) -> Interval:
    still = np.floor(u.lo) == np.floor(u.hi) if at_whole_numbers else u.without_zero()
    # an integer at the lower end is a jump too
    still = still & (np.floor(u.lo) < u.lo) if at_whole_numbers else still
    return Interval(np.where(still, 0.0, -np.inf), np.where(still, 0.0, np.inf))


_ARITHMETIC: dict[str, Callable] = {
    "add": lambda a, b: a + b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b, "select": _select,
    "jump": lambda c, a, b: _select(c, a, b, jumps=True),
}  # fmt: skip
