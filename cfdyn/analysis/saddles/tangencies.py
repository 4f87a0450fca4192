"""`tangencies`: where over a parameter the unstable manifold of a saddle touches a stable one."""

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
BESIDE = (1e-3, 6e-3, 3e-2)  # of the bounds: so far beside a tangency orbits are run; nearer to a crisis they stay longer


@dataclass(frozen=True, eq=False)
class Tangency(WithMap, Record):
    """A value of the parameter at which W_u(s) and W_s(t) touch at ``point`` (2,).

    ``bend``: by how much more W_u is curved than W_s there, in units of the box, 0 if the tangency is not quadratic
    (``quadratic``); ``speed``: ∂(their distance)/∂(parameter), not 0 where it unfolds generically; ``error`` of the parameter:
    what is left of the distance over that. ``crisis``: "boundary", "interior", "undecided" where no change is seen, None if not
    looked at; ``meaning``: what orbits of the unstable manifold do on both sides. ``cycles``: points (n, 2) of the two saddles;
    ``places`` and ``sides``: which halves.
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
        """The map, with the parameter at its value here.

        UsageError: the record was loaded, and its map cannot be made again from what was saved
        """
        return super().step.at(**{self.name: self.parameter})


@dataclass(frozen=True, eq=False)
class Tangencies(Listed[Tangency], Record, of="found"):
    """The `Tangency`s over a range of a parameter, in order; ``reason``: values at which there was nothing to look at."""

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

    At each sample the manifolds grow and all crossings are located. Between two neighbours along the unstable one the curves are
    parallel somewhere, at some distance. That distance, which is smooth in the parameter, is followed to where it is 0.
    Tangencies of which no lobe is seen at a sample, in the box and within the length, are missed.

    Parameters
    ----------
    step : a map of the plane, with the parameter anywhere
    cycle : the saddle whose unstable manifold it is, near what it is at the lower bound
    parameter, bounds : what to vary, (lo, hi)
    other : the saddle whose stable manifold it is, if not the same
    box, length, period : as in `manifolds`
    samples : values of the parameter at which lobes are looked for
    crises : whether to run orbits beside each, to see whether it is a crisis
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
    """A tangency with what orbits do beside it."""
    value, bend = contact.values[name], contact.bend
    kind: str | None = None
    words = "not looked at"
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
