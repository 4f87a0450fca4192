"""`search`: search for a cycle that refutes a statement, over the parameters of a family; it never concludes that none exists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.claims.family import Family, Statement
from cfdyn.numerics.stability import stability
from cfdyn.records.record import Record, provenance

if TYPE_CHECKING:  # these import numba, which the statement of a claim does not need
    from cfdyn.claims.pursuit import Attempt, Pursuit
    from cfdyn.systems.map import Map

STARTS = 60  # for each choice of whole numbers and each period
BESIDE = 3  # every third start is near the best cycle so far


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
    """The outcome of a search, and its extent.

    ``hit``: the cycle that refutes the statement, with the smallest quantity; None if there is none. ``nearest``: if no cycle
    refutes it, the one that comes closest, which has the least quantity. ``smallest_residual``: of points that are not a cycle,
    the smallest defect, in widths of the box. ``box`` (with the ``starts_box`` of the state), ``periods``, ``starts``,
    ``evaluations`` (of all points of a cycle), ``seed``: the extent of the search; ``ended``: "done", "first hit" or
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
        """The outcome in a sentence, which never says that no such cycle exists."""
        extent = f"{self.evaluations} evaluations from {self.starts} starts (seed {self.seed})"
        if self.hit is None:
            near = "" if np.isinf(self.smallest_residual) else f"; the smallest residual is {self.smallest_residual:.3g}"
            if self.nearest is not None:
                near = f"; the closest cycle has the quantity {self.nearest.quantity:.9g}"
            return f"not found in {extent}{near}"
        with_quantity = "" if np.isnan(self.hit.quantity) else f", quantity {self.hit.quantity:.9g}"
        return f"refuted by a cycle of period {self.hit.period}{with_quantity}, found in {extent}"


def search(
    statement: Statement, family: Family, starts: int = STARTS, seed: int = 0, first: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Search:  # fmt: skip
    """Search for a cycle that refutes a statement: constrained minimisation from many starts, refined by Newton's method.

    The unknowns are the continuous parameters and all n points. From each start sequential quadratic programming minimises the
    quantity (or nothing, if there is none) under f(x_i) = x_{i+1}, the conditions, the required stability, and a distance from
    all cycles of lesser periods; so it reaches the least quantity, which lies on a fold of cycles, directly, without following
    branches. The start is an orbit, or random points if that escapes; every third start is near the best cycle so far. Then
    Newton's method refines the points, and their least period, multipliers and conditions are checked again. At a fold a cycle is
    known to half of the digits. Ctrl-C ends the search and keeps its cycles.

    Parameters
    ----------
    statement, family : see `Statement` and `Family`
    starts : for each period and each choice of whole numbers
    seed : of all random numbers
    first : stop at the first choice of whole numbers, and the first period, with a hit
    progress : called with the number of finished starts

    Raises
    ------
    UsageError : too many choices of whole numbers
    Examples
    --------
    >>> import cfdyn as cf
    >>> from cfdyn.claims import Family, Statement
    >>> logistic = Family(cf.Map.from_text("r*x*(1-x)", params={"r": 3.0}), None, {"r": (2.5, 4.0)}, [(0, 1)])
    >>> born = Statement("no 3-cycle", (3,), quantity=lambda step, points: step.params["r"])
    >>> search = cf.claims.search(born, logistic, starts=10)
    >>> round(search.hit.quantity, 6), round(1 + 8**0.5, 6)
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
        statement.words, tally.cycle(tally.hit), tally.cycle(None if tally.hit else tally.nearest), tally.residual,
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

    def cycle(self, end: Attempt | None) -> FoundCycle | None:
        """As a record."""
        if end is None:
            return None
        quantity = end.quantity if self.statement.quantity else np.nan
        mu = end.multipliers
        return FoundCycle(end.params, end.points, len(end.points), mu, stability(mu), quantity, end.residual)


def _better(new: Attempt, old: Attempt | None) -> Attempt:
    """The cycle with the smaller quantity; the older one if they agree to round-off."""
    return new if old is None or new.quantity < old.quantity - 1e-12 * abs(old.quantity) else old
