"""`branches`: the bifurcation diagram of a map, by automatic branch switching."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from cfdyn.analysis.bifurcations._branch import Bifurcation, Branch, Texts, branch_of
from cfdyn.analysis.bifurcations.continue_cycle import continue_cycle
from cfdyn.analysis.bifurcations.cycles import cycles
from cfdyn.arguments import whole_number
from cfdyn.continuation.branch.follower import MOST_STEPS, STEP
from cfdyn.continuation.branch.functions import Functions
from cfdyn.continuation.branch.switching import branching_fields, together
from cfdyn.continuation.branch.system import checked_bounds
from cfdyn.continuation.tables import branch_table
from cfdyn.cycles.shooting import polish
from cfdyn.errors import NumericsError, UsageError
from cfdyn.records.exports import stacked
from cfdyn.records.listed import Listed
from cfdyn.records.record import Record, provenance
from cfdyn.signatures import checked
from cfdyn.systems.map import Map, require_map
from cfdyn.words import called, shown

SAMPLES = 5
MOST_BRANCHES, MOST_LOST = 200, 3
SAME, ROUNDED = 1e-6, 1e-9  # relative to the size of a cycle, or to a length: closer ones are identified


@dataclass(frozen=True, eq=False)
class Branches(Listed[Branch], Record, of="branches"):
    """Branches of cycles along one parameter, those of the lowest depth first.

    ``name`` of the parameter; ``branches``; ``origins``: where each branch starts, in words; ``reason``: what was omitted.
    """

    name: str
    bounds: tuple[float, float]
    branches: list[Branch]
    origins: list[str]
    reason: str

    def table(self) -> dict[str, list[Any]]:
        """The tables of all branches (see `Branch.table`), one after the other, with the number of the ``branch``, from 1,
        and its ``period``. Columns for points that a shorter cycle does not have are empty."""
        several = any(branch.period > 1 for branch in self.branches)
        tables = []
        for place, branch in enumerate(self.branches, 1):
            own = branch_table(branch, numbered=several)
            count = len(own["row"])
            tables.append({"branch": [place] * count, "period": [branch.period] * count, **own})
        return stacked(tables)

    @checked
    def extended(
        self, bounds: Sequence[float] | None = None, max_steps: int = MOST_STEPS, max_step: float = STEP
    ) -> Branches:  # fmt: skip
        """The branches, with `Branch.extended` applied to each that goes on, within wider bounds if they are given; those that
        then coincide are merged.

        Raises
        ------
        UsageError : none of them goes on, the bounds do not contain one of them, or the map of a loaded record cannot be made
            again

        Examples
        --------
        >>> import cfdyn as cf
        >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.0})
        >>> short = cf.analysis.branches(step, [(-0.5, 1.2)], "r", (0.5, 3.6), depth=0, max_steps=4)
        >>> len(short), [b.ends for b in short.extended()]
        (8, [('r = 0.5', 'r = 3.6'), ('r = 0.5', 'r = 3.6')])
        """
        wider = [branch.within(bounds, max_step) for branch in self.branches]
        if not any(max(branch.paces) > 0 for branch in wider):
            raise UsageError("none of the branches ran out of steps, or ends at bounds that are wider now")
        search = _Search(wider[0].step, self.name, wider[0].bounds, (max_steps, max_step), lambda words: None)
        for branch, origin in zip(wider, self.origins, strict=True):
            if not search.known(branch):
                search.add(branch.extended(None, *search.steps) if max(branch.paces) > 0 else branch, origin)
        return replace(self, bounds=search.bounds, branches=search.branches, origins=search.origins)


def branches(
    step: Map, box: Sequence[tuple[float, float]] | None = None, parameter: str = "lr", bounds: tuple[float, float] = (0.0, 1.0),
    depth: int = 2, period: int = 1, starts: Sequence[tuple[float, Any]] | None = None, samples: int = SAMPLES,
    max_steps: int = MOST_STEPS, max_step: float = STEP, progress: Callable[[str], None] | None = None,
    functions: Texts = (), stop: Texts = (),
) -> Branches:  # fmt: skip
    """All branches that can be reached from the cycles in a box through flips and branch points, up to a depth.

    Parameters
    ----------
    step : the map
    box : [(lo, hi), …] in which `cycles` searches for the first cycles, at ``samples`` values of the parameter
    parameter, bounds : the parameter to vary, and its range
    depth : largest number of successive branch switchings
    period : of the first cycles
    starts : instead of the box, pairs of a parameter value and a cycle, [(λ, points or state), …]
    max_steps, max_step : for each branch, as in `continue_cycle`
    progress : called with a message
    functions, stop : for each branch, as in `continue_cycle`

    Raises
    ------
    NumericsError : no cycle to start from was found
    UsageError : neither box nor starts, or arguments that `continue_cycle` or `cycles` refuses

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.0})
    >>> diagram = cf.analysis.branches(step, [(-0.5, 1.2)], "r", (0.5, 3.6), depth=2)
    >>> [(b.period, [round(s.parameter, 6) for s in b.bifurcations]) for b in diagram]
    [(1, [1.0, 3.0]), (1, [1.0]), (2, [3.44949]), (4, [3.54409])]
    """
    interval = checked_bounds(require_map(step), parameter, bounds)
    for what, number, least in (("depth", depth, 0), ("samples", samples, 1), ("period", period, 1)):
        whole_number(what, number, least)
    search = _Search(step, parameter, interval, (max_steps, max_step), progress or (lambda words: None), (functions, stop))
    if starts is None:
        if box is None:
            raise UsageError("branches needs a box in which to search for cycles, or starts")
        starts = list(_sampled(step, box, parameter, interval, period, samples))
    for value, points in _pairs(starts, parameter):
        if len(search.branches) >= MOST_BRANCHES:
            break
        search.begin(value, points, period)
    if not search.branches:
        raise NumericsError(search.trouble or f"no cycle of period {period} was found for {parameter} from {interval[0]:g} to "
                            f"{interval[1]:g}; search another box, or give a start")  # fmt: skip
    level = list(search.branches)
    for _ in range(depth):
        level = search.switch_all(level)
    return Branches(parameter, interval, search.branches, search.origins, search.reason(level, depth),
                    provenance=provenance(map=step.title, params=step.params, parameter=parameter, depth=depth))  # fmt: skip


def _pairs(starts: Any, parameter: str) -> list[tuple[float, Any]]:
    try:
        return [(float(value), points) for value, points in starts]
    except (TypeError, ValueError):
        raise UsageError(f"starts are pairs of a value of {parameter} and a cycle, [({parameter}, points or state), …]") from None


def _sampled(
    step: Map, box: Sequence[tuple[float, float]], parameter: str, interval: tuple[float, float], period: int, samples: int
) -> Iterator[tuple[float, np.ndarray]]:
    """Cycles in the box at parameter values that avoid special ones, such as the ends and the middle."""
    for k in range(samples):
        value = interval[0] + (interval[1] - interval[0]) * (k + 0.4142) / samples
        try:
            for cycle in cycles(step.at(**{parameter: value}), period, box):
                yield value, cycle.points
        except NumericsError:
            continue


class _Search:
    """The branches found so far."""

    def __init__(
        self, step: Map, name: str, bounds: tuple[float, float], steps: tuple[int, float], progress: Callable[[str], None],
        wanted: tuple[Texts, Texts] = ((), ()),
    ):  # fmt: skip
        self.step, self.name, self.bounds, self.steps, self.progress = step, name, bounds, steps, progress
        self.wanted, self.functions = wanted, Functions(step, name, *wanted)
        self.branches: list[Branch] = []
        self.origins: list[str] = []
        self.trouble, self.lost = "", list[str]()

    def begin(self, value: float, points: Any, period: int) -> None:
        """Add the branch of a cycle, unless it is known."""
        step = self.step.at(**{self.name: value})
        try:
            given = np.asarray(getattr(points, "points", points), dtype=float)
        except (TypeError, ValueError):
            raise UsageError(f"a cycle to start with is points (n, D) or a state, not {points!r}") from None
        if given.ndim == 2 and self.passed(value, given):
            return
        self.progress(f"{len(self.branches)} branches, at {self.name} = {value:.4g}")
        try:
            n, (wanted, stop) = None if given.ndim == 2 else period, self.wanted
            branch = continue_cycle(step, points, self.name, self.bounds, n, *self.steps, functions=wanted, stop=stop)
        except NumericsError as error:
            self.trouble = str(error)
        else:
            self.add(branch, f"{self.name} = {value:.6g}")

    def add(self, branch: Branch, origin: str) -> None:
        """Add a branch if it is new."""
        if not self.known(branch):
            self.branches.append(branch)
            self.origins.append(origin)

    def known(self, branch: Branch) -> bool:
        """True if most of the rows that distinguish a branch from others lie on known branches."""
        rows = distinguishing_rows(branch)
        return 2 * sum(self.passed(float(branch.parameter[k]), branch.points[k]) for k in rows) > len(rows)

    def passed(self, value: float, points: np.ndarray) -> bool:
        """True if a cycle lies on a known branch."""
        return any(passes(branch, value, points) for branch in self.branches if branch.period == len(points))

    def switch_all(self, level: list[Branch]) -> list[Branch]:
        """The new branches at all flips and branch points of some branches."""
        before = len(self.branches)
        for branch in level:
            for point in branch.bifurcations:
                if point.kind not in ("flip", "branch point") or len(self.branches) >= MOST_BRANCHES:
                    continue
                self.progress(f"{len(self.branches)} branches, {point.kind} at {self.name} = {point.parameter:.6g}")
                self.switch(point)
        return self.branches[before:]

    def switch(self, point: Bifurcation) -> None:
        """Add the branches that start at a flip or branch point."""
        try:
            for fields in branching_fields(point, self.bounds, *self.steps, None, self.functions):
                self.add(branch_of(fields), _origin(point))
        except (NumericsError, UsageError) as error:
            self.lost.append(f"no other branch was found at the {_origin(point)}: {error}")
        if (count := together(point)) > 1:
            self.lost.append(f"{count} multipliers are {'−' if point.kind == 'flip' else ''}1 at once at the {_origin(point)}: "
                             "more branches may begin there than were found")  # fmt: skip

    def reason(self, last: list[Branch], depth: int) -> str:
        """The branches that may be missing, in words."""
        if len(self.branches) >= MOST_BRANCHES:
            return f"the first {MOST_BRANCHES} branches"
        left = sum(p.kind in ("flip", "branch point") for b in last for p in b.bifurcations)
        words = [f"{left} flips and branch points of the last level are not followed"] if left and depth else []
        return "; ".join(words + self.lost[:MOST_LOST] + ["…"] * (len(self.lost) > MOST_LOST))


def _origin(point: Bifurcation) -> str:
    return f"{point.kind} of the {called(point.period)} at {point.name} = {shown(point.parameter, point.bounds)}"


def distinguishing_rows(branch: Branch) -> list[int]:
    """Three rows of each segment between branch points, away from these, where other branches are close."""
    met = [s for s in branch.bifurcations if s.kind == "branch point" and s.period == branch.period]
    away, rows = np.full(len(branch), np.inf), list[int]()
    for s in met:
        gap = np.column_stack([(branch.points - s.points).reshape(len(branch), -1), branch.parameter - s.parameter])
        away = np.minimum(away, np.linalg.norm(gap / branch.lengths, axis=1))
    edges = [0, *(s.place + 1 for s in met), len(branch)]
    for first, last in pairwise(edges):
        if first < last:
            far = first + np.flatnonzero(away[first:last] >= away[first:last].max() / 2)
            rows += {int(far[len(far) * quarter // 4]) for quarter in (1, 2, 3)}
    return rows


def passes(branch: Branch, value: float, points: np.ndarray) -> bool:
    """True if the branch passes through a cycle: solved for at this value from the rows on both sides of it."""
    n, away = len(points), branch.parameter - value
    step = branch.step.at(**{branch.name: value})
    # For a cycle at 0 a length of the branch is the scale.
    near = SAME * max(float(np.abs(points).max()), float(np.ptp(points))) + ROUNDED * branch.lengths[: points.shape[1]]

    def same(other: np.ndarray, reach: Any) -> bool:
        return any((np.abs(np.roll(other, -q, axis=0) - points) <= reach).all() for q in range(n))

    for k in np.flatnonzero(away[:-1] * away[1:] <= 0):
        share = away[k] / (away[k] - away[k + 1]) if away[k] != away[k + 1] else 0.0
        between = branch.points[k] + share * (branch.points[k + 1] - branch.points[k])
        if not same(between, 2 * (float(np.abs(branch.points[k + 1] - branch.points[k]).max()) + near)):
            continue
        solved = polish(step, between)
        if solved is not None and same(solved, near):
            return True
    return False
