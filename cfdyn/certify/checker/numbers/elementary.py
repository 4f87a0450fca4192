"""Elementary functions of intervals, from + - * / alone: series with their remainders, at the ends where a function is monotone.
No value of a mathematical library is trusted: numpy's logarithm is only the start of one that is then enclosed.
"""

from collections.abc import Callable
from fractions import Fraction
from math import factorial

import mpmath
import numpy as np

from cfdyn.certify.checker.numbers.boxes import (
    INF,
    Array,
    Interval,
    above,
    below,
    down,
    exact,
    hull,
    point,
    power,
    root,
    square,
    up,
)  # fmt: skip

_LARGEST = float(np.finfo(float).max)


def _constant(name: str) -> Fraction:
    """A constant to 250 bits."""
    with mpmath.workprec(300):
        return Fraction(int(mpmath.nint(mpmath.ldexp(+getattr(mpmath.mp, name), 250))), 2**250)


def _enclosed(value: Fraction) -> Interval:
    slack = Fraction(1, 2**240)
    return Interval(below(value - slack), above(value + slack))


_LN2, _HALF_PI = _constant("ln2"), _constant("pi") / 2
_LN2_HEAD = float(Fraction(int(_LN2 * 2**40), 2**40))  # times an integer below 2^12 it is exact
_PI_HEAD = float(Fraction(int(_HALF_PI * 2**30), 2**30))  # times one below 2^22
_LN2_REST, _PI_REST = _enclosed(_LN2 - Fraction(_LN2_HEAD)), _enclosed(_HALF_PI - Fraction(_PI_HEAD))
PI, E, LN2 = _enclosed(2 * _HALF_PI), _enclosed(_constant("e")), _enclosed(_LN2)
_INVERSE = [exact(Fraction(1, k)) for k in range(1, 24)]
_DEGREE, _REST = 14, 2.5e-19  # |r| < 0.36: r^15/15! e^0.36 is below


def _series(r: Interval) -> Interval:
    """(e^r − 1)/r to the degree of the Taylor polynomial, for |r| < 0.36: 1 + r/2 (1 + r/3 (...))."""
    one = point(np.ones(()))
    total = one
    for k in range(_DEGREE, 1, -1):
        total = one + r * _INVERSE[k - 1] * total
    return total


def _exp(x: Array) -> Interval:
    """e^x at doubles."""
    inner = np.clip(x, -746.0, 710.0)
    k = np.rint(inner * 1.4426950408889634)
    turns = point(k)
    r = point(inner) - point(k * _LN2_HEAD) - turns * _LN2_REST
    value = point(np.ones(())) + r * _series(r) + Interval(-_REST, _REST)
    e = k.astype(int)
    lo, hi = np.maximum(down(np.ldexp(value.lo, e)), 0.0), up(np.ldexp(value.hi, e))
    lo, hi = np.where(x < -746, 0.0, lo), np.where(x < -746, 5e-324, hi)
    return Interval(np.where(x > 710, _LARGEST, lo), np.where(x > 709.7, INF, hi))


def _expm1(x: Array) -> Interval:
    """e^x − 1 at doubles, with full relative accuracy also near 0."""
    small = np.abs(x) < 0.35
    r = point(np.where(small, x, 0.0))
    # the remainder r^15/15! e^0.35 relative to r
    near = r * (_series(r) + Interval(-_REST * 3, _REST * 3))
    far = _exp(x) - point(np.ones(()))
    return Interval(np.where(small, near.lo, np.maximum(far.lo, -1.0)), np.where(small, near.hi, far.hi))


def _log_near_one(t: Interval) -> Interval:
    """log(1 + t) for |t| < 1/2: between t − t² and t."""
    interval = Interval((point(t.lo) - square(point(t.lo))).lo, t.hi)
    good = t.magnitude < 0.5
    return Interval(np.where(good, interval.lo, -INF), np.where(good, interval.hi, INF))


def _log(x: Array) -> Interval:
    """log at doubles > 0."""
    finite = np.where((x > 0) & (x < INF), x, 1.0)
    y = np.log(finite)
    value = point(y) + _log_near_one(point(finite) * _exp(-y) - point(np.ones(())))
    return Interval(
        np.where(x == INF, 709.0, np.where(x > 0, value.lo, -INF)), np.where(x > 0, np.where(x < INF, value.hi, INF), INF)
    )


def _log1p(x: Array) -> Interval:
    """log(1 + x) at doubles > −1, with full relative accuracy also near 0."""
    finite = np.where((x > -1) & (x < INF), x, 0.0)
    y = np.log1p(finite)
    value = point(y) + _log_near_one((point(finite) - _expm1(y)) * _exp(-y))
    return Interval(
        np.where(x == INF, 709.0, np.where(x > -1, value.lo, -INF)), np.where(x > -1, np.where(x < INF, value.hi, INF), INF)
    )


