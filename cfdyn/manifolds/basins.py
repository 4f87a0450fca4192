"""Which attractor the orbits from the points of a grid end on."""

from __future__ import annotations

import numpy as np

from cfdyn.machine.jit import address
from cfdyn.manifolds._kernels.ends import run_on
from cfdyn.settling.orbit import orbit_of
from cfdyn.settling.regime import regime
from cfdyn.systems.map import Map

STEPS, ESCAPE = 4000, 1e8  # of each orbit; of the box's widths
MOST, LONG = 40, 8000  # attractors; points of one that is no cycle
NEAR, NEAR_CYCLE = 0.02, 1e-4  # of the box's widths: so near to an attractor an orbit is on it
DIVERGES, OPEN = -1, -2


def basins_on(step: Map, box: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (size, size) of a grid over a box (2, 2), rows from below: see `Manifolds`; and a point of each attractor."""
    unit = box[:, 1] - box[:, 0]
    ticks = [np.linspace(lo, hi, size) for lo, hi in box]
    states = np.stack([part.ravel() for part in np.meshgrid(*ticks)], axis=1)
    escaped = np.zeros(len(states))
    run_on(address(step.rule("step").compiled), step.p, STEPS, ESCAPE * unit.max(), unit, states, escaped)
    labels = np.full(len(states), OPEN)
    labels[escaped > 0] = DIVERGES
    ends: list[np.ndarray] = []
    while len(ends) < MOST and (open_ := np.flatnonzero(labels == OPEN)).size:
        points, near = _attractor(step, states[open_[0]], unit)
        if points is None:
            labels[open_[0]] = DIVERGES
            continue
        on_it = _distances(states[open_] / unit, points / unit) <= near
        on_it[0] = True
        labels[open_[on_it]] = len(ends)
        ends.append(points[0])
    return labels.reshape(size, size), np.array(ends).reshape(-1, 2)


def _attractor(step: Map, z: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray | None, float]:
    """Points (k, D) of what a state is on, None if it diverges after all, and how near to them counts."""
    settled = regime(step, z)
    if settled.period is not None and settled.points is not None:
        return settled.points, NEAR_CYCLE
    orbit = orbit_of(step, z, LONG)
    return orbit, NEAR


def _distances(states: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Of each state from the nearest point."""
    from scipy.spatial import cKDTree

    return cKDTree(points).query(states)[0]
