"""The smooth pieces of a map of one variable in an interval, each with its range and slope there.

A piece is the formula with one branch taken wherever a branch is open. The first open switch is a smooth function of the state;
if its slope has one sign over the interval, it is 0 at one point at most, so that there are finitely many pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flint import arb

from cfdyn.certify.balls import BITS, Enclosure, ball_algebra
from cfdyn.certify.borders.pieces import MOST_NODES, without_rows
from cfdyn.tape.derivatives import forward
from cfdyn.tape.evaluate import Ready
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild

MOST = 64  # pieces over one interval
_OF_ONE, _COMPARED = frozenset("abs sign heaviside floor".split()), frozenset("lt le eq max min".split())


class Piece(NamedTuple):
    """The image of the interval under a piece, and its slope there."""

    image: arb
    slope: arb


class Sides:
    """The pieces of a map of one variable.

    >>> import cfdyn as cf
    >>> from cfdyn.certify.balls import ball
    >>> from cfdyn.certify.subject import subject
    >>> sides = Sides(subject("(Abs(w) - 1)**2/2", cf.optimizers.gd(lr=2.5)).enclosure("step"))
    >>> [(float(piece.image.mid()), float(piece.slope.mid())) for piece in sides.over(ball(-0.5, 0.5)) or []]
    [(-2.5, -1.5), (2.5, -1.5)]
    """

    def __init__(self, step: Enclosure):
        self.step, self.tape = step, Tape()
        self.x = self.tape.leaf("z", 0)
        [self.root] = without_rows(step, self.tape)
        self.small = len(self.tape) <= MOST_NODES
        zero = self.tape.const(0)
        self.truth = {True: self.tape.apply("le", zero, zero), False: self.tape.apply("lt", zero, zero)}
        self.truths = {node: value for value, node in self.truth.items()}
        self._known: dict[Node, tuple[str, Node, Ready]] = {}

    def over(self, x: arb, parameters: Sequence[arb] | None = None) -> list[Piece] | None:
        """The pieces that are open over an interval; None if one may not be C² there, or a switch may be 0 twice."""
        p, stack, pieces = self.step.parameters if parameters is None else list(parameters), [self.root], list[Piece]()
        while stack:
            node = stack.pop()
            kind, place, ready = self._next(node)
            values = ready([x], p)
            if len(stack) + len(pieces) >= MOST or not all(v.is_finite() for v in values):
                return None
            if not kind:
                value, slope, _ = values
                [middle, *_] = ready([x.mid()], p)
                pieces.append(Piece(value.intersection(middle + slope * (x - x.mid())), slope))
                continue
            chosen = self._floors(node, place, values[0]) if kind == "floor" else self._signs(node, place, values[0])
            if not chosen or len(chosen) > 1 and values[1].contains(0):
                return None
            stack += chosen
        return pieces

    def _signs(self, node: Node, place: Node, value: arb) -> list[Node]:
        """The formula on the sides of a switch that are open."""
        signs = [1] if value > 0 else [-1] if value < 0 else [1, -1]
        ways = {n: 1 if self._place(n) == place else -1 for n in self.tape.reachable([node])
                if self._place(n) in (place, self.tape.neg(place)) and self.tape.ops[n] != "floor"}  # fmt: skip
        return [self._taken(node, {n: sign * way for n, way in ways.items()}) for sign in signs]

    def _taken(self, node: Node, signs: Mapping[Node, int]) -> Node:
        """The formula with the branch in place of each switch that its sign decides."""
        tape, done = self.tape, dict[Node, Node]()
        for n in tape.reachable([node]):
            op, children = tape.ops[n], [done.get(c, c) for c in tape.children(n)]
            if n in signs:
                done[n] = self._branch(op, children, signs[n])
            elif op == "select" and children[0] in self.truths:
                done[n] = children[1 if self.truths[children[0]] else 2]
            elif op == "not" and children[0] in self.truths:
                done[n] = self.truth[not self.truths[children[0]]]
            else:
                [done[n]] = rebuild(tape, [n], tape, done)
        return done[node]

    def _branch(self, op: str, children: Sequence[Node], sign: int) -> Node:
        """The value of a switch on one of its sides."""
        if op in ("max", "min"):
            return children[0 if (sign > 0) == (op == "max") else 1]
        if op == "abs":
            return children[0] if sign > 0 else self.tape.neg(children[0])
        if op in ("sign", "heaviside"):
            return self.tape.const(sign if op == "sign" else int(sign > 0))
        return self.truth[op != "eq" and sign < 0]

    def _floors(self, node: Node, floor: Node, value: arb) -> list[Node]:
        """The formula with each possible integer in place of a floor."""
        low, high = (end.floor().unique_fmpz() for end in (value.lower(), value.upper()))
        if low is None or high is None or high - low >= MOST:
            return []
        wholes = [self.tape.const(k) for k in range(int(low), int(high) + 1)]
        return [rebuild(self.tape, [node], self.tape, {floor: whole})[0] for whole in wholes]

    def _next(self, node: Node) -> tuple[str, Node, Ready]:
        """The first open switch in a formula, its value and slope; if nothing is open, "" and a third number, the curvature."""
        if node not in self._known:
            switch = "", node, self._program(node, 2)
            for part in self.tape.reachable([node]):
                place = self._place(part)
                if place is not None and self.tape.value(place) is None:
                    kind = "floor" if self.tape.ops[part] == "floor" else "sign"
                    switch = kind, part if kind == "floor" else place, self._program(place, 1)
                    break
            self._known[node] = switch
        return self._known[node]

    def _place(self, node: Node) -> Node | None:
        """The function that decides the branch of a switch."""
        op, args = self.tape.ops[node], self.tape.args[node]
        if op in _OF_ONE:
            return args[0]
        return self.tape.sub(args[0], args[1]) if op in _COMPARED else None

    def _program(self, node: Node, order: int) -> Ready:
        """A function and its derivatives in the state."""
        outputs = [node]
        for _ in range(order):
            outputs += forward(self.tape, outputs[-1:], {self.x: self.tape.const(1)})
        return Ready(Program(self.tape, tuple(outputs), 1, len(self.step.parameters)), ball_algebra(BITS))
