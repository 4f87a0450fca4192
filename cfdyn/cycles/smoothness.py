"""Is a map smooth at given points, or does its derivative, or the map itself, jump there?"""

import numpy as np

from cfdyn.cycles.shooting import images, jacobians
from cfdyn.systems.map import Map

SHIFT = 1e-7  # of the size of the points: how far beside them a map is looked at
MOST_CHANGE, BEND = 1e3, 1e-3  # what a smooth map does over a shift, times its steepness: values, and slopes of 1
# Of the size of a point: so near to it a border of a branch is at it; of that: so far away both branches are clear, and how
# exact values are.
BESIDE, CLEAR, ROUND = 1e-7, 1e-4, 1e-6
ROUNDS = 400  # after which orbits beside a cycle are nearer to it, or not
CORNER = 1e-6  # by how much slopes differ across a border, relative to their size or 1


def regularity(step: Map, points: np.ndarray, extent: float) -> str:
    """ "smooth", "corner" (the derivative jumps) or "jump" (the map itself does) at the points (n, D) of a cycle.

    States behind the weights are moved by a part of their own size: an accumulator may not become negative.
    """
    size = SHIFT * max(float(np.abs(points).max()), extent, 1e-300)
    here, slopes = images(step, points), jacobians(step, points)
    steepness, worst = 1 + np.abs(slopes).max(), "smooth"
    shift = np.full(points.shape, size)
    if step.n_weights:
        shift[:, step.n_weights :] = SHIFT * np.abs(points[:, step.n_weights :])
    for direction in np.concatenate([np.eye(step.dim), -np.eye(step.dim)]):
        moved = points + shift * direction
        if not np.abs(images(step, moved) - here).max() <= MOST_CHANGE * size * steepness:
            return "jump"
        if not np.abs(jacobians(step, moved) - slopes).max() <= BEND * steepness:
            worst = "corner"
    return worst


def drifts_away(step: Map, points: np.ndarray, extent: float) -> bool:
    """True if orbits from beside a cycle (n, D) are farther from it `ROUNDS` rounds later: where slopes jump, the multiplier
    is that of one side, and sides may alternate."""
    size = SHIFT * max(float(np.abs(points).max()), extent, 1e-300)
    shift = np.full(step.dim, size)
    if step.n_weights:
        shift[step.n_weights :] = SHIFT * np.abs(points[0, step.n_weights :])
    z = points[0] + np.concatenate([np.diag(shift), -np.diag(shift)])
    for _ in range(ROUNDS * len(points)):
        z = images(step, z)
    return not np.abs(z - points[0]).max() <= 1.001 * size


def regularity_across(step: Map, z: np.ndarray) -> str:
    """The same at one point (D,) for jumps of any height, from both sides of the border between two branches; or "undefined".

    Slopes in a state behind the weights are left out where there are none: in the root of an average of squares that is 0.
    """
    size = BESIDE * max(1.0, float(np.abs(z).max()))
    if not step.switches:
        return "smooth"
    has_slopes = np.isfinite(step.jacobian(z)).all(axis=0) | (np.arange(step.dim) < (step.n_weights or step.dim))
    for direction in np.eye(step.dim) * size:
        pair = np.array([z - direction, z + direction])
        for which in np.flatnonzero(_branches(step, pair[0]) != _branches(step, pair[1])):
            both = _border(step, pair[0], pair[1], int(which)) + CLEAR * np.array([-direction, direction])
            values, slopes = images(step, both), jacobians(step, both)[:, :, has_slopes]
            if not (np.isfinite(values).all() and np.isfinite(slopes).all()):
                return "undefined"
            rise = np.abs(slopes @ (both[1] - both[0])[has_slopes]).max(axis=0)
            if not (np.abs(values[1] - values[0]) <= 4 * rise + ROUND * size).all():
                return "jump"
            if not np.abs(slopes[1] - slopes[0]).max() <= CORNER * max(1.0, np.abs(slopes).max()):
                return "corner"
    return "smooth"


def _branches(step: Map, z: np.ndarray) -> np.ndarray:
    """On which side of each border a point lies, (s,)."""
    return step.rule("switching")(z, step.p) > 0


def _border(step: Map, left: np.ndarray, right: np.ndarray, which: int) -> np.ndarray:
    """Two points as near to each other as numbers are between which one switching function changes its sign, (2, D)."""
    side = _branches(step, left)[which]
    while True:
        middle = (left + right) / 2
        if (middle == left).all() or (middle == right).all():
            return np.array([left, right])
        left, right = (middle, right) if _branches(step, middle)[which] == side else (left, middle)
