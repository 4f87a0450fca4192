"""`windows`: the periodic windows of one period: where they open, are superstable, lose stability and close."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.bifurcations._branch import Branch
from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle
from cfdyn.analysis.bifurcations.cycles import cycles
from cfdyn.arguments import whole_number
from cfdyn.continuation.branch.system import checked_bounds
from cfdyn.cycles.same import same_cycle
from cfdyn.cycles.shooting import jacobians, polish
from cfdyn.errors import NumericsError, UsageError
from cfdyn.numerics.illinois import zero
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map

SAMPLES = 24
NEAR = 0.02  # relative to a cycle's size: allowed distance of the line between two rows of a branch from the cycle there
REACH = 12.0  # in the quadratic family a window's end is nine times as far from its fold as its superstable cycle is
RUNGS = 16  # values up to there between which a crisis is searched for
TURNS = 20  # of Newton's method
INWARDS = 1e-6  # of the distance of samples: the ends of a range are often special

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Window(Record):
    """The parameter values at which an n-cycle is born, is superstable and loses stability, and at which its window ends.

    ``opens``: the fold at which it is born together with an unstable one, ``points`` (n, D) there; ``superstable``: the first
    value after the fold at which a critical point lies on the cycle; ``flips``: its first flip; ``closes``: the interior
    crisis, at which the attractor that grew from the cycle meets the unstable cycle. Each is None if there is no such value
    within the bounds; ``superstable`` and ``closes`` are also None for maps of several variables. Mirror images of a window,
    for a symmetric map, open at the same value and count as one.
    """

    period: Annotated[int, "n"]
    parameter: str
    opens: float
    superstable: float | None
    flips: float | None
    closes: float | None
    points: Annotated[np.ndarray, "n D"]


def windows(
    step: Map, period: int, parameter: str, bounds: tuple[float, float], box: Sequence[tuple[float, float]] | None = None,
    known: Sequence[tuple[float, Any]] = (), samples: int = SAMPLES, progress: Progress | None = None,
) -> list[Window]:  # fmt: skip
    """The windows of period n over [lo, hi], in the order in which they open.

    At each sample all n-cycles in the box are found (for maps of one variable) and continued to the fold at which they are
    born. The end of a window solves f²ⁿ(c) = x, with c the critical point of its superstable cycle and x the closest point of
    the unstable cycle. Windows narrower than the distance of the samples are found too, since their unstable cycle persists
    beyond them.

    Parameters
    ----------
    step : the map
    period : n ≥ 2
    parameter, bounds : the parameter to vary, and its range (lo, hi)
    box : where the cycles lie, [(lo, hi)], for maps of one variable
    known : pairs (value, points (n, D)) of known n-cycles, in any dimension
    samples : number of parameter values at which cycles are searched for
    progress : called with (done, total) samples

    Raises
    ------
    UsageError : a period below 2, an empty range, neither a box nor a known cycle, or a box alone for several variables

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.8})
    >>> [w] = cf.analysis.windows(step, 3, "r", (3.5, 4.0), [(0.0, 1.0)])
    >>> [round(float(v), 10) for v in (w.opens, w.superstable, w.flips, w.closes)]  # the first is 1 + √8
    [3.8284271247, 3.8318740553, 3.8414990075, 3.8568006525]

    References
    ----------
    Grebogi, Ott and Yorke, Physica D 7 (1983) 181: crises. Yorke, Grebogi, Ott and Tedeschini-Lalli, Phys. Rev. Lett. 54
    (1985) 1095: the proportions of windows.
    """
    if box is not None and not known and require_map(step).dim > 1:
        raise UsageError(f"windows searches a box only for maps of one variable; this one has {step.dim}: give "
                         "known=[(value, points)], n-cycles as cf.analysis.cycles finds them")  # fmt: skip
    return windows_and_gaps(step, period, parameter, bounds, box, known, samples, progress)[0]


def windows_and_gaps(
    step: Map, period: int, parameter: str, bounds: tuple[float, float], box: Sequence[tuple[float, float]] | None,
    known: Sequence[tuple[float, Any]] = (), samples: int = SAMPLES, progress: Progress | None = None,
) -> tuple[list[Window], list[str]]:  # fmt: skip
    """The `windows`, and the values at which cycles could not be searched for or continued, in words."""
    lo, hi = checked_bounds(require_map(step), parameter, bounds)
    whole_number("samples", samples, 2)
    whole_number("the period of windows", period, 2)
    if box is None and not known:
        raise UsageError("windows needs a box in which to search, or known cycles")
    branches, gaps = branches_of_period(step, period, parameter, (lo, hi), box, known, samples, progress)
    windows: dict[float, Window] = {}
    for branch in branches:
        for window in _windows_of(step, branch, (lo, hi)):
            windows.setdefault(round(window.opens, 9), window)
    return [windows[key] for key in sorted(windows)], gaps


def branches_of_period(
    step: Map, period: int, parameter: str, bounds: tuple[float, float], box: Sequence[tuple[float, float]] | None,
    known: Sequence[tuple[float, Any]] = (), samples: int = SAMPLES, progress: Progress | None = None,
) -> tuple[list[Branch], list[str]]:  # fmt: skip
    """The branches of n-cycles in the box at the samples, or through known cycles, and what was not examined."""
    branches: list[Branch] = []
    sampled, gaps = _sampled(step, period, parameter, np.linspace(*bounds, samples), box, progress)
    for value, points in [*known, *sampled]:
        if any(_passes(branch, value, points) for branch in branches):
            continue
        try:
            branches.append(continue_cycle(step.at(**{parameter: value}), points, parameter, bounds, coefficients=False))
        except NumericsError as problem:
            gaps.append(f"{parameter} = {value:.6g}: {problem}")
    return branches, gaps


def _sampled(
    step: Map, period: int, parameter: str, values: np.ndarray, box: Any, progress: Progress | None
) -> tuple[list[tuple[float, np.ndarray]], list[str]]:
    """(value, points) of all n-cycles in the box, and where there are too many; the end values, often special, are moved
    inward."""
    sampled, gaps = [], []
    values[[0, -1]] += np.array([INWARDS, -INWARDS]) * (values[1] - values[0])
    for k, value in enumerate(values if box is not None and step.dim == 1 else ()):
        if progress:
            progress(k, len(values))
        try:
            every = cycles(step.at(**{parameter: float(value)}), period, box)
        except NumericsError as problem:
            gaps.append(f"{parameter} = {value:.6g}: {problem}")
            continue
        sampled += [(float(value), cycle.points) for cycle in every]
    return sampled, gaps


def _passes(branch: Branch, value: float, points: np.ndarray) -> bool:
    """True if the line between two rows of a branch passes through a cycle (n, D) at this value, or nearly so."""
    ahead, room = branch.parameter - value, NEAR * (float(np.ptp(points)) or 1.0)
    for row in np.flatnonzero(ahead[:-1] * ahead[1:] <= 0):
        share = ahead[row] / ((ahead[row] - ahead[row + 1]) or 1.0)
        if same_cycle(points, branch.points[row] + share * (branch.points[row + 1] - branch.points[row]), room):
            return True
    return False


def _windows_of(step: Map, branch: Branch, bounds: tuple[float, float]) -> list[Window]:
    """The windows that open at the folds of a branch."""
    windows = []
    for fold in (b for b in branch.bifurcations if b.kind == "fold"):
        falls, rises = np.append(branch.stable, False)[[fold.place, fold.place + 1]].tolist()
        if rises == falls:
            continue
        sides = [_Side(step, branch, rows) for rows in (slice(fold.place, None, -1), slice(fold.place + 1, None))]
        flips = _first_flip(branch, fold.place, forward=rises)
        center = sides[rises].superstable(flips)
        closes = None if center is None else sides[falls].crisis(fold.parameter, *center, bounds)
        windows.append(Window(branch.period, branch.name, fold.parameter, center and center[0], flips, closes, fold.points,
                            provenance=provenance(map=step.title, params=step.params, bounds=bounds)))  # fmt: skip
    return windows


def _first_flip(branch: Branch, place: int, forward: bool) -> float | None:
    """The parameter of the first special point beyond a fold, if it is a flip."""
    special = [b for b in branch.bifurcations if b.kind != "border collision"]
    beyond = [b for b in special if b.place > place] if forward else [b for b in reversed(special) if b.place < place]
    return beyond[0].parameter if beyond and beyond[0].kind == "flip" else None


class _Side:
    """A branch of n-cycles on one side of a fold, from the fold on: ``values`` (m,) and ``points`` (m, n, D)."""

    def __init__(self, step: Map, branch: Branch, rows: slice):
        self.step, self.parameter, self.values, self.points = step, branch.name, branch.parameter[rows], branch.points[rows]

    def cycle(self, value: float) -> tuple[Map, np.ndarray | None]:
        """The map at a value, and its cycle (n, D) there, or None if this side has none before the next fold."""
        step = self.step.at(**{self.parameter: value})
        turned = np.flatnonzero(np.diff(np.sign(np.diff(self.values))))
        values = self.values[: int(turned[0]) + 2] if len(turned) else self.values
        if len(values) < 2 or not min(values[0], values[-1]) <= value <= max(values[0], values[-1]):
            return step, None
        order = np.argsort(values, kind="stable")
        at = int(np.clip(np.searchsorted(values[order], value), 1, len(values) - 1))
        a, b = order[at - 1], order[at]
        share = (value - values[a]) / ((values[b] - values[a]) or 1.0)
        return step, polish(step, self.points[a] + share * (self.points[b] - self.points[a]))

    def superstable(self, flips: float | None) -> tuple[float, float] | None:
        """(value, critical point) at the first zero of a slope f′ along the cycle of a map of one variable.

        The slopes are tested one by one: their product, the multiplier, does not change sign if two of them vanish at once, or
        nearly so.
        """
        if self.step.dim != 1 or len(self.values) < 2:
            return None

        def slopes(value: float) -> np.ndarray:
            step, points = self.cycle(value)
            return np.full(self.points.shape[1], np.nan) if points is None else jacobians(step, points)[:, 0, 0]

        def slope(value: float, place: int) -> float:
            return float(slopes(value)[place])

        first, last = float(self.values[0]), float(self.values[-1] if flips is None else flips)
        inside = [value for value in self.values[1:].tolist() if min(first, last) < value < max(first, last)]
        lower, below = first, slopes(first)
        for upper in [*inside, last]:
            above = slopes(upper)
            if len(change := np.flatnonzero(below * above < 0)):
                place, value = min(((k, zero(partial(slope, place=k), lower, upper)) for k in change.tolist()),
                                   key=lambda pair: abs(pair[1] - first))  # fmt: skip
                _, points = self.cycle(value)
                return None if points is None else (float(value), float(points[place, 0]))
            lower, below = upper, above
        return None

    def crisis(self, opens: float, center: float, critical: float, bounds: tuple[float, float]) -> float | None:
        """The value at which the critical point's orbit lands on this unstable cycle: f²ⁿ(c) = x."""
        c = critical

        def gap(value: float) -> float:
            nonlocal c
            step, points = self.cycle(value)
            if points is None:
                return np.nan
            c = _critical(step, c)
            z = np.array([c])
            for _ in range(2 * len(points)):
                z = step(z)
            return float(z[0] - points[int(np.argmin(np.abs(points[:, 0] - c))), 0])

        furthest = center + REACH * (center - opens)
        last = gap(center)
        for lower, upper in pairwise(np.linspace(center, min(max(furthest, bounds[0]), bounds[1]), RUNGS).tolist()):
            if not np.isfinite(last):
                break
            before, last = last, gap(upper)
            if before * last <= 0:
                c = critical
                return zero(gap, lower, upper)
        return None


def _critical(step: Map, near: float) -> float:
    """The zero of f′ near a point, by Newton's method."""
    x = near
    for _ in range(TURNS):
        slope, curvature = step.jacobian([x])[0, 0], step.derivative([x], [1.0], [1.0])[0]
        change = slope / curvature if curvature else 0.0
        x -= change
        if not abs(change) > 1e-15 * abs(x):
            break
    return float(x)
