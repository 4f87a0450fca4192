"""What is given is what it is wanted as, or the caller is told so in a sentence."""

import inspect
import math
import numbers
import operator
import os
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Union, get_args, get_origin

import numpy as np

from cfdyn.errors import UsageError, shown

OF_NO_FORMULA = (
    "a loss that is no formula, such as a network, has the flows central, edge, gradient, rod, stable, stationary, and cf.as_map"
)
MADE_BY = {
    "Map": "a map, cf.as_map(loss, optimizer) or cf.Map.from_text(…)",
    "RandomMap": "a random map, cf.random_map(loss, optimizer, batch=1)",
    "Loss": "a cf.Loss",
    "Optimizer": "an optimizer such as cf.optimizers.gd(lr=0.1)",
    "PathLike": "the path of a file",
    "Flow": "a flow such as cf.flows.gradient(loss, optimizer)",
}


def number(what: str, value: Any, finite: bool = False) -> float:
    """The value as a float, if it is a real number; NaN is none.

    >>> number("rtol", 1)
    1.0
    """
    try:
        real = math.nan if isinstance(value, bool) or not isinstance(value, numbers.Real | np.floating) else float(value)
    except (OverflowError, ValueError, TypeError):
        real = math.nan
    if isinstance(value, float | np.floating) and (math.isnan(real) or finite and math.isinf(real)):
        if " " in what:
            raise UsageError(f"{what} is a finite number, not {value}")
        named = f"`{what.strip('`')}={value}`" if what.startswith("`") else f"{what}={value}"
        raise UsageError(f"{named} is not a finite number")
    if math.isnan(real):
        raise UsageError(f"{what} is a number, not {shown(value)}")
    return real


def vector(what: str, value: Any) -> np.ndarray:
    """A row of real numbers as floats, (n,), contiguous and new; a single number is a row of one.

    >>> vector("a start", [1, 2])
    array([1., 2.])
    """
    return table(what, value, 1, "a list of numbers")


def entries(what: str, value: Any, names: Sequence[str]) -> np.ndarray:
    """A row with one real number for each of the names, as floats (n,).

    >>> entries("a start", 1, ["w"])
    array([1.])
    """
    array = vector(what, value)
    if array.shape != (len(names),):
        number = f"{len(names)} {'entry' if len(names) == 1 else 'entries'}"
        raise UsageError(f"{what} has {number} ({', '.join(names)}), not {array.size}")
    return array


def table(what: str, value: Any, dimensions: int, words: str = "a table of numbers") -> np.ndarray:
    """Real numbers as a new array of floats with so many dimensions.

    >>> table("a curve", [[1], [2]], 2).shape
    (2, 1)
    """
    try:
        given = np.asarray(value)
        fits = given.dtype.kind in "iuf" or given.dtype == object and all(isinstance(x, numbers.Real) for x in given.flat)
        array = np.array(given, dtype=float, order="C", ndmin=dimensions) if fits or not given.size else None
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None or array.ndim != dimensions:
        row = first_other(value)
        raise UsageError(f"{what} is {words}{f': {row}' if row else f', not {shown(value)}'}")
    return array


def check_finite(what: str, array: np.ndarray) -> None:
    """A UsageError that names the first place, counted from 0, of a number that is missing or infinite.

    >>> check_finite("a series has", np.array([[1.0, 2.0], [3.0, np.nan]]))
    Traceback (most recent call last):
    ...
    cfdyn.errors.UsageError: a series has finite numbers: row 1, column 1 (counted from 0) is nan
    """
    bad = ~np.isfinite(array)
    if bad.any():
        place = [int(k) for k in np.unravel_index(int(bad.argmax()), bad.shape)]
        axes = ("entry",) if array.ndim < 2 else ("row", "column", *["entry"] * (array.ndim - 2))
        named = ", ".join(f"{axis} {k}" for axis, k in zip(axes, place, strict=False))
        raise UsageError(f"{what} finite numbers: {named or 'it'}{' (counted from 0)' if named else ''} is {array[tuple(place)]}")


def first_other(value: Any) -> str:
    """The first row that is no row of numbers as the others are, in words; "" of what is no list of rows."""
    if not isinstance(value, list | tuple) or not value or not isinstance(value[0], list | tuple):
        return ""
    for k, row in enumerate(value):
        if not isinstance(row, list | tuple) or len(row) != len(value[0]):
            size = f"{len(row)} entries, and row 0 has {len(value[0])}" if isinstance(row, list | tuple) else "no entries"
            return f"row {k} (counted from 0) has {size}"
        for j, one in enumerate(row):
            if one is None or isinstance(one, str | bytes):
                return f"row {k}, entry {j} (counted from 0) is {shown(one)}"
    return ""


