"""Maps of one variable on the whole line: an interval that contains every cycle (infinite boxes in certificates.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb

from cfdyn.certify.balls import BITS, ball, ball_algebra
from cfdyn.certify.boxes.prefilter import ALGEBRA, Span, number
from cfdyn.certify.boxes.shooting import Box
from cfdyn.certify.boxes.systems import precise
from cfdyn.certify.certificate import interval_text
from cfdyn.certify.exact import end, exact
from cfdyn.certify.subject import Subject
from cfdyn.errors import NumericsError
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.programs.oracle import step_nodes
from cfdyn.symbolic.steps import gradient_at, hyperparameters
from cfdyn.tape.derivatives import forward
from cfdyn.tape.evaluate import Algebra, evaluate
from cfdyn.tape.program import Node, Program, Tape

ORDERS, PIECES = 6, 512
# Starts of rays that are tried; results are better closer to 0.
GRID = tuple(2.0 ** (k / 4) for k in range(-12, 49))
SPARE = 1.0 + 2.0**-7  # claimed bounds are a little larger, so that a checker can verify them with fewer pieces
# Functions of one variable that are monotone in x or in |x|, with their limits at ±∞.
_LIMITS: dict[str, tuple[float, float]] = {
    "exp": (0.0, math.inf), "tanh": (-1.0, 1.0), "erf": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "softplus": (0.0, math.inf),
    "sinh": (-math.inf, math.inf), "log": (math.nan, math.inf), "log1p": (math.nan, math.inf), "sqrt": (math.nan, math.inf),
}  # fmt: skip
_AT_INFINITY = {"cosh": math.inf, "logcosh": math.inf, "sech2": 0.0}


@dataclass(frozen=True)
class Inside:
    """A finite box that contains every cycle of the period in the box of a claim, and the evidence for it."""

    box: Box
    evidence: Mapping[str, Any] = field(default_factory=dict)


def inside(about: Subject, box: Box, period: int) -> Inside:
    """The box itself if it is finite, else an interval outside which no cycle of the period has a point, for any parameter.

    NumericsError: nothing can be proved
    """
    if np.isfinite(np.array(box)).all():
        return Inside(box)
    rays = Rays(about)
    region = rays.bounded_steps(period) or rays.growth()
    if region is None:
        raise NumericsError("the behaviour of the map far out is not proved; give a finite box, such as box=(-10, 10)")
    return region


class Rays:
    """Signs of a map of one variable, and of its derivatives, far from 0, for all values of the varied parameters."""

    def __init__(self, about: Subject):
        self.about, self.tape = about, Tape()
        [self.z] = self.tape.leaves("z", 1)
        self.names = self.tape.named("p", about.spec.params)
        [self.step] = step_nodes(self.tape, about.spec, [self.z], self.names)
        self.algebra = _careful()
        pairs = [about.exact[name] for name in about.spec.params]
        self.spans = [Span(number(lo).lo, number(hi).hi) for lo, hi in pairs]
        self.rows = [] if about.spec.data is None else [[number(exact(float(v))) for v in row] for row in about.spec.data]

    @cached_property
    def descent(self) -> Node | None:
        """−lr·L′(x) of plain gradient descent with lr > 0; None for other maps."""
        spec = self.about.spec
        if not isinstance(spec, LossMap):
            return None
        optimizer = spec.optimizer
        if optimizer.define or optimizer.gradient is not None or [*optimizer.per_weight, *optimizer.shared]:
            return None
        if optimizer.update["w"].text.replace(" ", "") != "w-lr*g":
            return None
        rate = hyperparameters(optimizer, spec.loss, self.names)["lr"]
        [slope] = gradient_at(self.tape, spec.loss, [self.z], self.names)
        return self.tape.neg(self.tape.mul(rate, slope))

    def beyond(self, right: bool, same: bool) -> Node:
        """An expression that is positive on a ray where |g(x)| > |x| and g(x) is on the same side, or on the other."""
        t = self.tape
        return t.sub(self.step, self.z) if right and same else t.sub(self.z, self.step) if same else \
            t.neg(t.add(self.step, self.z)) if right else t.add(self.step, self.z)  # fmt: skip

    def positive(self, h: Node, at: float, right: bool) -> bool:
        """True if h > 0 is known from a point on, by values at the point and the sign of a derivative on the ray."""
        ray = Span(at, math.inf) if right else Span(-math.inf, at)
        for k in range(ORDERS + 1):
            value = self._over(h, ray)
            if value.lo > 0 or (k > 0 and value.lo >= 0):
                return True
            # strictly: a checker in doubles cannot show that a derivative is exactly 0; and no derivative shows a jump
            if not self._over(h, Span(at, at)).lo > 0 or not self._steady(h, ray):
                return False
            [h] = forward(self.tape, [h], {self.z: self.tape.const(1 if right else -1)})
        return False

    def _steady(self, h: Node, ray: Span) -> bool:
        """True if no border crosses the ray: functions that decide branches have one sign there, and no floor changes."""
        for node in self.tape.reachable([h]):
            op, args = self.tape.ops[node], self.tape.args[node]
            if op in ("lt", "le", "eq", "sign", "heaviside"):
                place = self._over(self.tape.sub(*args) if len(args) == 2 else args[0], ray)
                if not (place.lo > 0 or place.hi < 0):
                    return False
            elif op == "floor":
                inner = self._over(args[0], ray)
                if not (math.isfinite(inner.hi) and math.floor(inner.hi) < inner.lo):
                    return False
        return True

    def bounded_steps(self, period: int) -> Inside | None:
        """Plain descent towards the middle from far out, with steps that are bounded upwards or downwards."""
        shift = self.descent
        if shift is None:
            return None
        right = self.nearest(lambda r: self.positive(self.tape.neg(shift), r, True), both=True)
        left = self.nearest(lambda r: self.positive(shift, -r, False), both=True)
        if right is None or left is None or not -left < right:
            return None
        a, b = -left, right
        up, down = self._most(shift, a, b, False), self._most(self.tape.neg(shift), a, b, True)
        if up is None and down is None:
            return None
        lo = a - (down if down is not None else (period - 1) * up) * SPARE  # type: ignore[operator]
        hi = b + (up if up is not None else (period - 1) * down) * SPARE  # type: ignore[operator]
        outside = {"reason": "bounded steps", "left": end(a), "right": end(b), "up": None if up is None else end(up),
                   "down": None if down is None else end(down)}  # fmt: skip
        return Inside([(lo, hi)], {"inside": [interval_text(lo, hi)], "outside": outside})

    def growth(self) -> Inside | None:
        """|g(x)| > |x| far out on both sides."""
        rates = {}
        for right in (True, False):
            for same in (True, False):
                h = self.beyond(right, same)
                radius = self.nearest(self._from(h, right))
                if radius is not None:
                    rates[right] = (radius, "same" if same else "other", h)
                    break
        if len(rates) < 2:
            return None
        radius = max(rates[True][0], rates[False][0])
        if not (self.positive(rates[True][2], radius, True) and self.positive(rates[False][2], -radius, False)):
            return None
        outside = {"reason": "growth", "radius": end(radius), "left": rates[False][1], "right": rates[True][1]}
        return Inside([(-radius, radius)], {"inside": [interval_text(-radius, radius)], "outside": outside})

    def _from(self, h: Node, right: bool) -> Callable[[float], bool]:
        return lambda r: self.positive(h, r if right else -r, right)

    def largest(self, h: Node, lo: float, hi: float) -> float | None:
        """An upper bound of h on an interval, None if it is not finite."""
        cuts = np.linspace(lo, hi, PIECES + 1)
        with precise():
            values = [self._balls(h, ball(float(a), float(b))) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
        tops = [_up(v) for v in values]
        return max(tops) if all(map(math.isfinite, tops)) else None

    def nearest(self, holds: Callable[[float], bool], both: bool = False) -> float | None:
        """The least radius of the grid from which on a condition holds; None if it fails at the largest, which is tried first."""
        grid = [*(-r for r in GRID[::-1]), *GRID] if both else GRID
        if not holds(grid[-1]):
            return None
        lo, hi = -1, len(grid) - 1
        while hi - lo > 1:
            k = (lo + hi) // 2
            lo, hi = (lo, k) if holds(grid[k]) else (k, hi)
        return grid[hi]

    def _most(self, h: Node, a: float, b: float, right: bool) -> float | None:
        """An upper bound of h on (−∞, b], or on [a, ∞)."""
        far = self._over(h, Span(b, math.inf) if right else Span(-math.inf, a)).hi
        near = self.largest(h, a, b)
        return max(0.0, far, near) * SPARE if near is not None and math.isfinite(far) else None

    def _over(self, h: Node, x: Span) -> Span:
        program = Program(self.tape, (h,), 1, len(self.spans), self._columns)
        with np.errstate(all="ignore"), precise():
            if x.lo == x.hi:
                value = self._balls(h, ball(x.lo))
                return Span(-_up(-value), _up(value))
            [value] = evaluate(program, self.algebra, [x], self.spans, self.rows)
        return Span(float(value.lo), float(value.hi))

    def _balls(self, h: Node, x: arb) -> arb:
        program = Program(self.tape, (h,), 1, len(self.spans), self._columns)
        rows = [[ball(exact(float(v))) for v in row] for row in (() if self.about.spec.data is None else self.about.spec.data)]
        return evaluate(program, ball_algebra(BITS), [x], self.about.parameters(), rows)[0]

    @property
    def _columns(self) -> int:
        return 0 if self.about.spec.data is None else self.about.spec.data.shape[1]


def _up(x: arb) -> float:
    """A double that is not below the ball."""
    top = x.upper()
    if not top.is_finite():
        return math.inf
    near = float(top)
    return near if arb(near) >= top else math.nextafter(near, math.inf)


def _careful() -> Algebra:
    """The intervals of `prefilter`, with functions computed by Arb at finite ends and by their limits at infinite ends."""
    functions = dict(ALGEBRA.functions)
    for name in (*_LIMITS, *_AT_INFINITY):
        functions[name] = _by_balls(name)
    for name in ("sin", "cos"):
        functions[name] = lambda x: Span(-1.0, 1.0)
    for name in ("tan", "pow"):
        functions[name] = lambda *x: Span(math.nan, math.nan)
    return Algebra(ALGEBRA.constant, functions, ALGEBRA.pi, ALGEBRA.e)


def _by_balls(name: str) -> Callable[[Span], Span]:
    function = ball_algebra(BITS).functions[name]

    def at(v: float) -> tuple[float, float]:
        if math.isnan(v):
            return v, v
        if math.isfinite(v):
            value = function(arb(v))
            return -_up(-value), _up(value)
        limit = _AT_INFINITY[name] if name in _AT_INFINITY else _LIMITS[name][v > 0]
        return limit, limit

    def over(x: Span) -> Span:
        lo, hi = float(x.lo), float(x.hi)
        values = [at(v) for v in (lo, hi)]
        if name in _AT_INFINITY and not (lo >= 0 or hi <= 0):
            values.append(at(0.0))
        lows, highs = zip(*values, strict=True)
        return Span(*(math.nan if any(map(math.isnan, v)) else best(v) for v, best in ((lows, min), (highs, max))))

    return over


def parity(about: Subject) -> int | None:
    """1 if g(−x) = g(x), −1 if g(−x) = −g(x), as the structure of the formula shows for all parameters; None if it shows neither.

    >>> import cfdyn as cf
    >>> from cfdyn.certify.subject import subject
    >>> [parity(subject(cf.Map.from_text(f, "x"))) for f in ("2*x - x**3", "1 - x**2", "x + 1")]
    [-1, 1, None]
    """
    tape = Tape()
    [z], names = tape.leaves("z", 1), tape.named("p", about.spec.params)
    [step] = step_nodes(tape, about.spec, [z], names)
    signs: dict[Node, int | None] = {}
    for node in tape.reachable([step]):
        signs[node] = _sign(tape, node, [signs[c] for c in tape.children(node)])
    return signs[step]


ODD = frozenset(("sin", "tan", "sinh", "tanh", "erf", "neg", "sign", "rowsum"))
EVEN = frozenset(("cos", "cosh", "abs", "sech2", "logcosh"))


def _sign(tape: Tape, node: Node, children: Sequence[int | None]) -> int | None:
    op = tape.ops[node]
    if op == "z":
        return -1
    if op == "select":
        return children[1] if children[0] == 1 and children[1] == children[2] else None
    if None in children:
        return None
    signs = [s for s in children if s is not None]
    if all(s == 1 for s in signs):
        return 1
    if op in ODD:
        return -1
    if op in EVEN:
        return 1
    if op in ("mul", "div"):
        return math.prod(signs)
    if op == "ipow":
        return signs[0] ** (tape.args[node][1] % 2)
    return signs[0] if op in ("add", "sub") and signs[0] == signs[1] else None
