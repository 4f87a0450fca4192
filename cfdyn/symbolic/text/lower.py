"""SymPy expression → tape nodes, with the names bound by the caller."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial, reduce

import sympy as sp
from sympy.core.function import AppliedUndef

from cfdyn.errors import FormulaError
from cfdyn.symbolic.text.conditions import NOT_NEGATIVE, NOT_ZERO, POSITIVE, Condition
from cfdyn.symbolic.text.logarithms import log_one_plus, logarithm
from cfdyn.symbolic.text.quotients import quotient
from cfdyn.tape.program import Node, Tape

_NAMED = frozenset("exp sin cos tan sinh cosh tanh erf Abs sign sigmoid softplus logcosh floor Not".split())
_LOGARITHMS = {"log": logarithm, "log1p": log_one_plus}
_RELATIONS = {sp.StrictLessThan: "lt", sp.LessThan: "le", sp.Equality: "eq"}


def lower(tape: Tape, expression: sp.Basic, names: Mapping[str, Node]) -> Node:
    """The node that computes an expression; a FormulaError for a symbol without a node in ``names``, or an unknown function.

    >>> from cfdyn.symbolic.text.parse import parse
    >>> t = Tape()
    >>> w = t.leaf("z", 0)
    >>> lower(t, parse("w*w - w**2"), {"w": w}) == t.const(0)
    True
    """
    done: dict[sp.Basic, Node] = {}
    stack = [expression]
    while stack:
        current = stack[-1]
        if current in done:
            stack.pop()
            continue
        missing = [a for a in _arguments(current) if a not in done]
        if missing:
            stack.extend(missing)
            continue
        done[current] = _lower_one(tape, current, names, done.__getitem__)
        stack.pop()
    return done[expression]


def positive(tape: Tape, condition: Condition, names: Mapping[str, Node]) -> bool:
    """True if a condition requires that an expression is positive which is composed of exponentials, and so is positive."""
    if condition.kind != POSITIVE:
        return False
    u = lower(tape, condition.expression, names)
    log = logarithm(tape, u)
    return tape.ops[log] != "log" or tape.args[log] != (u,)


def defined(tape: Tape, condition: Condition, names: Mapping[str, Node]) -> Node:
    """A node that is 0 where a condition holds and undefined elsewhere, with all of its derivatives.

    >>> from cfdyn.symbolic.text.parse import parse
    >>> t = Tape()
    >>> guard = defined(t, Condition(POSITIVE, parse("w")), {"w": t.leaf("z", 0)})
    >>> t.ops[guard], [t.ops[part] for part in t.args[guard]]
    ('div', ['nil', 'sqrt'])
    """
    u, nil = lower(tape, condition.expression, names), tape.leaf("nil")
    if condition.kind in (POSITIVE, NOT_NEGATIVE):
        u = tape.apply("sqrt", u)
    guard = tape.div(nil, u) if condition.kind in (POSITIVE, NOT_ZERO) else tape.mul(nil, u)
    for test, holds in condition.path:
        branches = (guard, tape.const(0)) if holds else (tape.const(0), guard)
        guard = tape.select(lower(tape, test, names), *branches)
    return guard


def _arguments(expression: sp.Basic) -> tuple:
    if isinstance(expression, sp.Piecewise):
        return tuple(part for pair in expression.args for part in pair.args)
    return expression.args


def _lower_one(tape: Tape, x: sp.Basic, names: Mapping[str, Node], at: Callable) -> Node:
    if x.is_Atom:
        return _atom(tape, x, names)
    if x.is_Add:
        return _sum(tape, x, at)
    if x.is_Mul:
        return _product(tape, x, at)
    if isinstance(x, sp.exp):
        return tape.apply("exp", at(x.args[0]))
    if x.is_Pow:
        short = quotient(tape, [_factor(x, at)]) if x.exp.is_Rational else None
        return tape.pow(at(x.base), at(x.exp)) if short is None else short
    if isinstance(x, sp.Piecewise):
        return _piecewise(tape, x, at)
    if isinstance(x, (sp.StrictGreaterThan, sp.GreaterThan)):
        x = x.reversed
    if type(x) in _RELATIONS:
        return tape.apply(_RELATIONS[type(x)], *map(at, x.args))
    return _call(tape, x, [at(a) for a in x.args])


def _atom(tape: Tape, x: sp.Basic, names: Mapping[str, Node]) -> Node:
    if isinstance(x, sp.Symbol):
        if x.name not in names:
            raise FormulaError(f"the name {x.name!r} has no value; declare it as a variable or a parameter")
        return names[x.name]
    if isinstance(x, sp.Rational):
        return tape.const(Fraction(int(x.p), int(x.q)))
    if isinstance(x, sp.Float):
        sign, mantissa, exponent, _ = x._mpf_
        return tape.const((-1) ** sign * mantissa * Fraction(2) ** exponent)
    if x in (sp.pi, sp.E):
        return tape.leaf("pi" if x == sp.pi else "e")
    if x in (sp.true, sp.false):
        return tape.const(int(bool(x)))
    raise FormulaError(f"{x} is not a finite real number")


def _sum(tape: Tape, x: sp.Basic, at: Callable) -> Node:
    result = tape.const(0)
    for term in x.as_ordered_terms() if len(x.args) < 50 else x.args:
        negative = term.could_extract_minus_sign() and term.is_Mul and term.args[0].is_Rational
        result = tape.sub(result, tape.neg(at(term))) if negative else tape.add(result, at(term))
    return result


def _factor(x: sp.Basic, at: Callable) -> tuple[Node, Fraction]:
    """Base and exponent of a power with a numeric exponent; for other nodes the node itself."""
    if x.is_Pow and x.exp.is_Rational:
        return at(x.base), Fraction(int(x.exp.p), int(x.exp.q))
    return at(x), Fraction(1)


def _product(tape: Tape, x: sp.Basic, at: Callable) -> Node:
    if any(factor.is_Pow for factor in x.args):
        short = quotient(tape, [_factor(factor, at) for factor in x.args])
        if short is not None:
            return short
    over, under = tape.const(1), tape.const(1)
    for factor in x.args:
        inverse = factor.is_Pow and isinstance(factor.exp, sp.Integer) and factor.exp == -1
        if inverse:
            under = tape.mul(under, at(factor.base))
        else:
            over = tape.mul(over, at(factor))
    return tape.div(over, under)


def _piecewise(tape: Tape, x: sp.Piecewise, at: Callable) -> Node:
    *pairs, (last, condition) = [pair.args for pair in x.args]
    if condition != sp.true:
        raise FormulaError("the last branch of a Piecewise needs the condition True")
    result = at(last)
    for value, test in reversed(pairs):
        result = tape.select(at(test), at(value), result)
    return result


def _whole_part(tape: Tape, name: str, x: Node, unit: Node | None = None) -> Node:
    """SymPy's functions ceiling(x), frac(x), Mod(x, unit), expressed by floor."""
    if name == "ceiling":
        return tape.neg(tape.apply("floor", tape.neg(x)))
    if unit is None:
        return tape.sub(x, tape.apply("floor", x))
    return tape.sub(x, tape.mul(unit, tape.apply("floor", tape.div(x, unit))))


def _call(tape: Tape, x: sp.Basic, args: list[Node]) -> Node:
    name = x.func.__name__
    if isinstance(x, AppliedUndef):
        raise FormulaError(f"the function {name!r} is undefined; take SymPy's own")
    if name in _NAMED and len(args) == 1:
        return tape.apply(name.lower(), args[0])
    if name in _LOGARITHMS and len(args) == 1:
        return _LOGARITHMS[name](tape, args[0])
    if name in ("ceiling", "frac", "Mod"):
        return _whole_part(tape, name, *args)
    if name == "relu":
        return tape.select(tape.apply("lt", tape.const(0), args[0]), args[0], tape.const(0))
    if name == "Heaviside" and x.args[1:] in ((), (sp.Rational(1, 2),)):
        return tape.apply("heaviside", args[0])
    if name == "Heaviside":
        raise FormulaError("Heaviside is supported with the value 1/2 at 0 only")
    if name in ("Max", "Min", "And", "Or") and args:
        return reduce(partial(tape.apply, name.lower()), args)
    raise FormulaError(f"the function {name!r} is not supported; see the list in the parser's documentation")
