"""One flow compared with the optimizer that it models: the iterates, the distance from them, and what to draw."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cfdyn.analysis.training.compare import compare
from cfdyn.integrate.trajectory import Trajectory
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.systems.orbit import Orbit, iterate
from cfdyn.systems.steps import as_map

MODERATE = 10_000.0  # up to this time the optimizer is run too, unless the user decides otherwise
POINTS, MOST_STEPS = 400, 2000  # rows of a figure: a point for each of its pixels, or of the solver's steps


def own_orbit(flow: Flow, loss: Loss | None, start: Sequence[float], time: float, wanted: bool | None = None) -> Orbit | None:
    """The optimizer's own steps from the start of its flow; None if there are none, or if they are not ``wanted``.

    ``wanted=None``: up to a moderate time, if the optimizer can start there too. A flow with noise has none: one run is not a
    path with which to compare it.
    """
    if flow.optimizer is None or flow.noisy or loss is None or wanted is False or (wanted is None and time > MODERATE):
        return None
    step = as_map(loss, flow.optimizer)
    if wanted is None and len(start) not in (step.n_weights, step.dim):
        # A full state of the model alone, which is not a state of the optimizer.
        return None
    return iterate(step, start, int(time))


def rows_to_draw(path: Trajectory) -> list[float]:
    """Times close enough to draw a path: on a grid, at the steps' ends, and on both sides of every event."""
    end = path.starts[-1] + path.sizes[-1]
    events = np.array([event.t for event in path.events])
    stride = 1 + len(path.starts) // MOST_STEPS
    begin, way = path.starts[0], 1.0 if path.sizes[0] > 0 else -1.0  # of a path into the past the rows decrease
    grid, ends = np.linspace(begin, end, POINTS + 1), path.starts[::stride]
    rows = way * np.unique(way * np.concatenate([grid, ends, events, np.nextafter(events, begin)]))
    return rows[(way * rows >= way * begin) & (way * rows <= way * end)].tolist()


def beside_orbit(path: Trajectory, orbit: Orbit) -> dict[str, Any]:
    """The path against the averages of the optimizer's iterates, at the last of them and where the distance is largest.

    ``compared``: the number of averages; the other numbers are omitted if it is 0.
    """
    facts: dict[str, Any] = {"status": orbit.status, "steps": len(orbit.z) - 1, "compared": 0}
    if len(orbit.z) < 3:
        return facts
    comparison = compare(orbit, [path])
    (model,) = comparison.models
    last = len(model.w) - 1
    if last < 0:
        return facts
    away = np.linalg.norm(model.w - comparison.averaged[: last + 1], axis=1)
    return {
        **facts, "compared": last + 1, "t": comparison.t[last], "distance": model.final_distance,
        "max_distance": model.max_distance, "farthest": int(comparison.t[away.argmax()]), "midpoint": comparison.averaged[last],
        "loss": comparison.loss[last], "sharpness": comparison.sharpness[last], "variance": comparison.variance[last],
        "preconditioned_sharpness": None if comparison.hovering is None else comparison.hovering.sharpness[last],
    }  # fmt: skip
