"""Whether the branches of a Piecewise agree at their border: shown with polynomials in exact numbers, or refused.

On the border p = 0 of a condition the two branches u, v must be equal. p is solved for a name that it contains linearly, with
a numerical coefficient; then u − v, a polynomial in the names and in function values, must vanish. Otherwise p must divide u − v.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from cfdyn.certify.checker.formulas.graph import Graph, Node
from cfdyn.certify.checker.numbers.work import charge

Polynomial = dict[tuple, Fraction]  # a sorted tuple of (atom, exponent) → coefficient
MOST_TERMS, MOST_CASES, MOST_DEGREE = 400, 64, 24
_ONE_AT_ZERO, _ZERO_AT_ZERO = ("exp", "cos", "cosh"), ("sin", "tan", "tanh", "sinh", "erf", "log1p", "logcosh")
_AT_ZERO = {**dict.fromkeys(_ONE_AT_ZERO, Fraction(1)), **dict.fromkeys(_ZERO_AT_ZERO, Fraction(0)), "sigmoid": Fraction(1, 2)}
_JUMPING = ("sign", "floor", "Heaviside")


class Refused(Exception):
    """An expression that cannot be read as a polynomial."""


class _Open(Exception):
    """A node whose branch must be chosen."""


class Undecided(Exception):
    """Two nodes whose difference is not a polynomial, or whose branches are not known."""


def difference(graph: Graph, a: Node, b: Node, chosen: Mapping[Node, bool]) -> Polynomial:
    """a − b as a polynomial with exact coefficients, if the branches are ``chosen``: for a select, Max and Min True means the
    first branch, for sign True means 1.
    """
    reader = _Reader(graph, chosen, {})
    try:
        return added(reader.read(a), reader.read(b), -1)
    except (_Open, Refused):
        raise Undecided from None


class Joins:
    """Known facts about the branches of a graph."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self._known: dict[Node, bool] = {}

    def continuous(self, node: Node) -> bool:
        """True if the two branches of a select are proved to agree wherever its condition may change."""
        if node not in self._known:
            _, condition, a, b = self.graph.nodes[node]
            self._known[node] = self._steady(condition) and all(self.meet(r, a, b) for r in self._relations(condition))
        return self._known[node]

    def _relations(self, condition: Node) -> list[Node]:
        return [n for n in self.graph.reached([condition]) if self.graph.nodes[n][0] in ("less", "least")]

    def _steady(self, condition: Node) -> bool:
        """True if the compared expressions are continuous themselves."""
        parts = [self.graph.nodes[n] for n in self.graph.reached([condition])]
        return not any(p[0] in ("select", "jump", "at") or p[:1] == ("call",) and p[1] in _JUMPING for p in parts)

    def meet(self, relation: Node, a: Node, b: Node) -> bool:
        """True if two formulas are shown to be equal wherever both sides of a comparison are equal."""
        cases: list[dict[Node, bool]] = [{}]
        tried = 0
        while cases:
            chosen = cases.pop()
            tried += 1
            if tried > MOST_CASES:
                return False
            try:
                if not _equal_on_border(self.graph, relation, a, b, chosen):
                    return False
            except _Open as open_:
                cases += [{**chosen, open_.args[0]: side} for side in (True, False)]
            except Refused:
                return False
        return True


def _equal_on_border(graph: Graph, relation: Node, a: Node, b: Node, chosen: dict[Node, bool]) -> bool:
    _, left, right = graph.nodes[relation]
    plain = _Reader(graph, chosen, {})
    border = added(plain.read(left), plain.read(right), -1)
    if not border:
        return False
    if not _names(border):
        return True  # a number that is not 0: the condition does not change in this case
    solved = _solved(border)
    if solved is not None:
        on = _Reader(graph, chosen, dict([solved]))
        return not added(on.read(a), on.read(b), -1)
    return _divides(border, added(plain.read(a), plain.read(b), -1))


