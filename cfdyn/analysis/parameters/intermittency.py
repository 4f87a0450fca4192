"""`intermittency`: the scaling of laminar phases as a parameter approaches a critical value."""

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import number, vector, whole_number
from cfdyn.errors import NumericsError, UsageError
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map, require_parameter
from cfdyn.systems.orbit import iterate

FEWEST, LEAST = 3, 20  # values for a slope; laminar phases for a mean
ALLOWED = 0.05  # relative to a length: assumed error of the law, so that distant values with small errors do not dominate


@dataclass(frozen=True)
class Intermittency(Record):
    """Mean lengths of laminar phases, in steps, at ``values`` (n,) of the parameter ``name``, with ``errors`` (n,).

    ``distances`` (n,) from the ``critical`` value; ``counts`` (n,) of the phases. ``exponent`` γ with its ``error``, and
    ``factor`` c, of lengths c·distance^γ. Up to logarithms, γ is −1/2 near a fold (type I), and −1 near a subcritical flip or
    Neimark–Sacker point (types II and III).
    """

    name: str
    critical: float
    period: int
    values: Annotated[np.ndarray, "n"]
    distances: Annotated[np.ndarray, "n"]
    lengths: Annotated[np.ndarray, "n"]
    errors: Annotated[np.ndarray, "n"]
    counts: Annotated[np.ndarray, "n"]
    exponent: float
    error: float
    factor: float


def intermittency(
    step: Map, z0: Any, name: str, values: Any, critical: float, period: int = 1, near: float = 0.01, steps: int = 500_000,
    transient: int = 1000,
) -> Intermittency:  # fmt: skip
    """The scaling exponent of laminar phases: runs of states that return after ``period`` steps to within ``near`` of the
    extent.

    γ is the slope of a line through ln(mean length) over ln|value − critical|, weighted by the errors plus 5 %. Its error
    combines that of the fit with the difference to the slope over the closer half of the values, which shows whether the
    asymptotic law is reached (phases of a few steps are too short for it). Phases cut by the start or the end of the orbit are
    excluded.

    Parameters
    ----------
    step : the map
    z0 : start, the d weights or the full state (D,)
    name, values : a parameter, and at least three values of it other than the critical one
    critical : the value at which the length of laminar phases diverges
    period : of the cycle that is born or vanishes there
    near : relative to the orbit's extent
    steps : number of steps at each value, after ``transient`` ones

    Raises
    ------
    NumericsError : the orbit diverges, or has fewer than 20 laminar phases at a value
    UsageError : too few values, or the critical one among them

    Examples
    --------
    >>> import cfdyn as cf
    >>> import numpy as np
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.8})
    >>> values = 1 + 8**0.5 - 10.0 ** -np.arange(4, 8)  # below the window of period 3
    >>> law = cf.analysis.intermittency(step, [0.3], "r", values, 1 + 8**0.5, period=3)
    >>> abs(law.exponent + 0.5) < 2 * law.error < 0.1
    True

    References
    ----------
    Pomeau & Manneville (1980), Commun. Math. Phys. 74, 189.
    """
    require_parameter(require_map(step), name)
    given, centre = vector(f"the values of {name}", values), number("critical", critical, finite=True)
    lag, count, before = (
        whole_number("period", period, 1),
        whole_number("steps", steps, 1000),
        whole_number("transient", transient, 0),
    )
    width = number("near", near, finite=True)
    if len(given) < FEWEST or not np.isfinite(given).all() or (given == centre).any() or not 0 < width < 1:
        raise UsageError(
            f"intermittency needs {FEWEST} finite values of {name} other than the critical one, and `near` from 0 to 1"
        )
    each = [_phases(step.at(**{name: value}), z0, lag, width, count, before) for value in given.tolist()]
    for value, phases in zip(given.tolist(), each, strict=True):
        if len(phases) < LEAST:
            raise NumericsError(f"{len(phases)} laminar phases at {name} = {value:.10g}: {LEAST} are needed, so take more steps")
    lengths = np.array([phases.mean() for phases in each])
    errors = np.array([phases.std(ddof=1) / math.sqrt(len(phases)) for phases in each])
    distances = np.abs(given - centre)
    exponent, error, factor = _fit(distances, lengths, errors)
    settings = provenance(map=step.title, params=step.params, start=z0, near=width, steps=count, transient=before)
    return Intermittency(
        name, centre, lag, given, distances, lengths, errors, np.array([len(phases) for phases in each]), exponent, error,
        factor, provenance=settings,
    )  # fmt: skip


def _phases(step: Map, z0: Any, lag: int, near: float, steps: int, transient: int) -> np.ndarray:
    """Lengths of the laminar phases that lie within the orbit."""
    orbit = iterate(step, z0, steps + transient)
    if orbit.status != "done":
        raise NumericsError(f"the orbit {orbit.status}, so it has no laminar phases")
    z = orbit.z[transient:]
    extent = np.ptp(z, axis=0)
    extent[extent == 0] = 1.0
    laminar = (np.abs(z[lag:] - z[:-lag]) <= near * extent).all(axis=1)
    edges = np.flatnonzero(np.diff(laminar.astype(np.int8)))
    edges = edges[int(len(edges) > 0 and bool(laminar[0])) :]  # the first one is where a phase begins
    return np.diff(edges[: len(edges) // 2 * 2].reshape(-1, 2), axis=1)[:, 0].astype(float)


def _fit(distances: np.ndarray, lengths: np.ndarray, errors: np.ndarray) -> tuple[float, float, float]:
    """(exponent, its error, factor)."""
    order = np.argsort(distances)
    x, y = np.log(distances[order]), np.log(lengths[order])
    spread = np.hypot(errors / lengths, ALLOWED)[order]
    line, covariance = np.polyfit(x, y, 1, w=1 / spread, cov="unscaled")
    half = max(2, (len(x) + 1) // 2)
    slopes = [float(np.polyfit(x[part], y[part], 1, w=1 / spread[part])[0]) for part in (slice(None, half), slice(-half, None))]
    bent = max(abs(slopes[0] - line[0]), abs(slopes[0] - slopes[1]) / 2)
    return float(line[0]), math.hypot(math.sqrt(float(covariance[0, 0])), float(bent)), float(np.exp(line[1]))
