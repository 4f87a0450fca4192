"""A map with some of its parameters moved into the state, where they stay what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cfdyn.errors import UsageError, unknown
from cfdyn.symbolic.derived.derived import DerivedMap
from cfdyn.symbolic.loss import merged, shortened


@dataclass(frozen=True)
class ExtendedMap(DerivedMap):
    """(z, α) → (f(z; α), α) for the parameters α named in ``moved``: its derivatives are those of f in z and α together."""

    moved: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.moved:
            if name not in self.base.params:
                raise unknown("parameter of the map", name, self.base.params)
        if len(set(self.moved)) < len(self.moved):
            raise UsageError(f"the parameters must be distinct, not {', '.join(self.moved)}")

    # The loss may depend on what has become a state; a reader of the whole orbit wants the base.
    observed = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the state: the base's, then the parameters moved into it."""
        return (*self.base.names, *self.moved)

    @property
    def rest(self) -> tuple[float, ...] | None:
        """Initial values behind the weights, the parameters at their present values; None if the base has none."""
        return None if self.base.rest is None else (*self.base.rest, *(self.base.params[name] for name in self.moved))

    @cached_property
    def params(self) -> dict[str, float]:
        """The parameters that stay parameters."""
        return {name: value for name, value in self.base.params.items() if name not in self.moved}

    def at(self, params: Mapping[str, float]) -> ExtendedMap:
        """The same map with other values of the parameters that are left."""
        merged(self.params, params, "parameter of the map")
        return super().at(params)

    @property
    def key(self) -> str:
        """Identifies the compiled code."""
        return f"{self.moved} as states of {self.base.key}"

    @property
    def title(self) -> str:
        """For messages and tables."""
        return shortened(f"{self.base.title} with {', '.join(self.moved)} as states")
