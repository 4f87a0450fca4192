"""Elementary functions as straight-line programs on a tape: arithmetic and selects, no branch, no call.

The printed code runs in vector lanes, on IEEE doubles rounded to nearest; nothing here
needs a fused multiply-add or survives fast-math. Besides the tape's own arithmetic the programs use
four machine operations:

- ``round``: the nearest integer, ties to even;
- ``exp2i``: 2ⁿ of an integer n, -1022 <= n <= 1023 (any number, but no trap, for NaN and other n);
- ``exponent``: floor(log2 x) of a positive normal x (any number for other x);
- ``mantissa``: x / 2^exponent(x), in [1, 2), of a positive normal x (any number for other x).

Polynomials are minimax, by Remez exchange in 60 digits and rounded to double. The reductions
are those of Cody & Waite, Software Manual for the Elementary Functions (1980), and Muller, Elementary
Functions (3rd ed., 2016), ch. 6 and 11; the sums in log follow Tang, ACM TOMS 16 (1990). Errors are in
units of the last place of the true value, the largest of 10⁷ points (10⁶ in tests/tape/test_branch_free.py).
"""

from collections.abc import Callable, Mapping, Sequence
from operator import methodcaller
from typing import Final

from cfdyn.tape.program import Node, Tape
from cfdyn.tape.terms import Term

FAR: Final = 2.0**20  # sin and cos hold for |x| <= FAR
_LOG2E, _1_PI = 1.4426950408889634, 0.3183098861837907
# log 2 in two parts, the first of 42 bits, so that its product with an exponent is exact; and rounded, with the rest.
_LOG2_HI, _LOG2_LO = map(float.fromhex, ("0x1.62e42fefa3800p-1", "0x1.ef35793c76730p-45"))
_LOG2, _LOG2_REST = map(float.fromhex, ("0x1.62e42fefa39efp-1", "0x1.abc9e3b39803fp-56"))
# pi/2 in four parts; the first three have 33 bits, so their products with an integer below 2²⁰ are exact.
_HALF_PI = tuple(map(float.fromhex, "0x1.921fb544p+0 0x1.0b4611a6p-34 0x1.3198a2ep-69 0x1.b839a252049c1p-104".split()))
# (exp(r) - 1 - r) / r² for |r| <= log(2) / 2.
_EXP: Final = (
    0.5000000000000013, 0.16666666666666696, 0.04166666666651396, 0.008333333333309096, 0.0013888888947426112,
    0.00019841269913056773, 2.4801489491500943e-05, 2.755722039905147e-06, 2.7631449595556393e-07, 2.511648505425978e-08,
)  # fmt: skip
# (2 artanh(s) / s - 2) / s² as a function of s², s = f / (2 + f), for 1 + f in [sqrt(1/2), sqrt(2)]; in [1, 2].
_LOG: Final = (
    0.6666666666666735, 0.3999999999941336, 0.2857142874271193, 0.2222219853667504, 0.18183566387007324,
    0.15313993810398108, 0.1479655591276046,
)  # fmt: skip
_LOG_WIDE: Final = (
    0.6666666666666631, 0.40000000000157354, 0.2857142854783676, 0.22222223970930852, 0.1818174387886693,
    0.15386560971209468, 0.1330095906752727, 0.12106206440561304, 0.08339555021908343, 0.17019625107550185,
)  # fmt: skip
# (sin(r) / r - 1) / r² + 1/8 as a function of r² for |r| <= pi / 2.
_SIN: Final = (
    -0.04166666666666666, 0.008333333333333207, -0.0001984126984121248, 2.755731921156944e-06, -2.5052106904313516e-08,
    1.6058940986395983e-10, -7.643018587051378e-13, 2.7214066892319615e-15,
)  # fmt: skip
# (log(cosh x) / x² - 1/2) / x² as a function of x² for |x| <= 0.7.
_LOGCOSH: Final = (
    -0.0833333333333315, 0.02222222222200164, -0.00674603173681972, 0.0021869486614063465, -0.000738600623855728,
    0.00025656262477553453, -9.089867289089036e-05, 3.246891315709074e-05, -1.1243230310031933e-05,
    3.321727921510508e-06, -5.901223417978619e-07,
)  # fmt: skip


Expansion = Callable[[Tape, Node], Node]
Unary = Callable[[Term], Term]


def _polynomial(x: Term, square: Term, coefficients: Sequence[float]) -> Term:
    """Horner's rule in x² over pairs c + d x: one product more than in x, and half the latency."""
    pairs = [c + d * x for c, d in zip(coefficients[::2], coefficients[1::2], strict=False)]
    total = pairs.pop() if len(coefficients) % 2 == 0 else x.constant(coefficients[-1])
    for pair in reversed(pairs):
        total = pair + total * square
    return total


