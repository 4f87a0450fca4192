"""`search`: is there a cycle that refutes a statement? Over the parameters of a family, and never with the answer "none"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.errors import UsageError
from cfdyn.numerics.stability import stability
from cfdyn.records.brief import brief
from cfdyn.records.record import Record, provenance
from cfdyn.words import how_many

if TYPE_CHECKING:  # numba comes with them, and whoever states a claim needs none of it
    from cfdyn.claims.pursuit import Attempt, Pursuit
    from cfdyn.symbolic.optimizer import Optimizer
    from cfdyn.systems.map import Map

STARTS = 60  # for each choice of whole numbers and each period
BESIDE = 3  # of so many starts one is near the best cycle so far
MOST_CHOICES = 10_000  # of whole numbers

Quantity = Callable[["Map", np.ndarray], Any]


@dataclass(frozen=True)
class Statement:
    """What is said not to exist, and so what refutes it: a cycle of one of the ``periods``, the least period counted.

    ``words``: for the reader. ``stable``: True if only stable cycles refute it, False if only unstable ones, None if any.
    ``quantity``: a function (map, points (n, D)) → number, or a row whose largest entry counts, that is to be as small as
    possible; ``below``: a cycle refutes only if it is less than that. ``where``: functions (map, points) → number or row, all
    of which must be positive, such as 2 − lr·λ for a minimum that is stable.

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

    ``loss``: a formula, a Loss, a Map, or a function {name: value} → Loss or Map; ``optimizer``: of a loss, with parameters
    such as ``lr`` that may be searched too; ``box``: {name: (lo, hi)} of the parameters; ``starts``: (lo, hi) for each entry of
    the state; ``whole``: the parameters that are whole numbers, such as counts of data points: each choice of them is tried,
    those with the least sum first. A box of positive numbers with ends in a ratio above 100 is searched by logarithms.

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
        """Every choice of the whole numbers, those with the least sum first."""
        ranges = [range(int(np.ceil(self.box[name][0])), int(np.floor(self.box[name][1])) + 1) for name in self.whole]
        if np.prod([len(one) for one in ranges]) > MOST_CHOICES:
            raise UsageError(f"there are more than {MOST_CHOICES} choices of {', '.join(self.whole)}: take smaller boxes")
        for values in sorted(product(*ranges), key=lambda values: (sum(values), values)):
            yield dict(zip(self.whole, map(float, values), strict=True))


@dataclass(frozen=True)
class FoundCycle(Record):
    """A cycle of a member: ``params``, ``points`` (n, D) from the smallest on, ``multipliers`` (D,), ``quantity`` (NaN: none).

    ``stable`` as in `cf.analysis.cycles`; ``residual``: max |f(x_i) − x_{i+1}| in widths of the box of starts.
    """

    params: dict[str, float]
    points: Annotated[np.ndarray, "n D"]
    period: Annotated[int, "n"]
    multipliers: Annotated[np.ndarray, "D", complex]
    stable: bool | None
    quantity: float
    residual: float


@dataclass(frozen=True)
class Search(Record):
    """What a search found, and where it looked.

    ``hit``: the cycle that refutes the statement, with the smallest quantity; None if none was found. ``nearest``: the cycle
    that comes nearest to refuting it where none does, the one whose quantity is least. ``smallest_residual``: of points that
    are no cycle, the smallest defect, in widths of the box. ``box`` (with the ``starts_box`` of the state), ``periods``,
    ``starts``, ``evaluations`` of all points of a cycle, ``seed``: the extent of the search; ``ended``: "done", "first hit" or
    "interrupted"; ``words``: the statement.
    """

    words: str
    hit: FoundCycle | None
    nearest: FoundCycle | None
    smallest_residual: float
    cycles: int
    box: dict[str, tuple[float, float]]
    starts_box: list[tuple[float, float]]
    periods: list[int]
    starts: int
    evaluations: int
    seed: int
    ended: str

    @property
    def text(self) -> str:
        """The outcome in a sentence, which never says that there is none."""
        extent = f"{self.evaluations} evaluations from {self.starts} starts (seed {self.seed})"
        if self.hit is None:
            near = "" if np.isinf(self.smallest_residual) else f"; the smallest residual is {self.smallest_residual:.3g}"
            if self.nearest is not None:
                near = f"; the nearest cycle has the quantity {self.nearest.quantity:.9g}"
            return f"not found in {extent}{near}"
        with_quantity = "" if np.isnan(self.hit.quantity) else f", quantity {self.hit.quantity:.9g}"
        return f"refuted by a cycle of period {self.hit.period}{with_quantity}, found in {extent}"


