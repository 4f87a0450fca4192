"""How many steps orbits take to settle on their cycles, or to escape."""

import numpy as np

from cfdyn.ensembles.orbits import Orbits

HELD = 128  # steps in which an orbit that has settled stays
PIECE = 64  # steps that are looked at together


def settling_steps(orbits: Orbits, periods: np.ndarray, steps: int, tolerance: float) -> np.ndarray:
    """Steps (N,) until an orbit with a period (N,) stays near its cycle, or one without leaves; 0 if neither within ``steps``.

    The cycle is where the orbit is after all steps; near is within ``tolerance``, at the same phase.
    """
    late, times = orbits.some(np.arange(len(periods))), np.zeros(len(periods), np.int64)
    late.advance(steps)
    times[periods == 0] = late.ended[periods == 0]
    for period in np.unique(periods[(periods > 0) & (late.ended == 0)]).tolist():
        which = np.flatnonzero((periods == period) & (late.ended == 0))
        cycle = np.stack([late.some(which).keep(period, k) for k in range(orbits.states.shape[1])])  # (D, N, period)
        times[which] = _settled(orbits.some(which), cycle, steps, tolerance)
    return times


def _settled(orbits: Orbits, cycle: np.ndarray, steps: int, tolerance: float) -> np.ndarray:
    """The first step from which on each orbit stays near its cycle (D, N, n), which begins with the state after all steps."""
    d, n, period = cycle.shape
    outside, times, left, done = np.full(n, -1), np.zeros(n, np.int64), np.arange(n), 0
    first = np.abs(orbits.states.T - cycle[:, :, (-steps - 1) % period]).max(axis=0) > tolerance
    outside[first] = 0
    while len(left) and done < steps:
        phases = (done - steps + np.arange(PIECE)) % period
        kept = [orbits.some(np.arange(len(left))).keep(PIECE, k) for k in range(d)]
        away = np.max([np.abs(kept[k] - cycle[k][left][:, phases]) for k in range(d)], axis=0) > tolerance
        last = np.where(away.any(axis=1), PIECE - np.argmax(away[:, ::-1], axis=1), 0)
        outside[left] = np.where(last > 0, done + last, outside[left])
        orbits.advance(PIECE)
        done += PIECE
        settled = done - outside[left] >= HELD
        times[left[settled]] = outside[left[settled]] + 1
        orbits, left = orbits.some(np.flatnonzero(~settled)), left[~settled]
    return times
