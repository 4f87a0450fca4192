"""Numbers in a formula: exact values, bounds on their size, and the values of constant expressions.

SymPy decides about constants by evaluating them repeatedly, to any precision. Here every constant is evaluated once, in 320-bit
arithmetic, and refused if it is not a real number of reasonable size.
"""

import mpmath
import sympy

from cfdyn.symbolic.text.functions import NUMERIC

MAX_BITS = 4096  # of a number: sums and products stay below a microsecond
MAX_ROOT_BITS = 1000  # SymPy searches for factors under a root
MAX_DIGITS = 400  # enough for every double
MAX_POWER_OF_TEN = 400  # beyond every double
MAX_WORK = 500_000  # about microseconds
_CONTEXT = mpmath.mp.clone()
_CONTEXT.prec = 320
_TINY = mpmath.ldexp(1, -200)
TRIGONOMETRIC = (sympy.sin, sympy.cos, sympy.tan)


class Refusal(ValueError):
    """Why an operation is not allowed; the parser adds the place."""


def bit_count(expr: sympy.Basic) -> int:
    """The bits of all the numbers in an expression."""
    return sum(r.p.bit_length() + r.q.bit_length() for r in expr.atoms(sympy.Rational))


def bounded(value: sympy.Rational) -> sympy.Rational:
    """The number itself, unless it is too long."""
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


class Constants:
    """The constants of one formula, and the budget for all of its operations."""

    def __init__(self) -> None:
        self.work = 0
        self._values: dict[sympy.Expr, mpmath.mpf] = {}

    def spend(self, work: int) -> None:
        """Count work; refuse if the budget is exhausted."""
        self.work += work
        if self.work > MAX_WORK:
            raise Refusal("the formula takes too long to simplify; make it shorter")

    def checked(self, expr: sympy.Expr) -> sympy.Expr:
        """The expression itself, unless it is a constant without a real value."""
        if expr.is_Rational:
            return bounded(expr)
        if expr.is_number:
            self.value(expr)
        return expr

    def value(self, expr: sympy.Expr) -> mpmath.mpf:
        """The real number a constant expression stands for, to about 60 digits."""
        if expr not in self._values:
            self.spend(30)
            try:
                result = self._evaluate(expr)
            except (ArithmeticError, ValueError, TypeError) as problem:
                raise problem if isinstance(problem, Refusal) else Refusal("this constant has no finite real value") from problem
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
        if isinstance(expr, TRIGONOMETRIC):
            result = NUMERIC[type(expr)](_CONTEXT, *parts)
            if abs(parts[0]) > 2**64 or parts[0] and not _TINY * min(1, abs(parts[0])) < abs(result) < 1 / _TINY:
                raise Refusal("this constant is too close to a zero or a pole to be decided")
            return result
        if isinstance(expr, sympy.floor) and abs(parts[0] - _CONTEXT.nint(parts[0])) <= _TINY * max(1, abs(parts[0])):
            raise Refusal("this constant is too close to a whole number for its floor to be decided")
        if type(expr) not in NUMERIC:
            raise Refusal("this constant has no finite real value")
        return NUMERIC[type(expr)](_CONTEXT, *parts)

    def number_power(self, base: sympy.Rational, exponent: sympy.Rational) -> sympy.Expr:
        """A rational power of a rational number."""
        if base.is_zero and exponent < 0:
            raise Refusal("it divides by zero")
        if base < 0 and not exponent.is_Integer:
            raise Refusal("a root of a negative number is not real")
        bits = max(base.p.bit_length(), base.q.bit_length())
        if abs(base) != 1 and base and bits * abs(exponent) > MAX_BITS + bits:
            raise Refusal(f"this power has more than {MAX_BITS} bits")
        if exponent.is_Integer:
            over, under = int(base.p) ** abs(int(exponent)), int(base.q) ** abs(int(exponent))
            return bounded(sympy.Rational(over, under) if exponent >= 0 else sympy.Rational(under, over))
        if bits > MAX_ROOT_BITS:
            raise Refusal(f"a root of a number with more than {MAX_ROOT_BITS} bits is not allowed")
        self.spend(400 + bits * bits // 25)
        # sympy multiplies numerator by denominator and raises prime factors to powers up to the root's order.
        plain = exponent.q <= 4 and 1 in (base.p, base.q) or exponent.q <= 64 and bits <= 256
        return self.checked(sympy.Pow(base, exponent, evaluate=plain))
