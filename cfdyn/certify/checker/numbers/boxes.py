"""Arrays of intervals with ends in doubles: IEEE 754 rounds + - * / and roots correctly, so that one step outward encloses them.

An expression that may be undefined somewhere, such as 1/x across 0, is the whole line: every test of a proof then fails.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

Array = np.ndarray
INF, _TINY = np.inf, 5e-324


def down(x: Array) -> Array:
    """The next double below."""
    return np.nextafter(x, -INF)


def up(x: Array) -> Array:
    """The next double above."""
    return np.nextafter(x, INF)


class Interval:
    """All numbers from ``lo`` to ``hi``, arrays of one shape; the whole line where a number is missing."""

    __slots__ = ("hi", "lo")

    def __init__(self, lo: Array | float, hi: Array | float):
        lo, hi = np.asarray(lo, dtype=float), np.asarray(hi, dtype=float)
        wrong = ~(lo <= hi)
        if wrong.any():
            lo, hi = np.where(wrong, -INF, lo), np.where(wrong, INF, hi)
        self.lo, self.hi = lo, hi

    def __getitem__(self, key) -> Interval:
        return Interval(self.lo[key], self.hi[key])

    def __add__(self, other: Interval) -> Interval:
        lo, hi = down(self.lo + other.lo), up(self.hi + other.hi)
        if (lo == -_TINY).any() or (hi == _TINY).any():  # the sum of numbers of one sign does not pass 0 when it is rounded
            lo = np.where((self.lo >= 0) & (other.lo >= 0), np.maximum(lo, 0.0), lo)
            hi = np.where((self.hi <= 0) & (other.hi <= 0), np.minimum(hi, 0.0), hi)
        return Interval(lo, hi)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(down(self.lo - other.hi), up(self.hi - other.lo))

    def __neg__(self) -> Interval:
        return Interval(-self.hi, -self.lo)

    def __mul__(self, other: Interval) -> Interval:
        hull = _hull_of(self.lo * other.lo, self.lo * other.hi, self.hi * other.lo, self.hi * other.hi)
        return _signed(hull, self, other)

    def __truediv__(self, other: Interval) -> Interval:
        hull = _hull_of(self.lo / other.lo, self.lo / other.hi, self.hi / other.lo, self.hi / other.hi)
        return _or_whole(_signed(hull, self, other), (other.lo > 0) | (other.hi < 0))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the arrays."""
        return self.lo.shape

    @property
    def middle(self) -> Array:
        """A double inside, 0 where an end is infinite."""
        with np.errstate(all="ignore"):
            middle = 0.5 * self.lo + 0.5 * self.hi
        return np.where(np.isfinite(middle), np.clip(middle, self.lo, self.hi), 0.0)

    @property
    def magnitude(self) -> Array:
        """The largest absolute value."""
        return np.maximum(-self.lo, self.hi)

    @property
    def mignitude(self) -> Array:
        """The smallest absolute value."""
        return np.maximum(np.maximum(self.lo, -self.hi), 0.0)

    def within(self, other: Interval) -> Array:
        """True where this interval lies in the other."""
        return (self.lo >= other.lo) & (self.hi <= other.hi)

    def inside(self, other: Interval) -> Array:
        """True where this interval lies in the interior of the other."""
        return (self.lo > other.lo) & (self.hi < other.hi)

    def apart(self, other: Interval) -> Array:
        """True where the two have no number in common."""
        return (self.hi < other.lo) | (self.lo > other.hi)

    def without_zero(self) -> Array:
        """True where the interval does not contain 0."""
        return (self.lo > 0) | (self.hi < 0)


def _hull_of(*values: Array) -> Interval:
    # minimum and maximum propagate a nan, which Interval turns into the whole line
    lo, hi = np.minimum(values[0], values[1]), np.maximum(values[0], values[1])
    for value in values[2:]:
        lo, hi = np.minimum(lo, value), np.maximum(hi, value)
    return Interval(down(lo), up(hi))


def _signed(value: Interval, a: Interval, b: Interval) -> Interval:
    """Clip a product or quotient of numbers with known signs, so that its rounded value does not pass 0."""
    tiny = (value.lo == -_TINY) | (value.hi == _TINY)
    if not tiny.any():
        return value
    positive = (a.lo >= 0) & (b.lo >= 0) | (a.hi <= 0) & (b.hi <= 0)
    negative = (a.lo >= 0) & (b.hi <= 0) | (a.hi <= 0) & (b.lo >= 0)
    lo = np.where(positive, np.maximum(value.lo, 0.0), value.lo)
    return Interval(lo, np.where(negative, np.minimum(value.hi, 0.0), value.hi))


