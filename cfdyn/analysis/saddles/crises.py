"""`crises`: the crises of a chaotic attractor of a one-dimensional map: boundary, interior and band-merging."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from cfdyn.analysis.parameters.windows import branches_of_period
from cfdyn.arguments import whole_number
from cfdyn.continuation.branch.system import checked_bounds
from cfdyn.errors import UsageError
from cfdyn.manifolds.attractors import UNDECIDED, filled, kind_of_crisis
from cfdyn.manifolds.landings import Landing, critical_over, landings, monotone_parts
from cfdyn.records.listed import Listed
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map

PERIODS, GRID, SAMPLES = 4, 400, 24
SAME = 1e-9  # relative to the bounds: closer values are identified
BESIDE, APART = 1e-4, 0.3  # distance of orbits from a landing: of the bounds, and of the distance to the next landing
WIDEST = 1e3  # in place of an infinite end
BEFORE, SHOWN = 800, 160  # steps of an orbit in the diagram: discarded, and kept
AWAY = 1e-3  # of the box: a start so far from the critical point does not land


@dataclass(frozen=True)
class Crisis(Record):
    """A parameter value at which a critical orbit lands on an unstable cycle, and the attractor changes.

    ``kind``: "boundary" (the attractor is destroyed), "interior" (it becomes much larger) or "band merging"; ``critical`` c;
    fᵏ(c) with k = ``steps`` is the first of the ``points`` (n, 1) of the cycle with that ``multiplier``; ``meaning``: the
    orbits on both sides, in words.
    """

    parameter: float
    kind: str
    critical: float
    steps: int
    points: Annotated[np.ndarray, "n D"]
    multiplier: float
    meaning: str

    @property
    def period(self) -> int:
        """The period n of the cycle."""
        return len(self.points)


@dataclass(frozen=True, eq=False)
class Crises(Listed[Crisis], Record, of="found"):
    """The crises of a map of one variable over a range of a parameter, in order.

    ``landings``: number of landings of critical orbits on cycles up to period ``longest``; ``undecided``: the values at which
    orbits on both sides show no change; ``reason``: values at which cycles could not be searched for. ``values`` (g,) of the
    parameter, and ``orbits`` (g, ·) of a critical point at each, after a transient, NaN once they escape.
    """

    name: str
    bounds: tuple[float, float]
    found: list[Crisis]
    landings: int
    undecided: Annotated[np.ndarray, "*"]
    longest: int
    reason: str
    values: Annotated[np.ndarray, "m"]
    orbits: Annotated[np.ndarray, "m *"]


def crises(
    step: Map, parameter: str, bounds: tuple[float, float], box: Sequence[tuple[float, float]], periods: int = PERIODS,
    samples: int = SAMPLES, grid: int = GRID, progress: Callable[[str], None] | None = None,
) -> Crises:  # fmt: skip
    """The crises of a map of one variable over [lo, hi]: parameter values at which critical orbits land on unstable cycles.

    A chaotic attractor is bounded by images of critical points. It changes suddenly where one of them meets an unstable cycle:
    fᵏ(c) = x, k ≤ p + 2 with p the period of the cycle, twice that if its multiplier is negative. Each such value is solved
    for, and orbits on both sides of it determine the kind of crisis. Most landings are not crises; if the orbits show no
    change, the landing is undecided. Two landings between adjacent grid values, and cycles of longer periods, are missed.

    Parameters
    ----------
    step : the map, of one variable
    parameter, bounds : the parameter to vary, and its range (lo, hi)
    box : [(lo, hi)], in which cycles and critical points are searched for
    periods : largest period of the cycles
    samples : number of values at which all cycles are searched for; they are continued from there
    grid : number of values between which landings are detected
    progress : called with a message

    Raises
    ------
    UsageError : a map of several variables, an empty range

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.8})
    >>> for c in cf.analysis.crises(step, "r", (3.65, 4.05), [(-0.1, 1.1)], periods=3, samples=8, grid=60):
    ...     print(round(c.parameter, 10), c.kind, f"f^{c.steps}(c) on a cycle of period {c.period}")
    3.6785735104 band merging f^3(c) on a cycle of period 1
    3.8511283738 band merging f^7(c) on a cycle of period 3
    3.8568006525 interior f^4(c) on a cycle of period 3
    4.0 boundary f^2(c) on a cycle of period 1

    References
    ----------
    Grebogi, Ott & Yorke, Physica D 7 (1983) 181. Misiurewicz (1981), Publ. Math. IHÉS 53, 17.
    """
    interval = checked_bounds(require_map(step), parameter, bounds)
    if step.dim != 1 or step.periodic:
        raise UsageError("crises are found by critical orbits of a map of one variable; in the plane `tangencies` finds them")
    for what, number, least in (("periods", periods, 1), ("samples", samples, 2), ("grid", grid, 3)):
        whole_number(what, number, least)
    say = progress or (lambda words: None)
    lo, hi = _interval(box)
    values = np.linspace(*interval, grid)
    critical = critical_over(step, parameter, values, lo, hi, samples)
    landed: list[Landing] = []
    gaps: list[str] = []
    for n in range(1, periods + 1):
        say(f"critical orbits that land on cycles of period {n}")
        branches, missed = branches_of_period(step, n, parameter, interval, box, samples=samples)
        gaps += missed
        for branch in branches:
            for part in monotone_parts(branch.parameter, branch.points):
                landed += landings(step, parameter, values, critical, part, hi - lo)
    kept = _distinct(landed, (interval[1] - interval[0]) * SAME)
    say(f"orbits beside {len(kept)} landings")
    settings = provenance(map=step.title, params=step.params, names=list(step.names), bounds=interval, box=[lo, hi])
    judged = list(_judged(step, parameter, kept, interval, hi - lo, settings))
    undecided = np.array([crisis.parameter for crisis in judged if crisis.kind == UNDECIDED])
    return Crises(parameter, interval, [crisis for crisis in judged if crisis.kind != UNDECIDED], len(kept), undecided, periods,
                  "; ".join(gaps[:3]), values, _diagram(step, parameter, values, critical), provenance=settings)  # fmt: skip


def _interval(box: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The only interval of a box; infinite ends are replaced by ends that contain all turning points that floats
    distinguish."""
    try:
        [(lo, hi)] = np.array(box, dtype=float)
    except (TypeError, ValueError):
        raise UsageError(f"a box for a map of one variable is one interval, [(lo, hi)], not {box!r}") from None
    if not lo < hi:
        raise UsageError(f"the box needs lo < hi, not {lo:g} to {hi:g}")
    return max(float(lo), -WIDEST), min(float(hi), WIDEST)


