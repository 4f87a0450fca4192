"""SymPy arithmetic with bounds: each operation is cheap or refused before sympy starts on it.

SymPy factorises integers under roots, multiplies out exponents and determines signs, all without a limit. Numbers therefore stay
below 4096 bits, constants are evaluated in 320-bit arithmetic, and an expression that is too big to be simplified cheaply is kept
as written.
"""

from collections.abc import Iterable, Sequence
from functools import cmp_to_key

import sympy
from sympy.core.relational import Relational

from cfdyn.symbolic.text.constants import TRIGONOMETRIC, Constants, Refusal, bit_count, bounded
from cfdyn.symbolic.text.functions import CALLEES

MAX_EXPONENT = 10**6  # SymPy multiplies out exponents if it can
MAX_CONDITIONS = 64  # SymPy compares each with each
SMALL, MANY_BITS = 60, 512  # operands, and bits, up to which SymPy may simplify by itself
_CORNERED = (sympy.Abs, sympy.sign, sympy.Heaviside, sympy.Max, sympy.Min)
_IN_ORDER = cmp_to_key(sympy.Basic.compare)  # sympy's order of the arguments of Add and Mul


def _is_plain(factor: sympy.Expr) -> bool:
    base, exponent = factor.as_base_exp()
    return base.is_Atom and exponent.is_Integer


