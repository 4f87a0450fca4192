"""Is a signed permutation S a symmetry of a map, g(Sx) = S g(x)? Both sides are expanded as polynomials in exact numbers.

A subexpression that is not a polynomial is a variable: a function of such polynomials, with f(−u) rewritten as ±f(u) if f is odd
or even, a choice between branches, a division.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from cfdyn.certify.checker.formulas.graph import Graph, Node
from cfdyn.certify.checker.formulas.joins import MOST_DEGREE, Polynomial, Refused, added, times

MOST_WORK = 200_000  # terms that are added, multiplied or compared
_ODD, _EVEN = ("sin", "tan", "sinh", "tanh", "erf", "sign"), ("cos", "cosh", "logcosh", "Abs")


def commutes(graph: Graph, step: Sequence[Node], states: Sequence[Node], turn: Sequence[int]) -> bool:
    """True if g(Sx) = S g(x) is shown; ``turn``: (2, -1) is S(x, y) = (y, −x).

    >>> graph = Graph()
    >>> x, y = (graph.put("name", n) for n in "xy")
    >>> step = [graph.sub(x, graph.mul(y, graph.call("tanh", graph.mul(x, y)))), graph.sub(y, graph.mul(x, graph.power(x, 2)))]
    >>> [commutes(graph, step, [x, y], turn) for turn in ([-1, -2], [-1, 2], [2, 1])]
    [True, False, False]
    """
    letters: dict[tuple, int] = {}
    plain: list[Polynomial] = [{((graph.nodes[x], 1),): Fraction(1)} for x in states]
    try:
        before, after = (
            _Reader(graph, dict(zip(states, at)), letters).values(step) for at in (plain, _turned(plain, turn))
        )
    except Refused:
        return False
    return after == _turned(before, turn)


def _turned(x: Sequence[Polynomial], turn: Sequence[int]) -> list[Polynomial]:
    return [x[k - 1] if k > 0 else _minus(x[-k - 1]) for k in turn]


class _Reader:
    """Nodes as polynomials with the states replaced; equal variables have the same number in all readers that share them."""

    def __init__(self, graph: Graph, at: dict[Node, Polynomial], letters: dict[tuple, int]):
        self.graph, self.done, self.letters, self.left = graph, dict(at), letters, MOST_WORK

    def values(self, roots: Sequence[Node]) -> list[Polynomial]:
        """The polynomials of some nodes."""
        for node in self.graph.reached(roots):
            if node not in self.done:
                self.done[node] = self._one(self.graph.nodes[node], [self.done[a] for a in self.graph.arguments(node)])
        return [self.done[r] for r in roots]

    def _one(self, what: tuple, parts: list[Polynomial]) -> Polynomial:
        kind = what[0]
        if kind == "const":
            return {(): what[1]} if what[1] else {}
        if kind == "name":
            return {((what, 1),): Fraction(1)}
        if kind == "add":
            return self._sum(parts[0], parts[1])
        if kind == "mul":
            return self._product(parts[0], parts[1])
        if kind == "div":
            return self._product(parts[0], self._under(parts[1]))
        if kind == "power":
            return self._power(parts[0] if what[2] > 0 else self._under(parts[0]), abs(what[2]))
        if kind in ("less", "least"):
            return self._letter(kind, self._sum(parts[0], parts[1], -1))
        if kind in ("and", "or"):
            return self._letter(kind, *sorted(parts, key=repr))
        if kind in ("true", "false", "rational"):
            return self._letter(kind, str(what[2:]), *parts)
        if kind == "select":
            if parts[1] == parts[2]:
                return parts[1]
            return self._signed(parts[1] or parts[2], lambda s: self._letter("select", parts[0], *map(s, parts[1:])))
        if kind == "call":
            return self._call(what[1], parts)
        raise Refused

    def _call(self, name: str, parts: list[Polynomial]) -> Polynomial:
        if name in ("Max", "Min"):  # (a + b ± |a − b|)/2
            away = self._call("Abs", [self._sum(parts[0], parts[1], -1)])
            both = self._sum(self._sum(parts[0], parts[1]), away, 1 if name == "Max" else -1)
            return self._product({(): Fraction(1, 2)}, both)
        if name == "between" and len(parts) == 2:
            return self._signed(parts[0] or parts[1], lambda s: self._letter(name, *map(s, parts)))
        if name in _ODD:
            return self._signed(parts[0], lambda s: self._letter(name, s(parts[0]))) if parts[0] else {}
        if name in _EVEN and _below_0(parts[0]):
            return self._letter(name, _minus(parts[0]))
        return self._letter(name, *parts)

    def _sum(self, p: Polynomial, q: Polynomial, factor: int = 1) -> Polynomial:
        self._work(len(p) + len(q))
        return added(p, q, factor)

    def _product(self, p: Polynomial, q: Polynomial) -> Polynomial:
        self._work(len(p) * len(q))
        return times(p, q, MOST_WORK)

    def _power(self, p: Polynomial, n: int) -> Polynomial:
        if n > MOST_DEGREE:
            raise Refused
        power = p
        for _ in range(n - 1):
            power = self._product(power, p)
        return power

    def _work(self, much: int) -> None:
        self.left -= much
        if self.left < 0:
            raise Refused

    def _under(self, p: Polynomial) -> Polynomial:
        """1/p."""
        return self._signed(p, lambda s: self._letter("under", s(p)))

    def _signed(self, first: Polynomial, letter: Callable[[Callable[[Polynomial], Polynomial]], Polynomial]) -> Polynomial:
        """An expression that is odd in its parts: all of them are negated if the first one is negative."""
        self._work(len(first))
        return _minus(letter(_minus)) if _below_0(first) else letter(dict)

    def _letter(self, *parts: str | Polynomial) -> Polynomial:
        self._work(sum(len(p) for p in parts if not isinstance(p, str)))
        key = tuple(p if isinstance(p, str) else frozenset(p.items()) for p in parts)
        return {((("letter", self.letters.setdefault(key, len(self.letters))), 1),): Fraction(1)}


def _minus(p: Polynomial) -> Polynomial:
    return {m: -c for m, c in p.items()}


def _below_0(p: Polynomial) -> bool:
    """True if the last monomial of p has a negative coefficient: this holds for one of p and −p."""
    return bool(p) and p[max(p, key=repr)] < 0
