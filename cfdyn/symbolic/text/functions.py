"""Functions that sympy lacks, kept atomic so that every back end can evaluate them stably.

Where exp(-x) overflows, the slope of 1/(1 + exp(-x)) is undefined in floats, but that of ``sigmoid(x)`` is not, so these names
must survive until the code is generated. None of them evaluates itself.
"""

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import mpmath
import sympy
from sympy.core.relational import Relational

GUARD_BITS = 40  # beyond those asked for: what a few roundings and a mild cancellation take


class _Atomic(sympy.Function):
    """A real function of one real argument that sympy does not rewrite."""

    nargs = 1
    numeric: Callable[[mpmath.mpf, mpmath.MPContext], mpmath.mpf]
    tex = ""

    @classmethod
    def eval(cls, x: sympy.Expr) -> None:
        return None

    def _eval_is_extended_real(self) -> bool | None:
        return self.args[0].is_extended_real

    def _eval_is_finite(self) -> bool | None:
        return self.args[0].is_real or None

    def _eval_evalf(self, prec: int) -> sympy.Expr | None:
        # The argument itself may cancel, so sympy's adaptive evalf has to compute it.
        x = self.args[0].evalf(int((prec + GUARD_BITS) / 3.3219) + 2)
        if not (x.is_Float or x.is_Rational):
            return None
        context = mpmath.mp.clone()
        context.prec = prec + GUARD_BITS
        value = type(self).numeric(context.make_mpf(x._to_mpmath(context.prec, allow_ints=False)._mpf_), context)
        return sympy.Float._new(value._mpf_, prec) if isinstance(value, context.mpf) else None

    def _latex(self, printer, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"{self.tex}{power}{{\left({printer._print(self.args[0])} \right)}}"

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        if argindex != 1:
            raise sympy.core.function.ArgumentIndexError(self, argindex)
        return self._slope(self.args[0])


class sigmoid(_Atomic):
    r"""Logistic function 1/(1 + e^(-x)), with sigmoid' = sigmoid (1 - sigmoid).

    >>> sigmoid(sympy.Integer(-1000)).evalf(5)
    5.0760e-435
    """

    tex = r"\sigma"

    @staticmethod
    def numeric(x, context):
        small = context.exp(-abs(x))
        return (1 if x >= 0 else small) / (1 + small)

    def _slope(self, x):
        return self * (1 - self)

    _eval_is_extended_positive = _Atomic._eval_is_extended_real


class softplus(_Atomic):
    r"""Smooth ramp log(1 + e^x), with softplus' = sigmoid.

    >>> softplus(sympy.Integer(1000)).evalf(10), softplus(sympy.Integer(-50)).evalf(10)
    (1000.000000, 1.928749848e-22)
    """

    tex = r"\operatorname{softplus}"

    @staticmethod
    def numeric(x, context):
        return max(x, context.zero) + context.log1p(context.exp(-abs(x)))

    def _slope(self, x):
        return sigmoid(x)

    _eval_is_extended_positive = _Atomic._eval_is_extended_real


class relu(_Atomic):
    r"""Ramp max(x, 0), with slope 1 for x > 0 and 0 otherwise (0 at the corner, as in the frameworks).

    >>> x = sympy.Symbol("x", real=True)
    >>> relu(x).diff(x)
    Piecewise((1, x > 0), (0, True))
    """

    tex = r"\operatorname{relu}"

    @staticmethod
    def numeric(x, context):
        return max(x, context.zero)

    def _slope(self, x):
        positive = x > 0 if x.is_number else sympy.StrictGreaterThan(x, 0, evaluate=False)
        return sympy.Piecewise((1, positive), (0, True))

    _eval_is_extended_nonnegative = _Atomic._eval_is_extended_real


class log1p(_Atomic):
    r"""log(1 + x) without cancellation near 0, with log1p' = 1/(1 + x); real for x > -1.

    >>> log1p(sympy.Rational(1, 10**30)).evalf(10)
    1.000000000e-30
    """

    tex = r"\operatorname{log1p}"

    @staticmethod
    def numeric(x, context):
        return context.log1p(x) if x > -1 else None

    def _slope(self, x):
        return 1 / (1 + x)

    def _eval_is_extended_real(self):
        return True if (1 + self.args[0]).is_extended_positive else None

    def _eval_is_finite(self):
        return True if (1 + self.args[0]).is_positive else None


class logcosh(_Atomic):
    r"""log(cosh(x)), with logcosh' = tanh; close to |x| - log 2 for large |x| and to x^2/2 near 0.

    >>> logcosh(sympy.Integer(1000)).evalf(10), logcosh(sympy.Rational(1, 10**20)).evalf(10)
    (999.3068528, 5.000000000e-41)
    """

    tex = r"\operatorname{logcosh}"

    @staticmethod
    def numeric(x, context):
        if abs(x) < 1:
            return context.log1p(2 * context.sinh(x / 2) ** 2)
        return abs(x) + context.log1p(context.exp(-2 * abs(x))) - context.ln2

    def _slope(self, x):
        return sympy.tanh(x)

    _eval_is_extended_nonnegative = _Atomic._eval_is_extended_real


ATOMIC = (sigmoid, softplus, relu, log1p, logcosh)


class Callee(NamedTuple):
    """A function that a formula may call: the sympy class, its number of arguments, its mpmath evaluation."""

    build: type
    least: int
    most: int
    numeric: Callable | None


def _plain(name: str) -> Callable:
    return lambda context, x: getattr(context, name)(x)


def _heaviside(context, x, half=0.5):
    return context.mpf((x > 0) + half * (x == 0))


_MANY = 64  # arguments, whose pairs all switch
CALLEES: dict[str, Callee] = {
    **{name: Callee(getattr(sympy, name), 1, 1, _plain(name))
       for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "sign", "floor")},
    "sqrt": Callee(sympy.sqrt, 1, 1, _plain("sqrt")),
    "Abs": Callee(sympy.Abs, 1, 1, lambda context, x: abs(x)),
    "Max": Callee(sympy.Max, 1, _MANY, lambda context, *xs: max(xs)),
    "Min": Callee(sympy.Min, 1, _MANY, lambda context, *xs: min(xs)),
    "Heaviside": Callee(sympy.Heaviside, 1, 1, _heaviside),
    "Piecewise": Callee(sympy.Piecewise, 1, _MANY, None),
    **{cls.__name__: Callee(cls, 1, 1, lambda context, x, cls=cls: cls.numeric(x, context)) for cls in ATOMIC},
}
CALLEES |= {"abs": CALLEES["Abs"], "max": CALLEES["Max"], "min": CALLEES["Min"]}
# Written with floor: ceil(x) = -floor(-x), frac(x) = x - floor(x), mod(a, b) = a - b*floor(a/b).
CALLEES |= {"ceil": Callee(sympy.ceiling, 1, 1, None), "frac": Callee(sympy.frac, 1, 1, None)}
CALLEES["mod"] = Callee(sympy.Mod, 2, 2, None)
NUMERIC = {callee.build: callee.numeric for callee in CALLEES.values() if callee.numeric is not None}