def _tanh(x: Array) -> Interval:
    e = _expm1(2 * x)  # increasing in e: e/(e + 2)
    two = point(np.full((), 2.0))
    lo, hi = point(e.lo) / (point(e.lo) + two), point(e.hi) / (point(e.hi) + two)
    lower = np.where(e.lo == INF, 1 - 2.0**-53, lo.lo)
    return Interval(np.maximum(lower, -1.0), np.where(e.hi == INF, 1.0, np.minimum(hi.hi, 1.0)))


def _sinh(x: Array) -> Interval:
    e = _expm1(np.abs(x))
    half, one = point(np.full((), 0.5)), point(np.ones(()))
    lo = half * (point(e.lo) + point(e.lo) / (point(e.lo) + one))
    hi = half * (point(e.hi) + point(e.hi) / (point(e.hi) + one))
    upper = np.where(e.hi == INF, INF, hi.hi)
    lower = np.maximum(np.where(e.lo == INF, _LARGEST / 2, lo.lo), 0.0)
    return Interval(np.where(x < 0, -upper, lower), np.where(x < 0, -lower, upper))


def _cosh(x: Array) -> Interval:
    e = _exp(np.abs(x))
    value = point(np.full((), 0.5)) * (e + point(np.ones(())) / e)
    return Interval(np.maximum(value.lo, 1.0), np.where(e.hi == INF, INF, value.hi))


def _sigmoid(x: Array) -> Interval:
    e = _exp(-x)
    one = point(np.ones(()))
    lo = np.where(e.hi == INF, 0.0, (one / (one + point(np.where(e.hi == INF, 1.0, e.hi)))).lo)
    hi = (one / (one + point(e.lo))).hi
    return Interval(np.maximum(lo, 0.0), np.minimum(hi, 1.0))


def _softplus(x: Array) -> Interval:
    rest = log1p(_exp(-np.abs(x)))
    value = point(np.maximum(x, 0.0)) + rest
    return Interval(np.maximum(value.lo, 0.0), value.hi)


def _logcosh(x: Array) -> Interval:
    far = point(np.abs(x)) + log1p(_exp(-2 * np.abs(x))) - LN2
    half = np.where(np.abs(x) < 1, x, 0.0) / 2  # exact but for subnormal numbers, whose square is 0
    near = log1p(point(np.full((), 2.0)) * square(sinh(Interval(down(half), up(half)))))
    small = np.abs(x) < 1
    return Interval(np.maximum(np.where(small, near.lo, far.lo), 0.0), np.where(small, near.hi, far.hi))


def _erf(x: Array) -> Interval:
    """2/√π e^(−x²) Σ 2ᵏ x^(2k+1)/(2k+1)!!, all terms of one sign, for |x| < 6."""
    a = np.where(np.abs(x) < 6, np.abs(x), 0.0)
    s = square(point(a))
    bracket, one = Interval(1.0, 1.25), point(np.ones(()))  # after 220 terms the ratio is below 2·36/441 < 1/5
    for k in range(220, 0, -1):
        bracket = one + s * exact(Fraction(2, 2 * k + 1)) * bracket
    total = point(a) * bracket
    scale = point(np.full((), 2.0)) / root(PI)
    value = scale * exp(-s) * total
    lo = np.where(np.abs(x) < 6, np.maximum(value.lo, 0.0), 1 - 2.0**-53)
    hi = np.where(np.abs(x) < 6, np.minimum(value.hi, 1.0), 1.0)
    return Interval(np.where(x < 0, -hi, lo), np.where(x < 0, -lo, hi))


def _rising(at: Callable[[Array], Interval]) -> Callable[[Interval], Interval]:
    """An increasing function, from its values at the ends."""
    return lambda a: Interval(at(a.lo).lo, at(a.hi).hi)


def _even(at: Callable[[Array], Interval]) -> Callable[[Interval], Interval]:
    """An even function that increases on x > 0."""
    return lambda a: Interval(at(a.mignitude).lo, at(a.magnitude).hi)


exp, sinh, tanh, sigmoid, softplus, erf = map(_rising, (_exp, _sinh, _tanh, _sigmoid, _softplus, _erf))
cosh, logcosh = map(_even, (_cosh, _logcosh))


def log(a: Interval) -> Interval:
    """log x; the whole line where x may be 0 or less."""
    value, good = _rising(_log)(a), a.lo > 0
    return Interval(np.where(good, value.lo, -INF), np.where(good, value.hi, INF))


def log1p(a: Interval) -> Interval:
    """log(1 + x); the whole line where x may be −1 or less."""
    value, good = _rising(_log1p)(a), a.lo > -1
    return Interval(np.where(good, value.lo, -INF), np.where(good, value.hi, INF))


