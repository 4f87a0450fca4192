"""The derivative of a map over a box that borders cross: the hull of the derivatives of the pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from flint import arb, ctx

from cfdyn.certify.balls import Enclosure, ball_algebra
from cfdyn.tape.evaluate import _value
from cfdyn.tape.program import Node

MOST = 4  # borders whose sides are taken one at a time
_SIGNS = frozenset("abs sign heaviside".split())
_COMPARED = frozenset("lt le eq max min".split())


class Slopes:
    """A Jacobian that takes each border on one side at a time and returns the hull.

    A formula such as Piecewise has a term for each piece in its derivative: evaluated separately, they would be on different
    sides. Increments of the map lie in the hull if `continuity.refusal` finds nothing: then each value is that of a piece on a
    side.

    >>> import cfdyn as cf
    >>> from cfdyn.certify.balls import ball
    >>> from cfdyn.certify.subject import subject
    >>> bent = subject("Piecewise((w**2/4, w < 0), (w**2/2, True))", cf.optimizers.gd(lr=1))
    >>> [slope] = Slopes(bent.enclosure("jacobian"))([ball(-1.0, 1.0)])
    >>> float(slope.lower()).__round__(6), float(slope.upper()).__round__(6)
    (-0.0, 0.5)
    """

    def __init__(self, jacobian: Enclosure):
        self.jacobian, tape = jacobian, jacobian.program.tape
        self.order = tape.reachable(jacobian.program.outputs)
        self.places: dict[Node, tuple[Node, int]] = {}
        # With rows of data there are too many borders, and each is its own.
        if not any(tape.ops[n] == "rowsum" for n in self.order):
            for node in self.order:
                self._find(node)
        self.wanted = sorted({place for place, _ in self.places.values()})

    def _find(self, node: Node) -> None:
        """Record the function whose sign decides a branch, and which of its two signs occurs in the formula."""
        tape = self.jacobian.program.tape
        op, args = tape.ops[node], tape.args[node]
        if op in _SIGNS or op in _COMPARED:
            place = args[0] if op in _SIGNS else tape.sub(args[0], args[1])
            known = {p for p, _ in self.places.values()}
            self.places[node] = (tape.neg(place), -1) if tape.neg(place) in known else (place, 1)

    def __call__(self, z: Sequence[arb], parameters: Sequence[arb] | None = None) -> list[arb]:
        """The entries of the Jacobian, row by row."""
        if not self.places:
            return self.jacobian(z, parameters)
        p = self.jacobian.parameters if parameters is None else list(parameters)
        with ctx.workprec(self.jacobian.bits):
            values = self._values(z, p, {}, self.wanted)
            # A place that is 0 everywhere, as for x ≤ x, has no sides.
            still = [place for place in self.wanted if not (values[place] > 0 or values[place] < 0 or values[place].is_zero())]
            if not still or len(still) > MOST or not all(values[place].is_finite() for place in still):
                return self.jacobian(z, parameters)
            total: list[arb] | None = None
            for signs in product((-1, 1), repeat=len(still)):
                slopes = self._values(z, p, dict(zip(still, signs, strict=True)), self.jacobian.program.outputs)
                piece = [slopes[n] for n in self.jacobian.program.outputs]
                total = piece if total is None else [a.union(b) for a, b in zip(total, piece, strict=True)]
        return total or []

    def _values(self, z: Sequence[arb], p: Sequence[arb], signs: Mapping[Node, int], outputs: Sequence[Node]) -> dict[Node, Any]:
        tape, algebra = self.jacobian.program.tape, ball_algebra(self.jacobian.bits)
        values: dict[Node, Any] = {}
        for node in tape.reachable(outputs):
            place, way = self.places.get(node, (-1, 0))
            if place in signs:
                values[node] = _chosen(tape.ops[node], [values[a] for a in tape.args[node]], way * signs[place])
            else:
                values[node] = _value(tape, algebra, node, values, {"z": z, "p": p}, 0)
        return values


def _chosen(op: str, args: Sequence[arb], sign: int) -> Any:
    """The value of an operation on one side of its border."""
    if op in ("max", "min"):
        return args[0 if (sign > 0) == (op == "max") else 1]
    if op == "abs":
        return args[0] if sign > 0 else -args[0]
    return {"sign": arb(sign), "heaviside": arb(int(sign > 0)), "eq": False}.get(op, sign < 0)
