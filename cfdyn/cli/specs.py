"""Text of the command line into losses, optimizers and numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from cfdyn.errors import UsageError, unknown
from cfdyn.registry import Catalogue
from cfdyn.symbolic.parse import parse_value


def build(catalogue: Catalogue, text: str, kind: str) -> Any:
    """``"name:a=1,b=2"`` → the entry called with those options.

    Raises
    ------
    UsageError : unknown name or option, or a value that is not a number, true or false
    """
    name, _, settings = text.partition(":")
    entry = catalogue.get(name.strip())
    return entry(**options(entry, settings, f"{kind} {name.strip()}"))


def options(entry: Callable, settings: str, what: str) -> dict[str, Any]:
    """``"a=1,flag=true"`` checked against the entry's signature."""
    known = inspect.signature(entry).parameters
    found: dict[str, Any] = {}
    for item in filter(None, (part.strip() for part in settings.split(","))):
        key, equals, value = (s.strip() for s in item.partition("="))
        if not equals:
            raise UsageError(f"{what}: write options as name=value, not {item!r}")
        if key not in known:
            raise unknown(f"option of the {what}:", key, known)
        found[key] = _value(value, f"{what}: {key}")
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in found:
            raise UsageError(f"{what} needs {key}, such as {what.split()[-1]}:{key}=0.1")
    return found


def _value(text: str, what: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return parse_value(text)
    except UsageError as error:
        raise UsageError(f"{what}={text!r} is not a number: {error}") from None


