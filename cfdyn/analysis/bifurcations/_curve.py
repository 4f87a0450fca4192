"""`BifurcationCurve`, its points of codimension two, and what starts at these: records that refer to each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.bifurcations._branch import Branch
from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle
from cfdyn.continuation.branch.system import check_steps
from cfdyn.continuation.curve.beginnings import beginnings
from cfdyn.continuation.curve.born import Born
from cfdyn.continuation.curve.fields import curve_fields
from cfdyn.continuation.curve.follower import CurveFollower, solution_again
from cfdyn.continuation.curve.passing import least_size, passes
from cfdyn.continuation.curve.start import checked_plane, started, system_of
from cfdyn.continuation.records import WithMap, extended
from cfdyn.continuation.tables import curve_table
from cfdyn.cycles.shooting import multipliers
from cfdyn.errors import CfdynError, UsageError
from cfdyn.records.listed import Listed
from cfdyn.records.record import Record, provenance
from cfdyn.signatures import checked
from cfdyn.systems.map import Map, require_map
from cfdyn.words import called, shown, spoken

MOST_STEPS = 2000
STEP = 0.02
REACHED = 1e-6  # of the bounds: so near to it a curve ends at the point that it was begun beside
ROUNDED = 1e-9  # relative to the bounds: points this close to them are on them
CLOSER = 0.9  # of the distance of a curve's end: points of its tip are so near
BESIDE = 0.02  # of the bounds: so near to it the point is named where a curve of what is narrow there ends
ROWS = ("parameters", "points", "multipliers", "coefficient", "above")  # the arrays with a row for each point


@dataclass(frozen=True, eq=False)
class CodimensionTwo(Record):
    """A special point of a bifurcation curve.

    ``kind``: "cusp", "generalized flip", "fold-flip", "resonance 1:1" … "resonance 1:4", "chenciner", "fold-neimark-sacker",
    "flip-neimark-sacker", "double neimark-sacker"; "double fold" and "double flip" if two multipliers 1 or −1 have two
    eigenvectors, as with a symmetry; "branch point" in place of "fold" if no parameter moves the multiplier 1 away ("branch
    point-flip", "double branch point"). If the points of a cycle merge, the kind, points and multipliers are those of the
    shorter cycle. On a curve of border collisions: "border-collision-fold", "-flip" or "-neimark-sacker", where a multiplier on
    one side of the border is critical, and "double border collision", where the cycle meets two borders. On a curve of branch
    points: "transcritical-pitchfork" or "degenerate pitchfork". On the curve of a condition: the bifurcation of the cycle.
    ``parameters`` (2,), ``points`` (n, D), ``multipliers`` (D,), those on the side where one is critical; ``place``: the row
    after which the point lies.

    ``coefficients`` of the normal form by name, and ``meaning``: which cycles or circles are born, in words, or why that is
    undecided; both empty for the other kinds. ``directions``: by name, the unit vectors (2,) in the parameter plane along which
    the curves that start here leave the point. With (1/n) Σ_k |q_k|² = 1 for each critical eigenvector, no coefficient depends
    on which point of the cycle comes first (docs/guides/bifurcations.md explains them):

    =========================  ===================================================================================
    "cusp"                     ξ + c ξ³
    "generalized flip"         −ξ + e ξ⁵
    "chenciner"                e^{iθ}z (1 + ib|z|² + (l + im)|z|⁴), L2 = l + b²/2
    "resonance 1:1"            (w₁ + w₂, w₂ + a w₁² + b w₁w₂), s = a(b − 2a)
    "resonance 1:2"            (−w₁ + w₂, −w₂ + c w₁³ + d w₁²w₂), C = 4c, D = −2d − 6c
    "resonance 1:3"            λz + b z̄² + c z|z|², a = Re(3λ̄c − 3|b|²)/(9|b|²)
    "resonance 1:4"            iz + c z|z|² + d z̄³, A = −ic/|d|
    "fold-flip"                (w + a w² + b z² + …, −z + e wz + …), L the doubled cycle's Lyapunov coefficient
    "fold-neimark-sacker"      (w + a w² + b|z|² + …, e^{iθ}z (1 − (e + ig) w + …)), L that of the torus
    "flip-neimark-sacker"      (−w (1 + p₁₁w² + p₁₂|z|²), e^{iθ}z (1 + P₂₁w² + P₂₂|z|²)), p = Re P
    "double neimark-sacker"    e^{iθ_i}z_i (1 + P_i1|z₁|² + P_i2|z₂|²), p = Re P
    =========================  ===================================================================================
    """

    kind: str
    parameters: Annotated[np.ndarray, "p"]
    points: Annotated[np.ndarray, "n D"]
    multipliers: Annotated[np.ndarray, "D", complex]
    place: int
    coefficients: dict = field(default_factory=dict)
    meaning: str = ""
    directions: dict = field(default_factory=dict)
    _curve: BifurcationCurve | None = field(default=None, repr=False)

    @checked
    def switch(
        self, max_steps: int = MOST_STEPS, max_step: float = STEP, progress: Callable[[int], None] | None = None
    ) -> Switched:
        """The curves that start at this point or pass through it: cf.analysis.switch(curve, point) with the point's own curve.

        Raises
        ------
        UsageError : the point lies on no curve, or the map of a loaded record cannot be made again

        Examples
        --------
        >>> import cfdyn as cf
        >>> step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 0.3675, "b": 0.3})
        >>> point = [[0.952381, 0.285714]]
        >>> flips = cf.analysis.bifurcation_curve(step, ("flip", point), ("a", "b"), ((0.1, 3), (-1.5, 1.5)))
        >>> flips.special[0].kind, [(curve.kind, curve.period) for curve in flips.special[0].switch()]
        ('resonance 1:2', [('neimark-sacker', 1)])
        """
        if self._curve is None:
            raise UsageError("the point was made without a curve: cf.analysis.switch(curve, point) takes one")
        return switched(self._curve, self, max_steps, max_step, progress)


@dataclass(frozen=True, eq=False)
class BifurcationCurve(WithMap, Record):
    """A bifurcation curve in the plane of two parameters.

    ``kind``: "fold", "flip", "neimark-sacker", "branch point", "border collision" or "condition"; ``names`` of the parameters
    and their ``bounds`` (2, 2); ``parameters`` (m, 2), ``points`` (m, n, D), ``multipliers`` (m, D). At border collisions
    ``multipliers`` are those where the border's function is negative, and ``above`` (m, D) those where it is positive (NaN if
    the cycle passes several borders and it is not known which ones together). ``coefficient`` (m,): a, c or d of the normal
    form (see `normal_form`), whose sign decides what is born, NaN if it has none; for branch points a, or c if all are
    pitchforks. ``special``: the points of codimension two, in order. ``ends``: why the curve ends, at its first and at its last
    row; ``closed``: True if it returns to its start. ``condition``: its text. ``paces``: the length of the next step at an end
    where the steps ran out, else 0; ``start``: the row of the initial point; ``unknowns``: of the first row, that one and the
    last, with their tangents.
    """

    kind: str
    names: tuple[str, str]
    parameters: Annotated[np.ndarray, "m p"]
    points: Annotated[np.ndarray, "m n D"]
    multipliers: Annotated[np.ndarray, "m D", complex]
    coefficient: Annotated[np.ndarray, "m"]
    special: list[CodimensionTwo]
    ends: tuple[str, str]
    closed: bool
    period: int
    bounds: Annotated[np.ndarray, "p *"]
    condition: str = ""
    above: Annotated[np.ndarray, "* *", complex] = field(default_factory=lambda: np.empty((0, 1)))
    paces: tuple[float, float] = (0.0, 0.0)
    start: int = 0
    unknowns: Annotated[np.ndarray, "* * *"] = field(default_factory=lambda: np.empty((3, 2, 0)))
    _step: Map | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for point in self.special:
            object.__setattr__(point, "_curve", self)

    def __len__(self) -> int:
        return len(self.parameters)

    def table(self) -> dict[str, list[Any]]:
        """Columns for pandas or `to_csv`: ``row``, ``point`` (the kind of a special point after that row), both parameters, all
        points of the cycle, multipliers and ``coefficient``."""
        return curve_table(self)

    def map_at(self, place: int | CodimensionTwo) -> Map:
        """The map at a row or at a special point. With the points there it can start a branch or another curve.

        Raises
        ------
        UsageError : the record was loaded, and its map cannot be made again from what was saved

        Examples
        --------
        >>> import cfdyn as cf
        >>> cubic = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.14, "c": 1.5})
        >>> curve = cf.analysis.bifurcation_curve(cubic, ("fold", [[-0.4]]), ("k", "c"), ((-1, 1), (0, 3)))
        >>> cusp = curve.special[0]
        >>> branch = cf.analysis.continue_cycle(curve.map_at(cusp), cusp.points, "k", (-1, 1))
        >>> print(branch.ends, bool(abs(branch.points[:, 0, 0] ** 3 - branch.parameter).max() < 1e-9))
        ('k = -1', 'k = 1') True
        >>> row = curve.start
        >>> branch = cf.analysis.continue_cycle(curve.map_at(row), curve.points[row], "c", (0, 3))
        >>> [b.kind for b in branch.bifurcations]
        ['flip', 'fold']
        """
        values = place.parameters if isinstance(place, CodimensionTwo) else self.parameters[place]
        return self.step.at(**{name: float(value) for name, value in zip(self.names, values, strict=True)})

    @checked
    def extended(
        self, max_steps: int = MOST_STEPS, max_step: float = STEP, progress: Callable[[int], None] | None = None
    ) -> BifurcationCurve:
        """The curve, continued at the ends where the steps ran out; also for a curve that was saved and loaded.

        Parameters
        ----------
        max_steps, max_step, progress : as in `bifurcation_curve`

        Raises
        ------
        UsageError : the steps did not run out at either end, or the map of a loaded record cannot be made again

        Examples
        --------
        >>> import cfdyn as cf
        >>> cubic = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.14, "c": 1.5})
        >>> short = cf.analysis.bifurcation_curve(cubic, ("fold", [[-0.4]]), ("k", "c"), ((-1, 1), (0, 3)), max_steps=5)
        >>> whole = short.extended()
        >>> len(short), short.special, [s.kind for s in whole.special], whole.ends
        (11, [], ['cusp'], ('k = -1', 'k = 1'))
        """
        check_steps(max_steps, max_step)
        rule = f"expression:{self.condition}" if self.condition else None

        def further(curve: BifurcationCurve, side: int) -> BifurcationCurve:
            step, points = curve.map_at(curve.start), curve.points[curve.start]
            tracer = system_of(step, curve.kind, points, curve.names, curve.bounds, rule)
            tracer.watch(solution_again(tracer, curve.unknowns[1]))
            follower = CurveFollower(tracer, max_steps, max_step, progress)
            path = follower.extension(curve.unknowns, side, curve.paces[side])
            return _curve_of(curve_fields(follower, path, curve.condition))

        return extended(self, "curve", further, ROWS, ("special",), _joined_unknowns)


def _joined_unknowns(curve: BifurcationCurve, more: BifurcationCurve, side: int) -> dict[str, np.ndarray]:
    unknowns = curve.unknowns[[1, 1, 1] if more.closed else [0, 1, 2]]
    unknowns[2 * side] = more.unknowns[2 * side]
    return {"unknowns": unknowns}


@dataclass(frozen=True, eq=False)
class Switched(Listed[BifurcationCurve], Record, of="curves"):
    """The curves and branches at a point of codimension two.

    ``kind``, ``period``, ``parameters`` (2,) and ``meaning`` of the point; ``curves``: those through it other than the given
    one, with ``distances``: the least distance of their rows from the point, in units of the bounds; ``branches``: nearby
    cycles on which no curve starts, continued along the first parameter; ``said``: what does not start here or was not found,
    in words.
    """

    kind: str
    period: int
    parameters: Annotated[np.ndarray, "p"]
    curves: list[BifurcationCurve]
    distances: list[float]
    branches: list[Branch]
    said: list[str]
    meaning: str = ""


def followed(
    step: Map, bifurcation: Any, parameters: Sequence[str], bounds: Sequence[tuple[float, float]], condition: str | None = None,
    search: bool = False, max_steps: int = MOST_STEPS, max_step: float = STEP, progress: Callable[[int], None] | None = None,
) -> BifurcationCurve:  # fmt: skip
    """The curve through a start; see `bifurcation_curve`."""
    names, box = checked_plane(require_map(step), parameters, bounds)
    check_steps(max_steps, max_step)
    follower = CurveFollower(started(step, bifurcation, names, box, condition, search), max_steps, max_step, progress)
    return _curve_of(curve_fields(follower, follower.both_ways(follower.tracer.begin()), condition or ""))


def _curve_of(fields: dict[str, Any]) -> BifurcationCurve:
    return BifurcationCurve(**fields | {"special": [CodimensionTwo(**point) for point in fields["special"]]})


def switched(
    curve: BifurcationCurve, point: CodimensionTwo, max_steps: int, max_step: float, progress: Callable[[int], None] | None
) -> Switched:  # fmt: skip
    """The curves and branches at a special point of a curve; see `switch`."""
    check_steps(max_steps, max_step)
    widths = np.ptp(curve.bounds, axis=1)
    seen = beginnings(curve.map_at(point), point.kind, point.points, point.multipliers, curve.names, widths)
    curves, branches, said = list[BifurcationCurve](), list[Branch](), list(seen.said)
    options = {"max_steps": max_steps, "max_step": max_step, "progress": progress}
    for start in seen.starts:
        if goes_through([curve, *curves], start):
            continue
        other = begun(start, curve, point, options)
        if isinstance(other, str):
            said.append(other)
            continue
        curves.append(other)
    distances = [_distance(other, point.parameters) for other in curves]
    for start in (start for start in seen.cycles if _inside(curve, start)):
        try:
            with np.errstate(all="ignore"):
                branches.append(continue_cycle(_map_of(curve, start), start.points, curve.names[0], curve.bounds[0].tolist()))
        except CfdynError as error:
            said.append(f"the {called(len(start.points))} beside it could not be followed: {error}")
    settings = provenance(map=curve.step.title, params=curve.step.params, parameters=curve.names, bounds=curve.bounds)
    return Switched(point.kind, len(point.points), point.parameters, curves, distances, branches, said, point.meaning,
                    provenance=settings)  # fmt: skip


def _map_of(curve: BifurcationCurve, start: Born) -> Map:
    """The map of a curve at the parameters of a start."""
    values = np.clip(start.parameters, *curve.bounds.T)  # which may remain because of round-off
    return curve.step.at(**{name: float(value) for name, value in zip(curve.names, values, strict=True)})


def begun(
    start: Born, curve: BifurcationCurve, point: CodimensionTwo, options: dict[str, Any]
) -> BifurcationCurve | str:  # fmt: skip
    """The curve from a start near a point of a curve, with its end there named after that point; or a sentence why there is
    none."""
    what = f"the {spoken(start.kind)} of the {called(len(start.points))}"
    if not _inside(curve, start):
        return f"{what} is met outside the bounds"
    try:
        step = _map_of(curve, start)
        with np.errstate(all="ignore"):
            result = followed(step, (start.kind, start.points), curve.names, curve.bounds.tolist(), **options)
    except CfdynError as error:  # also where the optimizer does not allow the parameters
        return f"{what} could not be followed: {error}"
    result = _with_tip(result, start, point)
    special, ends, origin = list(result.special), list(result.ends), origin_of(curve, point)
    widths = np.ptp(curve.bounds, axis=1)
    for side, row in enumerate((0, len(result) - 1)):
        away = _distance(result, point.parameters, row)
        if away <= REACHED and result.period > len(point.points):
            ends[side] = origin
            # What is found there of the merged cycle is that point, under the name of its iterate.
            special = [s for s in special if np.abs((s.parameters - point.parameters) / widths).max() > 10 * REACHED]
            special.append(replace(point, place=row))
        elif away <= BESIDE and result.ends[side].startswith("no further point"):
            ends[side] = f"{away:.1g} of the bounds from the {origin}: closer to it rounding errors dominate the equations"
    return replace(result, special=sorted(special, key=lambda s: s.place), ends=(ends[0], ends[1]))


def _with_tip(curve: BifurcationCurve, start: Born, point: CodimensionTwo) -> BifurcationCurve:
    """A curve with its points closer to the point than round-off let the continuation go, solved for by their size."""
    sides = [_distance(curve, point.parameters, row) for row in (0, len(curve) - 1)]
    side = int(np.argmin(sides))
    widths = np.ptp(curve.bounds, axis=1)
    tip = [c for c in start.tip if np.linalg.norm((c.parameters - point.parameters) / widths) < CLOSER * sides[side]]
    if not (tip and curve.ends[side].startswith("no further point") and sides[side] <= BESIDE):
        return curve
    tip = tip if side else tip[::-1]
    step, shift = curve.step, 0 if side else len(tip)
    maps = [step.at(**{name: float(v) for name, v in zip(curve.names, c.parameters, strict=True)}) for c in tip]
    more = {
        "parameters": np.array([c.parameters for c in tip]), "points": np.array([c.points for c in tip]),
        "multipliers": np.array([multipliers(there, c.points) for there, c in zip(maps, tip, strict=True)]),
        "coefficient": np.full(len(tip), np.nan),
    }  # fmt: skip
    both = {name: (getattr(curve, name), new) for name, new in more.items()}
    rows: dict[str, Any] = {name: np.concatenate(pair if side else pair[::-1]) for name, pair in both.items()}
    special = [replace(s, place=s.place + shift) for s in curve.special]
    return replace(curve, **rows, special=special, start=curve.start + shift)


def origin_of(curve: BifurcationCurve, point: CodimensionTwo) -> str:
    """A point in words."""
    each = zip(curve.names, point.parameters.tolist(), curve.bounds.tolist(), strict=True)
    values = ", ".join(f"{name} = {shown(value, (lo, hi), 6)}" for name, value, (lo, hi) in each)
    return f"{spoken(point.kind)} of the {called(len(point.points))} at {values}"


def _inside(curve: BifurcationCurve, start: Born) -> bool:
    """True if a start lies within the bounds of a curve."""
    room = ROUNDED * np.ptp(curve.bounds, axis=1)
    return bool(((curve.bounds[:, 0] - room <= start.parameters) & (start.parameters <= curve.bounds[:, 1] + room)).all())


def goes_through(curves: Sequence[BifurcationCurve], start: Born) -> bool:
    """True if one of the curves has the kind of a start and passes through it with the same cycle."""
    return any(
        c.kind == start.kind and c.period == len(start.points)
        and passes(c.parameters, c.points, np.ptp(c.bounds, axis=1), start.parameters, start.points,
                   least_size(c.map_at(c.start), c.points[c.start])) for c in curves
    )  # fmt: skip


def _distance(curve: BifurcationCurve, parameters: np.ndarray, row: int | None = None) -> float:
    """The least distance of the rows of a curve, or of one row, from a point, in units of the bounds."""
    rows = curve.parameters if row is None else curve.parameters[[row]]
    return float(np.linalg.norm((rows - parameters) / np.ptp(curve.bounds, axis=1), axis=1).min())
