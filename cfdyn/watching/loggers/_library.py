"""What a logger needs is imported when the logger is made."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cfdyn.errors import UsageError


def library(name: str) -> Any:
    """The module; a UsageError that says how to get it."""
    try:
        return import_module(name)
    except ImportError:
        raise UsageError(f"{name.partition('.')[0]} is not installed: pip install 'cfdyn[trainers]'") from None


def method(of: Any, name: str, what: str) -> Any:
    """A method of what was given; a UsageError that says what is wanted if it has none."""
    if not callable(found := getattr(of, name, None)) or isinstance(of, type):
        raise UsageError(f"{what} is wanted, not {type(of).__name__ if not isinstance(of, type) else f'the class {of.__name__}'}")
    return found
