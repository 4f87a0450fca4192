"""What a map made of another one takes over from it."""

from __future__ import annotations

from typing import Any

from cfdyn.tape.program import Node


class DerivedMap:
    """A map whose weights, data and branches are those of its ``base``."""

    base: Any

    @property
    def n_weights(self) -> int:
        """How many of the state's entries are weights."""
        return self.base.n_weights

    @property
    def data(self) -> Any:
        """The data table of the base, or None."""
        return self.base.data

    @property
    def switching(self) -> tuple[Node, ...]:
        """The functions at whose zeros the base changes its branch."""
        return self.base.switching