def _turned(x: Array) -> tuple[Interval, Interval]:
    """sin and cos at doubles below 10⁶."""
    q = np.rint(x * 0.6366197723675814)
    r = point(x) - point(q * _PI_HEAD) - point(q) * _PI_REST
    s, one = square(r), point(np.ones(()))
    sine, cosine = one, one
    for k in range(9, 0, -1):
        sine = one - s * exact(Fraction(1, 2 * k * (2 * k + 1))) * sine
        cosine = one - s * exact(Fraction(1, 2 * k * (2 * k - 1))) * cosine
    rest = below(Fraction(8, 10) ** 20 / factorial(20) * 2)  # |r| < 0.8
    sine, cosine = r * (sine + Interval(-rest * 20, rest * 20)), cosine + Interval(-rest, rest)
    turn = np.mod(q, 4)
    pairs = (sine, cosine, -sine, -cosine)
    picked = [[pairs[(j + k) % 4] for j in range(4)] for k in range(2)]
    return tuple(_picked(turn, choices) for choices in picked)  # type: ignore[return-value]


def _picked(turn: Array, choices: list[Interval]) -> Interval:
    conditions = [turn == j for j in range(4)]
    return Interval(np.select(conditions, [c.lo for c in choices], -1.0), np.select(conditions, [c.hi for c in choices], 1.0))


def _wave(a: Interval, which: int) -> Interval:
    """sin (0) or cos (1): the values at the ends, and ±1 where a crest or a trough may lie between."""
    good = (a.lo >= -1e6) & (a.hi <= 1e6)
    lo, hi = np.where(good, a.lo, 0.0), np.where(good, a.hi, 0.0)
    ends = hull(_turned(lo)[which], _turned(hi)[which])
    turns = Interval(lo, hi) / (PI * point(np.full((), 2.0)))
    crest = Fraction(1, 4) if which == 0 else Fraction(0)
    top, bottom = turns - exact(crest), turns - exact(crest + Fraction(1, 2))
    above_one = np.floor(top.hi) >= np.ceil(top.lo)
    below_one = np.floor(bottom.hi) >= np.ceil(bottom.lo)
    least = np.where(good & ~below_one, np.maximum(ends.lo, -1.0), -1.0)
    return Interval(least, np.where(good & ~above_one, np.minimum(ends.hi, 1.0), 1.0))


def sin(a: Interval) -> Interval:
    """sin x."""
    return _wave(a, 0)


def cos(a: Interval) -> Interval:
    """cos x."""
    return _wave(a, 1)


def tan(a: Interval) -> Interval:
    """tan x, from its values at the ends; the whole line where a pole may lie between."""
    c = cos(a)
    good = c.without_zero() & (a.hi <= 1e6) & (a.lo >= -1e6)
    lo, hi = np.where(good, a.lo, 0.0), np.where(good, a.hi, 0.0)
    ends = [s / c for s, c in (_turned(lo), _turned(hi))]
    return Interval(np.where(good, ends[0].lo, -INF), np.where(good, ends[1].hi, INF))


def rational_power(a: Interval, q: Fraction) -> Interval:
    """x^q for a q that is not an integer, x > 0 (x ≥ 0 for q > 0); the whole line where x may lie outside."""
    if q.denominator == 2:
        return power(root(a), q.numerator)
    inner = Interval(np.where(a.lo > 0, a.lo, np.where(a.hi > 0, np.minimum(a.hi, 1e-300), 1.0)), np.where(a.hi > 0, a.hi, 1.0))
    value = exp(exact(q) * log(inner))
    if q > 0:
        good = a.lo >= 0
        lo, hi = np.where(a.lo == 0, 0.0, value.lo), np.where(a.hi == 0, 0.0, value.hi)
        return Interval(np.where(good, lo, -INF), np.where(good, hi, INF))
    return Interval(np.where(a.lo > 0, value.lo, -INF), np.where(a.lo > 0, value.hi, INF))


def whole_part(a: Interval) -> Interval:
    """floor x."""
    return Interval(np.floor(a.lo), np.floor(a.hi))


def sign(a: Interval) -> Interval:
    """−1, 0 or 1."""
    return Interval(np.sign(a.lo), np.sign(a.hi))


def heaviside(a: Interval) -> Interval:
    """0 below 0, ½ at 0, 1 above."""
    return Interval(np.heaviside(a.lo, 0.5), np.heaviside(a.hi, 0.5))


def absolute(a: Interval) -> Interval:
    """|x|."""
    return Interval(a.mignitude, a.magnitude)


def larger(a: Interval, b: Interval) -> Interval:
    """max(x, y)."""
    return Interval(np.maximum(a.lo, b.lo), np.maximum(a.hi, b.hi))


def smaller(a: Interval, b: Interval) -> Interval:
    """min(x, y)."""
    return Interval(np.minimum(a.lo, b.lo), np.minimum(a.hi, b.hi))


FUNCTIONS: dict[str, Callable[[Interval], Interval]] = {
    "exp": exp, "log": log, "log1p": log1p, "sin": sin, "cos": cos, "tan": tan, "sinh": sinh, "cosh": cosh, "tanh": tanh,
    "erf": erf, "sigmoid": sigmoid, "softplus": softplus, "logcosh": logcosh, "sign": sign, "floor": whole_part, "Abs": absolute,
    "Heaviside": heaviside,
}  # fmt: skip
