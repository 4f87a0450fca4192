"""Expressions as a graph: numbers, names, operations, each once; and their values over arrays of intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from cfdyn.certify.checker.formulas.logarithms import log_one_plus, logarithm
from cfdyn.certify.checker.numbers import boxes, elementary
from cfdyn.certify.checker.numbers.boxes import Interval, hull, whole
from cfdyn.certify.checker.numbers.work import TooLarge, charge

Node = int
MOST_BITS = 4096  # of a constant that is carried exactly
MOST_NODES = 200_000


class Graph:
    """Nodes in an order in which arguments come first; equal ones are one.

    Operations: const, name, add, mul, div, power (n), rational (q), call (function), less and least (a < b, a ≤ b), and, or,
    true, false, select (condition, a, b), jump (condition, a, b): as select, and the whole line where the condition is open;
    at (u): 0, and the whole line where u may be 0, or with the mark True a whole number.
    """

    def __init__(self) -> None:
        self.nodes: list[tuple] = []
        self._known: dict[tuple, Node] = {}

    def put(self, *node: Any) -> Node:
        """The number of a node."""
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = len(self.nodes)
            self.nodes.append(node)
            if found > MOST_NODES:
                raise TooLarge
        return found

    def const(self, value: Fraction | int) -> Node:
        return self.put("const", Fraction(value))

    def value(self, node: Node) -> Fraction | None:
        """The number that a constant is."""
        kind, *rest = self.nodes[node]
        return rest[0] if kind == "const" else None

    def add(self, a: Node, b: Node) -> Node:
        p, q = self.value(a), self.value(b)
        if p is not None and q is not None and _short(p, q):
            return self.const(p + q)
        if p == 0 or q == 0:
            return b if p == 0 else a
        return self.put("add", *sorted((a, b)))

    def mul(self, a: Node, b: Node) -> Node:
        p, q = self.value(a), self.value(b)
        if p is not None and q is not None and _short(p, q):
            return self.const(p * q)
        if p == 0 or q == 0:
            return self.const(0)
        if p == 1 or q == 1:
            return b if p == 1 else a
        return self.power(a, 2) if a == b else self.put("mul", *sorted((a, b)))

    def neg(self, a: Node) -> Node:
        return self.mul(self.const(-1), a)

    def sub(self, a: Node, b: Node) -> Node:
        return self.const(0) if a == b else self.add(a, self.neg(b))

    def div(self, a: Node, b: Node) -> Node:
        q = self.value(b)
        if q:
            return self.mul(a, self.const(1 / q))
        return self.put("div", a, b)

    def power(self, a: Node, n: int) -> Node:
        p = self.value(a)
        if n == 0 or n == 1:
            return self.const(1) if n == 0 else a
        if p is not None and (p or n > 0) and max(p.numerator.bit_length(), p.denominator.bit_length()) * abs(n) < MOST_BITS:
            return self.const(p**n)
        return self.put("power", a, n)

    def rational(self, a: Node, q: Fraction) -> Node:
        return self.power(a, q.numerator) if q.denominator == 1 else self.put("rational", a, q)

    def call(self, name: str, *arguments: Node) -> Node:
        if name in ("log", "log1p"):
            found = logarithm(self, *arguments) if name == "log" else log_one_plus(self, *arguments)
            if found is not None:
                return found
        return self.put("call", name, *arguments)

    def total(self, terms: Iterable[Node]) -> Node:
        """The sum, as a balanced tree."""
        level = list(terms) or [self.const(0)]
        while len(level) > 1:
            level = [self.add(*level[i : i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
        return level[0]

    def combined(self, terms: Iterable[tuple[Fraction, Node]]) -> Node:
        """A sum with constant coefficients, sums inside it opened, like terms collected."""
        return self.total(self.mul(self.const(c), node) for node, c in self.collected(terms).items())

    def collected(self, terms: Iterable[tuple[Fraction, Node]]) -> dict[Node, Fraction]:
        """Such a sum as {node: its coefficient}, in an order of its own."""
        found: dict[Node, Fraction] = {}
        stack = list(terms)
        while stack:
            c, node = stack.pop()
            what = self.nodes[node]
            if what[0] == "add":
                stack += [(c, what[1]), (c, what[2])]
            elif what[0] == "mul" and (value := self.value(what[1])) is not None:
                stack.append((c * value, what[2]))
            elif what[0] == "mul" and (value := self.value(what[2])) is not None:
                stack.append((c * value, what[1]))
            else:
                found[node] = found.get(node, Fraction(0)) + c
        return {node: c for node, c in sorted(found.items()) if c}

    def select(self, condition: Node, a: Node, b: Node, kind: str = "select") -> Node:
        truth = self.nodes[condition][0]
        if truth in ("true", "false"):
            return a if truth == "true" else b
        return a if a == b and kind == "select" else self.put(kind, condition, a, b)

    def arguments(self, node: Node) -> tuple[Node, ...]:
        """The nodes that a node needs."""
        kind, *rest = self.nodes[node]
        return tuple(rest) if kind in _ALL else tuple(rest[_FIRST.get(kind, len(rest)) : _LAST.get(kind)])

    def reached(self, roots: Iterable[Node]) -> list[Node]:
        """All that some nodes need, in order."""
        found: set[Node] = set()
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node not in found:
                found.add(node)
                stack.extend(self.arguments(node))
        return sorted(found)

    def substituted(
        self, roots: Sequence[Node], names: Mapping[tuple, Node], only: Callable[[tuple], bool] | None = None
    ) -> list[Node]:
        """The same expressions with other nodes in place of some; ``names``: by what a node is, ("name", "w")."""
        new: dict[Node, Node] = {}
        for node in self.reached(roots):
            what = self.nodes[node]
            new[node] = names[what] if what in names else rebuilt(self, what, [new[a] for a in self.arguments(node)])
        return [new[r] for r in roots]


_ALL = ("add", "mul", "div", "less", "least", "and", "or", "select", "jump")
_FIRST, _LAST = {"power": 0, "rational": 0, "call": 1, "at": 0}, {"power": 1, "rational": 1, "at": 1}


def _short(p: Fraction, q: Fraction) -> bool:
    return sum(x.bit_length() for r in (p, q) for x in (r.numerator, r.denominator)) < MOST_BITS


def rebuilt(graph: Graph, what: tuple, arguments: Sequence[Node]) -> Node:
    """A node like another one, of other arguments."""
    kind = what[0]
    if kind in ("add", "mul", "div"):
        return getattr(graph, kind)(*arguments)
    if kind in ("power", "rational"):
        return getattr(graph, kind)(arguments[0], what[2])
    if kind in ("select", "jump"):
        return graph.select(arguments[0], arguments[1], arguments[2], kind)
    if kind == "call":
        return graph.call(what[1], *arguments)
    if kind == "at":
        return graph.put("at", arguments[0], what[2])
    if kind in ("less", "least", "and", "or"):
        return graph.put(kind, *arguments)
    return graph.put(*what)


class Program:
    """Some nodes of a graph, to be computed over and over.

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
        """The values of the nodes where the names lie in these intervals."""
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


def _handed_on(found: Interval, parts: list[Interval]) -> Interval:
    """The whole line where an argument is the whole line: it may be undefined, which a bounded function must not hide."""
    for part in parts:
        lost = (part.lo == -np.inf) & (part.hi == np.inf)
        if lost.any():
            found = Interval(np.where(lost, -np.inf, found.lo), np.where(lost, np.inf, found.hi))
    return found


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
    # a whole number at the lower end is a jump too
    still = still & (np.floor(u.lo) < u.lo) if at_whole_numbers else still
    return Interval(np.where(still, 0.0, -np.inf), np.where(still, 0.0, np.inf))


_ARITHMETIC: dict[str, Callable] = {
    "add": lambda a, b: a + b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b, "select": _select,
    "jump": lambda c, a, b: _select(c, a, b, jumps=True),
}  # fmt: skip