def _diagram(step: Map, name: str, values: np.ndarray, critical: Sequence[Sequence[float]]) -> np.ndarray:
    """Orbits of the first critical point, one for each value."""
    rows = np.full((len(values), SHOWN), np.nan)
    for row, value, starts in zip(rows, values.tolist(), critical, strict=True):
        orbit = filled(step.at(**{name: value}), np.array(starts[:1]), BEFORE, SHOWN) if starts else None
        if orbit is not None and not orbit.left:
            row[:] = orbit.points[:, 0]
    return rows


def _distinct(landed: Sequence[Landing], near: float) -> list[Landing]:
    """One landing for each value: on the shortest cycle, after the fewest steps."""
    kept: list[Landing] = []
    for one in sorted(landed, key=lambda landing: (len(landing.cycle), landing.steps)):
        if not any(abs(one.value - other.value) <= near for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda landing: landing.value)


def _judged(
    step: Map, name: str, landed: Sequence[Landing], bounds: tuple[float, float], extent: float, settings: dict
) -> Iterator[Crisis]:
    """All landings, with the change of the orbits across each."""
    values, width = np.array([landing.value for landing in landed]), bounds[1] - bounds[0]
    for k, landing in enumerate(landed):
        gaps = np.abs(np.delete(values, k) - landing.value)
        distance = min(BESIDE * width, APART * float(gaps.min(initial=np.inf)))
        start, cycle = np.array([landing.critical + AWAY * extent]), landing.cycle[:, None]
        kind, words = kind_of_crisis(step, name, landing.value, distance, start, cycle)
        yield Crisis(landing.value, kind, landing.critical, landing.steps, cycle, landing.multiplier, words, provenance=settings)
