"""The values that a check must find according to a source: a number with its tolerance, a bound, a word."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from cfdyn.errors import UsageError, shown

INF = math.inf


@dataclass(frozen=True)
class Expected:
    """A value, or for each entry the least and the greatest number that agrees; ``text``: the form for a reader."""

    text: str
    bounds: tuple[tuple[float, float], ...] = ()
    value: Any = None

    def agrees(self, value: Any) -> bool | None:
        """True or False; None where a measured interval contains a bound.

        Examples
        --------
        >>> near(3.0, 0.1).agrees(3.05), near(3.0, 0.1).agrees(3.2), at_least(3.0).agrees(interval(2.9, 3.4, "20 seeds"))
        (True, False, None)
        """
        if not self.bounds:
            return bool(value == self.value)
        entries = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if len(entries) != len(self.bounds):
            return False
        answers = [_within(entry, *bounds) for entry, bounds in zip(entries, self.bounds, strict=True)]
        return False if False in answers else None if None in answers else True


def _within(value: Any, low: float, high: float) -> bool | None:
    start, end = (value.get("low"), value.get("high")) if isinstance(value, dict) else (value, value)
    if not (_is_number(start) and _is_number(end)):
        return False
    if low <= start and end <= high:
        return True
    return None if start <= high and low <= end else False


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def interval(low: float, high: float, of: str) -> dict[str, Any]:
    """A measured number with its uncertainty; ``of``: the origin of the interval, such as "20 seeds, 95 %".

    Examples
    --------
    >>> from cfdyn.claims import interval
    >>> interval(2.9, 3.1, "20 seeds, 95 %")
    {'low': 2.9, 'high': 3.1, 'of': '20 seeds, 95 %'}
    """
    return {"low": float(low), "high": float(high), "of": of}


def near(value: float | Sequence[float], within: float | None = None, *, relative: float | None = None) -> Expected:
    """A number, or a list of numbers in order, and the tolerance for each measured value.

    Raises
    ------
    UsageError : neither or both of the tolerances, or a negative one

    Examples
    --------
    >>> print(near(1.5, 1e-9).text, "|", near([1, 2], relative=0.01).text)
    1.5 ± 1e-09 | 1, 2 ± 1 %
    """
    if (within is None) == (relative is None) or (within if relative is None else relative) < 0:  # type: ignore[operator]
        raise UsageError("say how near: within=1e-9, or relative=0.01")
    values = [float(v) for v in (value if isinstance(value, Sequence) else [value])]
    widths = [within if relative is None else relative * abs(v) for v in values]
    margin = f"{within:g}" if relative is None else f"{100 * relative:g} %"
    text = ", ".join(f"{v:.17g}" if f"{v:.15g}" != repr(v).removesuffix(".0") else f"{v:.15g}" for v in values)
    return Expected(f"{text} ± {margin}", tuple((v - w, v + w) for v, w in zip(values, widths, strict=True)))  # type: ignore[operator]


def at_least(value: float) -> Expected:
    """That number or more.

    Examples
    --------
    >>> from cfdyn.claims import at_least
    >>> at_least(3).text, at_least(3).agrees(3.0)
    ('≥ 3', True)
    """
    return Expected(f"≥ {value:.12g}", ((float(value), INF),))


def at_most(value: float) -> Expected:
    """That number or less.

    Examples
    --------
    >>> from cfdyn.claims import at_most
    >>> at_most(3).text, at_most(3).agrees(3.1)
    ('≤ 3', False)
    """
    return Expected(f"≤ {value:.12g}", ((-INF, float(value)),))


def above(value: float) -> Expected:
    """More than that number.

    Examples
    --------
    >>> from cfdyn.claims import above
    >>> above(3).text, above(3).agrees(3.0)
    ('> 3', False)
    """
    return Expected(f"> {value:.12g}", ((math.nextafter(value, INF), INF),))


def below(value: float) -> Expected:
    """Less than that number.

    Examples
    --------
    >>> from cfdyn.claims import below
    >>> below(3).text, below(3).agrees(2.9)
    ('< 3', True)
    """
    return Expected(f"< {value:.12g}", ((-INF, math.nextafter(value, -INF)),))


def between(low: float, high: float) -> Expected:
    """A number from ``low`` to ``high``.

    Examples
    --------
    >>> from cfdyn.claims import between
    >>> between(1, 2).text, between(1, 2).agrees(1.5)
    ('1 to 2', True)
    """
    return Expected(f"{low:.12g} to {high:.12g}", ((float(low), float(high)),))


def as_expected(value: Any) -> Expected:
    """The expectation for a plain value in a table of expectations: the value itself, unless it is a float.

    Raises
    ------
    UsageError : a float without a tolerance
    """
    if isinstance(value, Expected):
        return value
    if isinstance(value, float):
        raise UsageError(f"a number such as {shown(value)} needs a tolerance: near({value}, 1e-9)")
    return Expected(_said(value), value=value)


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
