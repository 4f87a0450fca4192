"""A map and its mirror image about a centre, as one map of twice the dimension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cfdyn.symbolic.derived.derived import DerivedMap
from cfdyn.symbolic.loss import shortened

# For each kind of lift what the names of the entries behind the centre begin with.
LIFTS: Mapping[str, str] = {"rod": "delta", "edge": "swing"}


@dataclass(frozen=True)
class LiftedMap(DerivedMap):
    """A map z → f(z) seen from the middle of its swing; ``kind`` "rod" or "edge", as in `cfdyn.systems.lifts`.

    A start needs what swings: the weights alone are none. The loss is measured at the centre.
    """

    kind: str

    rest = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the state: those of the base for the centre, then what swings about it."""
        return (*self.base.names, *(f"{LIFTS[self.kind]}_{name}" for name in self.base.names))

    @property
    def key(self) -> str:
        """Identifies the compiled code."""
        return f"{self.kind} lift of {self.base.key}"

    @property
    def title(self) -> str:
        """For messages and tables."""
        return shortened(f"{self.kind} lift of {self.base.title}")
