"""`cycles`: all cycles of one period with a point in a box."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, overload

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.continuation.tables import cycles_table
from cfdyn.cycles.result import Say, silent
from cfdyn.cycles.search import ANYWHERE, METHODS, find_cycles
from cfdyn.errors import UsageError, unknown
from cfdyn.numerics.stability import stability
from cfdyn.records.record import Record, provenance
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.map import Map, require_step
from cfdyn.systems.matrix_free.map import MatrixFreeMap
from cfdyn.words import how_many


@dataclass(frozen=True)
class Cycle(Record):
    """One cycle: ``points`` (period, D), the smallest first, ``multipliers`` (D,), and its stability.

    ``stable`` is None if the multiplier is NaN or has modulus 1 to within 10⁻⁹. At a point where a map of one variable has no
    derivative, its slope is the one-sided limit: ±inf if that is unbounded, NaN if the sides differ or the map jumps.
    """

    points: Annotated[np.ndarray, "n D"]
    period: Annotated[int, "n"]
    multipliers: Annotated[np.ndarray, "D", complex]
    stable: bool | None


@dataclass(frozen=True, eq=False)
class Cycles(Record):
    """A list of `Cycle`, in the order of their smallest points, and whether it is complete.

    ``period``: n; ``points`` (m, n, D); ``multipliers`` (m, D), the largest modulus first. ``complete``: no other cycle has a
    point in the ``box`` (D, 2), to within floating-point error; ``undecided`` (k, D, 2): boxes that might contain one;
    ``method`` of the search; ``reason``: why the list is not complete, or other remarks.
    """

    period: Annotated[int, "n"]
    box: Annotated[np.ndarray, "D *"]
    points: Annotated[np.ndarray, "m n D"]
    multipliers: Annotated[np.ndarray, "m D", complex]
    complete: bool
    undecided: Annotated[np.ndarray, "* D *"]
    method: str
    reason: str
    _step: AnyMap | None = None

    @property
    def cycles(self) -> list[Cycle]:
        """All cycles."""
        return list(self)

    def table(self) -> dict[str, list[Any]]:
        """Columns for pandas, `to_csv` and `to_latex`, a row for each cycle: ``period``, points, multipliers, ``stable``.

        >>> import cfdyn as cf
        >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.84})
        >>> print(cf.analysis.cycles(step, 3, [(0, 1)]).to_latex(["x_1", "mu1", "stable"], digits=4))
        \\begin{tabular}{rrr}
        \\toprule
        x\\_1 & mu1 & stable \\\\
        \\midrule
        0.1494 & $-0.8753$ & True \\\\
        0.1694 & 2.744 & False \\\\
        \\bottomrule
        \\end{tabular}
        """
        return cycles_table(self)

    def __len__(self) -> int:
        return len(self.points)

    @overload
    def __getitem__(self, place: int) -> Cycle: ...

    @overload
    def __getitem__(self, place: slice) -> list[Cycle]: ...

    def __getitem__(self, place: int | slice) -> Cycle | list[Cycle]:
        if isinstance(place, slice):
            return [self[i] for i in range(len(self))[place]]
        mu = self.multipliers[place]
        return Cycle(self.points[place], self.period, mu, stability(mu), provenance=self.provenance)

    def __iter__(self) -> Iterator[Cycle]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, list | Cycles) and list(self) == list(other))

    __hash__ = None  # type: ignore[assignment]


def cycles(
    step: Map | MatrixFreeMap, period: int, box: Sequence[tuple[float, float]], seed: int = 0, budget: int | None = None,
    method: str = "auto", progress: Say | None = None,
) -> Cycles:  # fmt: skip
    """All cycles of least period n with a point in the box; angles count modulo their periods.

    Parameters
    ----------
    step : the map; for one without code, such as cf.poincare_map(…), Newton's method starts from close returns of orbits and
        from random starts, and the list is never known to be complete
    period : n ≥ 1
    box : [(lo, hi), …], one interval for each entry of the state; ±inf is allowed for maps of one variable
    seed : of random starts, if the method uses any
    budget : bound on the work; beyond it the list is not complete
    method : "laps" takes all laps of fⁿ (one variable), "boxes" chains of boxes (a few variables); their lists can be complete.
        Never complete, from many starts: "davidchack-lai", which begins with Newton's method, and "schmelcher-diakonos", x ← x
        + λ C (fⁿ(x) − x) with small λ and signed permutation matrices C. "auto": laps, or else boxes, then Davidchack and Lai's
        method if these leave a part undecided
    progress : called at times with a message

    Raises
    ------
    NumericsError : a continuum of solutions, for maps of one variable; for several variables it is an undecided box
    UsageError : a period below 1, a method that is unknown or does not fit the map, or a box that is empty, reversed, NaN, or
        not of the map's dimension

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.84})
    >>> [(c.points[:, 0].round(4).tolist(), c.stable) for c in cf.analysis.cycles(step, 3, [(0, 1)])]
    [([0.1494, 0.488, 0.9594], True), ([0.1694, 0.5404, 0.9537], False)]
    >>> henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})
    >>> seven = cf.analysis.cycles(henon, 7, [(-3, 3), (-3, 3)])
    >>> len(seven), seven.complete
    (4, True)
    >>> four = cf.analysis.cycles(henon, 4, [(-2, 2), (-1, 1)], method="schmelcher-diakonos")
    >>> four.points[:, 0].round(6).tolist(), four.method, four.complete
    ([[-0.706767, 0.337521]], 'schmelcher-diakonos', False)

    References
    ----------
    Schmelcher & Diakonos (1997), Phys. Rev. Lett. 78, 4733; Davidchack & Lai (1999), Phys. Rev. E 60, 6172; boxes: Galias
    (1998), J. UCS 4, 114. Among cycles that are images under a symmetry of the map (z_i → ± z_k) only one is searched for.
    """
    if method not in METHODS:
        raise unknown("method", str(method), METHODS)
    region = _box(require_step(step), box, finite=method not in ANYWHERE or step.compiled is None, method=method)
    n = whole_number("a period", period)
    if n < 1:
        raise UsageError(f"a period is at least 1, not {n}")
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, int | float | np.number) or not budget >= 1):
        raise UsageError(f"a budget is a number of at least 1, not {budget!r}")
    search = find_cycles(step, n, region, seed, budget, method, progress or silent)
    points, multipliers = search.points.reshape(-1, n, step.dim), search.multipliers.reshape(-1, step.dim)
    first = points[:, 0, 0]
    if not (first[1:] > first[:-1]).all():
        order = np.lexsort(points[:, 0].T[::-1])
        points, multipliers = points[order], multipliers[order]
    settings = provenance(map=step.title, params=step.params, names=list(step.names), period=n, box=region, seed=seed,
                          **search.work)  # fmt: skip
    return Cycles(n, region, points, multipliers, search.complete, search.undecided, search.method, search.reason, step,
                  provenance=settings)  # fmt: skip


def _box(step: AnyMap, box: Any, finite: bool, method: str) -> np.ndarray:
    """The box as (D, 2), checked; infinite ends only for maps of one variable, and not with ``finite``."""
    try:
        region = np.array(box, dtype=float)
    except (TypeError, ValueError):
        region = np.empty(0)
    if region.ndim != 2 or region.shape[1] != 2:
        raise UsageError(f"a box is a list of intervals (lo, hi), one for each of {', '.join(step.names)}, not {box!r}")
    if len(region) != step.dim:
        names = ", ".join(step.names)
        raise UsageError(f"the box has {how_many(len(region), 'interval')}; "
                         f"this map has {how_many(step.dim, 'variable')} ({names})")  # fmt: skip
    for name, (lo, hi) in zip(step.names, region.tolist(), strict=True):
        if not lo < hi:
            raise UsageError(f"the box needs lo < hi; for {name} it is given as {lo:g} to {hi:g}")
        if (finite or step.dim > 1) and not np.isfinite([lo, hi]).all():
            what = "a map of several variables" if step.dim > 1 else f"the method {method}"
            raise UsageError(f"the box must be finite for {what}; for {name} it is {lo:g} to {hi:g}")
    return region
