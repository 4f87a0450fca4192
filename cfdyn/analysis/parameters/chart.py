"""`chart`: bifurcation curves in a plane of two parameters, the curves that start on them, and the attractors in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.bifurcations._curve import MOST_STEPS, STEP, BifurcationCurve, CodimensionTwo, begun, goes_through, origin_of
from cfdyn.analysis.bifurcations.bifurcation_curve import bifurcation_curve
from cfdyn.analysis.bifurcations.resonances import LONGEST as MOST_TONGUES
from cfdyn.analysis.bifurcations.resonances import resonances
from cfdyn.analysis.parameters._around_curves import MERGED, attractors_near
from cfdyn.arguments import whole_number
from cfdyn.continuation.branch.system import check_steps
from cfdyn.continuation.curve.beginnings import beginnings
from cfdyn.continuation.curve.born import Born
from cfdyn.continuation.curve.passing import least_size
from cfdyn.continuation.curve.start import checked_plane
from cfdyn.continuation.tables import curve_table
from cfdyn.cycles.same import same_cycle
from cfdyn.errors import UsageError
from cfdyn.numerics.regions import regions, samples
from cfdyn.records.exports import stacked
from cfdyn.records.listed import Listed
from cfdyn.records.record import Record, provenance
from cfdyn.settling.attractors import AWAY, UNDECIDED
from cfdyn.systems.map import Map, require_map
from cfdyn.words import called, spoken

MOST_CURVES, LONGEST = 100, 32  # of a chart, and the period of its cycles
SAME_PLACE, SAME_CYCLE = 1e-5, 1e-3  # of the bounds; of the size of a cycle: one special point on two curves


@dataclass(frozen=True, eq=False)
class Region(Record):
    """A region between the curves of a chart.

    ``number``: its label; ``name``: its attractors in words; ``attractors``: those at all of the ``samples`` (k, 2), and
    ``also``: those at some of them only, where curves that were not continued pass; ``share`` of the area of the bounds.
    """

    number: int
    name: str
    attractors: list[str]
    also: list[str]
    samples: Annotated[np.ndarray, "k p"]
    share: float


@dataclass(frozen=True, eq=False)
class Chart(Listed[BifurcationCurve], Record, of="curves"):
    """Bifurcation curves in one plane.

    ``names`` and ``bounds`` (2, 2) of the parameters; ``curves``, with ``origins``: where each starts, in words; ``resonances``
    from which tongues were searched for; ``said``: what does not start or was omitted, in words; ``regions`` between the
    curves, and ``labels`` (rows, columns): the number of the region in each cell of a grid over the bounds, 0 if it is too
    small; row 0 is at the least second parameter, column 0 at the least first one. Regions are those of this grid.
    """

    names: tuple[str, str]
    bounds: Annotated[np.ndarray, "p *"]
    curves: list[BifurcationCurve]
    origins: list[str]
    resonances: list[CodimensionTwo]
    said: list[str]
    regions: list[Region]
    labels: Annotated[np.ndarray, "* *"]

    def table(self) -> dict[str, list[Any]]:
        """The tables of all curves, one after the other, with number, kind and period of each."""
        numbered, tables = any(curve.period > 1 for curve in self.curves), list[dict[str, list[Any]]]()
        for place, curve in enumerate(self.curves, 1):
            said, count = {"curve": place, "kind": curve.kind, "period": curve.period}, len(curve) + len(curve.special)
            tables.append({name: [x] * count for name, x in said.items()} | curve_table(curve, numbered))
        return stacked(tables)

    def region_at(self, first: float, second: float) -> Region | None:
        """The region at two values of the parameters; None outside the bounds, or if the region is too small."""
        share = (np.array([first, second]) - self.bounds[:, 0]) / np.ptp(self.bounds, axis=1)
        if not ((share >= 0) & (share <= 1)).all() or not self.labels.size:
            return None
        column, row = np.minimum(share * self.labels.shape[::-1], np.array(self.labels.shape[::-1]) - 1).astype(int)
        return next((region for region in self.regions if region.number == self.labels[row, column]), None)


def chart(
    step: Map, starts: Any, parameters: Sequence[str] = ("lr", "a"), bounds: Sequence[tuple[float, float]] = ((0, 1), (0, 1)),
    depth: int = 1, tongues: int = 0, sampled: int = 6, seed: int = 0, max_steps: int = MOST_STEPS, max_step: float = STEP,
    progress: Callable[[str], None] | None = None,
) -> Chart:  # fmt: skip
    """The curves from given bifurcations, those that start at their points of codimension two, and so on, up to a depth.

    No curve is computed twice: a start is skipped if a known curve passes through it with the same cycle. The curves divide the
    plane into regions. In each, orbits from near the cycles of the nearest curves and from random starts around them determine
    the attractors. This is evidence: an attractor with a small basin may be missed.

    Parameters
    ----------
    step : the map, with its parameters at the start
    starts : a bifurcation as for `bifurcation_curve`, a `BifurcationCurve`, or a list of these
    parameters, bounds : as in `bifurcation_curve`
    depth : largest number of successive switchings; 0: only the curves of the starts
    tongues : largest q for which Arnold tongues p:q are continued from Neimark–Sacker curves; 0: none
    sampled : number of places in each region at which orbits are run; 0: regions are not examined
    seed : of the orbits' starts
    max_steps, max_step : for each curve
    progress : called with a message

    Raises
    ------
    NumericsError : no such bifurcation near the first start
    UsageError : arguments that `bifurcation_curve` refuses, a depth or number below 0, or a given curve with narrower bounds

    Examples
    --------
    >>> import cfdyn as cf
    >>> cubic = cf.Map.from_text("k + c*x - x**3", "x", {"k": 0.0, "c": 1.5})
    >>> start = ("fold", [[-0.4]])
    >>> chart = cf.analysis.chart(cubic.at(k=0.136), start, ("k", "c"), ((-0.3, 0.3), (0.5, 1.5)))
    >>> [(c.kind, c.period) for c in chart], [(r.number, r.name) for r in chart.regions]
    ([('fold', 1)], [(1, 'fixed point'), (2, 'two fixed points')])
    >>> chart.region_at(0.0, 1.4).name
    'two fixed points'

    References
    ----------
    Kuznetsov, Elements of Applied Bifurcation Theory, ch. 9, §10.5.
    """
    names, box = checked_plane(require_map(step), parameters, bounds)
    check_steps(max_steps, max_step)
    for what, number in (("depth", depth), ("tongues", tongues), ("sampled", sampled), ("seed", seed)):
        whole_number(what, number, 0)
    if tongues and not 5 <= tongues <= MOST_TONGUES:
        raise UsageError(f"tongues are those of resonances p:q with q from 5 to {MOST_TONGUES}, not {tongues}")
    say = progress or (lambda words: None)
    search = _Search(step, names, box, tongues, {"max_steps": max_steps, "max_step": max_step}, say)
    if isinstance(starts, list) and not starts:
        raise UsageError("a chart needs a start: a bifurcation, or a curve")
    for start in starts if isinstance(starts, list) else [starts]:
        search.first(start)
    level = list(search.curves)
    for k in range(depth):
        level = [curve for old in level for curve in search.onwards(old)]
        if not level:
            break
        say(f"{len(search.curves)} curves at depth {k + 1}")
    labels, regions = np.zeros((0, 0), dtype=np.int32), list[Region]()
    if sampled:
        labels, regions = _regions(search, sampled, seed)
    settings = provenance(map=step.title, params=step.params, parameters=names, bounds=box, depth=depth, seed=seed)
    return Chart(names, box, search.curves, search.origins, search.resonances, search.said, regions, labels, provenance=settings)


class _Search:
    """The curves found so far."""

    def __init__(self, step: Map, names: tuple[str, str], box: np.ndarray, tongues: int, options: dict[str, Any],
                 say: Callable[[str], None]):  # fmt: skip
        self.step, self.names, self.box, self.tongues, self.options, self.say = step, names, box, tongues, options, say
        self.curves, self.origins, self.said = list[BifurcationCurve](), list[str](), list[str]()
        self.resonances, self.seen = list[CodimensionTwo](), list[CodimensionTwo]()

    def first(self, start: Any) -> None:
        """Add the curve of a start, unless it is known."""
        if not isinstance(start, BifurcationCurve):
            start = bifurcation_curve(self.step, start, self.names, self.box.tolist(), **self.options)
        if start.names != self.names:
            raise UsageError(f"a curve in {start.names[0]} and {start.names[1]} "
                             f"does not lie in a chart of {' and '.join(self.names)}")  # fmt: skip
        if (start.bounds[:, 0] > self.box[:, 0]).any() or (start.bounds[:, 1] < self.box[:, 1]).any():
            raise UsageError("a curve that was continued within narrower bounds than the chart's may end inside it")
        if not goes_through(self.curves, Born(start.kind, start.points[start.start], start.parameters[start.start])):
            self.curves.append(start)
            self.origins.append("start")

    def onwards(self, curve: BifurcationCurve) -> list[BifurcationCurve]:
        """The new curves at the special points of a curve."""
        before, points = len(self.curves), list(curve.special)
        if self.tongues and curve.kind == "neimark-sacker":
            tips = [s for s in resonances(curve, self.tongues) if not self.was_seen(s)]
            self.resonances += tips
            points += tips
        for point in points:
            if not (self.was_seen(point) or _merged(point, curve)):
                self.seen.append(point)
                self.switch(curve, point)
        return self.curves[before:]

    def was_seen(self, point: CodimensionTwo) -> bool:
        """True if the same point was found on another curve."""
        widths, here = np.ptp(self.box, axis=1), dict(zip(self.names, point.parameters.tolist(), strict=True))
        size = max(float(np.abs(point.points).max()), least_size(self.step.at(**here), point.points))
        return any(
            s.kind == point.kind and s.points.shape == point.points.shape
            and np.abs((s.parameters - point.parameters) / widths).max() <= SAME_PLACE
            and same_cycle(s.points, point.points, SAME_CYCLE * size) for s in self.seen
        )  # fmt: skip

    def switch(self, curve: BifurcationCurve, point: CodimensionTwo) -> None:
        """Add the new curves at a point."""
        origin = origin_of(curve, point)
        self.say(f"{len(self.curves)} curves, {origin}")
        seen = beginnings(curve.map_at(point), point.kind, point.points, point.multipliers, self.names, np.ptp(self.box, axis=1))
        self.said += [f"{origin}: {words}" for words in seen.said]
        for start in seen.starts:
            what = f"the {spoken(start.kind)} of the {called(len(start.points))}"
            if goes_through(self.curves, start):
                continue
            if len(start.points) > LONGEST or len(self.curves) >= MOST_CURVES:
                self.said.append(f"{origin}: {what} is omitted")
                continue
            other = begun(start, curve, point, self.options)
            if isinstance(other, str):
                self.said.append(f"{origin}: {other}")
                continue
            self.curves.append(other)
            self.origins.append(origin)


def _merged(point: CodimensionTwo, curve: BifurcationCurve) -> bool:
    """True if the cycle of a point is a shorter cycle traversed several times, as near the end of a curve."""
    size = MERGED * float(np.ptp(curve.points, axis=(0, 1)).max())
    return any((np.abs(point.points - np.roll(point.points, k, axis=0)) <= size).all() for k in range(1, len(point.points)))


def _regions(search: _Search, sampled: int, seed: int) -> tuple[np.ndarray, list[Region]]:
    """The labels of the grid, and the attractors in each region."""
    labels, free = regions([curve.parameters for curve in search.curves], search.box)
    generator, listed = np.random.default_rng(seed), list[Region]()
    for number in range(1, int(labels.max(initial=0)) + 1):
        search.say(f"{len(search.curves)} curves, region {number} of {labels.max()}")
        places = samples(free & (labels == number), search.box, sampled)
        seen = [attractors_near(search.step, search.curves, search.box, place, generator) for place in places]
        # Besides an attractor there are nearly always orbits that diverge.
        seen = [[name for name in names if name != AWAY or len(names) == 1] for names in seen]
        everywhere = [name for name in seen[0] if all(name in others for others in seen[1:])]
        also = sorted({name for names in seen for name in names} - set(everywhere))
        share = float((labels == number).mean())
        listed.append(Region(number, _name(everywhere, also), everywhere, also, places, share))
    return labels, listed


def _name(everywhere: list[str], also: list[str]) -> str:
    """
    >>> _name(["fixed point"], ["4-cycle"]), _name(["infinity"], []), _name([], ["fixed point", "infinity"])
    ('fixed point, in places also 4-cycle', 'all orbits diverge', 'fixed point, or orbits diverge')
    """
    if everywhere == [AWAY]:
        return "all orbits diverge"
    words = [name for name in also if name != AWAY]
    if everywhere:
        return " and ".join(everywhere) + (f", in places also {_or(words)}" if words else "")
    return (f"{', '.join(words)}, or orbits diverge" if AWAY in also else _or(words)) or UNDECIDED


def _or(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
