"""Public functions with their arguments as the signatures say, or a sentence of what is wrong."""

import functools
import inspect
import itertools
import pkgutil
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar, Union, cast, get_args, get_origin

from cfdyn.arguments import MADE_BY, OF_NO_FORMULA, PAIR, converted, is_number, is_pair
from cfdyn.errors import UsageError, of_torch, shown, unknown
from cfdyn.telling import told

Checked = TypeVar("Checked", bound=Callable)
Given = tuple[tuple, dict[str, Any]]  # arguments and options
Former = Callable[[tuple, dict[str, Any], Callable[[str, Any], Any]], Given]
RANGES = frozenset(("bounds", "box", "interval", "limits", "lr_range"))  # arguments that are a pair (lo, hi), or some of them
_every_name = functools.cache(lambda function: list(inspect.signature(function).parameters))


def checked(function: Checked, package: str = "", make: str | None = None) -> Checked:
    """The function with its arguments converted by `converted`; what it gives goes through ``make``, ``module:Name``.

    ``progress=True`` of a function that reports its progress shows that on stderr; False is the same as None.

    ``package``: where a pickle looks for its name.
    """

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        if isinstance(shows := options.get("progress"), bool):
            with told(function.__name__) if shows else nullcontext() as tell:
                return call(*args, **{**options, "progress": tell})
        names, hints = _signature(function)
        if former := getattr(function, "formerly", None):
            args, options = former(args, options, lambda name, value: _argument(function, name, value, hints[name]))
        given = dict(zip(names, args, strict=False)) | options
        for name in given if hints else ():
            if name not in hints:
                raise _no_option(function.__name__, name, hints)
        _joined(function, args, hints)
        if len(args) <= len(names) and given.keys() <= hints.keys() and len(given) == len(args) + len(options):
            anything, kept = _kept_as_they_are(function)
            options = {
                name: value
                if name in anything or type(value) in kept[name] and value == value
                else _argument(function, name, value, hints[name])
                for name, value in given.items()
            }
            args = ()
        outcome = function(*args, **options)  # which says what is missing or too much
        return outcome if make is None else pkgutil.resolve_name(make)(outcome)

    if package:
        call.__module__, call.__qualname__ = package, function.__name__
    return cast(Checked, call)


def formerly(read: Former) -> Callable[[Checked], Checked]:
    """Of a function whose signature has changed: ``read`` gives the arguments of an earlier one as they are now.

    It is called with the arguments, the options, and a function (name, value) that converts one of them.
    """

    def mark(function: Checked) -> Checked:
        setattr(function, "formerly", read)  # noqa: B010 (a function has no such attribute for a type checker)
        return function

    return mark


def _argument(function: Callable, name: str, value: Any, hint: Any) -> Any:
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    wanted = next((kind for kind in kinds if getattr(kind, "__name__", "") in MADE_BY), None)
    plain = wanted is not None and str not in kinds and all(isinstance(kind, type) for kind in kinds)
    if wanted is not None and plain and not isinstance(value, kinds):
        made = getattr(wanted, "of", lambda given: None)(value)
        if made is not None:
            return made
        more = f"; {OF_NO_FORMULA}" if wanted.__name__ == "Loss" and hasattr(value, "hvp") else of_torch(value)
        raise UsageError(f"{function.__name__} takes {MADE_BY[wanted.__name__]}, not {type(value).__name__}{more}")
    return converted(f"`{name}`", value, hint)


@functools.cache
def _kept_as_they_are(function: Callable) -> tuple[frozenset[str], dict[str, frozenset[type]]]:
    """Arguments that may be anything, and for each types of which `converted` gives back what it is given, but NaN: small calls
    are many."""
    kept = {}
    for name, hint in _signature(function)[1].items():
        kinds = set(get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,))
        plain = kinds & {float, str, bool}
        # What else there may be takes none of them; a whole number would take 3.0 for 3.
        rows = all(get_origin(kind) in (list, tuple, Sequence, dict, Mapping) for kind in kinds - plain - {type(None)})
        kept[name] = frozenset((plain if rows else set()) | kinds & {type(None)})
    return frozenset(name for name, hint in _signature(function)[1].items() if hint is Any), kept


@functools.cache
def _ranges(function: Callable) -> list[tuple[int, str, str]]:
    """Places and names of the arguments that are a pair or a list of pairs, with what comes after each."""
    names, hints = _every_name(function), _signature(function)[1]
    own = {name: (hints.get(name), *get_args(hints.get(name))) for name in names}
    return [(k, name, after) for k, (name, after) in enumerate(itertools.pairwise([*names, ""]))
            if name in RANGES or PAIR in own[name] or Sequence[PAIR] in own[name]]  # fmt: skip


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


def _joined(function: Callable, args: Sequence[Any], hints: Mapping[str, Any]) -> None:
    """A UsageError for two numbers in a row where one argument is a pair, and for two pairs where it is a list of pairs."""
    for place, name, after in _ranges(function):
        if place + 1 >= len(args):
            break
        low, high = args[place : place + 2]
        kinds = (hints.get(name), *get_args(hints.get(name)))
        if is_number(low) and is_number(high):
            # A time may be one number, which is not 0; a tolerance after it is not beyond 1.
            joined = name in RANGES or PAIR in kinds and float in kinds and (low == 0 or abs(high) > 1)
        else:
            # Before what may be anything, such as the shape of a grid, only numbers that are none.
            listed = Sequence[PAIR] in kinds and is_pair(low) and is_pair(high)
            joined = listed and (hints.get(after) is not Any or min(high) < 1)
        if joined:
            raise UsageError(f"`{name}` is one argument: write {name}=({shown(low)}, {shown(high)})")


def _no_option(function: str, name: str, known: Collection[str]) -> UsageError:
    if "optimizer" in known and name in ("lr", "learning_rate", "momentum"):
        return UsageError(f"{name} is a part of the optimizer, as in cf.optimizers.gd(lr=0.1), and no option of {function}")
    return unknown(f"option of {function}:", name, known)
