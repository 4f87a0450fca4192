"""One step of a map and its slopes over boxes: for many boxes of doubles at once, or for one box of Arb balls."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx

from cfdyn.certify.balls import BITS, Enclosure, ball, ball_algebra
from cfdyn.certify.borders.continuity import continuous, smooth
from cfdyn.certify.boxes import prefilter
from cfdyn.certify.boxes.prefilter import Span
from cfdyn.certify.exact import exact
from cfdyn.certify.subject import Subject
from cfdyn.symbolic.programs.oracle import step_nodes
from cfdyn.tape.derivatives import jacobian
from cfdyn.tape.evaluate import Ready
from cfdyn.tape.program import Program, Tape

JUMPING = frozenset(("select", "sign", "heaviside", "floor"))
Vector = list[Any]
Matrix = list[list[Any]]


class Empty(Exception):
    """Two balls are disjoint."""


@dataclass(frozen=True)
class Programs:
    """The step, and the step with its Jacobian, as programs; ``jumping``: a step may be discontinuous somewhere."""

    step: Program
    both: Program
    jumping: bool

    @staticmethod
    def of(subject: Subject) -> Programs:
        """The programs of the map that is the subject of a proof."""
        tape, n = Tape(), subject.dim
        z, parameters = tape.leaves("z", n), tape.named("p", subject.spec.params)
        step = step_nodes(tape, subject.spec, z, parameters)
        slopes = [node for row in jacobian(tape, step, z) for node in row]
        columns = 0 if subject.spec.data is None else subject.spec.data.shape[1]
        first, both = (Program(tape, tuple(nodes), n, len(parameters), columns) for nodes in (step, [*step, *slopes]))
        return Programs(first, both, any(tape.ops[k] in JUMPING for k in tape.reachable(step)))


class System:
    """A map over boxes of one kind of numbers; each box comes with values of the parameters that vary, in their order.

    ``fold``: K(x) = |g(x)| for x ≥ 0 in place of g, for an odd g of one variable. ``glued``: a box throughout which the
    pieces of g are proved to agree at their borders, for all parameters.
    """

    glued: Vector | None = None

    def __init__(self, subject: Subject, numbers: Any, fold: bool = False):
        self.programs, self.numbers, self.fold = Programs.of(subject), numbers, fold
        self.parameters = [numbers.interval(*subject.exact[name]) for name in subject.spec.params]
        self.places = [list(subject.spec.params).index(name) for name in subject.varied]
        self.rows = [[numbers.interval(exact(v), exact(v)) for v in row] for row in _table(subject)]
        self.dim = subject.dim
        self._step, self._both = (Ready(part, numbers.algebra, self.rows) for part in (self.programs.step, self.programs.both))

    def both(self, x: Vector, p: Vector) -> tuple[Vector, Matrix]:
        """g(X) by the natural extension, and the enclosed Jacobian."""
        values = self._both(x, self._parameters(p))
        d = self.dim
        image, slopes = values[:d], [values[d * (i + 1) : d * (i + 2)] for i in range(d)]
        return self._folded(x, p, image, slopes) if self.fold else (image, slopes)

    def step(self, x: Vector, p: Vector) -> Vector:
        """g(X) by the natural extension."""
        image = self._step(x, self._parameters(p))
        return [self.numbers.size(image[0])] if self.fold else image

    def slopes(self, x: Vector, p: Vector) -> Matrix:
        """The enclosed Jacobian."""
        return self.both(x, p)[1]

    def continuous(self, x: Vector, p: Vector) -> Any:
        """Where g is known not to jump on X: True, or a mask."""
        return not self.programs.jumping or self.numbers.continuous(self, x, self._parameters(p))

    def _parameters(self, p: Vector) -> Vector:
        """All parameters, those that vary in their places."""
        parameters = list(self.parameters)
        for place, value in zip(self.places, p, strict=True):
            parameters[place] = value
        return parameters

    def _folded(self, x: Vector, p: Vector, image: Vector, slopes: Matrix) -> tuple[Vector, Matrix]:
        """|g(x)| and s·g′(x): s is the sign of g(x); for x > 0 that of g′ if g′ has one sign from 0 to x, since g(0) = 0."""
        n = self.numbers
        [from_zero] = self._both([n.down_to_zero(x[0])], self._parameters(p))[self.dim :]
        sign = n.sign_of(image[0], from_zero)
        return [n.size(image[0])], [[sign * slopes[0][0]]]


class Doubles:
    """Arrays of intervals with doubles for ends."""

    algebra = prefilter.ALGEBRA
    meet, hull, size = staticmethod(prefilter.meet), staticmethod(prefilter.hull), staticmethod(prefilter.size)
    margin = 2.0**-6  # over widths: tests with a smaller margin are left to smaller boxes, so that a checker can repeat them

    @staticmethod
    def interval(lo: Fraction, hi: Fraction) -> Span:
        return Span(prefilter.number(lo).lo, prefilter.number(hi).hi)

    @staticmethod
    def point(value: Any) -> Span:
        return Span(value, value)

    @staticmethod
    def middle(x: Span) -> Span:
        m = x.lo + 0.5 * (x.hi - x.lo)
        return Span(m, m)

    @staticmethod
    def where(condition: Any, x: Span, y: Span) -> Span:
        if condition is True:
            return x
        return Span(np.where(condition, x.lo, y.lo), np.where(condition, x.hi, y.hi))

    @staticmethod
    def empty(x: Span) -> Any:
        return x.lo > x.hi

    @classmethod
    def apart(cls, x: Span, y: Span) -> Any:
        room = cls.margin * (y.hi - y.lo)
        return (x.hi < y.lo - room) | (x.lo > y.hi + room)

    @classmethod
    def above(cls, x: Span, y: Span) -> Any:
        return x.lo > y.hi + cls.margin * (y.hi - y.lo)

    @classmethod
    def not_zero(cls, x: Span) -> Any:
        room = cls.margin * (x.hi - x.lo)
        return (x.lo > room) | (x.hi < -room)

    @staticmethod
    def small(x: Span) -> Any:
        """Where a row sum is below 1."""
        return x.hi < 0.95

    @staticmethod
    def continuous(system: System, x: Vector, p: Vector) -> bool:
        """Unknown in doubles: the decision is left to Arb."""
        return True

    @staticmethod
    def down_to_zero(x: Span) -> Span:
        return Span(np.zeros_like(x.lo), x.hi)

    @staticmethod
    def sign_of(*signs: Span) -> Span:
        lo: Any = -1.0
        hi: Any = 1.0
        for x in signs:
            lo, hi = np.where(x.lo > 0, 1.0, lo), np.where(x.hi < 0, -1.0, hi)
        return Span(lo, hi)

    @staticmethod
    def floats(matrix: Matrix) -> np.ndarray:
        """The middles, (…, d, d)."""
        cells = np.broadcast_arrays(*(0.5 * x.lo + 0.5 * x.hi for row in matrix for x in row))
        return np.moveaxis(np.array(cells), 0, -1).reshape(*cells[0].shape, len(matrix), len(matrix))


class Balls:
    """Arb balls, for one box."""

    algebra = ball_algebra(BITS)
    size = staticmethod(ball_algebra(BITS).functions["abs"])
    interval = staticmethod(lambda lo, hi: ball(lo, hi))
    point = staticmethod(lambda value: arb(float(value)))

    @staticmethod
    def meet(x: arb, y: arb) -> arb:
        if not x.is_finite() or not y.is_finite():
            return x if x.is_finite() else y
        if not x.overlaps(y):
            raise Empty
        return x.intersection(y)

    @staticmethod
    def hull(x: arb, y: arb) -> arb:
        return x.union(y)

    @staticmethod
    def middle(x: arb) -> arb:
        return x.mid()

    @staticmethod
    def where(condition: Any, x: arb, y: arb) -> arb:
        return x if condition else y

    @staticmethod
    def empty(x: arb) -> bool:
        return False  # `meet` says so

    @staticmethod
    def apart(x: arb, y: arb) -> bool:
        return not x.overlaps(y)

    @staticmethod
    def above(x: arb, y: arb) -> bool:
        return bool(x > y)

    @staticmethod
    def not_zero(x: arb) -> bool:
        return bool(x.is_finite() and not x.contains(0))

    @staticmethod
    def small(x: arb) -> bool:
        return bool(x < 1)

    @staticmethod
    def continuous(system: System, x: Vector, p: Vector) -> bool:
        step = Enclosure(system.programs.step, p, system.rows)
        if system.glued and all(whole.contains(a) for whole, a in zip(system.glued, x, strict=True)):
            return True
        return smooth(step, x) or (bool(system.glued) and continuous(step, x))

    @staticmethod
    def down_to_zero(x: arb) -> arb:
        return x.union(arb(0))

    @staticmethod
    def sign_of(*signs: arb) -> arb:
        for x in signs:
            if x > 0 or x < 0:
                return arb(1) if x > 0 else arb(-1)
        return arb(0, 1)

    @staticmethod
    def floats(matrix: Matrix) -> np.ndarray:
        return np.array([[float(x.mid()) for x in row] for row in matrix])


def precise() -> Any:
    """A context in which Arb has the precision of proofs."""
    return ctx.workprec(BITS)


def _table(subject: Subject) -> list[list[float]]:
    data = subject.spec.data
    return [] if data is None else np.asarray(data, dtype=float).tolist()
