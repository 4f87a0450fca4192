"""`homoclinic`: homoclinic and heteroclinic points, the crossings of an unstable with a stable manifold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.saddles.manifolds import Manifolds, Progress, are_two, curve_of, halves_told, points_of, saddles_in
from cfdyn.errors import UsageError
from cfdyn.manifolds.orbits import meetings
from cfdyn.manifolds.series import STABLE, UNSTABLE
from cfdyn.manifolds.whole import MOST, grown, limits_of
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.recipes import recipe_of
from cfdyn.words import named


@dataclass(frozen=True, eq=False)
class Homoclinic(Record):
    """Points where an unstable manifold crosses a stable one: homoclinic if both are of one cycle, else heteroclinic.

    ``points`` (m, 2); ``s`` and ``t`` (m,): their parameters on the two curves, W_u(s) = W_s(t); ``angles`` (m,) from W_u to
    W_s, −π/2 to π/2; ``halves`` (m, 2): the halves of the manifolds; ``orbits`` (m,): equal numbers for points that are
    images of one another; ``primary`` (m,): True if the pieces of curve from the cycles to the point do not cross before it.
    ``gap``: the largest |W_u(s) − W_s(t)|, in widths of the box. ``manifolds``: both curves.
    """

    points: Annotated[np.ndarray, "m D"]
    s: Annotated[np.ndarray, "m"]
    t: Annotated[np.ndarray, "m"]
    angles: Annotated[np.ndarray, "m"]
    halves: Annotated[np.ndarray, "m *", int]
    orbits: Annotated[np.ndarray, "m", int]
    primary: Annotated[np.ndarray, "m", bool]
    gap: float
    heteroclinic: bool
    manifolds: Manifolds

    def __len__(self) -> int:
        return len(self.points)


def homoclinic(
    step: Map, cycle: Any = None, other: Any = None, box: Sequence[tuple[float, float]] | None = None,
    length: float | None = None, period: int = 1, most: int = MOST, progress: Progress | None = None,
) -> Homoclinic:  # fmt: skip
    """All crossings in a box of the unstable manifold of a cycle with its stable one, or with that of another cycle.

    Both manifolds are computed as by `manifolds`, and Newton's method on W_u(s) = W_s(t) refines every pair of crossing
    segments to round-off. Crossings outside the box or beyond the length are missed, and so are two crossings closer together
    than the chords are to the curve (up to 10⁻⁴ widths of the box).

    Parameters
    ----------
    step : a map of the plane
    cycle : the cycle of the unstable manifold: a `Cycle`, its points (n, 2) or one of them; None: the only saddle in the box
    other : the cycle of the stable manifold; by default the same one
    box, length, period, most, progress : as in `manifolds`

    Raises
    ------
    NumericsError : no saddle, or more crossings than can be kept
    UsageError : a map that is not of the plane, no box, or arguments that `manifolds` refuses

    Examples
    --------
    >>> import cfdyn as cf
    >>> henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.4, "b": 0.3})
    >>> tangle = cf.analysis.homoclinic(henon, [0.63, 0.19], box=[(-1.5, 1.5), (-0.5, 0.5)], length=10)
    >>> first = int(abs(tangle.t).argmin())
    >>> tangle.points[first].round(6), round(float(tangle.angles[first]), 6), bool(tangle.primary[first]), tangle.gap < 1e-11
    (array([0.624012, 0.175356]), -1.321622, True, True)
    """
    if require_map(step).dim != 2 or box is None:
        raise UsageError("homoclinic needs a map of two variables and a `box` in which to search")
    limits = limits_of(step, box, length, most)
    here = only_saddle(step, box, period) if cycle is None else points_of(step, cycle, period)
    there = here if other is None else points_of(step, other, period)
    told = halves_told(progress, len(here) + len(there))
    out, into = grown(step, here, UNSTABLE, limits, told), grown(step, there, STABLE, limits, told)
    settings = provenance(map=step.title, params=step.params, names=list(step.names), box=limits.box, length=limits.length)
    settings |= {"recipe": recipe_of(step)}
    met = meetings(out, into, limits.box)
    curves = Manifolds([curve_of(out, settings), curve_of(into, settings)], list(step.names), limits.box, _step=step,
                       provenance=settings)  # fmt: skip
    crossings = [meeting.crossing for meeting in met]
    s, t, angles = (np.array([getattr(c, what) for c in crossings]) for what in ("s", "t", "angle"))
    return Homoclinic(
        np.array([c.point for c in crossings]).reshape(-1, 2), s, t, angles,
        np.array([m.halves for m in met], int).reshape(-1, 2), np.array([m.orbit for m in met], int),
        np.array([m.primary for m in met], bool), max((c.gap for c in crossings), default=0.0), are_two(step, here, there),
        curves,
        provenance=settings,
    )  # fmt: skip


def only_saddle(step: Map, box: Any, period: int) -> np.ndarray:
    """The points (n, D) of the saddle in a box.

    UsageError: there are several
    """
    saddles = saddles_in(step, box, period)
    if len(saddles) > 1:
        firsts = "; ".join(named(step.names, points[0], 4) for points in saddles[:4])
        raise UsageError(f"there are {len(saddles)} saddles of period {period} in the box: name one of them ({firsts})")
    return saddles[0]
