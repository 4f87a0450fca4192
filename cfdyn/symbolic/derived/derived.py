"""What a map made of another one takes over from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from cfdyn.symbolic.loss import LossSpec
from cfdyn.tape.program import Node


@dataclass(frozen=True)
class DerivedMap:
    """A map that is its ``base`` in all that it does not say itself."""

    base: Any

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the state."""
        return self.base.names

    @property
    def n_weights(self) -> int:
        """The number of weights, which come first in the state."""
        return self.base.n_weights

    @property
    def rest(self) -> tuple[float, ...] | None:
        """Initial values of the state behind the weights; None where a start needs them."""
        return self.base.rest

    @property
    def params(self) -> Mapping[str, float]:
        """Parameters with their values."""
        return self.base.params

    @property
    def observed(self) -> LossSpec | None:
        """The loss that an orbit is measured by."""
        return self.base.observed

    @property
    def data(self) -> Any:
        """The data table that the loss reads at run time, or None."""
        return self.base.data

    @property
    def switching(self) -> tuple[Node, ...]:
        """The functions at whose zeros the map changes its branch."""
        return self.base.switching

    def at(self, params: Mapping[str, float]) -> Self:
        """The same map with other parameter values."""
        return replace(self, base=self.base.at(params))
