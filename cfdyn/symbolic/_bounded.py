"""SymPy arithmetic with bounds: each operation is cheap or refused before sympy starts on it.

SymPy factorises integers under roots, multiplies out exponents and asks for signs, all without a limit.  Numbers
therefore stay below 4096 bits, constants are followed in 320-bit arithmetic, and whatever is too big to be simplified
cheaply is kept as it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cmp_to_key

import mpmath
import sympy
from sympy.core.relational import Relational

from cfdyn.symbolic.functions import CALLEES, NUMERIC

MAX_BITS = 4096
MAX_ROOT_BITS = 1000
MAX_EXPONENT = 10**6
MAX_WORK = 700_000  # about microseconds
MAX_CONDITIONS = 64
MAX_DIGITS = 400
MAX_POWER_OF_TEN = 400
SMALL, MANY_BITS = 60, 512
_CONTEXT = mpmath.mp.clone()
_CONTEXT.prec = 320
_TINY = mpmath.ldexp(1, -200)
_CORNERED = (sympy.Abs, sympy.sign, sympy.Heaviside, sympy.Max, sympy.Min)
_IN_ORDER = cmp_to_key(sympy.Basic.compare)  # sympy's order of the arguments of Add and Mul
_TRIGONOMETRIC = (sympy.sin, sympy.cos, sympy.tan)
_NEGATED = {sympy.StrictLessThan: sympy.GreaterThan, sympy.GreaterThan: sympy.StrictLessThan,
            sympy.LessThan: sympy.StrictGreaterThan, sympy.StrictGreaterThan: sympy.LessThan}  # fmt: skip

_REVERSED = {sympy.StrictLessThan: sympy.StrictGreaterThan, sympy.StrictGreaterThan: sympy.StrictLessThan,
             sympy.LessThan: sympy.GreaterThan, sympy.GreaterThan: sympy.LessThan}  # fmt: skip


class Refusal(ValueError):
    """Why an operation is not allowed; the parser adds the place."""


def _bits(expr: sympy.Basic) -> int:
    return sum(r.p.bit_length() + r.q.bit_length() for r in expr.atoms(sympy.Rational))


def _rational(value: sympy.Rational) -> sympy.Rational:
    if max(value.p.bit_length(), value.q.bit_length()) > MAX_BITS:
        raise Refusal(f"a number here has more than {MAX_BITS} bits")
    return value


def literal(word: str) -> sympy.Rational:
    """The exact value of an unsigned decimal such as 2.5e-3."""
    digits, _, power = word.lower().partition("e")
    whole, _, fraction = digits.partition(".")
    if len(whole) + len(fraction) > MAX_DIGITS or len(power) > 6 or abs(int(power or 0)) > MAX_POWER_OF_TEN:
        raise Refusal(f"a number has at most {MAX_DIGITS} digits and a power of ten up to {MAX_POWER_OF_TEN}")
    shift = int(power or 0) - len(fraction)
    return sympy.Rational(int(whole + fraction) * 10 ** max(shift, 0), 10 ** max(-shift, 0))


def _is_plain(factor: sympy.Expr) -> bool:
    base, exponent = factor.as_base_exp()
    return base.is_Atom and exponent.is_Integer


def _base_exponent(factor: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    if isinstance(factor, sympy.exp):
        return sympy.E, factor.args[0]
    return (factor.base, factor.exp) if factor.is_Pow else (factor, sympy.S.One)


def indicator(condition: sympy.Basic) -> sympy.Expr:
    """1 where the condition holds and 0 elsewhere."""
    if condition in (sympy.true, sympy.false):
        return sympy.Integer(condition == sympy.true)
    return sympy.Piecewise((1, condition), (0, True), evaluate=False)


class Arithmetic:
    """The operations of one formula, with one budget for all of them."""

    def __init__(self) -> None:
        self.work = 0
        self._values: dict[sympy.Expr, mpmath.mpf] = {}

    def _spend(self, work: int) -> None:
        self.work += work
        if self.work > MAX_WORK:
            raise Refusal("the formula takes too long to simplify; make it shorter")

    def _checked(self, expr: sympy.Expr) -> sympy.Expr:
        if expr.is_Rational:
            return _rational(expr)
        if expr.is_number:
            self.value(expr)
        return expr

    def value(self, expr: sympy.Expr) -> mpmath.mpf:
        """The real number a constant expression stands for, to about 60 digits."""
        if expr not in self._values:
            self._spend(30)
            try:
                result = self._evaluate(expr)
            except (ArithmeticError, ValueError, TypeError) as problem:
                raise problem if isinstance(problem, Refusal) else Refusal(
                    "this constant has no finite real value") from problem
            if not isinstance(result, _CONTEXT.mpf) or not _CONTEXT.isfinite(result):
                raise Refusal("this constant has no finite real value")
            if result and abs(_CONTEXT.mag(result)) > MAX_BITS:
                raise Refusal(f"this constant lies outside 2**-{MAX_BITS} ... 2**{MAX_BITS}")
            self._values[expr] = result
        return self._values[expr]

    def _evaluate(self, expr: sympy.Expr) -> mpmath.mpf:
        if expr.is_Rational:
            return _CONTEXT.mpf(expr.p) / expr.q
        if expr in (sympy.pi, sympy.E):
            return +(_CONTEXT.pi if expr is sympy.pi else _CONTEXT.e)
        parts = [self.value(part) for part in expr.args]
        if expr.is_Add:
            result = _CONTEXT.fsum(parts)
            if abs(result) < _TINY * max(abs(part) for part in parts):
                raise Refusal("this constant cancels to nothing within 60 digits")
            return result
        if expr.is_Mul:
            return _CONTEXT.fprod(parts)
        if expr.is_Pow:
            return _CONTEXT.power(*parts)
        if isinstance(expr, _TRIGONOMETRIC):
            result = NUMERIC[type(expr)](_CONTEXT, *parts)
            if abs(parts[0]) > 2**64 or parts[0] and not _TINY * min(1, abs(parts[0])) < abs(result) < 1 / _TINY:
                raise Refusal("this constant is too close to a zero or a pole to be decided")
            return result
        if type(expr) not in NUMERIC:
            raise Refusal("this constant has no finite real value")
        return NUMERIC[type(expr)](_CONTEXT, *parts)

    def total(self, terms: Iterable[tuple[int, sympy.Expr]]) -> sympy.Expr:
        """The sum of sign * term, with like terms collected."""
        coefficients: dict[sympy.Expr, sympy.Rational] = {}
        for sign, expr in terms:
            parts = sympy.Add.make_args(expr)
            self._spend(28 * len(parts))
            for part in parts:
                c, rest = part.as_coeff_Mul(rational=True)
                coefficients[rest] = _rational(coefficients.get(rest, sympy.S.Zero) + sign * c)
        constant = coefficients.pop(sympy.S.One, sympy.S.Zero)
        parts = sorted((self._scaled(c, rest) for rest, c in coefficients.items() if c), key=_IN_ORDER)
        if constant or not parts:
            parts.insert(0, constant)
        return self._checked(parts[0] if len(parts) == 1 else sympy.Add(*parts, evaluate=False))

    def _scaled(self, c: sympy.Rational, rest: sympy.Expr) -> sympy.Expr:
        # Never Mul(c, rest): that would simplify again what was left alone on purpose.
        if c is sympy.S.One:
            return rest
        if rest is sympy.S.One:
            return c
        self._spend(len(rest.args))
        return sympy.Mul(c, *(rest.args if rest.is_Mul else (rest,)), evaluate=False)

    def product(self, factors: Sequence[sympy.Expr], size: int) -> sympy.Expr:
        """The product with like powers collected; ``size`` is the number of operands written."""
        coefficient, parts = sympy.S.One, list(factors)
        for _round in range(4):  # merging may free a number or a new power: x**(1/2)*x**(1/2)*x
            coefficient, collected = self._collected(coefficient, parts)
            if not coefficient:
                return coefficient
            merged = any(len(found) > 1 for found in collected.values())
            parts = [found[0] for found in collected.values() if len(found) == 1]
            for (base, _), found in collected.items():
                if len(found) > 1:
                    total = self.total([(1, _base_exponent(factor)[1]) for factor in found])
                    parts.append(self.power(base, total, size))
            if not merged:
                break
        if any(part.is_Rational or part.is_Mul for part in parts):
            coefficient, collected = self._collected(coefficient, parts)
            parts = [factor for found in collected.values() for factor in found]
        return self._checked(self._multiplied(coefficient, parts))

    def _collected(self, coefficient: sympy.Rational, parts: list[sympy.Expr]) -> tuple[sympy.Rational, dict]:
        """The numbers multiplied up, and the other factors by base and by what the exponent is a multiple of."""
        collected: dict[tuple[sympy.Expr, sympy.Expr], list[sympy.Expr]] = {}
        for factor in (factor for part in parts for factor in sympy.Mul.make_args(part)):
            self._spend(20)
            if factor.is_Rational:
                coefficient = _rational(coefficient * factor)
            else:
                base, exponent = _base_exponent(factor)
                collected.setdefault((base, exponent.as_coeff_Mul(rational=True)[1]), []).append(factor)
        return coefficient, collected

    def _multiplied(self, coefficient: sympy.Rational, factors: list[sympy.Expr]) -> sympy.Expr:
        if len(factors) == 1 and factors[0].is_Add and coefficient is not sympy.S.One:
            terms = [part.as_coeff_Mul(rational=True) for part in factors[0].args]
            return self.total((1, self._scaled(_rational(coefficient * c), rest)) for c, rest in terms)
        if len(factors) < 2:
            return self._scaled(coefficient, factors[0] if factors else sympy.S.One)
        self._spend(10 * len(factors))
        factors.sort(key=_IN_ORDER)
        return sympy.Mul(*([] if coefficient is sympy.S.One else [coefficient]), *factors, evaluate=False)

    def power(self, base: sympy.Expr, exponent: sympy.Expr, size: int) -> sympy.Expr:
        """base**exponent; simplified where that is cheap, otherwise left as written."""
        if exponent.is_Rational and abs(exponent) > MAX_EXPONENT:
            raise Refusal(f"an exponent beyond {MAX_EXPONENT} is not allowed")
        if base.is_Rational and exponent.is_Rational:
            return self._number_power(base, exponent)
        if exponent is sympy.S.One or base is sympy.S.One:
            return base
        if exponent is sympy.S.Zero:
            return sympy.S.One
        if base is sympy.E or isinstance(base, sympy.exp):
            factors = (exponent,) if base is sympy.E else (base.args[0], exponent)
            return self.call("exp", [self.product(factors, size)])
        self._spend(20)
        if exponent.is_Integer and base.is_Mul:
            return self.product([self.power(factor, exponent, size) for factor in base.args], size)
        if exponent.is_Integer and base.is_Pow:
            return self.power(base.base, self.product([base.exp, exponent], size), size)
        if exponent.is_Integer and exponent % 2 == 0 and isinstance(base, sympy.Abs):
            return self.power(base.args[0], exponent, size)
        return self._checked(sympy.Pow(base, exponent, evaluate=self._is_light(base, exponent, size)))

    def _is_light(self, base: sympy.Expr, exponent: sympy.Expr, size: int) -> bool:
        """Whether sympy has something to simplify and asks for signs of nothing but symbols: sqrt(4*x**2)."""
        if not exponent.is_Rational or exponent.is_Integer or size > SMALL or not (base.is_Mul or base.is_Pow):
            return False
        if not all(map(_is_plain, sympy.Mul.make_args(base))):
            return False
        self._spend(800)
        return _bits(base) + _bits(exponent) <= MANY_BITS

    def _number_power(self, base: sympy.Rational, exponent: sympy.Rational) -> sympy.Expr:
        if base.is_zero and exponent < 0:
            raise Refusal("it divides by zero")
        if base < 0 and not exponent.is_Integer:
            raise Refusal("a root of a negative number is not real")
        bits = max(base.p.bit_length(), base.q.bit_length())
        if abs(base) != 1 and base and bits * abs(exponent) > MAX_BITS + bits:
            raise Refusal(f"this power has more than {MAX_BITS} bits")
        if exponent.is_Integer:
            over, under = int(base.p) ** abs(int(exponent)), int(base.q) ** abs(int(exponent))
            return _rational(sympy.Rational(over, under) if exponent >= 0 else sympy.Rational(under, over))
        if bits > MAX_ROOT_BITS:
            raise Refusal(f"a root of a number with more than {MAX_ROOT_BITS} bits is not allowed")
        self._spend(400 + bits * bits // 25)
        return self._checked(sympy.Pow(base, exponent))

    def call(self, name: str, arguments: list[sympy.Expr], size: int = 0) -> sympy.Expr:
        """The function of the arguments, folded only where its value is plain."""
        callee = CALLEES[name]
        if not callee.least <= len(arguments) <= callee.most:
            wanted = "1 argument" if callee.most == 1 else f"{callee.least} to {callee.most} arguments"
            raise Refusal(f"{name} takes {wanted}, not {len(arguments)}")
        if name == "sqrt":
            return self.power(arguments[0], sympy.S.Half, size)
        self._spend(15 + len(arguments) ** 2)
        plain = all(argument.is_Rational for argument in arguments)
        if plain and (issubclass(callee.build, _CORNERED) or arguments[0] in (0, 1)):
            return self._checked(callee.build(*arguments))
        if issubclass(callee.build, _TRIGONOMETRIC):
            turns = arguments[0].as_coeff_Mul()
            if turns[1] is sympy.pi and turns[0].q <= 12 and _bits(turns[0]) <= SMALL:
                return self._checked(callee.build(arguments[0]))
        return self._checked(callee.build(*arguments, evaluate=False))

    def relation(self, kind: type[Relational], left: sympy.Expr, right: sympy.Expr) -> sympy.Basic:
        """left < right and the like; true or false at once between constants."""
        if left.is_number and right.is_number:
            difference = self.total([(1, left), (-1, right)])
            return kind(sympy.sign(self.value(difference)) if difference else difference, 0)
        if left.is_number:
            return _REVERSED[kind](right, left, evaluate=False)
        return kind(left, right, evaluate=False)

    def joined(self, kind: type, conditions: Sequence[sympy.Basic]) -> sympy.Basic:
        """And or Or of conditions."""
        self._spend(200 * len(conditions))
        if len(conditions) > MAX_CONDITIONS:
            raise Refusal(f"at most {MAX_CONDITIONS} conditions may be joined")
        return kind(*conditions)

    def negated(self, condition: sympy.Basic) -> sympy.Basic:
        """not condition, pushed down to the comparisons."""
        if isinstance(condition, (sympy.And, sympy.Or)):
            kind = sympy.Or if isinstance(condition, sympy.And) else sympy.And
            return self.joined(kind, [self.negated(part) for part in condition.args])
        if isinstance(condition, Relational):
            return _NEGATED[type(condition)](*condition.args, evaluate=False)
        return sympy.false if condition == sympy.true else sympy.true

    def piecewise(self, pairs: Sequence[tuple[sympy.Expr, sympy.Basic]]) -> sympy.Expr:
        """Piecewise without sympy's simplification of the conditions; the last condition must hold always."""
        kept = [(expr, condition) for expr, condition in pairs if condition != sympy.false]
        if not kept or all(condition != sympy.true for _, condition in kept):
            raise Refusal("Piecewise must end with a pair (expression, True)")
        self._spend(40 * len(kept))
        return sympy.Piecewise(*kept, evaluate=False)
