"""`tangencies`: parameter values at which the unstable manifold of a saddle is tangent to a stable one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.saddles.manifolds import are_two, points_of
from cfdyn.arguments import whole_number
from cfdyn.continuation.branch.system import checked_bounds
from cfdyn.continuation.records import WithMap
from cfdyn.errors import UsageError
from cfdyn.manifolds.attractors import UNDECIDED, kind_of_crisis
from cfdyn.manifolds.contact import Contact, Pair
from cfdyn.manifolds.tangencies import BENT, tangencies_over
from cfdyn.manifolds.whole import limits_of
from cfdyn.records.listed import Listed
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.recipes import recipe_of

MOST, SAMPLES = 100_000, 3
BESIDE = (1e-3, 6e-3, 3e-2)  # over the bounds: distance of orbits from a tangency; closer to a crisis they stay longer


@dataclass(frozen=True, eq=False)
class Tangency(WithMap, Record):
    """A parameter value at which W_u(s) and W_s(t) are tangent at ``point`` (2,).

    ``bend``: the curvature of W_u minus that of W_s, in units of the box, 0 if the tangency is not quadratic (``quadratic``);
    ``speed``: ∂(their distance)/∂(parameter), nonzero if it unfolds generically; ``error`` of the parameter: the remaining
    distance divided by the speed. ``crisis``: "boundary", "interior", "undecided" if orbits show no change, None if not
    examined; ``meaning``: the orbits of the unstable manifold on both sides, in words. ``cycles``: points (n, 2) of the two
    saddles; ``places`` and ``sides``: the halves of their manifolds.
    """

    name: str
    parameter: float
    point: Annotated[np.ndarray, "D"]
    s: float
    t: float
    bend: float
    quadratic: bool
    speed: float
    error: float
    crisis: str | None
    meaning: str
    cycles: list[np.ndarray]
    places: tuple[int, int]
    sides: tuple[int, int]
    unit: Annotated[np.ndarray, "D"]
    _step: Map | None = field(default=None, repr=False)

    @property
    def step(self) -> Map:
        """The map with the parameter at this tangency.

        UsageError: the record was loaded, and its map cannot be made again from what was saved
        """
        return super().step.at(**{self.name: self.parameter})


@dataclass(frozen=True, eq=False)
class Tangencies(Listed[Tangency], Record, of="found"):
    """The tangencies (`Tangency`) over a range of a parameter, in order; ``reason``: values at which the search failed."""

    name: str
    bounds: tuple[float, float]
    found: list[Tangency]
    heteroclinic: bool
    reason: str


def tangencies(
    step: Map, cycle: Any, parameter: str, bounds: tuple[float, float], other: Any = None,
    box: Sequence[tuple[float, float]] | None = None, length: float | None = None, period: int = 1, samples: int = SAMPLES,
    crises: bool = True, progress: Callable[[int, int], None] | None = None,
) -> Tangencies:  # fmt: skip
    """Homoclinic or heteroclinic tangencies over [lo, hi], each once, to round-off.

    At each sample both manifolds are computed and all crossings located. Between two adjacent crossings on the unstable
    manifold, the curves are parallel somewhere, at some distance. That distance is smooth in the parameter and is followed to
    its zero. A tangency is missed if no sample shows its lobe in the box and within the length.

    Parameters
    ----------
    step : a map of the plane, with any value of the parameter
    cycle : the saddle of the unstable manifold, approximately at the lower bound
    parameter, bounds : the parameter to vary, and its range (lo, hi)
    other : the saddle of the stable manifold; by default the same one
    box, length, period : as in `manifolds`
    samples : number of parameter values at which lobes are searched for
    crises : whether to run orbits on both sides of each tangency, to determine whether it is a crisis
    progress : called with (done, total)

    Raises
    ------
    NumericsError : no saddle there
    UsageError : a map that is not of the plane, no box, an empty range

    Examples
    --------
    >>> import cfdyn as cf
    >>> henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": 1.39, "b": 0.3})
    >>> tangencies = cf.analysis.tangencies(henon, [0.63, 0.19], "a", (1.391, 1.394), box=[(-1.5, 1.5), (-0.5, 0.5)], length=8)
    >>> [(round(t.parameter, 12), t.quadratic, t.crisis) for t in tangencies]
    [(1.392419807923, True, 'undecided')]

    References
    ----------
    Arai & Mischaikow (2006), SIAM J. Appl. Dyn. Syst. 5, 280; Wilczak & Zgliczyński, arXiv:0905.3924.
    """
    interval = checked_bounds(require_map(step), parameter, bounds)
    if step.dim != 2 or box is None:
        raise UsageError("tangencies needs a map of two variables and a `box` in which to search")
    limits = limits_of(step, box, length, MOST)
    here = step.at(**{parameter: interval[0]})
    first = points_of(here, cycle, period)
    second = first if other is None else points_of(here, other, period)
    say = progress or (lambda done, total: None)
    contacts, troubles = tangencies_over(
        step, (first, second), parameter, interval, whole_number("samples", samples, 1), limits, say
    )
    settings = provenance(map=step.title, params=step.params, names=list(step.names), box=limits.box, bounds=interval)
    settings |= {"recipe": recipe_of(step)}
    result = [_record(step, pair, contact, rate, parameter, interval, crises, settings) for pair, contact, rate in contacts]
    return Tangencies(parameter, interval, result, are_two(here, first, second), "; ".join(troubles[:3]), provenance=settings)


def _record(
    step: Map, pair: Pair, contact: Contact, rate: float, name: str, bounds: tuple[float, float], crises: bool, settings: dict
) -> Tangency:
    """A tangency, with the change of the orbits across it."""
    value, bend = contact.values[name], contact.bend
    kind: str | None = None
    words = "not examined"
    out = contact.arms[0]
    if crises:
        start = out.at(out.side * float(out.series.radius[out.place]))[0]
        for share in BESIDE:
            kind, words = kind_of_crisis(step, name, value, share * (bounds[1] - bounds[0]), start, out.series.points)
            if kind != UNDECIDED:
                words += f", within {share * (bounds[1] - bounds[0]):.2g} of {name}"
                break
    points = [arm.series.points for arm in contact.arms]
    error = abs(contact.gap / rate) if rate else np.inf
    return Tangency(
        name, value, contact.point, contact.s, contact.t, bend, abs(bend) > BENT, rate, error, kind, words, points,
        pair.places, pair.sides, pair.unit, step.at(**{name: value}), provenance=settings,
    )  # fmt: skip
