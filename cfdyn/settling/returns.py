"""Close returns of an orbit, near which a cycle may exist."""

import math

import numpy as np

from cfdyn.cycles.shooting import log_growth
from cfdyn.systems.map import Map

# Close returns worth Newton's work: short ones, longer ones over which tangent vectors grow by no more than that, and those
# that come back to round-off.
SHORT, LONG, MOST_GROWTH, CLOSE, BACK = 8, 64, math.log(20.0), 1e-4, 1e-11


def promising_returns(step: Map, orbit: np.ndarray, extent: np.ndarray) -> list[int]:
    """Close returns of an orbit (n, D) that may belong to a cycle worth Newton's work, the shortest first.

    Over a long return near an attracting cycle tangent vectors do not grow; in chaos they do. ``extent`` (D,): the size of
    each coordinate.
    """
    lags, distance = record_returns(orbit, extent)
    near, back = (lags <= LONG) | (distance <= CLOSE), distance <= BACK
    tame, asked = lags <= SHORT, np.flatnonzero((lags > SHORT) & near & ~back)
    if len(asked):
        tame[asked] = log_growth(step, orbit, lags[asked]) <= MOST_GROWTH
    return [int(lag) for lag in lags[tame & near | back]]


def record_returns(orbit: np.ndarray, extent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(lags, distances) at which the orbit (n, D) comes closer to its first row than ever before."""
    size = np.maximum(np.abs(orbit).max(axis=0), 1e-3 * extent)
    size[size == 0] = 1.0
    distance = (np.abs(orbit[1:] - orbit[0]) / size).max(axis=1)
    before = np.minimum.accumulate(np.concatenate([[np.inf], distance[:-1]]))
    # A return at round-off cannot be improved on in a meaningful way.
    lags = np.flatnonzero((distance < before) & (before > 1e-13)) + 1
    return lags, distance[lags - 1]
