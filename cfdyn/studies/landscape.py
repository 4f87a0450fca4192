"""`landscape`: the background of an orbit's figure: the graph of the map, or the loss over a plane."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from cfdyn.analysis.attractors.classify import Regime
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.records.record import Record
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.orbit import Orbit

EARLY = 3  # steps, of an orbit that may diverge later
ROUNDING = 1e-9  # relative to the values: an orbit that moves less is at rest


@dataclass(frozen=True)
class Landscape(Record):
    """``kind`` "graph": x (n,) and values (n,) = f(x). ``kind`` "plane": x (n,), y (m,) and the loss
    values (m, n), the other weights as at the end of the orbit. ``labels``: names of the axes."""

    kind: str
    x: Annotated[np.ndarray, "*"]
    y: Annotated[np.ndarray, "*"]
    values: np.ndarray
    labels: tuple[str, str]


def landscape(loss: Loss, step: Map, orbit: Orbit, regime: Regime, size: int = 161) -> Landscape:
    """The graph of a map of one variable around the orbit, or the loss over the first two weights.

    Momentum on one weight is drawn in the plane of the weight and its first state variable, without
    contours (values are NaN).
    """
    seen = orbit.z[:81] if step.dim == 1 else orbit.z
    settled = regime.points.reshape(-1, step.dim)
    x = _interval(seen[:, 0], settled[:, 0], 4 * size if step.dim == 1 else size)
    if step.dim == 1:
        out = evaluate_rows(step.rule("step"), x[:, None], step.p)
        return Landscape("graph", x, np.empty(0), out[:, 0], (step.names[0], "next " + step.names[0]))
    y = _interval(seen[:, 1], settled[:, 1], size)
    values = np.full((size, size), np.nan)
    if loss.dim > 1:
        points = np.tile(orbit.w[-1], (size * size, 1))
        points[:, 0], points[:, 1] = (g.ravel() for g in np.meshgrid(x, y))
        values = evaluate_rows(loss.rule("value"), points, loss.p).reshape(size, size)
    return Landscape("plane", x, y, values, (step.names[0], step.names[1]))


def _interval(seen: np.ndarray, settled: np.ndarray, size: int) -> np.ndarray:
    """A grid over the values with a margin; a divergent orbit is cut at 20 times its size, a cycle and the start never."""
    values = np.concatenate([seen, settled])
    away = np.abs(values - np.median(values))
    # A settled orbit lies at one place for most of the time: the distance of its start gives its size.
    spread = max(np.median(away), away[:EARLY].max(initial=0.0), away[len(seen) :].max(initial=0.0)) or 1.0
    near = values[away <= 20 * spread]
    lo, hi = near.min(), near.max()
    scale = max(1.0, abs(lo), abs(hi))
    margin = 0.25 * (hi - lo if hi - lo > ROUNDING * scale else scale)
    return np.linspace(lo - margin, hi + margin, size)
