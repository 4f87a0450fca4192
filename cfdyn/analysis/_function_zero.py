"""`FunctionZero`: where a function of a user vanishes on a branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from cfdyn.continuation.records import WithMap
from cfdyn.records.record import Record
from cfdyn.systems.map import Map

# Formulas by name, or with themselves as names; what is wrong with them is said by `Functions`.
Texts = str | Sequence[str] | Mapping[str, str] | Any


@dataclass(frozen=True, eq=False)
class FunctionZero(WithMap, Record):
    """Where a function that was asked for vanishes on a branch.

    ``function``: its name, ``text``: what vanishes; ``parameter``, ``points`` (n, D), ``multipliers`` (D,), ``place``, ``name``
    and ``bounds`` as of a `Bifurcation`. A `bifurcation_curve` of the condition starts from one.
    """

    function: str
    text: str
    parameter: float
    points: Annotated[np.ndarray, "n D"]
    multipliers: Annotated[np.ndarray, "D", complex]
    place: int
    name: str
    bounds: tuple[float, float]
    _step: Map | None = field(default=None, repr=False)

    @property
    def step(self) -> Map:
        """The map, with the parameter at its value here; errors as for `Branch.step`."""
        return super().step.at(**{self.name: self.parameter})
