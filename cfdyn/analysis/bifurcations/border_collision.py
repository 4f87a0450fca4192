"""`border_collision`: the attractors before and after a cycle of a one-dimensional map meets a corner of the map."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.bifurcations._branch import Bifurcation
from cfdyn.arguments import vector
from cfdyn.cycles.line.one_sided import border, on_borders, slope_beside
from cfdyn.cycles.shooting import jacobians
from cfdyn.errors import NumericsError, UsageError
from cfdyn.normal_forms.border import Beside, beside_border
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map, require_parameter

CLOSED, APART, WINDOW = 1e-9, 1e-6, 1e-3  # returns of a cycle; shift of the parameter; around the corner, of its size or 1
FLAT = 1e-9  # of a speed: slower counts as 0


@dataclass(frozen=True)
class BorderCollision(Record):
    """A cycle of ``period`` n with a point on a corner ``border`` of the map, at the value ``parameter`` of ``name``.

    ``slopes`` (2,): its multipliers on the left and the right of the corner; ``speed``: d/d(parameter) of fⁿ(corner) − corner.
    ``below`` and ``above``: the local attractor at slightly smaller and larger values: "fixed point", "cycle", "chaos", "none"
    or "degenerate", with ``periods`` (2,): the period of the cycle, or the number of bands, 0 if neither.
    """

    name: str
    parameter: float
    period: int
    border: float
    slopes: Annotated[np.ndarray, "2"]
    speed: float
    below: str
    above: str
    periods: tuple[int, int]

    @property
    def meaning(self) -> str:
        """The result as a sentence."""
        sides = [_words(kind, number) for kind, number in zip((self.below, self.above), self.periods, strict=True)]
        return f"From {sides[0]} below to {sides[1]} above {self.name} = {self.parameter:.10g}."


def border_collision(step: Map, at: Any, name: str | None = None) -> BorderCollision:
    """The border collision of a fixed point or cycle, classified by its one-sided multipliers.

    Near the corner fⁿ is x ↦ ax + μ on the left and bx + μ on the right. The attractors of this normal form are known in closed
    form: a fixed point may change directly into a cycle of any period, or into chaos that persists under all small changes of
    the map (robust chaos). The result holds to first order: far from the corner, and if the slopes lie on a bifurcation of the
    normal form ("degenerate"), other terms decide. "none" means that orbits leave the neighbourhood of the corner.

    Parameters
    ----------
    step : a map of one variable from a formula with branches, at the parameter value where the cycle is on the corner
    at : a "border collision" of a branch (`continue_cycle`), with its own map and parameter, or the points (n,) of the cycle
    name : of the parameter that varies; by default that of the branch

    Raises
    ------
    UsageError : several variables, no corner or several on the cycle, a map that jumps there, points that are not a cycle
    NumericsError : the parameter does not move the cycle relative to the corner

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("Piecewise((a*x, x < 0), (b*x, True)) + m", params={"a": 0.5, "b": -3.5, "m": 0.0})
    >>> collision = cf.analysis.border_collision(step, [0.0], "m")
    >>> collision.below, collision.above, collision.periods
    ('fixed point', 'cycle', (1, 3))
    >>> cf.analysis.border_collision(step.at(b=-4.2), [0.0], "m").meaning
    'From a fixed point below to chaos in 6 bands above m = 0.'

    References
    ----------
    Nusse & Yorke (1995), Int. J. Bifurcation Chaos 5, 189. Banerjee, Yorke & Grebogi (1998), Phys. Rev. Lett. 80, 3049.
    """
    step, points, name = _given(step, at, name)
    place = _corner(step, points)
    x, others = float(points[place]), np.delete(points, place)
    limits = [slope_beside(step, x, side) for side in (-1.0, 1.0)]
    if None in limits or np.isnan(np.array(limits, float)).any():
        raise UsageError(f"the map jumps at {x:g}, or exists on one side only: this is for corners")
    rest = float(np.prod(jacobians(step, others[:, None])[:, 0, 0])) if len(others) else 1.0
    slopes = np.array(limits, float) * rest
    speed = _speed(step, x, len(points), name)
    ways = [beside_border(*slopes.tolist()), beside_border(*slopes[::-1].tolist())]
    above, below = ways if speed > 0 else ways[::-1]
    n = len(points)
    return BorderCollision(
        name, step.params[name], n, x, slopes, speed, _kind(below, n), _kind(above, n),
        (_number(below, n), _number(above, n)), provenance=provenance(map=step.title, params=step.params, points=points),
    )  # fmt: skip


def _given(step: Map, at: Any, name: str | None) -> tuple[Map, np.ndarray, str]:
    """The map at the collision, the points (n,) of the cycle, and the name of the parameter."""
    if isinstance(at, Bifurcation):
        if at.kind != "border collision":
            raise UsageError(f"this is a {at.kind}, not a border collision")
        points, name = at.points, name or at.name
        step = require_map(step).at(**{at.name: at.parameter})
        points = points[:, 0] if points.shape[1] == 1 else np.empty(0)
    else:
        points = vector("a cycle", at)
    if require_map(step).dim != 1 or step.periodic:
        raise UsageError("border collisions are classified for maps of one variable, without angles")
    if name is None:
        raise UsageError("which parameter is varied? Give its name")
    require_parameter(step, name)
    after = np.array([step([x])[0] for x in points])
    if not len(points) or not np.abs(after - np.roll(points, -1)).max() <= CLOSED * (1 + np.abs(points).max()):
        raise UsageError("these points are not a cycle of the map")
    return step, points, name


def _corner(step: Map, points: np.ndarray) -> int:
    """The index of the point on the corner."""
    near = WINDOW * CLOSED * (1 + np.abs(points))
    rough = on_borders(step, points)
    for k in np.flatnonzero(~rough):
        corner = border(step, points[k] - near[k], points[k] + near[k])
        if on_borders(step, np.array([corner]))[0]:
            points[k], rough[k] = corner, True
    if rough.sum() != 1:
        raise UsageError(f"{int(rough.sum())} of the points lie on a corner of the map: a collision needs one")
    return int(np.argmax(rough))


def _speed(step: Map, x: float, n: int, name: str) -> float:
    """d/dp of fⁿ(corner) − corner by central differences; the corner moves too."""
    value, gaps = step.params[name], []
    shift, near = APART * max(1.0, abs(value)), WINDOW * max(1.0, abs(x))
    for side in (1.0, -1.0):
        beside = step.at(**{name: value + side * shift})
        corner = border(beside, x - near, x + near)
        z = np.array([corner])
        for _ in range(n):
            z = beside(z)
        gaps.append(float(z[0]) - corner)
    speed = (gaps[0] - gaps[1]) / (2 * shift)
    if not abs(speed) > FLAT:
        raise NumericsError(f"{name} does not move the cycle against the corner at {x:g}")
    return speed


def _kind(beside: Beside, n: int) -> str:
    return "cycle" if beside.kind == "fixed point" and n > 1 else beside.kind


def _number(beside: Beside, n: int) -> int:
    return 0 if beside.kind in ("none", "degenerate") else n * beside.number


def _words(kind: str, number: int) -> str:
    return {
        "fixed point": "a fixed point", "cycle": f"a {number}-cycle", "chaos": f"chaos in {number} band{'s' * (number > 1)}",
        "none": "no attractor near the corner", "degenerate": "what other terms decide",
    }[kind]  # fmt: skip
