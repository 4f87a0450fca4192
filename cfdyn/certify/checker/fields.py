"""Values of a file, each read with a check of its type: the outcome is a value, or a `NotValid` that names the place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from cfdyn.certify.checker.numbers.boxes import Interval, above, below

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,3})?")
_RATIO = re.compile(r"[+-]?[0-9]{1,1000}/[0-9]{1,1000}")
_HEX = re.compile(r"-?0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4}")


class NotValid(Exception):
    """Why a file is not a valid certificate."""


def shown(value: Any) -> str:
    """A value in a reason, short and printable."""
    try:
        text = ascii(value)
    except (RecursionError, ValueError):
        text = type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."


def mapping(value: Any, where: str, keys: Iterable[str] | None = None, optional: Iterable[str] = ()) -> dict[str, Any]:
    """An object that has all ``keys``, and in addition only ``optional`` ones; any keys if ``keys`` is None."""
    if not isinstance(value, Mapping):
        raise NotValid(f"{where} is not an object but {shown(value)}")
    if keys is not None:
        keys = list(keys)
        for key in keys:
            if key not in value:
                raise NotValid(f"{where} has no {key!r}")
        for key in value:
            if key not in keys and key not in optional:
                raise NotValid(f"{where} has {shown(key)}, which has no meaning there")
    return dict(value)


def sequence(value: Any, where: str, length: int | None = None, most: int = 10_000_000) -> list[Any]:
    """A list, of a given length if one is given."""
    if not isinstance(value, list):
        raise NotValid(f"{where} is not a list but {shown(value)}")
    if length is not None and len(value) != length:
        raise NotValid(f"{where} has {len(value)} entries, not {length}")
    if len(value) > most:
        raise NotValid(f"{where} has {len(value)} entries; at most {most}")
    return value


def text(value: Any, where: str, most: int = 200_000) -> str:
    """A text."""
    if not isinstance(value, str) or len(value) > most:
        raise NotValid(f"{where} is not a text of at most {most} characters but {shown(value)}")
    return value


def texts(value: Any, where: str) -> list[str]:
    """A list of texts."""
    return [text(v, where) for v in sequence(value, where)]


def one_of(value: Any, where: str, choices: Iterable[Any]) -> Any:
    """One of several values, of the same type."""
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return value
    raise NotValid(f"{where} is {shown(value)}, which has no meaning there")


def truth(value: Any, where: str, unknown: bool = False) -> bool | None:
    """true or false, or null if null is allowed and means "unknown"."""
    return one_of(value, where, [True, False, *([None] if unknown else [])])


def integer(value: Any, where: str, least: int, most: int) -> int:
    """An integer."""
    if type(value) is not int or not least <= value <= most:
        raise NotValid(f"{where} is {shown(value)}, not an integer from {least} to {most}")
    return value


def number(value: Any, where: str) -> Fraction:
    """A number as text: a decimal or p/q.

    >>> number("1.7", "lr"), number("-17/10", "lr"), number("1e-3", "lr")
    (Fraction(17, 10), Fraction(-17, 10), Fraction(1, 1000))
    """
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Fraction(value)
    if isinstance(value, str) and _RATIO.fullmatch(value) and int(value.partition("/")[2]):
        return Fraction(value)
    raise NotValid(f"{where} is {shown(value)}, not a decimal number or a ratio as text")


def end(value: Any, where: str) -> float:
    """An end of an interval: a double as hexadecimal text, inf or -inf.

    >>> end("0x1.8000000000000p+0", "lo"), end("-inf", "lo")
    (1.5, -inf)
    """
    if isinstance(value, str):
        if value in ("inf", "-inf"):
            return float(value)
        if _HEX.fullmatch(value):
            try:
                return float.fromhex(value)
            except OverflowError:
                pass
    raise NotValid(f"{where} is {shown(value)}, not a double as hexadecimal text")


def interval(value: Any, where: str) -> tuple[float, float]:
    """A closed interval: its two ends."""
    lo, hi = (end(v, where) for v in sequence(value, where, 2))
    if not lo <= hi or lo == np.inf or hi == -np.inf:
        raise NotValid(f"{where} is the empty interval [{lo!r}, {hi!r}]")
    return lo, hi


def box(value: Any, where: str, d: int, finite: bool = True) -> Interval:
    """An interval for each of d coordinates: an Interval of shape (d,)."""
    ends = np.array([interval(v, where) for v in sequence(value, where, d)]).reshape(d, 2)
    if finite and not np.isfinite(ends).all():
        raise NotValid(f"{where} is not bounded")
    return Interval(ends[:, 0], ends[:, 1])


def boxes(value: Any, where: str, n: int, d: int) -> Interval:
    """n boxes: an Interval of shape (n, d)."""
    each = [box(v, where, d) for v in sequence(value, where, n)]
    return Interval(np.array([b.lo for b in each]).reshape(n, d), np.array([b.hi for b in each]).reshape(n, d))


def numbers_between(value: Any, where: str) -> tuple[Fraction, Fraction]:
    """Two numbers in order."""
    lo, hi = (number(v, where) for v in sequence(value, where, 2))
    if lo > hi:
        raise NotValid(f"{where} is an empty interval")
    return lo, hi


def around(ends: tuple[Fraction, Fraction]) -> tuple[float, float]:
    """The doubles just outside an interval of exact numbers."""
    return below(ends[0]), above(ends[1])
