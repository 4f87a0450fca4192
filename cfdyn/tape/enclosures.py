"""Arithmetic with intervals as nodes of a tape: a pair (lo, hi) of nodes stands for every number between them.

An end that is NaN leaves its side unbounded: so do poles, ∞ − ∞ and 0·∞. Comparisons with NaN are false, and all tests here are
formulated so that false means "not known".
"""

import math
from fractions import Fraction
from typing import Final

from cfdyn.tape.program import Node, Tape

Pair = tuple[Node, Node]

# What is added outward, relative to an end: 4 half-units of the last place for one rounding, 16 units for a function of
# the mathematical library, and 2⁻¹⁰²⁰ wherever a result may be subnormal.
UNIT, LIBRARY, SMALLEST = Fraction(1, 2**51), Fraction(1, 2**48), Fraction(1, 2**1020)
# Functions that only rise, with the bounds of their values.
RISING: Final[dict[str, tuple[int | None, int | None]]] = {
    "exp": (0, None), "log": (None, None), "log1p": (None, None), "sqrt": (0, None), "sinh": (None, None),
    "tanh": (-1, 1), "erf": (-1, 1), "sigmoid": (0, 1), "softplus": (0, None),
}  # fmt: skip
# Functions of |x| that rise with it, with their least value; that fall with it, between 0 and their largest value.
EVEN: Final = {"cosh": 1, "logcosh": 0}
FALLING: Final = {"sech2": 1}


