"""The arguments of `search`: a `Statement`, and the `Family` of maps on which cycles would refute it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.errors import UsageError
from cfdyn.records.brief import brief
from cfdyn.words import how_many

if TYPE_CHECKING:  # these import numba, which the statement of a claim does not need
    from cfdyn.symbolic.optimizer import Optimizer
    from cfdyn.systems.map import Map

MOST_CHOICES = 10_000  # of whole numbers

Quantity = Callable[["Map", np.ndarray], Any]


@dataclass(frozen=True)
class Statement:
    """A statement that cycles of these least ``periods`` do not exist; such a cycle refutes it.

    ``words``: for the reader. ``stable``: True if only stable cycles refute it, False if only unstable ones, None if any.
    ``quantity``: a function (map, points (n, D)) → number, or a row whose largest entry counts, to be minimised; ``below``: a
    cycle refutes the statement only if its quantity is below this bound. ``where``: functions (map, points) → number or row, all
    of which must be positive, such as 2 − lr·λ for a stable minimum.

    Examples
    --------
    >>> from cfdyn.claims import Statement
    >>> Statement("no stable 3-cycle", (3,), stable=True).periods
    (3,)
    """

    words: str
    periods: Sequence[int] = (3,)
    stable: bool | None = None
    quantity: Quantity | None = None
    below: float | None = None
    where: Sequence[Quantity] = ()
    __repr__ = brief
    _headline = ("words",)

    def __post_init__(self) -> None:
        if not self.periods:
            raise UsageError("a statement names at least one period")
        for period in self.periods:
            whole_number("a period", period, 1, 1000)
        if self.below is not None and self.quantity is None:
            raise UsageError("`below` needs a `quantity` that is to be below it")


@dataclass(frozen=True)
class Family:
    """Maps with parameters in boxes.

    ``loss``: a formula, a Loss, a Map, or a function {name: value} → Loss or Map; ``optimizer``: for a loss, with parameters such
    as ``lr`` that may be searched too; ``box``: {name: (lo, hi)} of the parameters; ``starts``: (lo, hi) for each entry of the
    state; ``whole``: the parameters that are whole numbers, such as counts of data points: each choice of them is tried, in order
    of increasing sum. A box of positive numbers whose ends have a ratio above 100 is searched on a logarithmic scale.

    Examples
    --------
    >>> import cfdyn as cf
    >>> from cfdyn.claims import Family
    >>> wells = Family("a*(w**2 - 1)**2/4", cf.optimizers.gd(lr=1.0), {"a": (0.5, 2), "lr": (0.5, 2)}, [(-2, 2)])
    >>> sorted(wells.box)
    ['a', 'lr']
    """

    loss: Any
    optimizer: Optimizer | None
    box: Mapping[str, tuple[float, float]]
    starts: Sequence[tuple[float, float]]
    whole: Sequence[str] = ()
    _member: Callable[[dict[str, float]], Map] = field(init=False, repr=False, compare=False)
    __repr__ = brief

    def __post_init__(self) -> None:
        for name, ends in [*self.box.items(), *((f"start {i + 1}", ends) for i, ends in enumerate(self.starts))]:
            lo, hi = (number(f"an end of the box of {name}", end, finite=True) for end in ends)
            if not lo < hi and not (lo == hi and name in self.whole):
                raise UsageError(f"the box needs lo < hi; for {name} it is given as {lo:g} to {hi:g}")
        if missing := [name for name in self.whole if name not in self.box]:
            raise UsageError(f"the whole number {missing[0]} has no box")
        object.__setattr__(self, "_member", self._maker())
        step = self.member({name: ends[0] for name, ends in self.box.items()})
        if len(self.starts) != step.dim:
            raise UsageError(f"starts has {how_many(len(self.starts), 'interval')}; "
                             f"these maps have {how_many(step.dim, 'variable')} ({', '.join(step.names)})")  # fmt: skip

    def member(self, params: Mapping[str, float]) -> Map:
        """The map with these parameters."""
        return self._member(dict(params))

    def _maker(self) -> Callable[[dict[str, float]], Map]:
        from cfdyn.systems.loss import Loss
        from cfdyn.systems.map import Map

        if callable(self.loss) and not isinstance(self.loss, Map | Loss):
            return lambda params: self._map_of(self.loss(params))
        loss = self.loss
        if not isinstance(loss, Map | Loss):
            own = {} if self.optimizer is None else self.optimizer.params
            loss = Loss(loss, params={name: ends[0] for name, ends in self.box.items() if name not in own})
        step = self._map_of(loss)
        return lambda params: step.at(**params)

    def _map_of(self, loss: Any) -> Map:
        from cfdyn.systems.loss import Loss
        from cfdyn.systems.map import Map
        from cfdyn.systems.steps import as_map

        if isinstance(loss, Loss) and self.optimizer is not None:
            return as_map(loss, self.optimizer)
        if not isinstance(loss, Map):
            raise UsageError(f"a family is of maps, or of losses with an optimizer, not of {type(loss).__name__}")
        return loss

    def choices(self) -> Iterator[dict[str, float]]:
        """Every choice of the whole numbers, in order of increasing sum."""
        ranges = [range(int(np.ceil(self.box[name][0])), int(np.floor(self.box[name][1])) + 1) for name in self.whole]
        if np.prod([len(one) for one in ranges]) > MOST_CHOICES:
            raise UsageError(f"there are more than {MOST_CHOICES} choices of {', '.join(self.whole)}: take smaller boxes")
        for values in sorted(product(*ranges), key=lambda values: (sum(values), values)):
            yield dict(zip(self.whole, map(float, values), strict=True))
