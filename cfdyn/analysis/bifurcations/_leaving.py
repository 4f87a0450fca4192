"""What begins at a point of codimension two: the starts that are followed from there, each by a function that makes the curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cfdyn.continuation.curve.born import Born
from cfdyn.continuation.curve.passing import least_size, passes
from cfdyn.cycles.shooting import multipliers
from cfdyn.errors import CfdynError
from cfdyn.systems.map import Map
from cfdyn.words import called, shown, spoken

if TYPE_CHECKING:
    from cfdyn.analysis.bifurcations._curve import BifurcationCurve, CodimensionTwo

REACHED = 1e-6  # of the bounds: so near to it a curve ends at the point that it was begun beside
ROUNDED = 1e-9  # of the bounds: what is so near to them is on them
CLOSER = 0.9  # of the distance of a curve's end: points of its tip are so near
BESIDE = 0.02  # of the bounds: so near to it the point is named where a curve of what is narrow there ends


def map_of(curve: BifurcationCurve, start: Born) -> Map:
    """The map of a curve at the parameters of a start."""
    values = np.clip(start.parameters, *curve.bounds.T)  # which round-off may have left
    return curve.step.at(**{name: float(value) for name, value in zip(curve.names, values, strict=True)})


def begun(
    start: Born, curve: BifurcationCurve, point: CodimensionTwo, follow: Callable[..., BifurcationCurve], options: dict[str, Any]
) -> BifurcationCurve | str:  # fmt: skip
    """The curve from a start beside a point of a curve, its end there named after that; or in words why there is none.

    ``follow`` makes a curve as `bifurcation_curve` does, with these options.
    """
    what = f"the {spoken(start.kind)} of the {called(len(start.points))}"
    if not inside(curve, start):
        return f"{what} is met outside the bounds"
    try:
        step = map_of(curve, start)
        with np.errstate(all="ignore"):
            found = follow(step, (start.kind, start.points), curve.names, curve.bounds.tolist(), **options)
    except CfdynError as error:  # also where the optimizer does not allow the parameters
        return f"{what} could not be followed: {error}"
    found = with_tip(found, start, point)
    special, ends, origin = list(found.special), list(found.ends), origin_of(curve, point)
    widths = np.ptp(curve.bounds, axis=1)
    for side, row in enumerate((0, len(found) - 1)):
        away = distance(found, point.parameters, row)
        if away <= REACHED and found.period > len(point.points):
            ends[side] = origin
            # What is found there of the merged cycle is that point, under the name of its iterate.
            special = [s for s in special if np.abs((s.parameters - point.parameters) / widths).max() > 10 * REACHED]
            special.append(replace(point, place=row))
        elif away <= BESIDE and found.ends[side].startswith("no further point"):
            ends[side] = f"{away:.1g} of the bounds from the {origin}: nearer to it rounding blurs the equations"
    return replace(found, special=sorted(special, key=lambda s: s.place), ends=(ends[0], ends[1]))


def with_tip(found: BifurcationCurve, start: Born, point: CodimensionTwo) -> BifurcationCurve:
    """A curve with the points of it that are nearer to the point than where rounding ended it: solved for by their size."""
    sides = [distance(found, point.parameters, row) for row in (0, len(found) - 1)]
    side = int(np.argmin(sides))
    widths = np.ptp(found.bounds, axis=1)
    tip = [c for c in start.tip if np.linalg.norm((c.parameters - point.parameters) / widths) < CLOSER * sides[side]]
    if not (tip and found.ends[side].startswith("no further point") and sides[side] <= BESIDE):
        return found
    tip = tip if side else tip[::-1]
    step, shift = found.step, 0 if side else len(tip)
    maps = [step.at(**{name: float(v) for name, v in zip(found.names, c.parameters, strict=True)}) for c in tip]
    more = {
        "parameters": np.array([c.parameters for c in tip]), "points": np.array([c.points for c in tip]),
        "multipliers": np.array([multipliers(there, c.points) for there, c in zip(maps, tip, strict=True)]),
        "coefficient": np.full(len(tip), np.nan),
    }  # fmt: skip
    both = {name: (getattr(found, name), new) for name, new in more.items()}
    rows: dict[str, Any] = {name: np.concatenate(pair if side else pair[::-1]) for name, pair in both.items()}
    special = [replace(s, place=s.place + shift) for s in found.special]
    return replace(found, **rows, special=special, start=found.start + shift)


def origin_of(curve: BifurcationCurve, point: CodimensionTwo) -> str:
    """A point in words."""
    each = zip(curve.names, point.parameters.tolist(), curve.bounds.tolist(), strict=True)
    values = ", ".join(f"{name} = {shown(value, (lo, hi), 6)}" for name, value, (lo, hi) in each)
    return f"{spoken(point.kind)} of the {called(len(point.points))} at {values}"


def inside(curve: BifurcationCurve, start: Born) -> bool:
    """True if a start lies within the bounds of a curve."""
    room = ROUNDED * np.ptp(curve.bounds, axis=1)
    return bool(((curve.bounds[:, 0] - room <= start.parameters) & (start.parameters <= curve.bounds[:, 1] + room)).all())


def goes_through(curves: Sequence[BifurcationCurve], start: Born) -> bool:
    """True if one of the curves is of the kind of a start and goes through it with the same cycle."""
    return any(
        c.kind == start.kind and c.period == len(start.points)
        and passes(c.parameters, c.points, np.ptp(c.bounds, axis=1), start.parameters, start.points,
                   least_size(c.map_at(c.start), c.points[c.start])) for c in curves
    )  # fmt: skip


def distance(curve: BifurcationCurve, parameters: np.ndarray, row: int | None = None) -> float:
    """How near the rows of a curve come to a point, or how far one of them is from it, in units of the bounds."""
    rows = curve.parameters if row is None else curve.parameters[[row]]
    return float(np.linalg.norm((rows - parameters) / np.ptp(curve.bounds, axis=1), axis=1).min())
