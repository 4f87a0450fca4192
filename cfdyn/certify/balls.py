"""Programs over Arb balls: an output encloses the values at all points of the inputs, or is not finite if they are unknown."""

import math
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

from flint import arb, ctx

from cfdyn.tape.evaluate import Algebra, Ready
from cfdyn.tape.program import Program

BITS = 128
Truth = bool | None | str  # None: true at some points of the box and false at others, or unknown
LOST = "lost"  # the truth of a comparison with an expression that may be undefined, such as 1/x < 2 across 0


def ball(lo: Any, hi: Any = None) -> arb:
    """A ball that contains [lo, hi]; ends are doubles or fractions."""
    first = _number(lo)
    return first if hi is None or hi == lo else first.union(_number(hi))


def ends(x: arb) -> tuple[arb, arb]:
    """The least and the greatest number in the ball."""
    return x.lower(), x.upper()


def holds(outer: arb, inner: arb) -> bool:
    """True if the inner ball lies in the interior of the outer ball."""
    return bool(outer.contains_interior(inner))


class Enclosure:
    """A program whose inputs are balls.

    A ball stores its radius in 30 bits: a ball made of [0, 1] extends a little below 0, so that sqrt and log are not finite over
    boxes whose ends are more than 2²⁹ apart in ratio. It is cheaper to cut boxes than to carry a second number in all operations.

    >>> from cfdyn.tape.program import Tape
    >>> t = Tape()
    >>> x = t.leaf("z", 0)
    >>> square = Enclosure(Program(t, (t.ipow(x, 2),), n_z=1, n_p=0), [])
    >>> [y] = square([ball(-1.0, 2.0)])
    >>> bool(y.contains(0)) and bool(y.contains(4)) and bool(y < 4.0001) and bool(y > -0.0001)
    True
    """

    def __init__(
        self, program: Program, parameters: Sequence[arb], data: Sequence[Sequence[arb]] = (), bits: int = BITS,
        exact: Sequence[tuple[Fraction, Fraction]] = (), rows: Sequence[Sequence[Fraction]] = (), names: Sequence[str] = (),
    ):  # fmt: skip
        """``exact``, ``rows``: the parameters, (lo, hi) each, and the data as exact numbers; ``names`` of the state."""
        self.program, self.parameters, self.data, self.bits = program, list(parameters), data, bits
        self.exact, self.rows, self.names = exact, rows, names

    def __call__(self, z: Sequence[arb], parameters: Sequence[arb] | None = None) -> list[arb]:
        """The outputs over a box of states, (n_outputs,); parameters other than the default ones may be given."""
        p = self.parameters if parameters is None else list(parameters)
        with ctx.workprec(self.bits):
            return self._ready(list(z), p)

    @cached_property
    def _ready(self) -> Ready:
        return Ready(self.program, ball_algebra(self.bits), self.data)


@lru_cache(maxsize=8)
def ball_algebra(bits: int) -> Algebra:
    """Arb balls as the numbers of a tape; monotone functions are evaluated at both ends, truth values are True, False or None."""
    with ctx.workprec(bits):
        pi, e = arb.pi(), arb(1).exp()
    return Algebra(lru_cache(maxsize=4096)(_number), _functions(), pi, e)


def _number(value: Any) -> arb:
    if isinstance(value, Fraction):
        return arb(value.numerator) if value.denominator == 1 else arb(value.numerator) / arb(value.denominator)
    return arb(value)


def _rising(function: Callable[[arb], arb]) -> Callable[[arb], arb]:
    def at_ends(x: arb) -> arb:
        return function(x) if x.is_exact() else function(x.lower()).union(function(x.upper()))

    return at_ends


def _of_size(function: Callable[[arb], arb]) -> Callable[[arb], arb]:
    """An even function that is monotone in |x|."""

    def at_sizes(x: arb) -> arb:
        # not at the ends of a ball around |x|: by its radius in 30 bits it may reach below 0
        return function(abs(x)) if x.is_exact() else function(x.abs_lower()).union(function(x.abs_upper()))

    return at_sizes


