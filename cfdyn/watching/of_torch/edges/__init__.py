"""The edges of torch's optimizers: the file NAME.py belongs to the class of that name in lower case.

Each has ``edge(group, state)``, the `Edge` of a parameter.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from cfdyn.errors import UsageError


def names() -> list[str]:
    """The classes whose edge is known, in lower case."""
    return sorted(one.name for one in pkgutil.iter_modules(__path__))


def rule_of(optimizer: Any) -> Any:
    """The function ``edge`` of an optimizer's class or a base of it."""
    known = names()
    found = next((kind.__name__.lower() for kind in type(optimizer).__mro__ if kind.__name__.lower() in known), None)
    if found is None:
        raise UsageError(f"the edge of {type(optimizer).__name__} is unknown: a watch knows torch's {', '.join(known)}")
    return import_module(f"{__name__}.{found}").edge
