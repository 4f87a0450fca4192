"""Numbers as people type them, kept exact: a decimal means the decimal, and the ends of boxes are doubles."""

import math
import re
from fractions import Fraction
from typing import Any

from cfdyn.errors import UsageError, shown

NUMBER = re.compile(r"[+-]?(\d{1,400}/\d{1,400}|(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?)", re.ASCII)
Exact = Fraction | tuple[Fraction, Fraction]


def exact(value: Any) -> Fraction:
    """The number that a person means: for a float the shortest decimal that it prints as, for text the decimal or fraction p/q.

    >>> exact(1.7), exact("1/3"), exact("2.50"), exact(4)
    (Fraction(17, 10), Fraction(1, 3), Fraction(5, 2), Fraction(4, 1))
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int):
        return Fraction(value)
    text = value.strip() if isinstance(value, str) else repr(float(value))
    if not NUMBER.fullmatch(text) or text.endswith("/0"):
        raise UsageError(f"{shown(value)} is not an exact number: write a decimal such as 1.7 or a fraction such as 17/10")
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise UsageError(f"{shown(value)} is not an exact number: its denominator is 0") from None


def written(value: Fraction) -> str:
    """The number as text: a decimal if it terminates, else p/q.

    >>> written(Fraction(17, 10)), written(Fraction(1, 3)), written(Fraction(-40))
    ('1.7', '1/3', '-40')
    """
    twos = fives = 0
    rest = value.denominator
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > 60:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (digits if places == 0 else f"{digits[:-places]}.{digits[-places:]}")


def below(value: Fraction) -> float:
    """The largest double that is not above the number."""
    near = float(value)
    return near if not math.isinf(near) and Fraction(near) <= value else math.nextafter(near, -math.inf)


def above(value: Fraction) -> float:
    """The least double that is not below the number."""
    return -below(-value)


def end(value: float) -> str:
    """An end of a box as text: the double in hexadecimal, inf or -inf.

    >>> end(0.75), end(float("inf"))
    ('0x1.8000000000000p-1', 'inf')
    """
    return value.hex() if math.isfinite(value) else str(value)
