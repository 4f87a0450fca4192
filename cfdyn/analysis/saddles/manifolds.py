"""`manifolds`: the one-dimensional stable and unstable manifolds of saddle cycles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.attractors.basins import basins as basins_on
from cfdyn.analysis.bifurcations.cycles import Cycle, cycles
from cfdyn.arguments import table, whole_number
from cfdyn.continuation.records import WithMap
from cfdyn.cycles.shooting import polish
from cfdyn.errors import Interrupted, NumericsError, UsageError, unknown
from cfdyn.kernels.orbits import ESCAPED
from cfdyn.manifolds.whole import KINDS, MOST, Grown, grown, limits_of
from cfdyn.records.listed import Listed
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.recipes import recipe_of
from cfdyn.words import called

DIVERGES = -1  # as a label of a start, UNSETTLED where that is undecided
TWO = 1e-9  # relative to the size of a cycle: closer points belong to one

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Manifold(Record):
    """The stable or the unstable manifold of a cycle, a curve x = W(s) with F(W(s)) = W(λs), F the n-th iterate.

    ``points`` (n, D) of the cycle, ``multiplier`` λ; ``curve`` (m, D) with its parameters ``s`` (m,), in 2n halves: the k-th is
    rows ``starts[k]`` up to ``starts[k + 1]``; for each point of the cycle the half with s > 0 comes first. ``ends``: why each
    half ends; ``reason``: what else belongs to the set. ``order`` of the series near the cycle, ``error`` of its equation
    F(W(s)) = W(λs), relative to the point; ``strong``: True if λ is the furthest from the unit circle of several multipliers on
    its side.
    """

    kind: str
    points: Annotated[np.ndarray, "n D"]
    multiplier: float
    s: Annotated[np.ndarray, "m"]
    curve: Annotated[np.ndarray, "m D"]
    starts: Annotated[np.ndarray, "*", int]
    ends: list[str]
    reason: str
    order: int
    error: float
    strong: bool

    def __len__(self) -> int:
        return len(self.curve)

    @property
    def period(self) -> int:
        """The period n."""
        return len(self.points)

    @property
    def halves(self) -> list[np.ndarray]:
        """The points (·, D) of each half, starting at the cycle."""
        return [self.curve[a:b] for a, b in zip(self.starts[:-1], self.starts[1:], strict=True)]

    @property
    def length(self) -> float:
        """The total length of all halves, including parts outside the box."""
        return float(sum(np.linalg.norm(np.diff(half, axis=0), axis=1).sum() for half in self.halves))


@dataclass(frozen=True, eq=False)
class Manifolds(WithMap, Listed[Manifold], Record, of="curves"):
    """The manifolds (`Manifold`) of the saddles of a map, with the box (D, 2) of the computation (infinite if none was given).

    ``basins`` (rows, columns): for each cell of the box, x to the right and y upward, the number of the attractor on which the
    orbit from its centre ends, as by `basins`, −1 if it diverges, −2 if undecided; ``attractors``: a point (D,) of each.
    """

    curves: list[Manifold]
    names: list[str]
    box: Annotated[np.ndarray, "D *"]
    basins: Annotated[np.ndarray, "* *", int] = field(default_factory=lambda: np.empty((0, 0), int))
    attractors: Annotated[np.ndarray, "* *"] = field(default_factory=lambda: np.empty((0, 0)))
    _step: Map | None = field(default=None, repr=False)


def manifolds(
    step: Map, cycle: Any = None, kinds: Sequence[str] = KINDS, box: Sequence[tuple[float, float]] | None = None,
    length: float | None = None, period: int = 1, most: int = MOST, basins: int = 0,
    progress: Progress | None = None,
) -> Manifolds:  # fmt: skip
    """The one-dimensional manifolds of one saddle cycle, or of all saddles in a box, up to a length or through the box.

    Near the cycle a manifold is a series of order 16 with F(W(s)) = W(λs). Further out its points are images of the series, or
    preimages by Newton's method, spaced according to the curvature. If the map is not invertible, the stable set is larger than
    the curve, which follows the branch of the inverse connected with the cycle; ``reason`` says so.

    Parameters
    ----------
    step : a map of two or more variables
    cycle : a `Cycle`, its points (n, D), or one of them; None: all saddles of the ``period`` in the box
    kinds : "unstable", "stable" or both
    box : [(lo, hi), …]; the length inside counts, and a half ends if it goes very far from the box
    length : of each half; by default ten times the sum of the box's widths
    period : n, if the cycle is given by one point or not at all
    most : largest number of points of each half
    basins : columns and rows of a grid over the box (of two variables) on which basins of attraction are computed, 0 for none
    progress : called with (done, total) halves

    Raises
    ------
    NumericsError : no saddle, or its manifold is not a curve (a complex multiplier, a multiplier 0, two equal ones)
    UsageError : neither box nor length, a map of one variable or with angles, an unknown kind

    Examples
    --------
    >>> import cfdyn as cf
    >>> henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})
    >>> curves = cf.analysis.manifolds(henon, [0.63, 0.19], ["unstable"], [(-1.5, 1.5), (-0.5, 0.5)], length=20)
    >>> w = curves[0]
    >>> round(w.multiplier, 6), len(w.halves), w.ends, w.error < 1e-14
    (-1.923739, 2, ['length 20 reached', 'length 20 reached'], True)
    >>> linear = cf.Map.from_text(["2*x", "y/2 + x**2"], variables="x y")  # the unstable one: y = 2x²/7
    >>> w = cf.analysis.manifolds(linear, [0.0, 0.0], ["unstable"], length=30.0)[0]
    >>> bool(abs(w.curve[:, 1] - 2 / 7 * w.curve[:, 0] ** 2).max() < 1e-13)
    True

    References
    ----------
    Cabré, Fontich & de la Llave (2005), J. Differential Equations 218, 444: the parametrisation method. Hobson (1993),
    J. Comput. Phys. 104, 14; Krauskopf & Osinga (1998), J. Comput. Phys. 146, 404: growing a curve by its turns.
    """
    limits = limits_of(require_map(step), box, length, most)
    for kind in kinds:
        if kind not in KINDS:
            raise unknown("kind of manifold", str(kind), KINDS)
    saddles = [points_of(step, cycle, period)] if cycle is not None else saddles_in(step, box, period)
    settings = provenance(map=step.title, params=step.params, names=list(step.names), box=limits.box, length=limits.length)
    settings |= {"recipe": recipe_of(step)}
    told = halves_told(progress, len(kinds) * sum(map(len, saddles)))
    curves = [curve_of(grown(step, points, kind, limits, told), settings) for points in saddles for kind in kinds]
    labels, ends = _basins(step, box, basins) if basins else (np.empty((0, 0), int), np.empty((0, 0)))
    return Manifolds(curves, list(step.names), limits.box, labels, ends, step, provenance=settings)


def _basins(step: Map, box: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (size, size) as in `Manifolds`, and a point of each attractor."""
    if step.dim != 2 or box is None:
        raise UsageError("basins are computed on a grid over the box of a map of two variables")
    try:
        count = whole_number("the size of the grid", size, 2, 4000)
        ended = basins_on(step, [(name, (*ends, count)) for name, ends in zip(step.names, box, strict=True)])
    except Interrupted:  # its contents are not a record of manifolds
        raise KeyboardInterrupt from None
    ends = np.array([one.points[0] for one in ended.attractors]).reshape(-1, 2)
    return np.where(ended.labels == ESCAPED, DIVERGES, ended.labels), ends