class _Reader:
    """Nodes as polynomials, with some branches chosen and some names replaced."""

    def __init__(self, graph: Graph, chosen: Mapping[Node, bool], replaced: dict[tuple, Polynomial]):
        self.graph, self.chosen, self.replaced = graph, chosen, replaced
        self.done: dict[Node, Polynomial] = {}

    def read(self, root: Node) -> Polynomial:
        stack = [root]
        while stack:
            node = stack[-1]
            needed = [n for n in self._needed(node) if n not in self.done]
            if node not in self.done and not needed:
                self.done[node] = self._one(node)
            if needed:
                stack += needed
            else:
                stack.pop()
        return self.done[root]

    def _needed(self, node: Node) -> tuple[Node, ...]:
        what = self.graph.nodes[node]
        if what[0] != "select":
            return self.graph.arguments(node)
        relation = self.graph.nodes[what[1]]
        if relation[0] not in ("less", "least"):
            return (what[2] if self._side(node, None) else what[3],)
        missing = [n for n in relation[1:] if n not in self.done]
        return tuple(missing) or (what[2] if self._side(node, relation) else what[3],)

    def _side(self, node: Node, relation: tuple | None) -> bool:
        """The branch that is taken: the one that numbers decide, else the chosen one."""
        if relation is not None:
            gap = added(self.done[relation[1]], self.done[relation[2]], -1)
            if not _names(gap):
                value = gap.get((), Fraction(0))
                return value < 0 or value == 0 and relation[0] == "least"
        return self._choice(node)

    def _choice(self, node: Node) -> bool:
        if node not in self.chosen:
            raise _Open(node)
        return self.chosen[node]

    def _one(self, node: Node) -> Polynomial:
        what = self.graph.nodes[node]
        kind, parts = what[0], [self.done[n] for n in self._needed(node)]
        if kind == "const":
            return {(): what[1]} if what[1] else {}
        if kind == "name":
            return self.replaced.get(what, {((what, 1),): Fraction(1)})
        if kind == "add":
            return added(parts[0], parts[1])
        if kind == "mul":
            return times(parts[0], parts[1])
        if kind == "select":
            return parts[0]
        if kind == "power" and what[2] > 0:
            return _raised(parts[0], what[2])
        if kind == "div" and not _names(parts[1]) and parts[1]:
            return times(parts[0], {(): 1 / parts[1][()]})
        if kind == "call":
            return self._call(node, what[1], parts)
        if kind in ("power", "div", "rational"):
            return self._atom(kind, what[2] if kind != "div" else None, parts)
        raise Refused

    def _call(self, node: Node, name: str, parts: list[Polynomial]) -> Polynomial:
        numbers = all(not _names(p) for p in parts)
        if name in ("Abs", "sign"):
            value = parts[0].get((), Fraction(0)) if numbers else None
            if value is not None:
                return _const(abs(value) if name == "Abs" else (value > 0) - (value < 0))
            side = 1 if self._choice(self.graph.call("sign", self.graph.nodes[node][2])) else -1
            return times(parts[0], _const(side)) if name == "Abs" else _const(side)
        if name in ("Max", "Min"):
            gap = added(parts[0], parts[1], -1)
            first = gap.get((), Fraction(0)) >= 0 if not _names(gap) else self._choice(node)
            return parts[0] if first == (name == "Max" or _names(gap)) else parts[1]
        if name in _AT_ZERO and parts[0] == {}:
            return _const(_AT_ZERO[name])
        if name in _JUMPING:
            raise Refused
        return self._atom("call", name, parts)

    def _atom(self, kind: str, what: object, parts: list[Polynomial]) -> Polynomial:
        """A subexpression that is not a polynomial, as a variable: equal functions of equal arguments are one variable."""
        key = ("atom", kind, str(what), tuple(tuple(sorted(p.items(), key=repr)) for p in parts))
        return {((key, 1),): Fraction(1)}


def _const(value: Fraction | int) -> Polynomial:
    return {(): Fraction(value)} if value else {}


def _names(p: Polynomial) -> bool:
    return any(m for m in p)


def added(p: Polynomial, q: Polynomial, factor: int = 1) -> Polynomial:
    """p + factor q."""
    total = dict(p)
    for m, c in q.items():
        total[m] = total.get(m, Fraction(0)) + factor * c
        if not total[m]:
            del total[m]
    return total


def times(p: Polynomial, q: Polynomial, most: int = MOST_TERMS) -> Polynomial:
    """p q, limited to a maximal number of products of terms."""
    if len(p) * len(q) > most:
        raise Refused
    charge(1 + len(p) * len(q) // 8, 0)
    polynomial: Polynomial = {}
    for m, c in p.items():
        for n, e in q.items():
            powers = dict(m)
            for atom, k in n:
                powers[atom] = powers.get(atom, 0) + k
            key = tuple(sorted(powers.items(), key=repr))
            polynomial[key] = polynomial.get(key, Fraction(0)) + c * e
    return {m: c for m, c in polynomial.items() if c}


def _raised(p: Polynomial, n: int) -> Polynomial:
    if n > MOST_DEGREE:
        raise Refused
    power = _const(1)
    for _ in range(n):
        power = times(power, p)
    return power


def _solved(p: Polynomial) -> tuple[tuple, Polynomial] | None:
    """A name that p contains once, alone with a numerical coefficient, and its value on p = 0."""
    for m, c in p.items():
        if len(m) != 1 or m[0][1] != 1 or m[0][0][0] != "name":
            continue
        name = m[0][0]
        rest = {n: -e / c for n, e in p.items() if n != m}
        if all(repr(name) not in repr(n) for n in rest):
            return name, rest
    return None


def _divides(p: Polynomial, q: Polynomial) -> bool:
    """True if p divides q, by division in a name whose highest power in p has a numerical coefficient."""
    for m, c in p.items():
        if len(m) != 1 or m[0][0][0] != "name":
            continue
        name, n = m[0]
        others = {k: e for k, e in p.items() if k != m}
        if all(dict(k).get(name, 0) < n for k in others) and all(
            repr(name) not in repr([a for a, _ in k if a != name]) for k in [*p, *q]
        ):
            return not _remainder(q, name, n, {k: -e / c for k, e in others.items()})
    return False


def _remainder(q: Polynomial, name: tuple, n: int, instead: Polynomial) -> Polynomial:
    """q with nameⁿ replaced as long as it occurs."""
    while True:
        high = next((m for m in q if dict(m).get(name, 0) >= n), None)
        if high is None:
            return q
        left = tuple((a, k - n * (a == name)) for a, k in high if k - n * (a == name))
        q = added({m: c for m, c in q.items() if m != high}, times({left: q[high]}, instead))
