"""Programs over arrays of intervals with doubles for ends: fast, rounded outward, and never trusted unless Arb confirms them.

An end that is NaN is not known; comparisons with NaN are false, and false means "not known" everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.special import erf, expit

from cfdyn.certify.exact import above, below
from cfdyn.tape.evaluate import Algebra

Ends = Any  # an array of doubles, or one double for all boxes

# One rounding moves an end by at most half of UNIT; functions of the libraries are accurate to a few units.
UNIT, LIBRARY, SMALLEST = 2.0**-52, 2.0**-48, 2.0**-1020
UNKNOWN = np.nan


class Span:
    """An interval for each of many boxes: ``lo``, ``hi``, (boxes,) or numbers.

    >>> x = Span(np.array([-1.0, 1.0]), np.array([2.0, 3.0]))
    >>> y = power(x, 2) - x
    >>> bool((y.lo <= [-2, -2]).all() and (y.hi >= [5, 8]).all() and (y.hi < [5.001, 8.001]).all())
    True
    """

    __slots__ = ("hi", "lo")

    def __init__(self, lo: Ends, hi: Ends):
        self.lo, self.hi = lo, hi

    def __add__(self, other: Span) -> Span:
        return outward(self.lo + other.lo, self.hi + other.hi)

    def __sub__(self, other: Span) -> Span:
        return outward(self.lo - other.hi, self.hi - other.lo)

    def __neg__(self) -> Span:
        return Span(-self.hi, -self.lo)

    def __mul__(self, other: Span) -> Span:
        if _one_number(self):
            return _times(other, self.lo, self.hi)
        if _one_number(other):
            return _times(self, other.lo, other.hi)
        a, b, c, d = self.lo * other.lo, self.lo * other.hi, self.hi * other.lo, self.hi * other.hi
        return outward(np.minimum(np.minimum(a, b), np.minimum(c, d)), np.maximum(np.maximum(a, b), np.maximum(c, d)))

    def __truediv__(self, other: Span) -> Span:
        ends = [np.divide(x, y) for x in (self.lo, self.hi) for y in (other.lo, other.hi)]
        span = outward(np.minimum.reduce(ends), np.maximum.reduce(ends))
        return _known(span, (other.lo > 0) | (other.hi < 0))


def outward(lo: Ends, hi: Ends, by: float = UNIT) -> Span:
    """The interval widened by more than its rounding: x − |x|·2⁻⁵² lies below the double below x."""
    return Span(lo - (np.abs(lo) * by + SMALLEST), hi + (np.abs(hi) * by + SMALLEST))


def number(value: Fraction) -> Span:
    """The doubles around an exact number."""
    return Span(below(value), above(value))


def _one_number(x: Span) -> bool:
    return np.ndim(x.lo) == 0


def _times(x: Span, lo: float, hi: float) -> Span:
    """The product with one interval for all boxes; an exact 1 or power of 2 needs no rounding, but the code does not use that."""
    if lo == hi:
        return outward(x.lo * lo, x.hi * lo) if lo >= 0 else outward(x.hi * lo, x.lo * lo)
    ends = x.lo * lo, x.lo * hi, x.hi * lo, x.hi * hi
    if lo >= 0:
        return outward(np.minimum(ends[0], ends[1]), np.maximum(ends[2], ends[3]))
    return outward(np.minimum.reduce(ends), np.maximum.reduce(ends))


def _known(x: Span, where: Any) -> Span:
    return Span(np.where(where, x.lo, UNKNOWN), np.where(where, x.hi, UNKNOWN))


def size(x: Span) -> Span:
    """|x|."""
    a, b = np.abs(x.lo), np.abs(x.hi)
    return Span(np.where((x.lo < 0) & (x.hi > 0), 0.0, np.minimum(a, b)), np.maximum(a, b))


def power(x: Span, n: int) -> Span:
    """xⁿ, by products of the ends."""
    if n < 0:
        return Span(1.0, 1.0) / power(x, -n)
    base = size(x) if n % 2 == 0 else x
    span = outward(_product(base.lo, n), _product(base.hi, n), (n + 1) * UNIT)
    return Span(np.maximum(span.lo, 0.0), span.hi) if n % 2 == 0 else span


def _product(x: Ends, n: int) -> Ends:
    result = x
    for bit in bin(n)[3:]:
        result = result * result * x if bit == "1" else result * result
    return result


def meet(x: Span, y: Span) -> Span:
    """The intersection of two intervals; lo > hi where it is empty."""
    return Span(np.fmax(x.lo, y.lo), np.fmin(x.hi, y.hi))


def hull(x: Span, y: Span) -> Span:
    """From the least to the greatest."""
    return Span(np.minimum(x.lo, y.lo), np.maximum(x.hi, y.hi))


def _rising(function: Callable, low: float = -np.inf, high: float = np.inf) -> Callable[[Span], Span]:
    def at_ends(x: Span) -> Span:
        span = outward(function(x.lo), function(x.hi), LIBRARY)
        return Span(np.maximum(span.lo, low), np.minimum(span.hi, high))

    return at_ends


def _partial(rising: Callable[[Span], Span]) -> Callable[[Span], Span]:
    """An unknown value where part of the box lies outside the domain: the computed value is not a value of the function."""

    def inside(x: Span) -> Span:
        pair = rising(x)
        return _known(pair, pair.lo == pair.lo)

    return inside


def _wave(function: Callable, peak: float) -> Callable[[Span], Span]:
    """sin or cos: the range extends to 1 or −1 where a peak or a trough may lie inside."""

    def over(x: Span) -> Span:
        a, b = function(x.lo), function(x.hi)
        lo, hi = np.maximum(np.minimum(a, b) - LIBRARY, -1.0), np.minimum(np.maximum(a, b) + LIBRARY, 1.0)
        return Span(np.where(_misses(x, peak + np.pi, 2 * np.pi), lo, -1.0), np.where(_misses(x, peak, 2 * np.pi), hi, 1.0))

    return over


def _misses(x: Span, at: float, period: float) -> Any:
    """True where no at + k·period lies in the interval."""
    middle = 0.5 * x.lo + 0.5 * x.hi - at
    distance = np.abs(middle - np.round(middle / period) * period)
    return 0.5 * (x.hi - x.lo) + 16 * UNIT * (np.abs(x.lo) + np.abs(x.hi) + 8) < distance


def _tan(x: Span) -> Span:
    a, b = np.tan(x.lo), np.tan(x.hi)
    span = Span(a - LIBRARY * (1 + a * a), b + LIBRARY * (1 + b * b))
    return _known(span, _misses(x, np.pi / 2, np.pi))


def _real_power(x: Span, y: Span) -> Span:
    corners = [np.power(a, b) for a in (x.lo, x.hi) for b in (y.lo, y.hi)]
    return _known(outward(np.minimum.reduce(corners), np.maximum.reduce(corners), LIBRARY), x.lo > 0)


class Truth:
    """A condition on each box: where it certainly holds, and where it certainly fails."""

    __slots__ = ("no", "yes")

    def __init__(self, yes: Any, no: Any):
        self.yes, self.no = yes, no


def _less(a: Span, b: Span) -> Truth:
    return Truth(a.hi < b.lo, a.lo >= b.hi)


def _at_most(a: Span, b: Span) -> Truth:
    return Truth(a.hi <= b.lo, a.lo > b.hi)


def _equal(a: Span, b: Span) -> Truth:
    return Truth((a.lo == a.hi) & (b.lo == b.hi) & (a.lo == b.lo), (a.hi < b.lo) | (b.hi < a.lo))


def _select(condition: Truth, a: Any, b: Any) -> Any:
    if isinstance(a, Truth):
        return Truth(*(np.where(condition.yes, x, np.where(condition.no, y, x & y)) for x, y in ((a.yes, b.yes), (a.no, b.no))))
    lo = np.where(condition.yes, a.lo, np.where(condition.no, b.lo, np.minimum(a.lo, b.lo)))
    return Span(lo, np.where(condition.yes, a.hi, np.where(condition.no, b.hi, np.maximum(a.hi, b.hi))))


def _sign(x: Span) -> Span:
    lo = np.where(x.lo > 0, 1.0, np.where((x.lo == 0) & (x.hi == 0), 0.0, -1.0))
    return Span(lo, np.where(x.hi < 0, -1.0, np.where((x.lo == 0) & (x.hi == 0), 0.0, 1.0)))


def _heaviside(x: Span) -> Span:
    sign = _sign(x)
    return Span((sign.lo + 1) / 2, (sign.hi + 1) / 2)


def _of_size(rising: Callable[[Span], Span]) -> Callable[[Span], Span]:
    return lambda x: rising(size(x))


def _sech2(x: Span) -> Span:
    far = size(x)
    lo, hi = (4 * expit(2 * v) * expit(-2 * v) for v in (far.hi, far.lo))
    span = outward(lo, hi, LIBRARY)
    return Span(np.maximum(span.lo, 0.0), np.minimum(span.hi, 1.0))


def _logcosh(x: Ends) -> Ends:
    return np.where(x < 0.5, np.log1p(2 * np.sinh(np.minimum(x, 1.0) / 2) ** 2), x + np.log1p(np.exp(-2 * x)) - np.log(2))


_FUNCTIONS: dict[str, Callable] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "neg": lambda a: -a, "ipow": power, "pow": _real_power, "abs": size,
    "max": lambda a, b: Span(np.maximum(a.lo, b.lo), np.maximum(a.hi, b.hi)),
    "min": lambda a, b: Span(np.minimum(a.lo, b.lo), np.minimum(a.hi, b.hi)),
    "exp": _rising(np.exp, 0.0), "log": _partial(_rising(np.log)),
    "log1p": _partial(_rising(np.log1p)), "sqrt": _partial(_rising(np.sqrt, 0.0)),
    "sinh": _rising(np.sinh), "tanh": _rising(np.tanh, -1.0, 1.0), "erf": _rising(erf, -1.0, 1.0),
    "sigmoid": _rising(expit, 0.0, 1.0), "softplus": _rising(lambda x: np.logaddexp(0.0, x), 0.0),
    "cosh": _of_size(_rising(np.cosh, 1.0)), "logcosh": _of_size(_rising(_logcosh, 0.0)), "sech2": _sech2,
    "sin": _wave(np.sin, np.pi / 2), "cos": _wave(np.cos, 0.0), "tan": _tan,
    "sign": _sign, "heaviside": _heaviside, "floor": lambda x: Span(np.floor(x.lo), np.floor(x.hi)),
    "lt": _less, "le": _at_most, "eq": _equal, "select": _select,
    "and": lambda a, b: Truth(a.yes & b.yes, a.no | b.no), "or": lambda a, b: Truth(a.yes | b.yes, a.no & b.no),
    "not": lambda a: Truth(a.no, a.yes),
}  # fmt: skip
ALGEBRA = Algebra(number, _FUNCTIONS, Span(np.pi - UNIT * 4, np.pi + UNIT * 4), Span(np.e - UNIT * 4, np.e + UNIT * 4))


def rows(lo: np.ndarray, hi: np.ndarray) -> list[Span]:
    """One interval for each coordinate of boxes (coordinates, boxes)."""
    return [Span(a, b) for a, b in zip(lo, hi, strict=True)]


def ends(spans: Sequence[Span], boxes: int) -> tuple[np.ndarray, np.ndarray]:
    """The ends of intervals as arrays (coordinates, boxes)."""
    return tuple(np.array([np.broadcast_to(getattr(s, side), boxes) for s in spans]) for side in ("lo", "hi"))  # type: ignore[return-value]
