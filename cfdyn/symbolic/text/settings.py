"""Settings written as text: ``name:option=value,…``, numbers, and their conversion by a signature."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cfdyn.errors import UsageError, shown, unknown
from cfdyn.registry import catalogue

if TYPE_CHECKING:
    from cfdyn.symbolic.optimizer import Optimizer

# Not so long that it could overflow or lose all its digits without a word.
DECIMAL = re.compile(r"[+-]?\d{1,15}(\.\d{1,30})?(e[+-]?\d{1,2})?", re.ASCII)
CALLED = re.compile(r"(\w+)\((.*)\)", re.DOTALL)


def value(text: str, wanted: Any, what: str) -> Any:
    """The text as a bool, int or float (``wanted``), otherwise a UsageError; a number may be 1/3 or 2*pi, which SymPy reads."""
    wanted = str(getattr(wanted, "__name__", wanted)).removesuffix(" | None")
    if wanted == "bool":
        if text.lower() not in ("true", "false"):
            raise UsageError(f"{what} is true or false, not {text!r}")
        return text.lower() == "true"
    try:
        number = float(text) if DECIMAL.fullmatch(text) else _computed(text)
    except UsageError as error:
        why = str(error).rpartition("): ")[2] if re.search(r"\d", text) else "give one such as 1.46, 1/3 or 2*pi"
        raise UsageError(f"{what}={text!r} is not a number: {why}") from None
    if wanted == "int" and number != int(number):
        raise UsageError(f"{what} is a whole number, not {text!r}")
    return int(number) if wanted == "int" else number


def _computed(text: str) -> float:
    from cfdyn.symbolic.text.parse import parse_value

    return parse_value(text)


def parts(text: str) -> tuple[str, str]:
    """``"gd:lr=0.1"`` → ("gd", "lr=0.1"); a UsageError for a call in Python's syntax."""
    if called := CALLED.fullmatch(text.strip()):
        raise UsageError(f"options follow a colon: {':'.join(filter(None, called.groups()))}, not {shown(text.strip())}")
    name, _, settings = text.partition(":")
    first, comma, rest = name.partition(",")
    if comma and "=" in rest:
        raise UsageError(f"options follow a colon: {first.strip()}:{rest.strip()}, not {shown(text.strip())}")
    return name.strip(), settings


def options(entry: Callable, settings: str, what: str) -> dict[str, Any]:
    """``"a=1,flag=true"`` checked against the entry's signature; a UsageError for an option that does not fit it.

    The first item may have no name if the first option is a text, such as a file. Texts are not interpreted, so they may contain
    anything but a comma. The numbers of a list, ``noise=1,0``, follow one another.
    """
    known = inspect.signature(entry).parameters
    given: dict[str, Any] = {}
    for place, item in enumerate(filter(None, (part.strip() for part in settings.split(",")))):
        key, equals, text = (s.strip() for s in item.partition("="))
        if not equals and place == 0 and known and _is_text(next(iter(known.values()))):
            key, text = next(iter(known)), item
        elif not equals and given and _is_list(known[last := next(reversed(given))]):
            given[last].append(value(item, "float", f"{what}: {last}"))
            continue
        elif not equals:
            commas = " (a file name cannot hold a comma)" if any(map(_is_text, known.values())) else ""
            such = f", such as {next(iter(known))}={item}" if place == 0 and known and DECIMAL.fullmatch(item) else ""
            raise UsageError(f"{what}: write options as name=value{such}, not {item!r}{commas}")
        if key not in known:
            raise unknown(f"option of the {what}:", key, known)
        if key in given:
            raise UsageError(f"{what}: {key} is given twice")
        given[key] = _read(text, known[key], f"{what}: {key}")
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in given:
            example = "data.csv" if _is_text(parameter) else f"{key}=0.1"
            raise UsageError(f"{what} needs {key}, such as {what.split()[-1]}:{example}")
    return given


def _read(text: str, parameter: inspect.Parameter, what: str) -> Any:
    """An option with the type of its annotation; a list begins with its first number."""
    if _is_list(parameter):
        return [value(text, "float", what)]
    return text if _is_text(parameter) else value(text, parameter.annotation, what)


def _is_list(parameter: inspect.Parameter) -> bool:
    """Annotated as anything: numbers with commas between them."""
    return parameter.annotation in (Any, "Any")


def _is_text(parameter: inspect.Parameter) -> bool:
    """Annotated as str, or as str or something else."""
    wanted = getattr(parameter.annotation, "__name__", parameter.annotation)
    return "str" in (part.strip() for part in str(wanted).split("|"))


def numbers(text: str, what: str) -> list[float]:
    """``"1.5,-0.3"`` → [1.5, -0.3]."""
    parts = [part.strip() for part in text.split(",")]
    return [value(part, "float", f"{what}: entry {i}") for i, part in enumerate(parts, 1)]


def assignments(settings: Sequence[str], option: str, example: str = "a=2") -> dict[str, float]:
    """``["a=2", "b=1/3"]`` → {"a": 2.0, "b": 0.333…}."""
    values: dict[str, float] = {}
    for item in settings:
        name, equals, text = (part.strip() for part in item.partition("="))
        if not equals or not name:
            raise UsageError(f"{option} takes NAME=VALUE, such as {option} {example}, not {item!r}")
        values[name] = value(text, "float", f"{option} {name}")
    return values


def make_optimizer(text: str) -> tuple[Optimizer, bool]:
    """``"gd:lr=0.1"`` → the optimizer of the catalogue, and whether its learning rate is still to be chosen."""
    name, settings = parts(text)
    entry = catalogue("optimizers").get(name)
    open_lr = not any(part.partition("=")[0].strip() == "lr" for part in settings.split(","))
    if open_lr:
        settings = ",".join(filter(None, [settings, "lr=1"]))
    return entry(**options(entry, settings, f"optimizer {name}")), open_lr
