"""What a public function is given is what its signature says, or the caller is told so in a sentence."""

import functools
import inspect
import math
import numbers
import operator
import os
import pkgutil
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import numpy as np

from cfdyn.errors import UsageError, shown, unknown

OF_NO_FORMULA = (
    "a loss that is no formula, such as a network, has the flows central, edge, gradient, rod, stable, stationary, and cf.as_map"
)
Checked = TypeVar("Checked", bound=Callable)
_MADE_BY = {
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
        found = math.nan if isinstance(value, bool) or not isinstance(value, numbers.Real | np.floating) else float(value)
    except (OverflowError, ValueError, TypeError):
        found = math.nan
    if isinstance(value, float | np.floating) and (math.isnan(found) or finite and math.isinf(found)):
        if " " in what:
            raise UsageError(f"{what} is a finite number, not {value}")
        named = f"`{what.strip('`')}={value}`" if what.startswith("`") else f"{what}={value}"
        raise UsageError(f"{named} is not a finite number")
    if math.isnan(found):
        raise UsageError(f"{what} is a number, not {shown(value)}")
    return found


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
    found = vector(what, value)
    if found.shape != (len(names),):
        number = f"{len(names)} {'entry' if len(names) == 1 else 'entries'}"
        raise UsageError(f"{what} has {number} ({', '.join(names)}), not {found.size}")
    return found


def table(what: str, value: Any, dimensions: int, words: str = "a table of numbers") -> np.ndarray:
    """Real numbers as a new array of floats with so many dimensions.

    >>> table("a curve", [[1], [2]], 2).shape
    (2, 1)
    """
    try:
        given = np.asarray(value)
        fits = given.dtype.kind in "iuf" or given.dtype == object and all(isinstance(x, numbers.Real) for x in given.flat)
        found = np.array(given, dtype=float, order="C", ndmin=dimensions) if fits or not given.size else None
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or found.ndim != dimensions:
        raise UsageError(f"{what} is {words}, not {shown(value)}")
    return found


def whole_number(what: str, value: Any, least: float = -(2**63), most: float = 2**63 - 1) -> int:
    """The value, if it is a whole number from ``least`` to ``most``; a float such as 3.0 is one.

    >>> whole_number("depth", 2.0, 0)
    2
    """
    whole = isinstance(value, float | np.floating) and math.isfinite(value) and value == int(value)
    try:
        found = None if isinstance(value, bool) else operator.index(int(value) if whole else value)
    except TypeError:
        found = None
    if found is None or not least <= found <= most:
        span = "" if least < -(2**62) else f" from {least} on" if most > 2**62 else f" from {least} to {most}"
        span = " below 2^63 in size" if found is not None and most > 2**62 and abs(found) > most else span
        raise UsageError(f"{what} is a whole number{span}, not {shown(value)}")
    return found


def _truth(what: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise UsageError(f"{what} is True or False, not {shown(value)}")
    return bool(value)


def _text(what: str, value: Any) -> str:
    found = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(found, str):
        raise UsageError(f"{what} is a text, not {shown(value)}")
    return found


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
        raise UsageError(f"{what} is called with {told}: the function given takes others") from None
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
RANGES = frozenset(("bounds", "box", "interval", "limits", "lr_range"))  # arguments that are a pair (lo, hi), or some of them
_every_name = functools.cache(lambda function: list(inspect.signature(function).parameters))
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
    if hint in (PAIR, list[PAIR], Sequence[PAIR]) and _is_number(value):
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
        given = [given] if inner[0] == PAIR and _is_pair(given) else given
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
        raise UsageError(f"{what} is {_MADE_BY.get(hint.__name__, made)}, not {shown(value)}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))


def _joined(function: Callable, args: Sequence[Any], hints: Mapping[str, Any]) -> None:
    """A UsageError for two numbers in a row where one argument is a pair, and for two pairs where it is a list of pairs."""
    names = _every_name(function)
    for name, low, high, after in zip(names, args, args[1:], [*names[1:], ""], strict=False):
        kinds = (hints.get(name), *get_args(hints.get(name)))
        if _is_number(low) and _is_number(high):
            # A time may be one number, which is not 0; a tolerance after it is not beyond 1.
            joined = name in RANGES or PAIR in kinds and float in kinds and (low == 0 or abs(high) > 1)
        else:
            # Before what may be anything, such as the shape of a grid, only numbers that are none.
            listed = Sequence[PAIR] in kinds and _is_pair(low) and _is_pair(high)
            joined = listed and (hints.get(after) is not Any or min(high) < 1)
        if joined:
            raise UsageError(f"`{name}` is one argument: write {name}=({shown(low)}, {shown(high)})")


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


def _no_option(function: str, name: str, known: Collection[str]) -> UsageError:
    if "optimizer" in known and name in ("lr", "learning_rate", "momentum"):
        return UsageError(f"{name} is a part of the optimizer, as in cf.optimizers.gd(lr=0.1), and no option of {function}")
    return unknown(f"option of {function}:", name, known)


def checked(function: Checked, package: str = "", make: str | None = None) -> Checked:
    """The function with its arguments converted by `converted`; what it gives goes through ``make``, ``module:Name``.

    ``package``: where it is found by its name, for a pickle.
    """

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        names, hints = _signature(function)
        given = dict(zip(names, args, strict=False)) | options
        for name in given if hints else ():
            if name not in hints:
                raise _no_option(function.__name__, name, hints)
        _joined(function, args, hints)
        if len(args) <= len(names) and given.keys() <= hints.keys() and len(given) == len(args) + len(options):
            options = {name: _argument(function, name, value, hints[name]) for name, value in given.items()}
            args = ()
        found = function(*args, **options)  # which says what is missing or too much
        return found if make is None else pkgutil.resolve_name(make)(found)

    if package:
        call.__module__, call.__qualname__ = package, function.__name__
    return cast(Checked, call)


def _argument(function: Callable, name: str, value: Any, hint: Any) -> Any:
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    wanted = next((kind for kind in kinds if getattr(kind, "__name__", "") in _MADE_BY), None)
    plain = wanted is not None and str not in kinds and all(isinstance(kind, type) for kind in kinds)
    if wanted is not None and plain and not isinstance(value, kinds):
        made = getattr(wanted, "of", lambda given: None)(value)
        if made is not None:
            return made
        more = f"; {OF_NO_FORMULA}" if wanted.__name__ == "Loss" and hasattr(value, "hvp") else ""
        raise UsageError(f"{function.__name__} takes {_MADE_BY[wanted.__name__]}, not {type(value).__name__}{more}")
    return converted(f"`{name}`", value, hint)


@functools.cache
def _signature(function: Callable) -> tuple[list[str], dict[str, Any]]:
    """Names of what can be given by position, and what each name is to be; what cannot be told may be anything."""
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_KEYWORD or p.kind is p.VAR_POSITIONAL or p.kind is p.POSITIONAL_ONLY for p in parameters):
        return [], {}
    hints = {p.name: _evaluated(p.annotation, function) for p in parameters}
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD], hints


def _evaluated(annotation: Any, function: Callable) -> Any:
    if not isinstance(annotation, str):
        return Any if annotation is inspect.Parameter.empty else annotation
    try:
        return eval(annotation, function.__globals__)
    except Exception:  # a name that only a type checker sees
        return Any