def search(
    statement: Statement, family: Family, starts: int = STARTS, seed: int = 0, first: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Search:  # fmt: skip
    """Look for a cycle that refutes a statement: many starts of constrained minimisation, each polished by Newton's method.

    The unknowns are the continuous parameters and all n points. Each start minimises the quantity (or nothing, if there is
    none) under f(x_i) = x_{i+1}, the conditions, the stability asked for, and a distance from all cycles of lesser periods, by
    sequential quadratic programming; so the least quantity, which lies on a fold of cycles, is found directly, without
    following branches to it. The start is an orbit, or random points where that escapes; every third start is near the best
    cycle so far. Then the points are polished, their least period, multipliers and conditions checked anew. At a fold a cycle
    is known to half of the digits. Ctrl-C ends the search, not what was found.

    Parameters
    ----------
    statement, family : see `Statement` and `Family`
    starts : for each period and each choice of whole numbers
    seed : of all random numbers
    first : end at the first choice of whole numbers, and the first period, with a hit
    progress : told the number of starts that are done

    Raises
    ------
    UsageError : too many choices of whole numbers
    Examples
    --------
    >>> import cfdyn as cf
    >>> from cfdyn.claims import Family, Statement
    >>> logistic = Family(cf.Map.from_text("r*x*(1-x)", params={"r": 3.0}), None, {"r": (2.5, 4.0)}, [(0, 1)])
    >>> born = Statement("no 3-cycle", (3,), quantity=lambda step, points: step.params["r"])
    >>> found = cf.claims.search(born, logistic, starts=10)
    >>> round(found.hit.quantity, 6), round(1 + 8**0.5, 6)
    (3.828427, 3.828427)
    >>> print(
    ...     cf.claims.search(
    ...         Statement("no 3-cycle", (3,)),
    ...         Family("logcosh(w)", cf.optimizers.gd(lr=1.0), {"lr": (0.1, 20)}, [(-9, 9)]),
    ...         starts=10,
    ...     ).text
    ... )  # doctest: +ELLIPSIS
    not found in ... evaluations from 10 starts (seed 0); the smallest residual is ...

    References
    ----------
    Kraft (1988), DFVLR-FB 88-28 (SLSQP); cycles by all of their points: `cf.analysis.continue_cycle`.
    """
    whole_number("starts", starts, 1)
    rng, tally = np.random.default_rng(whole_number("seed", seed, 0)), _Tally(statement)
    done, ended = 0, "done"
    try:
        for pursuit in _pursuits(statement, family):
            for k in range(starts):
                tally.run(pursuit, rng, k)
                done += 1
                if progress is not None:
                    progress(done)
            if first and tally.hit is not None:
                ended = "first hit"
                break
    except KeyboardInterrupt:
        ended = "interrupted"
    settings = provenance(family=repr(family.loss), optimizer=str(family.optimizer), whole=list(family.whole), first=first)
    boxes = {name: (float(ends[0]), float(ends[1])) for name, ends in family.box.items()}
    return Search(
        statement.words, tally.found(tally.hit), tally.found(None if tally.hit else tally.nearest), tally.residual,
        tally.cycles, boxes, [(float(lo), float(hi)) for lo, hi in family.starts], list(statement.periods), done,
        tally.evaluations, seed, ended, provenance=settings,
    )  # fmt: skip


def _pursuits(statement: Statement, family: Family) -> Iterator[Pursuit]:
    from cfdyn.claims.pursuit import Axes, Pursuit

    axes = Axes({name: ends for name, ends in family.box.items() if name not in family.whole})
    starts = np.array(family.starts, dtype=float)
    for choice in family.choices():
        for period in statement.periods:

            def make(params: dict[str, float], choice: dict[str, float] = choice) -> Map:
                return family.member({**params, **choice})

            yield Pursuit(make, axes, starts, period, statement.stable, statement.quantity, statement.where, choice)


class _Tally:
    """The best so far."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.hit: Attempt | None = None
        self.nearest: Attempt | None = None
        self.residual, self.cycles, self.evaluations = np.inf, 0, 0
        self._here: tuple[Any, Attempt | None] = (None, None)

    def run(self, pursuit: Pursuit, rng: np.random.Generator, turn: int) -> None:
        """One more start."""
        before = pursuit.evaluations
        best = self._here[1] if self._here[0] is pursuit else None
        beside = best is not None and turn % BESIDE == BESIDE - 1
        try:
            end = pursuit.follow(pursuit.beside(best, rng) if best is not None and beside else pursuit.anywhere(rng))
        finally:
            self.evaluations += pursuit.evaluations - before
        if end.reason:
            if np.isfinite(end.residual) and end.reason == "the points are no cycle":
                self.residual = min(self.residual, end.residual)
            return
        self.cycles += 1
        self._here = (pursuit, _better(end, best))
        below = self.statement.below
        if below is None or end.quantity < below:
            self.hit = _better(end, self.hit)
        else:
            self.nearest = _better(end, self.nearest)

    def found(self, end: Attempt | None) -> FoundCycle | None:
        """As a record."""
        if end is None:
            return None
        quantity = end.quantity if self.statement.quantity else np.nan
        mu = end.multipliers
        return FoundCycle(end.params, end.points, len(end.points), mu, stability(mu), quantity, end.residual)


def _better(new: Attempt, old: Attempt | None) -> Attempt:
    """The one with the smaller quantity; the older one where they agree to round-off."""
    return new if old is None or new.quantity < old.quantity - 1e-12 * abs(old.quantity) else old
