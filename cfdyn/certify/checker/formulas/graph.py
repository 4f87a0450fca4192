"""Expressions as a graph: numbers, names, operations, each once.

A logarithm of an expression in exponentials is replaced by an equal function whose derivatives contain the inner expression once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from cfdyn.certify.checker.numbers.work import TooLarge

Node = int
MOST_BITS = 4096  # of a constant that is carried exactly
MOST_NODES = 200_000
SMALL = Fraction(1, 2**1000)  # numbers from SMALL to 1/SMALL have tight bounds in doubles


class Graph:
    """Nodes in an order in which arguments precede the operations; equal nodes are identified.

    Operations: const, name, add, mul, div, power (n), rational (q), call (function), less and least (a < b, a ≤ b), and, or,
    true, false, select (condition, a, b); jump (condition, a, b): like select, but the whole line if the condition is open;
    at (u): 0, and the whole line if u may be 0 (with the mark True: if u may be an integer).
    """

    def __init__(self) -> None:
        self.nodes: list[tuple] = []
        self._known: dict[tuple, Node] = {}

    def put(self, *node: Any) -> Node:
        """The number of a node."""
        number = self._known.get(node)
        if number is None:
            number = self._known[node] = len(self.nodes)
            self.nodes.append(node)
            if number > MOST_NODES:
                raise TooLarge
        return number

    def const(self, value: Fraction | int) -> Node:
        return self.put("const", Fraction(value))

    def value(self, node: Node) -> Fraction | None:
        """The number of a constant."""
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
            node = logarithm(self, *arguments) if name == "log" else log_one_plus(self, *arguments)
            if node is not None:
                return node
        return self.put("call", name, *arguments)

    def total(self, terms: Iterable[Node]) -> Node:
        """The sum, as a balanced tree."""
        level = list(terms) or [self.const(0)]
        while len(level) > 1:
            level = [self.add(*level[i : i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
        return level[0]

    def combined(self, terms: Iterable[tuple[Fraction, Node]]) -> Node:
        """A sum with constant coefficients: sums inside it are expanded, and like terms collected."""
        return self.total(self.mul(self.const(c), node) for node, c in self.collected(terms).items())

    def collected(self, terms: Iterable[tuple[Fraction, Node]]) -> dict[Node, Fraction]:
        """Such a sum as {node: its coefficient}, in a canonical order."""
        weights: dict[Node, Fraction] = {}
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
                weights[node] = weights.get(node, Fraction(0)) + c
        return {node: c for node, c in sorted(weights.items()) if c}

    def select(self, condition: Node, a: Node, b: Node, kind: str = "select") -> Node:
        truth = self.nodes[condition][0]
        if truth in ("true", "false"):
            return a if truth == "true" else b
        return a if a == b and kind == "select" else self.put(kind, condition, a, b)

    def arguments(self, node: Node) -> tuple[Node, ...]:
        """The nodes that are arguments of a node."""
        kind, *rest = self.nodes[node]
        return tuple(rest) if kind in _ALL else tuple(rest[_FIRST.get(kind, len(rest)) : _LAST.get(kind)])

    def reached(self, roots: Iterable[Node]) -> list[Node]:
        """All nodes on which the given nodes depend, in order."""
        reached: set[Node] = set()
        stack = list(roots)
        while stack:
            node = stack.pop()
            if node not in reached:
                reached.add(node)
                stack.extend(self.arguments(node))
        return sorted(reached)

    def substituted(
        self, roots: Sequence[Node], names: Mapping[tuple, Node], only: Callable[[tuple], bool] | None = None
    ) -> list[Node]:
        """The same expressions with some nodes replaced by others; ``names``: keyed by the content of a node, ("name", "w")."""
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
    """A node like another one, with other arguments."""
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


def logarithm(graph: Graph, u: Node) -> Node | None:
    """The logarithm of a positive number, eᵛ, cosh v, σ(v), 1 − σ(v), of sums of different ones, products, quotients and
    integer powers; None for all others, whose sign is not known.
    """
    kind, *parts = graph.nodes[u]
    if kind == "const":
        return _of_number(graph, parts[0])
    if kind == "call" and parts[0] in ("exp", "cosh", "sigmoid"):
        return _of_call(graph, parts[0], parts[1])
    if kind == "add":
        return _of_sum(graph, _terms(graph, u))
    if kind == "power":
        inside = logarithm(graph, parts[0])
        return None if inside is None else graph.mul(graph.const(parts[1]), inside)
    if kind not in ("mul", "div"):
        return None
    first, second = (logarithm(graph, part) for part in parts)
    if first is None or second is None:
        return None
    return graph.add(first, second if kind == "mul" else graph.neg(second))  # sub: an undefined part could cancel


def log_one_plus(graph: Graph, u: Node) -> Node | None:
    """`logarithm` of 1 + u, unless u contains a number as a term."""
    terms = _terms(graph, u)
    return None if any(graph.value(term) is not None for term in terms) else _of_sum(graph, [graph.const(1), *terms])


def _of_call(graph: Graph, name: str, v: Node) -> Node:
    if name == "cosh":
        return graph.call("logcosh", v)
    return v if name == "exp" else graph.neg(graph.call("softplus", graph.neg(v)))


def _of_number(graph: Graph, number: Fraction | int) -> Node | None:
    if number < SMALL or number > 1 / SMALL:
        return None
    return graph.const(0) if number == 1 else graph.put("call", "log", graph.const(number))


def _terms(graph: Graph, u: Node) -> list[Node]:
    """The terms of a sum."""
    terms, left = [], [u]
    while left:
        term = left.pop()
        kind, *parts = graph.nodes[term]
        if kind == "add":
            left += parts
        else:
            terms.append(term)
    return terms


def _of_sum(graph: Graph, terms: list[Node]) -> Node | None:
    number = sum(graph.value(term) or 0 for term in terms)
    others = [term for term in terms if graph.value(term) is None]
    if number == 1 and len(others) == 1 and (v := _taken(graph, others[0])) is not None:
        return graph.neg(graph.call("softplus", v))
    first = [_of_number(graph, number)] if number else []
    inside = first + [logarithm(graph, term) for term in others]
    nodes = {node for node in inside if node is not None}
    if not nodes or len(nodes) < len(inside):
        return None
    whole, *left = sorted(nodes, key=lambda node: (node not in first, node))
    for other in left:  # log(eᵃ + eᵇ) = a + softplus(b − a)
        whole = graph.add(whole, graph.call("softplus", graph.sub(other, whole)))
    return whole


def _taken(graph: Graph, u: Node) -> Node | None:
    """The v of −σ(v): log(1 − σ(v)) = −softplus(v). Quotients eᵃ/(eᵃ + eᵇ) are read as σ(a − b)."""
    kind, *parts = graph.nodes[u]
    minus = graph.const(-1)
    if kind != "mul" or minus not in parts:
        return None
    share, *call = graph.nodes[parts[0] if parts[1] == minus else parts[1]]
    return call[1] if share == "call" and call[0] == "sigmoid" else None
