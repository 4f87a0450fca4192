"""`switch`: from a point of codimension two on to the curves that begin there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.bifurcation_curve import MOST_STEPS, STEP, BifurcationCurve, CodimensionTwo, bifurcation_curve
from cfdyn.analysis.continue_cycle import Branch, continue_cycle
from cfdyn.continuation.branch.system import check_steps
from cfdyn.continuation.curve.beginnings import beginnings
from cfdyn.continuation.curve.born import Born
from cfdyn.continuation.curve.passing import passes
from cfdyn.cycles.shooting import multipliers
from cfdyn.errors import NumericsError, UsageError
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map
from cfdyn.words import called, shown, spoken

REACHED = 1e-6  # of the bounds: so near to it a curve ends at the point that it was begun beside
CLOSER = 0.9  # of the distance of a curve's end: points of its tip are so near
BESIDE = 0.02  # of the bounds: so near to it the point is named where a curve of what is narrow there ends


@dataclass(frozen=True, eq=False)
class Switched(Record):
    """What begins at a point of codimension two, or goes through it.

    ``kind``, ``period``, ``parameters`` (2,) and ``meaning`` of the point; ``curves``: those through it other than the one that
    led there, with ``distances``: how near their rows come to the point, in units of the bounds; ``branches``: cycles beside it
    on which no curve begins there, followed along the first parameter; ``said``: in words, what does not begin or was not found.
    """

    kind: str
    period: int
    parameters: Annotated[np.ndarray, "p"]
    curves: list[BifurcationCurve]
    distances: list[float]
    branches: list[Branch]
    said: list[str]
    meaning: str = ""

    def __len__(self) -> int:
        return len(self.curves)

    def __iter__(self) -> Iterator[BifurcationCurve]:
        return iter(self.curves)

    def __getitem__(self, place: int) -> BifurcationCurve:
        return self.curves[place]


def switch(
    curve: BifurcationCurve, point: int | CodimensionTwo = 0, max_steps: int = MOST_STEPS, max_step: float = STEP,
    progress: Callable[[int], None] | None = None,
) -> Switched:  # fmt: skip
    """The other curves at a point of codimension two of a curve: of the same cycle, and of k times its period.

    A generalised flip begins a fold of the doubled cycle; 1:2, fold–flip and flip–Neimark–Sacker may begin a Neimark–Sacker
    curve of the doubled cycle; 1:4 two folds of cycles of four times the period if |A| > 1, and a Neimark–Sacker curve of theirs
    if they have one; a resonance p:q with q ≥ 5 (see `resonances`) the two folds that bound an Arnold tongue. At 1:3 a saddle of
    three times the period shrinks onto the point, and no fold begins: it is a branch.

    Cycles x_{i+jn} ≈ x_i + Re(ζ ν^j q_i) of the size |ζ| are solved for with both parameters free, p(ζ); their folds are where
    det ∂p/∂ζ = 0. One found so counts if it is nearer to the point at half the size. Sizes go up from 0.01 of the length in
    which the map's Jacobian changes. Folds that are closer than about 10⁻⁴ of the bounds cannot be followed: rows from there
    to the tip of a narrow tongue are such solutions of decreasing size, without a coefficient.

    Parameters
    ----------
    curve : of `bifurcation_curve`
    point : one of ``curve.special``, or its place in that list; or one of `resonances`
    max_steps, max_step, progress : of each curve, as in `bifurcation_curve`

    Raises
    ------
    UsageError : no such point, or the map of a loaded record cannot be made again

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.Loss("w**2/2 + a*w**3/3 + w**4/4", params={"a": 0.5})
    >>> step = cf.as_map(loss, cf.optimizers.gd(lr=2.0))
    >>> flips = cf.analysis.bifurcation_curve(step, ("flip", [[0.0]]), ("lr", "a"), ((1, 3), (0, 1.5)))
    >>> found = cf.analysis.switch(flips, 0)
    >>> found.kind, found.parameters.round(9), [(c.kind, c.period) for c in found]
    ('generalized flip', array([2.        , 0.70710678]), [('fold', 2)])
    >>> fold = found[0].parameters
    >>> near = fold[(fold[:, 0] > 2.00001) & (fold[:, 0] < 2.0003)]
    >>> ratios = (near[:, 0] - 2) / (near[:, 1] - 0.5**0.5) ** 2  # tangent: the distance is as the square
    >>> print(len(ratios) > 1, bool(abs(ratios - 1).max() < 0.03))
    True True

    References
    ----------
    Kuznetsov, Elements of Applied Bifurcation Theory, ch. 9; Govaerts, Khoshsiar Ghaziani, Kuznetsov & Meijer, SIAM J. Sci.
    Comput. 29 (2007) 2644–2667.
    """
    check_steps(max_steps, max_step)
    point = _special(curve, point)
    widths = np.ptp(curve.bounds, axis=1)
    found = beginnings(curve.map_at(point), point.kind, point.points, point.multipliers, curve.names, widths)
    curves, branches, said = list[BifurcationCurve](), list[Branch](), list(found.said)
    options = {"max_steps": max_steps, "max_step": max_step, "progress": progress}
    for start in found.starts:
        if goes_through([curve, *curves], start):
            continue
        other = begun(map_of(curve, start), start, curve, point, options)
        if isinstance(other, str):
            said.append(other)
            continue
        curves.append(other)
    distances = [distance(other, point.parameters) for other in curves]
    for start in (start for start in found.cycles if inside(curve, start)):
        with np.errstate(all="ignore"):
            branches.append(continue_cycle(map_of(curve, start), start.points, curve.names[0], curve.bounds[0].tolist()))
    settings = provenance(map=curve.step.title, params=curve.step.params, parameters=curve.names, bounds=curve.bounds)
    return Switched(point.kind, len(point.points), point.parameters, curves, distances, branches, said, point.meaning,
                    provenance=settings)  # fmt: skip


def _special(curve: BifurcationCurve, point: int | CodimensionTwo) -> CodimensionTwo:
    if not isinstance(curve, BifurcationCurve):
        raise UsageError(f"switch takes a BifurcationCurve, not {type(curve).__name__}")
    if isinstance(point, CodimensionTwo):
        return point
    if not isinstance(point, int | np.integer) or not -len(curve.special) <= point < len(curve.special):
        raise UsageError(f"the curve has {len(curve.special)} special points, and no number {point!r}")
    return curve.special[point]


def map_of(curve: BifurcationCurve, start: Born) -> Map:
    """The map of a curve at the parameters of a start."""
    return curve.step.at(**{name: float(value) for name, value in zip(curve.names, start.parameters, strict=True)})


def begun(
    step: Map, start: Born, curve: BifurcationCurve, point: CodimensionTwo, options: dict[str, Any]
) -> BifurcationCurve | str:
    """The curve from a start beside a point of a curve, its end there named after that; or in words why there is none."""
    what = f"the {spoken(start.kind)} of the {called(len(start.points))}"
    if not inside(curve, start):
        return f"{what} is met outside the bounds"
    try:
        with np.errstate(all="ignore"):
            found = bifurcation_curve(step, (start.kind, start.points), curve.names, curve.bounds.tolist(), **options)
    except NumericsError as error:
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
    return bool(((curve.bounds[:, 0] <= start.parameters) & (start.parameters <= curve.bounds[:, 1])).all())


def goes_through(curves: Sequence[BifurcationCurve], start: Born) -> bool:
    """True if one of the curves is of the kind of a start and goes through it with the same cycle."""
    return any(
        c.kind == start.kind and c.period == len(start.points)
        and passes(c.parameters, c.points, np.ptp(c.bounds, axis=1), start.parameters, start.points) for c in curves
    )  # fmt: skip


def distance(curve: BifurcationCurve, parameters: np.ndarray, row: int | None = None) -> float:
    """How near the rows of a curve come to a point, or how far one of them is from it, in units of the bounds."""
    rows = curve.parameters if row is None else curve.parameters[[row]]
    return float(np.linalg.norm((rows - parameters) / np.ptp(curve.bounds, axis=1), axis=1).min())
