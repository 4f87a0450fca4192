"""What a page is about: a map, with the loss and the optimizer that it is made of, or of the reader's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cfdyn.errors import UsageError
from cfdyn.explorer.scene import refuse
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.steps import as_map


class Subject(NamedTuple):
    """A ``step`` from a ``start``, weights or a state (None: the usual one).

    ``of``: its loss and optimizer, None for a map of the reader's own.
    """

    step: Map
    of: tuple[Loss, Optimizer] | None
    start: Any

    @property
    def loss(self) -> Loss | None:
        """The loss, if there is one."""
        return self.of[0] if self.of else None


def subject_of(loss: Loss | Map, optimizer: Optimizer | None, start: Sequence[float] | None) -> Subject:
    """By the arguments of `live`; a UsageError where they make no page."""
    if isinstance(loss, Map):
        if optimizer is not None:
            raise UsageError("a map has no optimizer: give None in its place")
        return Subject(loss, None, start)
    loss = refuse(loss)
    if optimizer is None:
        raise UsageError("a page of a loss needs an optimizer, such as cf.optimizers.gd(lr=0.1)")
    return Subject(as_map(loss, optimizer), (loss, optimizer), start)