def _expm1_parts(x: Term) -> tuple[Term, Term, Term]:
    """n and exp(x - n log 2) - 1 as a sum of two, for the integer n nearest to x / log 2."""
    n = (x * _LOG2E).apply("round")
    high, low = x - n * _LOG2_HI, n * _LOG2_LO
    r = high - low
    square = r.square()
    return n, high, square * _polynomial(r, square, _EXP) - low


def _exp(x: Term, least: float = -1000.0, shift: float = 0.0) -> Term:
    """exp(x) for x <= 0, in two steps of scaling so that a subnormal result is rounded once."""
    n, high, low = _expm1_parts(x.at_least(-746.0))
    m = n.at_least(least) - shift
    return (1.0 + (high + low)) * m.apply("exp2i") * (n - m).apply("exp2i")


def _exp_coarse(x: Term) -> Term:
    """exp(x) for x <= 0, not below exp(-60)."""
    n, high, low = _expm1_parts(x.at_least(-60.0))
    return (1.0 + (high + low)) * n.apply("exp2i")


def _log_near_1(f: Term, coefficients: Sequence[float] = _LOG_WIDE, k: Term | None = None) -> Term:
    """log(1 + f) + k log 2 by the series of 2 artanh(f / (2 + f)); f itself enters the sum last, exactly."""
    s = f / (2.0 + f)
    z = s.square()
    half_square = 0.5 * f.square()
    tail = s * (half_square + z * _polynomial(z, z.square(), coefficients))
    if k is None:
        return f - (half_square - tail)
    return k * _LOG2_HI - ((half_square - (tail + k * _LOG2_LO)) - f)


def _log_domain(inside: Term, pole: Term, x: Term, value: Term) -> Term:
    """The logarithm with its ends: -inf at the pole, NaN beyond it, inf at inf."""
    infinite, lowest = (x.constant(c) * 1e300 for c in (1e300, -1e300))
    outside = pole.choose(lowest, lowest + infinite)
    return inside.choose((x < infinite).choose(value, x), outside)


def exp(tape: Tape, x: Node) -> Node:
    """exp x; 1.0 ulp, 1 subnormal spacing below 2.2e-308."""
    # n reaches 1024 here, too much for exp2i in one of the steps.
    return _exp(Term(tape, x).at_most(710.0), -900.0, 64.0).node


def log(tape: Tape, x: Node) -> Node:
    """log x; 0.9 ulp."""
    v = Term(tape, x)
    tiny = v < 2.0**-1022
    w = tiny.choose(v * 2.0**54, v)
    m = w.apply("mantissa")
    upper = v.constant(2.0**0.5) < m
    f = upper.choose(0.5 * m, m) - 1.0
    k = w.apply("exponent") + upper.choose(1.0, 0.0) + tiny.choose(-54.0, 0.0)
    return _log_domain(v.constant(0.0) < v, v.apply("eq", 0.0), v, _log_near_1(f, _LOG, k)).node


def log1p(tape: Tape, x: Node) -> Node:
    """log(1 + x); 1.4 ulp."""
    v = Term(tape, x)
    # k is nearest to log2(1 + x); an exponent two below it keeps its power of 2 in range.
    below = ((1.0 + v) * 0.125**0.5).apply("exponent")
    shrink = 0.25 * (-below).apply("exp2i")
    f = v * shrink + (shrink - 1.0)
    return _log_domain(v.constant(-1.0) < v, v.apply("eq", -1.0), v, _log_near_1(f, _LOG, below + 2.0)).node


def _tanh_parts(size: Term) -> tuple[Term, Term, Term, Term]:
    """h = (exp(2|x|) - 1) / 2, as a sum of two and rounded, and h / (1 + h), for |x| <= 354.5."""
    n, high, low = _expm1_parts((2.0 * size).at_most(709.0))
    half = 0.5 * n.apply("exp2i")
    main, rest = half * high + (half - 0.5), half * low
    h = main + rest
    return main, rest, h, h / (1.0 + h)


def tanh(tape: Tape, x: Node) -> Node:
    """tanh x; 1.7 ulp, exactly odd."""
    v = Term(tape, x)
    size = v.apply("abs")
    main, rest, h, q = _tanh_parts(size)
    y = (size < 0.3).choose(main + (rest - h * q), q)  # q = h - h q, which hardly feels the rounding of 1 + h
    return (v < 0.0).choose(-y, y).node


def sech2(tape: Tape, x: Node) -> Node:
    """1 / cosh² x, almost free in addition to tanh x; 3.2 ulp, exactly even; 0 where it is below 5e-308."""
    size = Term(tape, x).apply("abs")
    _, _, h, q = _tanh_parts(size)
    return (size.constant(354.5) < size).choose(0.0, (1.0 + q) / (1.0 + h)).node


