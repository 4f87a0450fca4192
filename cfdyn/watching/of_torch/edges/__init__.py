"""The edges of torch's optimizers: the file NAME.py belongs to the class of that name in lower case.

Each has ``edge(group, state)``: θP of every coordinate of a parameter (a tensor of its shape, or a number) for the step about to
be taken, the weight decay that adds to the curvature, and the momentum factor β. A step is unstable along an eigenvector of
curvature λ if λ + decay > θP.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any, NamedTuple

from cfdyn.errors import UsageError


class Edge(NamedTuple):
    """θP, the decay that adds to the curvature, and β."""

    scale: Any
    decay: float
    beta: float


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
