"""The common parts of records that differ in one parameter only, computed once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from cfdyn.records.record import Record, plain

MOST = 64  # results that are remembered
T = TypeVar("T")


class Shared:
    """Results, stored by the inputs on which they depend; failures are not stored.

    >>> shared, asked = Shared(), []
    >>> [shared.once(("square", 3), lambda: asked.append(3) or 9) for _ in range(2)], asked
    ([9, 9], [3])
    """

    def __init__(self) -> None:
        self._found: dict[str, Any] = {}

    def once(self, key: tuple, compute: Callable[[], T], step: Any = None, keep: Callable[[T], bool] = bool) -> T:
        """The result of ``compute`` for this key; ``step``: the map that its records name; ``keep``: whether to store it."""
        name = repr(key)
        if name in self._found:
            return _named(self._found[name], step)
        value = compute()
        if keep(value):
            self._found[name] = value
            for oldest in list(self._found)[: len(self._found) - MOST]:
                del self._found[oldest]
        return value


def exactly(numbers: Any) -> str:
    """An array as text, exact to the last bit."""
    return np.asarray(numbers, float).tobytes().hex()


def _named(value: Any, step: Any) -> Any:
    """A copy with the map in its provenance, and the map's parameters if the provenance contains parameters."""
    if step is None:
        return value
    if isinstance(value, list | tuple):
        return type(value)(_named(item, step) for item in value)
    if not isinstance(value, Record):
        return value
    settings = {**value.provenance["settings"], "map": step.title}
    if "params" in settings:
        settings["params"] = plain(step.params)
    return replace(value, provenance={**value.provenance, "settings": settings})