def _abs(x: arb) -> arb:
    return abs(x) if x.is_exact() else x.abs_lower().union(x.abs_upper())


def _power(x: arb, n: int) -> arb:
    if n < 0:
        return 1 / _power(x, -n)
    return (_of_size if n % 2 == 0 else _rising)(lambda y: y**n)(x)


def _real_power(x: arb, y: arb) -> arb:
    return (y * _rising(lambda v: v.log())(x)).exp() if x > 0 else arb.nan()


def _sigmoid(x: arb) -> arb:
    return 1 / (1 + (-x).exp())


def _softplus(x: arb) -> arb:
    return x + (-x).exp().log1p() if x > 0 else x.exp().log1p()


def _logcosh(x: arb) -> arb:
    return x + (-2 * x).exp().log1p() - arb(2).log()


def _sech2(x: arb) -> arb:
    small = (-2 * x).exp()
    return 4 * small / (1 + small) ** 2


def _less(a: arb, b: arb) -> Truth:
    return LOST if not _defined(a, b) else True if a < b else False if a >= b else None


def _at_most(a: arb, b: arb) -> Truth:
    return LOST if not _defined(a, b) else True if a <= b else False if a > b else None


def _defined(a: arb, b: arb) -> bool:
    return bool(a.is_finite() and b.is_finite())


def _equal(a: arb, b: arb) -> Truth:
    if not _defined(a, b):
        return LOST
    return True if a.is_exact() and b.is_exact() and a == b else False if not a.overlaps(b) else None


def _both(a: Truth, b: Truth) -> Truth:
    if LOST in (a, b):
        return LOST
    return False if a is False or b is False else None if a is None or b is None else True


def _negated(a: Truth) -> Truth:
    return a if a is None or a is LOST else not a


def _either(a: Truth, b: Truth) -> Truth:
    return _negated(_both(_negated(a), _negated(b)))


def _select(condition: Truth, a: Any, b: Any) -> Any:
    if condition is LOST:
        return LOST if isinstance(a, bool | str | None) else arb.nan()
    if condition is None:
        return (a if a is b else None) if isinstance(a, bool | str | None) else a.union(b)
    return a if condition else b


def _sign(x: arb) -> arb:
    return arb(1) if x > 0 else arb(-1) if x < 0 else arb(0) if x.is_zero() else arb(0, 1) if x.is_finite() else arb.nan()


def _heaviside(x: arb) -> arb:
    return (_sign(x) + 1) / 2


def _larger(a: arb, b: arb) -> arb:
    return a if a >= b else b if b >= a else a.max(b)


def _functions() -> dict[str, Callable]:
    monotone: dict[str, Callable[[arb], arb]] = {
        "exp": arb.exp, "log": arb.log, "log1p": arb.log1p, "sqrt": arb.sqrt, "sinh": arb.sinh, "tanh": arb.tanh, "erf": arb.erf,
        "sigmoid": _sigmoid, "softplus": _softplus,
    }  # fmt: skip
    plain: dict[str, Callable] = {
        "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "neg": operator.neg,
        "ipow": _power, "pow": _real_power, "abs": _abs, "sign": _sign, "heaviside": _heaviside,
        "max": _larger, "min": lambda a, b: -_larger(-a, -b), "floor": arb.floor,
        "sin": arb.sin, "cos": arb.cos, "tan": arb.tan, "lt": _less, "le": _at_most, "eq": _equal,
        "and": _both, "or": _either, "not": _negated, "select": _select,
    }  # fmt: skip
    of_size = {"cosh": arb.cosh, "logcosh": _logcosh, "sech2": _sech2}
    return plain | {name: _rising(f) for name, f in monotone.items()} | {name: _of_size(f) for name, f in of_size.items()}


def lower_double(x: arb) -> float:
    """A double that is at most every number in the ball."""
    return _beside(x.lower(), -math.inf)


def upper_double(x: arb) -> float:
    """A double that is at least every number in the ball."""
    return _beside(x.upper(), math.inf)


def _beside(x: arb, way: float) -> float:
    near = float(x)
    return math.nextafter(near, way) if not x.is_exact() or arb(near) != x else near