def _or_whole(value: Interval, defined: Array) -> Interval:
    return Interval(np.where(defined, value.lo, -INF), np.where(defined, value.hi, INF))


def point(x: Array | float) -> Interval:
    """The doubles themselves."""
    return Interval(x, x)


def whole(shape: tuple[int, ...] = ()) -> Interval:
    """All real numbers."""
    return Interval(np.full(shape, -INF), np.full(shape, INF))


def exact(number: Fraction | int) -> Interval:
    """The narrowest interval of doubles around a rational number.

    >>> float(exact(Fraction(1, 2)).lo), float(exact(Fraction(1, 10)).lo), float(exact(Fraction(1, 10)).hi)
    (0.5, 0.09999999999999999, 0.1)
    """
    return Interval(below(number), above(number))


def below(number: Fraction | int) -> float:
    """The largest double that is at most a rational number."""
    return -above(-number)


def above(number: Fraction | int) -> float:
    """The smallest double that is at least a rational number."""
    try:
        near = float(Fraction(number))
    except OverflowError:
        return INF if number > 0 else -float(np.finfo(float).max)
    return near if Fraction(near) >= number else float(np.nextafter(near, INF))


def hull(a: Interval, b: Interval) -> Interval:
    """The smallest interval that contains both."""
    return Interval(np.minimum(a.lo, b.lo), np.maximum(a.hi, b.hi))


def meet(a: Interval, b: Interval) -> Interval:
    """The intersection of two enclosures of one value; the first if they are disjoint (the value is then defined nowhere)."""
    lo, hi = np.maximum(a.lo, b.lo), np.minimum(a.hi, b.hi)
    return Interval(np.where(lo <= hi, lo, a.lo), np.where(lo <= hi, hi, a.hi))


def widened(a: Interval) -> Interval:
    """The interval extended by a double on each side, so that a border at an end lies inside."""
    return Interval(down(a.lo), up(a.hi))


def square(a: Interval) -> Interval:
    """x², with the two factors equal."""
    return power(a, 2)


def power(a: Interval, n: int) -> Interval:
    """xⁿ for an integer n."""
    if n < 0:
        return point(np.ones(())) / power(a, -n)
    if n == 0:
        return point(np.ones(a.shape))
    if n % 2 == 0:
        small, large = a.mignitude, a.magnitude
        return Interval(_power_down(small, n), _power_up(large, n))
    lo = np.where(a.lo >= 0, _power_down(np.abs(a.lo), n), -_power_up(np.abs(a.lo), n))
    hi = np.where(a.hi >= 0, _power_up(np.abs(a.hi), n), -_power_down(np.abs(a.hi), n))
    return Interval(lo, hi)


def _power_down(x: Array, n: int) -> Array:
    """A lower bound of xⁿ, x ≥ 0."""
    return _binary(x, n, lambda y: np.maximum(down(y), 0.0))


def _power_up(x: Array, n: int) -> Array:
    return _binary(x, n, up)


def _binary(x: Array, n: int, rounded) -> Array:
    power = np.ones(x.shape)
    first = True
    while n:
        if n & 1:
            power, first = (x if first else rounded(power * x)), False
        n >>= 1
        if n:
            x = rounded(x * x)
    return power


def root(a: Interval) -> Interval:
    """√x; the whole line where x may be negative."""
    with np.errstate(invalid="ignore"):
        interval = Interval(np.maximum(down(np.sqrt(a.lo)), 0.0), up(np.sqrt(a.hi)))
    return _or_whole(interval, a.lo >= 0)


def stacked(parts: list[Interval], axis: int = -1) -> Interval:
    """Intervals of one shape, or of shapes that broadcast, stacked along a new axis."""
    los, his = np.broadcast_arrays(*[p.lo for p in parts]), np.broadcast_arrays(*[p.hi for p in parts])
    return Interval(np.stack(los, axis), np.stack(his, axis))


def rounds_as_expected() -> bool:
    """True if the processor rounds to nearest and keeps numbers below 2⁻¹⁰²² (a library may have changed these settings)."""
    one, half, tiny = np.float64(1), np.float64(2.0**-53), np.float64(5e-324)
    nearest = one + half == one and one + 3 * half == one + 4 * half and -one - 3 * half == -one - 4 * half
    return bool(nearest and tiny * one > 0 and np.float64(1e-308) * np.float64(0.5) > 0)
