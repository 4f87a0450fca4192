"""Where a formula is defined as written: conditions that neither its simplified form nor its derivatives show.

log(x) − log(x) is 0 only for x > 0, and x/x is 1 only for x ≠ 0; the slope 1/x of log(x) does not show that x > 0. Each operation
of a text has its own condition; conditions that hold everywhere, or without which the simplified expression is undefined too, are
omitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import lru_cache, reduce
from typing import NamedTuple

import sympy

from cfdyn.symbolic.text.constants import Refusal
from cfdyn.symbolic.text.functions import log1p, logcosh, relu, sigmoid, softplus

POSITIVE, NOT_NEGATIVE, NOT_ZERO, FINITE = "> 0", ">= 0", "!= 0", "is finite"
Path = tuple[tuple[sympy.Basic, bool], ...]  # conditions of the branch that contains an operation, and whether they hold there


class Condition(NamedTuple):
    """A condition on an expression, required where the conditions of its branch hold."""

    kind: str
    expression: sympy.Expr
    path: Path = ()

    def __str__(self) -> str:
        return f"{self.expression} {self.kind}"

    @property
    def free_symbols(self) -> set[sympy.Basic]:
        """The symbols of the expression and of the conditions of its branch."""
        return self.expression.free_symbols.union(*(test.free_symbols for test, _ in self.path))


def of_power(base: sympy.Expr, exponent: sympy.Expr, written: bool) -> list[Condition]:
    """The conditions of base**exponent; ``written``: the exponent contains names, so that 0 to the power 0 has no value."""
    if not exponent.is_Rational:
        return [] if base is sympy.E else [Condition(FINITE, sympy.Pow(base, exponent, evaluate=False))]
    if not exponent.is_Integer:
        return [Condition(POSITIVE if exponent < 0 else NOT_NEGATIVE, base)]
    return [Condition(NOT_ZERO, base)] if exponent < 0 or exponent == 0 and written else []


def of_call(name: str, arguments: list[sympy.Expr]) -> list[Condition]:
    """The conditions of a function of arguments."""
    x = arguments[0]
    if name in ("log", "log1p"):
        return [Condition(POSITIVE, x if name == "log" else sympy.Add(1, x))]
    if name == "tan":
        return [Condition(FINITE, sympy.tan(x, evaluate=False))]
    return [Condition(NOT_NEGATIVE, x)] if name == "sqrt" else [Condition(NOT_ZERO, arguments[-1])] if name == "mod" else []


def of_expression(expression: sympy.Expr) -> list[Condition]:
    """The conditions of all operations of a SymPy expression, as if it were written in this form."""
    return [one for node, path in _nodes(expression, whole=True) for one in _own(node, path)]


def unsaid(expression: sympy.Expr, written: Iterable[Condition]) -> list[Condition]:
    """The written conditions that the expression does not show, in order; a Refusal for one that never holds."""
    told: dict[tuple[str, sympy.Expr], list[Path]] = {}
    for node, path in _nodes(expression, whole=False):
        for one in [] if isinstance(node, sympy.log | log1p) else _own(node, path):
            for part in _parts(one):
                told.setdefault(part[:2], []).append(path)
    missing: dict[Condition, None] = {}
    for one in written:
        for part in _parts(one):
            kinds = (part.kind,) if part.kind in (POSITIVE, FINITE) else (part.kind, POSITIVE)
            paths = [path for kind in kinds for path in told.get((kind, part.expression), ())]
            if not any(set(path) <= set(part.path) for path in paths):
                missing[part] = None
    return list(missing)


def _own(node: sympy.Basic, path: Path) -> list[Condition]:
    if isinstance(node, sympy.Pow):
        needs = of_power(node.base, node.exp, True)
    elif isinstance(node, sympy.Mod):
        needs = [Condition(NOT_ZERO, node.args[1])]
    else:
        needs = of_call(type(node).__name__, list(node.args)) if isinstance(node, sympy.log | log1p | sympy.tan) else []
    return [one._replace(path=path) for one in needs]


# What has a value, or a slope, also where its argument has none.
_HIDING = (sympy.floor, sympy.ceiling, sympy.frac, sympy.Mod, sympy.sign, sympy.Heaviside, sympy.Max, sympy.Min, relu)


def _nodes(expression: sympy.Basic, whole: bool) -> Iterator[tuple[sympy.Basic, Path]]:
    """The parts of an expression with their branches; ``whole``: also those whose own value is hidden."""
    seen: set[tuple[sympy.Basic, Path]] = set()
    stack: list[tuple[sympy.Basic, Path]] = [(expression, ())]
    while stack:
        node, path = stack.pop()
        if (node, path) in seen:
            continue
        seen.add((node, path))
        yield node, path
        if isinstance(node, sympy.Piecewise):
            before: Path = ()
            for value, condition in node.args:
                stack += [(condition, path)] if whole else []
                stack.append((value, (*path, *before, *branch(condition, True))))
                before = (*before, *branch(condition, False))
        elif whole or not isinstance(node, _HIDING):
            stack += [(part, path) for part in node.args]


def branch(condition: sympy.Basic, holds: bool) -> Path:
    """The path of a branch where a condition holds, or does not."""
    return () if condition in (sympy.true, sympy.false) else ((condition, holds),)


def _parts(one: Condition) -> Iterator[Condition]:
    """Equivalent conditions on simpler expressions; none if the condition always holds, a Refusal if it never holds."""
    if one.kind == FINITE:
        base, exponent = one.expression.as_base_exp()
        if not (one.expression.is_Pow and span(base).positive):
            yield one
        return
    here = span(one.expression)
    if here.positive or one.kind == NOT_ZERO and here.negative or one.kind == NOT_NEGATIVE and here.lo >= 0:
        return
    if not one.path and one.kind == NOT_ZERO and here == (0, False, 0, False):
        raise Refusal(f"it is nowhere defined: {one} never holds")
    factors = [factor for factor in sympy.Mul.make_args(one.expression) if not span(factor).positive]
    if one.kind == NOT_ZERO:
        bases = [factor.base if factor.is_Pow and factor.exp.is_Rational else factor for factor in factors]
        yield from (one._replace(expression=base) for base in bases if not base.is_number)
        return
    odd = [factor for factor in factors if not _even(factor)]
    if one.kind == POSITIVE:
        yield from (Condition(NOT_ZERO, _base(factor), one.path) for factor in factors if _even(factor))
    if len(odd) == 1 and not odd[0].is_number:
        yield one._replace(expression=_base(odd[0]))
    elif odd:
        yield one


def _even(factor: sympy.Expr) -> bool:
    return isinstance(factor, sympy.Abs) or factor.is_Pow and factor.exp.is_Integer and factor.exp % 2 == 0


def _base(factor: sympy.Expr) -> sympy.Expr:
    """An expression with the sign of a power, or that is 0 with it."""
    if isinstance(factor, sympy.Abs):
        return factor.args[0]
    return factor.base if factor.is_Pow and factor.exp.is_Integer else factor


class Span(NamedTuple):
    """An interval that contains the values of an expression; each end is open or closed."""

    lo: Fraction | float = -math.inf
    lo_open: bool = True
    hi: Fraction | float = math.inf
    hi_open: bool = True

    @property
    def positive(self) -> bool:
        """True if all of it is above 0."""
        return self.lo > 0 or self.lo == 0 and self.lo_open

    @property
    def negative(self) -> bool:
        """True if all of it is below 0."""
        return self.hi < 0 or self.hi == 0 and self.hi_open

    def __add__(self, other: Span) -> Span:  # type: ignore[override]
        return Span(self.lo + other.lo, self.lo_open or other.lo_open, self.hi + other.hi, self.hi_open or other.hi_open)

    def __mul__(self, other: Span) -> Span:  # type: ignore[override]
        ends = [_product(a, b) for a in (self[:2], self[2:]) for b in (other[:2], other[2:])]
        lo, hi = min(end[0] for end in ends), max(end[0] for end in ends)
        return Span(lo, all(o for v, o in ends if v == lo), hi, all(o for v, o in ends if v == hi))

    def size(self) -> Span:
        """The interval of the absolute value."""
        if self.lo >= 0:
            return self
        turned = Span(-self.hi, self.hi_open, -self.lo, self.lo_open)
        return turned if self.hi <= 0 else Span(Fraction(0), False, *max(self[2:], turned[2:]))


ABOVE, FROM_0, WHOLE = Span(Fraction(0)), Span(Fraction(0), False), Span()
_ZERO, _ONE = (Span(Fraction(n), False, Fraction(n), False) for n in (0, 1))
_BETWEEN, _UP_TO_1 = Span(Fraction(-1), True, Fraction(1), True), Span(Fraction(-1), False, Fraction(1), False)
_KNOWN: dict[type, Span] = {
    sympy.exp: ABOVE, softplus: ABOVE, logcosh: FROM_0, sympy.cosh: Span(Fraction(1), False), sympy.tanh: _BETWEEN,
    sympy.erf: _BETWEEN, sigmoid: Span(Fraction(0), True, Fraction(1), True),
    sympy.Heaviside: Span(Fraction(0), False, Fraction(1), False), sympy.sin: _UP_TO_1, sympy.cos: _UP_TO_1, sympy.sign: _UP_TO_1,
}  # fmt: skip


def _product(a: tuple, b: tuple) -> tuple[Fraction | float, bool]:
    """The product of two ends: 0, if it is attained, times anything is 0."""
    if 0 in (a[0], b[0]):
        return Fraction(0), not ((a[0] == 0 and not a[1]) or (b[0] == 0 and not b[1]))
    return a[0] * b[0], a[1] or b[1]


@lru_cache(maxsize=4096)
def span(expression: sympy.Expr, depth: int = 12) -> Span:
    """An interval that contains all values of an expression where it is defined.

    >>> from cfdyn.symbolic.text.parse import parse
    >>> [span(parse(text)).positive for text in ("1 + exp(x)", "1 - sigmoid(x)", "x**2 + 1", "x**2", "x")]
    [True, True, True, False, False]
    """
    if expression.is_Rational:
        value = Fraction(int(expression.p), int(expression.q))
        return Span(value, False, value, False)
    if expression in (sympy.pi, sympy.E):
        return Span(Fraction(2), True, Fraction(4), True)
    if type(expression) in _KNOWN or depth == 0 or not expression.args:
        return _KNOWN.get(type(expression), WHOLE)
    if expression.is_Pow:
        return _span_of_power(span(expression.base, depth - 1), expression.exp)
    rule = _RULES.get(type(expression))
    if rule is None:
        return WHOLE
    values = [pair[0] for pair in expression.args] if isinstance(expression, sympy.Piecewise) else expression.args
    return reduce(rule, (span(part, depth - 1) for part in values), _START.get(type(expression), span(values[0], depth - 1)))


def _span_of_power(base: Span, exponent: sympy.Expr) -> Span:
    if not exponent.is_Integer:
        return ABOVE if base.positive or exponent.is_Rational and exponent < 0 else FROM_0 if exponent.is_Rational else WHOLE
    size = base.size() if exponent % 2 == 0 else base
    if exponent < 0:
        return ABOVE if size.lo >= 0 else Span(hi=Fraction(0)) if size.hi <= 0 else WHOLE
    if exponent > 16:  # the sign alone
        return ABOVE if size.positive else FROM_0 if size.lo >= 0 else WHOLE
    n = int(exponent)
    return Span(size.lo**n, size.lo_open, size.hi**n, size.hi_open)


def _joined(a: Span, b: Span) -> Span:
    lo, hi = min(a.lo, b.lo), max(a.hi, b.hi)
    return Span(lo, all(s.lo_open for s in (a, b) if s.lo == lo), hi, all(s.hi_open for s in (a, b) if s.hi == hi))


def _larger(a: Span, b: Span) -> Span:
    lo, hi = max(a.lo, b.lo), max(a.hi, b.hi)
    return Span(lo, any(s.lo_open for s in (a, b) if s.lo == lo), hi, all(s.hi_open for s in (a, b) if s.hi == hi))


def _smaller(a: Span, b: Span) -> Span:
    lo, hi = min(a.lo, b.lo), min(a.hi, b.hi)
    return Span(lo, all(s.lo_open for s in (a, b) if s.lo == lo), hi, any(s.hi_open for s in (a, b) if s.hi == hi))


_RULES: dict[type, Callable[[Span, Span], Span]] = {
    sympy.Add: Span.__add__, sympy.Mul: Span.__mul__, sympy.Max: _larger, sympy.Min: _smaller, relu: _larger,
    sympy.Piecewise: _joined, sympy.Abs: lambda _, x: x.size(),
    sympy.log: lambda _, x: ABOVE if x.lo > 1 or x.lo == 1 and x.lo_open else FROM_0 if x.lo == 1 else WHOLE,
}  # fmt: skip
_START = {sympy.Add: _ZERO, sympy.Mul: _ONE, relu: _ZERO}