def halves_told(progress: Progress | None, cycle_points: int) -> Callable[[], None]:
    """A callback after each half; each point of each cycle has two."""
    done = count(1)
    return lambda: None if progress is None else progress(next(done), 2 * cycle_points)


def points_of(step: Map, cycle: Any, period: int = 1) -> np.ndarray:
    """The points (n, D) of a cycle given as a record, by all points or by one.

    UsageError: the argument is none of these
    """
    if isinstance(cycle, Cycle):
        return cycle.points
    rows = table("a cycle", cycle, 2)
    if len(rows) == 1 or rows.shape[1] != step.dim:
        rows = step.state(rows.ravel())[None]
    while len(rows) < whole_number("a period", period, 1):
        rows = np.vstack([rows, step(rows[-1])])
    return rows


def are_two(step: Map, cycle: np.ndarray, other: np.ndarray) -> bool:
    """Whether starts (n, D) lead to different cycles."""
    polished = [polish(step, points) for points in (cycle, other)]
    if polished[0] is None or polished[1] is None or len(polished[0]) != len(polished[1]):
        return True
    return bool(np.linalg.norm(polished[1] - polished[0][0], axis=1).min() > TWO * max(1.0, float(np.abs(polished[0]).max())))


def curve_of(grown: Grown, settings: dict) -> Manifold:
    """The record of a computed manifold."""
    rows, series = np.concatenate(grown.tables), grown.series
    starts = np.concatenate([[0], np.cumsum([len(part) for part in grown.tables])])
    return Manifold(series.kind, series.points, series.multiplier, rows[:, 0], rows[:, 1:], starts, grown.ends, grown.beyond,
                    series.coefficients.shape[1] - 1, float(series.error.max()), series.strong, provenance=settings)  # fmt: skip


def saddles_in(step: Map, box: Any, period: int) -> list[np.ndarray]:
    """Cycles of the period in the box with multipliers on both sides of the unit circle.

    NumericsError: no such cycle was found
    """
    if box is None:
        raise UsageError("give a cycle, or a box in which to search for saddles")
    every = cycles(step, period, box)
    saddles = [c.points for c in every if np.abs(c.multipliers).max() > 1 > np.abs(c.multipliers).min()]
    if not saddles:
        what = called(period, several=True)
        raise NumericsError(f"no {called(period)} in the box is a saddle ({len(every)} {what} were found); "
                            "look in another box, or at another period")  # fmt: skip
    return saddles