def _kinks(node: sympy.Basic) -> list[sympy.Expr]:
    """The switching functions that this one node contributes."""
    if isinstance(node, (sympy.Abs, sympy.sign, sympy.Heaviside, relu)):
        return [node.args[0]]
    if isinstance(node, (sympy.Max, sympy.Min)):
        return [a - b for a, b in combinations(node.args, 2)]
    if isinstance(node, Relational):
        return [node.lhs - node.rhs]
    if isinstance(node, (sympy.floor, sympy.ceiling, sympy.frac, sympy.Mod)):
        turns = node.args[0] / node.args[1] if isinstance(node, sympy.Mod) else node.args[0]
        return [sympy.sin(sympy.pi * turns, evaluate=False)]
    return []


def switching_conditions(expr: sympy.Expr) -> tuple[sympy.Expr, ...]:
    """The functions at whose zeros the expression changes branch.

    u for Abs(u), sign(u), Heaviside(u), relu(u); all differences a - b for Max and Min; lhs - rhs for every
    comparison in a Piecewise; sin(pi*u) for floor(u), which jumps at whole numbers.  Each is listed once, also if it occurs with
    the opposite sign, in order of occurrence.

    Constant functions are omitted; a smooth formula has none of these functions.

    >>> x, y = sympy.symbols("x y", real=True)
    >>> switching_conditions(abs(x - 1) + relu(y) + sympy.Max(x, 2*y))
    (x - 1, x - 2*y, y)
    """
    arguments: dict[sympy.Expr, None] = {}
    seen: set[sympy.Basic] = set()
    stack = [expr]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        for u in _kinks(node):
            if u.free_symbols and u not in arguments and -u not in arguments:
                arguments[u] = None
        stack.extend(reversed(node.args))
    return tuple(arguments)
