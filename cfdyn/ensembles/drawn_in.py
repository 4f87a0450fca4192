"""Boxes around the points of an attracting cycle that the step contracts: an orbit in one of them ends on the cycle."""

from __future__ import annotations

import numpy as np

from cfdyn.systems.map import Map

HALVINGS = 16  # of the size of the cycle, from half of it on
SHRUNK = 0.99  # times its size a box comes back after a turn


def drawn_in(step: Map, points: np.ndarray) -> np.ndarray:
    """Half the sides of boxes around the points (n, D) of a cycle, (n,); 0 where there are none, and of maps with branches.

    Each step takes a box into the next one, for over it max_i Σ_j |∂f_i/∂z_j| is bounded, in intervals, by the ratio of their
    sides; after a turn the box has shrunk. By the mean value theorem all of its orbits approach the cycle.

    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.2))
    >>> drawn_in(step, np.array([[1.0]]))
    array([0.25])
    """
    size = float(np.abs(points).max()) or 1.0
    for halving in range(1, HALVINGS + 1 if not step.switching else 1):
        sides = [size * 0.5**halving]
        for point in points:
            sides.append(sides[-1] * _slope(step, point, sides[-1]))
            if not sides[-1] <= size:
                break
        if len(sides) > len(points) and sides[-1] <= SHRUNK * sides[0]:
            return np.array(sides[:-1])
    return np.zeros(len(points))


def _slope(step: Map, point: np.ndarray, side: float) -> float:
    """A bound of the norm of the Jacobian that belongs to the largest entry, over a box around a point."""
    box = np.stack([point - side, point + side], axis=1).ravel()
    bounds = np.abs(step.rule("interval:jacobian")(box, step.p)).reshape(step.dim, step.dim, 2)
    return float(bounds.max(axis=2).sum(axis=1).max())