def sinh(tape: Tape, x: Node) -> Node:
    """sinh x; 1.9 ulp, exactly odd."""
    v = Term(tape, x)
    size = v.apply("abs")
    n, high, low = _expm1_parts(size.at_most(710.5))
    quarter = (n - 2.0).apply("exp2i")
    main, rest = quarter * high + (quarter - 0.25), quarter * low
    e = main + rest  # (exp|x| - 1) / 4, which does not overflow
    q = e / (4.0 * e + 1.0)
    y = 2.0 * (size < 0.3).choose(2.0 * (main + (rest - 2.0 * (e * q))), e + q)  # q = e - 4 e q
    return (v < 0.0).choose(-y, y).node


def cosh(tape: Tape, x: Node) -> Node:
    """cosh x; 1.4 ulp, exactly even."""
    n, high, low = _expm1_parts(Term(tape, x).apply("abs").at_most(710.5))
    e = (1.0 + (high + low)) * (n - 2.0).apply("exp2i")
    return (2.0 * e + e.constant(0.125) / e).node


def _sin_reduced(x: Term, n: Term, unit: float, odd: Term) -> Term:
    """sin(x - n unit pi/2), with the sign reversed if ``odd`` is an odd integer."""
    a, b, c, d = (n * (unit * part) for part in _HALF_PI)
    first = x - a
    second = first - b
    # What the second difference lost is zero wherever x is so close to a zero of sin that it would matter.
    r = (second - (c - ((first - second) - b))) - d
    z = r.square()
    # 1/8 is taken out of the series because its product is exact, and what is left rounds less.
    y = r + r * (z * _polynomial(z, z.square(), _SIN) - 0.125 * z)
    half = odd * 0.5
    return half.apply("eq", half.apply("round")).choose(y, -y)


def sin(tape: Tape, x: Node) -> Node:
    """sin x for |x| <= FAR; 1.8 ulp."""
    n = (Term(tape, x) * _1_PI).apply("round")
    return _sin_reduced(Term(tape, x), n, 2.0, n).node


def cos(tape: Tape, x: Node) -> Node:
    """cos x for |x| <= FAR; 1.8 ulp, exactly even."""
    v = Term(tape, x).apply("abs")
    m = (v * _1_PI - 0.5).apply("round")
    return _sin_reduced(v, 2.0 * m + 1.0, 1.0, m + 1.0).node


def _sigmoid(v: Term, decay: Unary) -> Node:
    """1 / (1 + exp(-x)); 1.9 ulp, 1 subnormal spacing below 2.2e-308."""
    y = decay(-v.apply("abs"))
    top = v.constant(0.0).apply("le", v).choose(1.0, y)
    return (top - top * (y / (1.0 + y))).node  # top / (1 + y), less touched by the rounding of 1 + y


def _softplus(v: Term, decay: Unary, log1p: Unary) -> Node:
    """log(1 + exp(x)); 1.9 ulp, 1 subnormal spacing below 2.2e-308."""
    return (v.at_least(0.0) + log1p(decay(-v.apply("abs")))).node


def _logcosh(v: Term, decay: Unary, log1p: Unary) -> Node:
    """log cosh x; 1.6 ulp, exactly even."""
    y, z = v.apply("abs"), v.square()
    w = z.square()
    near = 0.5 * z + w * _polynomial(z, w, _LOGCOSH)
    far = (y - _LOG2) + (log1p(decay(-2.0 * y)) - _LOG2_REST)
    return (y < 0.7).choose(near, far).node


# With calls to exp and log1p, or none: for one number at a time, where a library's functions are fastest.
COMPOSITE: Final[Mapping[str, Expansion]] = {
    "sigmoid": lambda tape, x: _sigmoid(Term(tape, x), methodcaller("apply", "exp")),
    "softplus": lambda tape, x: _softplus(Term(tape, x), methodcaller("apply", "exp"), methodcaller("apply", "log1p")),
    "logcosh": lambda tape, x: _logcosh(Term(tape, x), methodcaller("apply", "exp"), methodcaller("apply", "log1p")),
    "sech2": sech2,
}
# Without any call, for many numbers at a time.
BRANCH_FREE: Final[Mapping[str, Expansion]] = {
    "exp": exp, "log": log, "log1p": log1p, "tanh": tanh, "sech2": sech2, "sinh": sinh, "cosh": cosh, "sin": sin, "cos": cos,
    "sigmoid": lambda tape, x: _sigmoid(Term(tape, x), _exp),
    "softplus": lambda tape, x: _softplus(Term(tape, x), _exp, _log_near_1),
    "logcosh": lambda tape, x: _logcosh(Term(tape, x), _exp_coarse, _log_near_1),
}  # fmt: skip
