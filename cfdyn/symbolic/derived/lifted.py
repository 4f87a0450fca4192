"""A map and its mirror image about a centre, as one map of twice the dimension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cfdyn.symbolic.derived.derived import DerivedMap
from cfdyn.symbolic.loss import LossSpec, shortened

# For each kind of lift what the names of the entries behind the centre begin with.
LIFTS: Mapping[str, str] = {"rod": "delta", "edge": "swing"}


@dataclass(frozen=True)
class LiftedMap(DerivedMap):
    """A map z → f(z) seen from the middle of its swing; ``kind`` "rod" or "edge", as in `cfdyn.systems.lifts`."""

    base: Any
    kind: str

    # A start needs what swings: the weights alone are none.
    rest = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the state: those of the base for the centre, then what swings about it."""
        return (*self.base.names, *(f"{LIFTS[self.kind]}_{name}" for name in self.base.names))

    @property
    def params(self) -> Mapping[str, float]:
        """Parameters of the base."""
        return self.base.params

    @property
    def observed(self) -> LossSpec | None:
        """The loss that the centre is measured by."""
        return self.base.observed

    def at(self, params: Mapping[str, float]) -> LiftedMap:
        """The lift of the base with other parameter values."""
        return LiftedMap(self.base.at(params), self.kind)

    @property
    def key(self) -> str:
        """Identifies the compiled code."""
        return f"{self.kind} lift of {self.base.key}"

    @property
    def title(self) -> str:
        """For messages and tables."""
        return shortened(f"{self.kind} lift of {self.base.title}")