def whole_number(what: str, value: Any, least: float = -(2**63), most: float = 2**63 - 1) -> int:
    """The value, if it is a whole number from ``least`` to ``most``; a float such as 3.0 is one.

    >>> whole_number("depth", 2.0, 0)
    2
    """
    whole = isinstance(value, float | np.floating) and math.isfinite(value) and value == int(value)
    try:
        integer = None if isinstance(value, bool) else operator.index(int(value) if whole else value)
    except TypeError:
        integer = None
    if integer is None or not least <= integer <= most:
        span = "" if least < -(2**62) else f" from {least} on" if most > 2**62 else f" from {least} to {most}"
        span = " below 2^63 in size" if integer is not None and most > 2**62 and abs(integer) > most else span
        raise UsageError(f"{what} is a whole number{span}, not {shown(value)}")
    return integer


def _truth(what: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise UsageError(f"{what} is True or False, not {shown(value)}")
    return bool(value)


def _text(what: str, value: Any) -> str:
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        raise UsageError(f"{what} is a text, not {shown(value)}")
    return text


def _callable(what: str, value: Any) -> Any:
    if not callable(value):
        raise UsageError(f"{what} is a function, not {shown(value)}")
    return value


def called_with(what: str, function: Any, *given: str) -> Any:
    """The function, or None, else a UsageError where it cannot be called with so many things, which ``given`` names.

    >>> called_with("progress", lambda done, left: None, "boxes done", "seconds left")(10, 2.5)
    """
    if function is None:
        return None
    try:
        inspect.signature(_callable(what, function)).bind(*given)
    except TypeError:
        told = f"{len(given)} thing{'s' * (len(given) != 1)}, {', '.join(given)}"
        raise UsageError(f"{what} is called with {told}: the given function takes others") from None
    except ValueError:
        pass  # of a builtin, which tells nothing
    return function


def _items(what: str, value: Any) -> list:
    try:
        if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
            return list(value)
    except TypeError:  # such as an array that is a single number
        pass
    raise UsageError(f"{what} is a list, not {shown(value)}")


PAIR = tuple[float, float]
_PLAIN: dict[Any, Callable[[str, Any], Any]] = {int: whole_number, float: number, bool: _truth, str: _text, Callable: _callable}


def converted(what: str, value: Any, hint: Any) -> Any:
    """The value as the annotation ``hint`` wants it, else a UsageError.

    >>> converted("bounds", [0, 1], tuple[float, float])
    (0.0, 1.0)
    >>> converted("box", (-2, 2), list[tuple[float, float]])
    [(-2.0, 2.0)]
    """
    if hint is Any or hint is object:
        return value
    kind, inner = get_origin(hint), get_args(hint)
    if plain := _PLAIN.get(hint, _PLAIN.get(kind)):
        return plain(what, value)
    if kind in (Union, types.UnionType):
        return _one_of(what, value, inner)
    if hint in (PAIR, list[PAIR], Sequence[PAIR]) and is_number(value):
        raise UsageError(f"{what} is a pair (lo, hi){'' if hint == PAIR else ' for each variable'}, not {shown(value)}")
    if kind is tuple and Ellipsis not in inner:
        items = _items(what, value)
        if len(items) != len(inner):
            raise UsageError(f"{what} is {len(inner)} values in a row, not {shown(value)}")
        return tuple(converted(what, item, one) for item, one in zip(items, inner, strict=True))
    if kind in (list, tuple, Sequence):
        entry = what if what.startswith("each entry") else f"each entry of {what}"
        given = _items(what, value)
        # Of one variable the box is one pair, too.
        given = [given] if inner[0] == PAIR and is_pair(given) else given
        items = [converted(entry, item, inner[0]) for item in given]
        return tuple(items) if kind is tuple else items
    if kind in (dict, Mapping):
        if not isinstance(value, Mapping) and hasattr(value, "keys") and hasattr(value, "__getitem__"):
            value = {key: value[key] for key in value}  # such as a table of pandas
        if not isinstance(value, Mapping):
            raise UsageError(f"{what} is a dict, not {shown(value)}")
        pairs = [(converted(f"each name in {what}", k, inner[0]), k, v) for k, v in value.items()]
        return {name: converted(f"{what}[{shown(k)}]", v, inner[1]) for name, k, v in pairs}
    if isinstance(hint, type) and not isinstance(value, hint):
        made = f"{'an' if hint.__name__[0] in 'AEIOU' else 'a'} {hint.__name__}"
        raise UsageError(f"{what} is {MADE_BY.get(hint.__name__, made)}, not {shown(value)}")
    return value


def is_number(value: Any) -> bool:
    """True for a real number, which a bool is not."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_pair(value: Any) -> bool:
    """True for two numbers in a row."""
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value))


def _one_of(what: str, value: Any, hints: Sequence[Any]) -> Any:
    if value is None and type(None) in hints or Any in hints:
        return value
    problem = None
    for hint in hints:
        try:
            if hint is not type(None):
                return converted(what, value, hint)
        except UsageError as error:
            problem = error
    raise problem or UsageError(f"{what} cannot be {shown(value)}")
