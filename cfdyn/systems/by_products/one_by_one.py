"""Orbits step by step in Python: of a loss that is no formula, and with an oscillation that is kept alive.

Each gives the states up to the last finite one, and DONE, or what the next step was: DIVERGED or LEFT_DOMAIN.
"""

from collections.abc import Callable

import numpy as np

from cfdyn.kernels.orbits import DIVERGED, DONE, LEFT_DOMAIN
from cfdyn.systems.by_products.map_by_products import MapByProducts
from cfdyn.systems.eigenvalues import leading
from cfdyn.systems.map import Map

STEPS = 100  # between two reports of progress


def by_gradients(
    step: MapByProducts, z: np.ndarray, n: int, escape: float, progress: Callable[[int], None] | None = None
) -> tuple[np.ndarray, int]:
    """n steps; Ctrl-C comes between two."""
    states = np.empty((n + 1, step.dim))
    states[0] = z
    for k in range(n):
        with np.errstate(all="ignore"):
            states[k + 1] = step.step(states[k])
        if not np.abs(states[k + 1]).max() <= escape:
            return states[: k + 1].copy(), _end(states[k], states[k + 1])
        if progress and (k + 1) % STEPS == 0:
            progress(k + 1)
    return states, DONE


def advanced(
    step: MapByProducts, z: np.ndarray, n: int, escape: float, progress: Callable[[int], None] | None = None
) -> tuple[np.ndarray, int]:
    """The state n steps after z, or the last one before it escapes, and the number of steps to it."""
    for k in range(n):
        with np.errstate(all="ignore"):
            image = step.step(z)
        if not np.abs(image).max() <= escape:
            return z, k
        z = image
        if progress and (k + 1) % STEPS == 0:
            progress(k + 1)
    return z, n


def _end(last: np.ndarray, beyond: np.ndarray) -> int:
    return LEFT_DOMAIN if np.isnan(beyond).any() and np.abs(last).max() < 1e100 else DIVERGED


def with_seed(step: Map | MapByProducts, z0: np.ndarray, n: int, size: float, escape: float) -> tuple[np.ndarray, int]:
    """n steps, with the alternation kept at least at ``size``."""
    states, rule, d = np.empty((n + 1, step.dim)), step.rule("step"), step.n_weights
    sign = 1.0
    states[0] = z0
    for k in range(n):
        states[k + 1] = rule(states[k], step.p)
        if not np.abs(states[k + 1]).max() <= escape:
            return states[: k + 1].copy(), _end(states[k], states[k + 1])
        if k < 2:
            continue
        # A third difference: no slow motion is taken for an oscillation.
        swing = (3 * states[k, :d] - 3 * states[k - 1, :d] + states[k - 2, :d] - states[k + 1, :d]) / 8
        if np.linalg.norm(swing) >= size * 10:
            continue
        sharpness, direction = leading(step.rule, states[k], step.p, d)
        if np.isfinite(sharpness):
            along = float(swing @ direction)
            sign = np.sign(along) or sign
            # Twice what is missing: within a third of the size, whatever of it a step leaves.
            states[k + 1, :d] -= sign * 2 * max(size - abs(along), 0.0) * direction
    return states, DONE