class Enclosures:
    """Operations on pairs: each result contains the values of the operation at all points of its arguments."""

    def __init__(self, tape: Tape):
        self.tape = tape
        self.zero, self.one = tape.const(0), tape.const(1)
        huge = tape.const(10**300)
        self.infinite = tape.mul(huge, huge)
        self.unknown = tape.apply("div", self.zero, self.zero)
        self.never_negative: set[Node] = {self.zero, self.one}

    def constant(self, value: Fraction) -> Pair:
        """A constant: itself if it is a double, otherwise the two neighbouring doubles."""
        try:
            nearest = value.numerator / value.denominator
        except OverflowError:
            return (self.tape.const(value),) * 2
        if Fraction(nearest) == value:
            return (self.tape.const(value),) * 2
        below, above = (self.tape.exactly(math.nextafter(nearest, side)) for side in (-math.inf, math.inf))
        if value > 0:
            self.never_negative.add(below)
        return below, above

    def outward(self, lo: Node, hi: Node, by: Fraction = UNIT, tiny: bool = True) -> Pair:
        """The pair widened by more than its rounding."""
        return self._moved("sub", lo, by, tiny), self._moved("add", hi, by, tiny)

    def _moved(self, op: str, end: Node, by: Fraction, tiny: bool) -> Node:
        t = self.tape
        room = t.mul(t.const(by), end if end in self.never_negative else t.apply("abs", end))
        return t.apply(op, end, t.add(room, t.const(SMALLEST)) if tiny else room)

    def within(self, a: Pair, low: int | None, high: int | None) -> Pair:
        """The part of a pair between known bounds of its values."""
        t, (lo, hi) = self.tape, a
        if low is not None:
            lo = t.select(t.apply("lt", t.const(low), lo), lo, t.const(low))
            if low >= 0:
                self.never_negative.add(lo)
        if high is not None:
            hi = t.select(t.apply("lt", hi, t.const(high)), hi, t.const(high))
        return lo, hi

    def hull(self, *ends: Node) -> Pair:
        """The interval from the least to the largest; unbounded if one is NaN."""
        lo = hi = ends[0]
        for end in ends[1:]:
            if end not in (lo, hi):
                lo, hi = self.tape.apply("min", lo, end), self.tape.apply("max", hi, end)
        return lo, hi

    def either(self, *truths: Node | None) -> Node | None:
        """The condition that one of them holds, as a node; None means never."""
        result: Node | None = None
        for truth in truths:
            if truth is not None and truth != result:
                result = truth if result is None else self.tape.apply("or", result, truth)
        return result

    def denied(self, truth: Node) -> Node:
        """The negation of a condition."""
        return self.tape.apply("not", truth)

    def apart(self, a: Pair, point: int = 0) -> Node:
        """The condition that the pair certainly excludes a number, as a node."""
        t = self.tape
        return t.apply("or", t.apply("lt", t.const(point), a[0]), t.apply("lt", a[1], t.const(point)))

    def add(self, a: Pair, b: Pair) -> Pair:
        """a + b; a sum of doubles that is subnormal is exact."""
        if self.zero in (a[0], b[0]) and (a[0] == a[1] == self.zero or b[0] == b[1] == self.zero):
            return b if a[0] == a[1] == self.zero else a
        return self.outward(self.tape.add(a[0], b[0]), self.tape.add(a[1], b[1]), tiny=False)

    def neg(self, a: Pair) -> Pair:
        """-a, exactly."""
        return self.tape.neg(a[1]), self.tape.neg(a[0])

    def sub(self, a: Pair, b: Pair) -> Pair:
        """a - b."""
        return self.outward(self.tape.sub(a[0], b[1]), self.tape.sub(a[1], b[0]), tiny=False)

    def mul(self, a: Pair, b: Pair) -> Pair:
        """a b; fewer products if one factor is a point or never negative."""
        t = self.tape
        if b[0] == b[1] or b[0] in self.never_negative:
            a, b = b, a
        if a[0] in self.never_negative and b[0] in self.never_negative:
            return self.within(self.outward(t.mul(a[0], b[0]), t.mul(a[1], b[1])), 0, None)
        if a[0] in self.never_negative:
            lo = t.mul(b[0], self._where_negative(b[0], a[1], a[0]))
            return self.outward(lo, t.mul(b[1], self._where_negative(b[1], a[0], a[1])))
        if a[0] == a[1]:
            ends = [t.mul(a[0], end) for end in b]
            value = t.value(a[0])
            if value is None:
                ends = [self._where_negative(a[0], *(ends[::side])) for side in (-1, 1)]
                return self.outward(ends[0], ends[1])
            ends = ends if value > 0 else ends[::-1]
            whole_power = value.denominator == 1 and abs(value.numerator).bit_count() == 1
            return (ends[0], ends[1]) if whole_power else self.outward(ends[0], ends[1])
        return self.outward(*self.hull(*(t.mul(x, y) for x in a for y in b)))

    def _where_negative(self, sign: Node, a: Node, b: Node) -> Node:
        return a if a == b else self.tape.select(self.tape.apply("lt", sign, self.zero), a, b)

    def div(self, a: Pair, b: Pair) -> Pair:
        """a / b; unbounded if b contains 0 in its interior, one-sided if 0 is an end of b."""
        t = self.tape
        turned = t.apply("le", b[1], self.zero)
        (a1, a2), (b1, b2) = ((t.select(turned, t.neg(hi), lo), t.select(turned, t.neg(lo), hi)) for lo, hi in (a, b))
        b1 = t.select(t.apply("eq", b1, self.zero), self.zero, b1)  # 0 in place of -0
        lo, hi = t.apply("min", t.div(a1, b1), t.div(a1, b2)), t.apply("max", t.div(a2, b1), t.div(a2, b2))
        lo, hi = self.outward(lo, hi)
        regular = t.apply("le", self.zero, b1)
        return t.select(regular, lo, self.unknown), t.select(regular, hi, self.unknown)

    def size(self, a: Pair) -> Pair:
        """|a|, exactly."""
        if a[0] in self.never_negative:
            return a
        t, ends = self.tape, [self.tape.apply("abs", end) for end in a]
        least, most = self.hull(*ends)
        over = t.apply("and", t.apply("lt", a[0], self.zero), t.apply("lt", self.zero, a[1]))
        lo = t.select(over, self.zero, least)
        self.never_negative.add(lo)
        return lo, most

    def whole(self, a: Pair) -> Pair:
        """floor, exactly."""
        lo, hi = (self.tape.apply("floor", end) for end in a)
        if a[0] in self.never_negative:
            self.never_negative.add(lo)
        return lo, hi

    def power(self, a: Pair, n: int) -> Pair:
        """aⁿ for n >= 1, with a rounding for each of its products."""
        t = self.tape
        if n == 1:
            return a
        base = self.size(a) if n % 2 == 0 else a
        result = self.outward(t.ipow(base[0], n), t.ipow(base[1], n), (n + 1) * UNIT)
        return self.within(result, 0, None) if base[0] in self.never_negative else result

    def real_power(self, a: Pair, b: Pair) -> Pair:
        """a**b for a >= 0: it is monotone in a and in b, so corners are the least and the largest value."""
        corners = [self.tape.apply("pow", x, y) for x in a for y in b]
        return self.within(self.outward(*self.hull(*corners), LIBRARY), 0, None)

    def rising(self, op: str, a: Pair) -> Pair:
        """An increasing function."""
        ends = (self.tape.apply(op, a[0]), self.tape.apply(op, a[1]))
        return self.within(self.outward(*ends, LIBRARY), *RISING[op])

    def even(self, op: str, a: Pair) -> Pair:
        """An even function that is monotone in |a|."""
        base = self.size(a)
        ends = (self.tape.apply(op, base[0]), self.tape.apply(op, base[1]))
        if op in FALLING:
            return self.within(self.outward(*ends[::-1], LIBRARY), 0, FALLING[op])
        return self.within(self.outward(*ends, LIBRARY), EVEN[op], None)

    def wave(self, op: str, a: Pair) -> Pair:
        """sin or cos: the values at the ends, and 1 or -1 if a maximum or a minimum may lie between them."""
        t, quarter = self.tape, 0.0 if op == "cos" else math.pi / 2
        ends = self.outward(*self.hull(t.apply(op, a[0]), t.apply(op, a[1])), LIBRARY)
        lo, hi = self.within(ends, -1, 1)
        peak, trough = self.misses(a, quarter, 2 * math.pi), self.misses(a, quarter + math.pi, 2 * math.pi)
        return t.select(trough, lo, t.const(-1)), t.select(peak, hi, self.one)

    def misses(self, a: Pair, at: float, period: float) -> Node:
        """The condition, as a node, that no at + k·period, k whole, lies in the pair: the one closest to its centre decides."""
        t, half, (lo, hi) = self.tape, self.tape.const(Fraction(1, 2)), a
        middle = t.sub(t.add(t.mul(half, lo), t.mul(half, hi)), t.exactly(at))
        turns = t.apply("round", t.mul(t.exactly(1 / period), middle))
        distance = t.apply("abs", t.sub(middle, t.mul(turns, t.exactly(period))))
        sizes = t.add(t.add(t.apply("abs", lo), t.apply("abs", hi)), t.const(8))
        reach = t.add(t.mul(half, t.sub(hi, lo)), t.mul(t.const(8 * UNIT), sizes))
        return t.apply("lt", reach, distance)

    def tangent(self, a: Pair) -> Pair:
        """tan; unbounded where a pole may lie in the pair."""
        t = self.tape
        lo, hi = self.outward(t.apply("tan", a[0]), t.apply("tan", a[1]), LIBRARY)
        clear = self.misses(a, math.pi / 2, math.pi)
        return t.select(clear, lo, self.unknown), t.select(clear, hi, self.unknown)

    def total(self, a: Pair) -> Pair:
        """The sum over the data rows: N roundings of partial sums, none larger than the sum of the sizes."""
        t, rows = self.tape, self.tape.leaf("rows")
        size = t.rowsum(t.apply("max", t.apply("abs", a[0]), t.apply("abs", a[1])))
        room = t.mul(t.const(UNIT), t.mul(rows, size))
        return t.sub(t.rowsum(a[0]), room), t.add(t.rowsum(a[1]), room)