def _base_exponent(factor: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    if isinstance(factor, sympy.exp):
        return sympy.E, factor.args[0]
    return (factor.base, factor.exp) if factor.is_Pow else (factor, sympy.S.One)


def _lattice(kind: type, arguments: Sequence[sympy.Basic], size: int) -> sympy.Basic:
    """Max, Min, And, Or; long ones in a plain order, since sympy's own order evaluates the constants in them."""
    if size <= SMALL:
        return kind(*arguments) if kind in (sympy.And, sympy.Or) else kind(*arguments, evaluate=False)
    neutral: sympy.Basic | None = {sympy.And: sympy.true, sympy.Or: sympy.false}.get(kind)
    flat: list[sympy.Basic] = []
    for item in arguments:
        nested = isinstance(item, kind)
        flat += item.args if nested else (item,)
    unique = sorted({part for part in flat if part is not neutral}, key=_IN_ORDER)
    if neutral is not None and sympy.Not(neutral) in unique:
        return sympy.Not(neutral)
    if len(unique) < 2:
        return unique[0] if unique else neutral
    result = sympy.Basic.__new__(kind, *unique)
    result._argset = frozenset(unique)
    return result


def indicator(condition: sympy.Basic) -> sympy.Expr:
    """1 where the condition holds and 0 elsewhere."""
    if condition in (sympy.true, sympy.false):
        return sympy.Integer(condition == sympy.true)
    return sympy.Piecewise((1, condition), (0, True), evaluate=False)


class Arithmetic(Constants):
    """The operations of one formula, with one budget for all of them."""

    def total(self, terms: Iterable[tuple[int, sympy.Expr]]) -> sympy.Expr:
        """The sum of sign * term, with like terms collected."""
        coefficients: dict[sympy.Expr, sympy.Rational] = {}
        for sign, expr in terms:
            parts = sympy.Add.make_args(expr)
            self.spend(28 * len(parts))
            for part in parts:
                c, rest = part.as_coeff_Mul(rational=True)
                coefficients[rest] = bounded(coefficients.get(rest, sympy.S.Zero) + sign * c)
        constant = coefficients.pop(sympy.S.One, sympy.S.Zero)
        parts = sorted((self._scaled(c, rest) for rest, c in coefficients.items() if c), key=_IN_ORDER)
        if constant or not parts:
            parts.insert(0, constant)
        return self.checked(parts[0] if len(parts) == 1 else sympy.Add(*parts, evaluate=False))

    def _scaled(self, c: sympy.Rational, rest: sympy.Expr) -> sympy.Expr:
        # Never Mul(c, rest): that would simplify parts that were deliberately left unsimplified.
        if c is sympy.S.One:
            return rest
        if rest is sympy.S.One:
            return c
        self.spend(len(rest.args))
        return sympy.Mul(c, *(rest.args if rest.is_Mul else (rest,)), evaluate=False)

    def product(self, factors: Sequence[sympy.Expr], size: int) -> sympy.Expr:
        """The product with like powers collected; ``size`` is the number of operands written."""
        coefficient, parts = sympy.S.One, list(factors)
        for _round in range(4):  # merging may free a number or a new power: x**(1/2)*x**(1/2)*x
            coefficient, collected = self._collected(coefficient, parts)
            if not coefficient:
                return coefficient
            merged = any(len(powers) > 1 for powers in collected.values())
            parts = [powers[0] for powers in collected.values() if len(powers) == 1]
            for (base, _), powers in collected.items():
                if len(powers) > 1:
                    total = self.total([(1, _base_exponent(factor)[1]) for factor in powers])
                    parts.append(self.power(base, total, size))
            if not merged:
                break
        if any(part.is_Rational or part.is_Mul for part in parts):
            coefficient, collected = self._collected(coefficient, parts)
            parts = [factor for powers in collected.values() for factor in powers]
        return self.checked(self._multiplied(coefficient, parts))

    def _collected(self, coefficient: sympy.Rational, parts: list[sympy.Expr]) -> tuple[sympy.Rational, dict]:
        """The product of the numbers, and the other factors by base and by the unit of which the exponent is a multiple."""
        collected: dict[tuple[sympy.Expr, sympy.Expr], list[sympy.Expr]] = {}
        for factor in (factor for part in parts for factor in sympy.Mul.make_args(part)):
            self.spend(20)
            if factor.is_Rational:
                coefficient = bounded(coefficient * factor)
            else:
                base, exponent = _base_exponent(factor)
                collected.setdefault((base, exponent.as_coeff_Mul(rational=True)[1]), []).append(factor)
        return coefficient, collected

    def _multiplied(self, coefficient: sympy.Rational, factors: list[sympy.Expr]) -> sympy.Expr:
        if len(factors) == 1 and factors[0].is_Add and coefficient is not sympy.S.One:
            terms = [part.as_coeff_Mul(rational=True) for part in factors[0].args]
            return self.total((1, self._scaled(bounded(coefficient * c), rest)) for c, rest in terms)
        if len(factors) < 2:
            return self._scaled(coefficient, factors[0] if factors else sympy.S.One)
        self.spend(10 * len(factors))
        factors.sort(key=_IN_ORDER)
        return sympy.Mul(*([] if coefficient is sympy.S.One else [coefficient]), *factors, evaluate=False)

    def power(self, base: sympy.Expr, exponent: sympy.Expr, size: int) -> sympy.Expr:
        """base**exponent; simplified where that is cheap, otherwise left as written."""
        if exponent.is_Rational and abs(exponent) > MAX_EXPONENT:
            raise Refusal(f"an exponent beyond {MAX_EXPONENT} is not allowed")
        if base.is_Rational and exponent.is_Rational:
            return self.number_power(base, exponent)
        if exponent is sympy.S.One or base is sympy.S.One:
            return base
        if exponent is sympy.S.Zero:
            return sympy.S.One
        if base is sympy.E or isinstance(base, sympy.exp):
            factors = (exponent,) if base is sympy.E else (base.args[0], exponent)
            return self.call("exp", [self.product(factors, size)])
        self.spend(20)
        if exponent.is_Integer and base.is_Mul:
            return self.product([self.power(factor, exponent, size) for factor in base.args], size)
        if exponent.is_Integer and base.is_Pow:
            return self.power(base.base, self.product([base.exp, exponent], size), size)
        if exponent.is_Integer and exponent % 2 == 0 and isinstance(base, sympy.Abs):
            return self.power(base.args[0], exponent, size)
        return self.checked(sympy.Pow(base, exponent, evaluate=self._is_light(base, exponent, size)))

    def _is_light(self, base: sympy.Expr, exponent: sympy.Expr, size: int) -> bool:
        """True if sympy can simplify the power and determines signs of symbols only: sqrt(4*x**2)."""
        if not exponent.is_Rational or not 1 < exponent.q <= 12 or size > SMALL or not (base.is_Mul or base.is_Pow):
            return False
        if not all(map(_is_plain, sympy.Mul.make_args(base))):
            return False
        self.spend(800)
        return bit_count(base) + bit_count(exponent) <= MANY_BITS

    def call(self, name: str, arguments: list[sympy.Expr], size: int = 0) -> sympy.Expr:
        """The function of the arguments, folded only if its value is simple."""
        callee = CALLEES[name]
        if not callee.least <= len(arguments) <= callee.most:
            wanted = "1 argument" if callee.most == 1 else f"{callee.least} to {callee.most} arguments"
            raise Refusal(f"{name} takes {wanted}, not {len(arguments)}")
        if name == "sqrt":
            return self.power(arguments[0], sympy.S.Half, size)
        if name in ("floor", "ceil", "frac", "mod"):
            return self._whole_part(name, arguments[0], arguments[-1], size)
        self.spend(15 + len(arguments) ** 2)
        plain = all(argument.is_Rational for argument in arguments)
        if plain and (issubclass(callee.build, _CORNERED) or arguments[0] in (0, 1)):
            return self.checked(callee.build(*arguments))
        if issubclass(callee.build, TRIGONOMETRIC):
            turns = arguments[0].as_coeff_Mul()
            if turns[1] is sympy.pi and turns[0].q <= 12 and bit_count(turns[0]) <= SMALL:
                return self.checked(callee.build(arguments[0]))
        if callee.build in (sympy.Max, sympy.Min):
            return self.checked(_lattice(callee.build, arguments, size))
        return self.checked(callee.build(*arguments, evaluate=False))

    def _whole_part(self, name: str, x: sympy.Expr, unit: sympy.Expr, size: int) -> sympy.Expr:
        """floor(x), ceil(x) = -floor(-x), and the remainder x - unit floor(x/unit), with unit 1 except for mod."""
        self.spend(20)
        unit = unit if name == "mod" else sympy.S.One
        turns = self.product([x, self.power(unit, sympy.S.NegativeOne, size)], size) if name == "mod" else x
        turns = self.total([(-1, turns)]) if name == "ceil" else turns
        whole = sympy.Integer(turns.p // turns.q) if turns.is_Rational else self.checked(sympy.floor(turns, evaluate=False))
        if name == "floor":
            return whole
        return self.total([(-1, whole)] if name == "ceil" else [(1, x), (-1, self.product([unit, whole], size))])

    def relation(self, kind: type[Relational], left: sympy.Expr, right: sympy.Expr) -> sympy.Basic:
        """left < right and similar relations; true or false at once between constants."""
        if left.is_number and right.is_number:
            difference = self.total([(1, left), (-1, right)])
            return kind(sympy.sign(self.value(difference)) if difference else difference, 0)
        written = kind(left, right, evaluate=False)
        return written.reversed if left.is_number else written

    def joined(self, kind: type, conditions: Sequence[sympy.Basic], size: int) -> sympy.Basic:
        """And or Or of conditions."""
        self.spend(200 * len(conditions))
        if len(conditions) > MAX_CONDITIONS:
            raise Refusal(f"at most {MAX_CONDITIONS} conditions may be joined")
        return _lattice(kind, conditions, size)

    def negated(self, condition: sympy.Basic, size: int) -> sympy.Basic:
        """not condition, pushed down to the comparisons."""
        if isinstance(condition, (sympy.And, sympy.Or)):
            kind = sympy.Or if isinstance(condition, sympy.And) else sympy.And
            return self.joined(kind, [self.negated(part, size) for part in condition.args], size)
        if isinstance(condition, Relational):
            return condition.negated
        return sympy.false if condition == sympy.true else sympy.true

    def piecewise(self, pairs: Sequence[tuple[sympy.Expr, sympy.Basic]]) -> sympy.Expr:
        """Piecewise without sympy's simplification of the conditions; the last condition must always hold."""
        kept = [(expr, condition) for expr, condition in pairs if condition != sympy.false]
        if not kept or all(condition != sympy.true for _, condition in kept):
            raise Refusal("Piecewise must end with a pair (expression, True)")
        self.spend(40 * len(kept))
        return sympy.Piecewise(*kept, evaluate=False)
