"""Detect whether many orbits have returned to an earlier state, and after how many steps."""

import numpy as np

from cfdyn.ensembles._kernels.keep import all_within
from cfdyn.kernels.ensemble import Ensemble, alone, lane_parameters, load, on_lines, own_parameters, walk_again
from cfdyn.kernels.orbits import DONE
from cfdyn.machine.jit import call, kernel, pointer, spliced

NEARLY, OPEN = 1e4, -1
FLOOR = 1e-290  # the size of states that have decayed to round-off around 0, whose differences are none


@spliced
def last_gaps(out, lag, gaps) -> None:
    """max |x_t − x_{t−lag}| over all entries of the last row, of each orbit of a block."""
    t = out.shape[0] - 1
    for k in range(out.shape[2]):
        gaps[k] = 0.0
    for i in range(out.shape[1]):
        for k in range(out.shape[2]):
            gaps[k] = max(gaps[k], abs(out[t, i, k] - out[t - lag, i, k]))


@spliced
def longest_gaps(out, lag, first, gaps) -> None:
    """The same over the rows from ``first`` on, four at a time: periods are stored less often."""
    last = out.shape[0] - 1
    for k in range(out.shape[2]):
        gaps[k] = 0.0
    for t in range(first, last + 1, 4):
        u, v, w = min(t + 1, last), min(t + 2, last), min(t + 3, last)
        for i in range(out.shape[1]):
            for k in range(out.shape[2]):
                one = max(abs(out[t, i, k] - out[t - lag, i, k]), abs(out[u, i, k] - out[u - lag, i, k]))
                two = max(abs(out[v, i, k] - out[v - lag, i, k]), abs(out[w, i, k] - out[w - lag, i, k]))
                gaps[k] = max(gaps[k], max(one, two))


@spliced
def largest(out, first, sizes) -> None:
    """max |x_t| over the rows from ``first`` on and all entries, of each orbit of a block, if ``sizes`` are not larger."""
    last = out.shape[0] - 1
    for t in range(first, last + 1, 4):
        u, v, w = min(t + 1, last), min(t + 2, last), min(t + 3, last)
        for i in range(out.shape[1]):
            for k in range(out.shape[2]):
                one, two = max(abs(out[t, i, k]), abs(out[u, i, k])), max(abs(out[v, i, k]), abs(out[w, i, k]))
                sizes[k] = max(sizes[k], max(one, two))


@spliced
def least_lags(out, longest, tolerance, limits, gaps, lags) -> None:
    """The least number of steps after which orbits come back over their last ``longest`` rows, where ``lags`` is OPEN; 0 if none.

    Gaps are measured by the largest entry: what has fallen to round-off beside it, as the step at a minimum, repeats as it may.
    Where a shorter one nearly does (to 10⁴ tolerances) none does: an orbit that converges slowly looks like twice its period.
    """
    rows, block = out.shape[0], out.shape[2]
    for k in range(block):
        limits[k] = FLOOR
    largest(out, rows - longest, limits)
    for k in range(block):
        limits[k] *= tolerance
    for lag in range(1, longest + 1):
        # The last row says of most orbits that they do not come back.
        last_gaps(out, lag, gaps)
        some, left = 0, 0
        for k in range(block):
            left += 1 if lags[k] == OPEN else 0
            some += 1 if (lags[k] == OPEN) & (gaps[k] <= NEARLY * limits[k]) else 0
        if left == 0:
            return
        if some == 0:
            continue
        longest_gaps(out, lag, rows - longest, gaps)
        for k in range(block):
            if lags[k] == OPEN and gaps[k] <= NEARLY * limits[k]:
                lags[k] = lag if gaps[k] <= limits[k] else 0


@kernel
def periods(memory, first, last, states, parameters, ended, codes, longest, tolerance, lengths) -> None:
    """Take 2 ``longest`` steps of each orbit; ``lengths`` (N,): its period, 0 if it has none up to ``longest``.

    ``run`` is the "kept" one of all coordinates. The state left in ``states`` is the first point of the cycle.
    """
    task, rows = Ensemble(memory), 2 * longest
    b, d = task.block, task.d
    z, before, p = on_lines((d + 1) * b).reshape(d + 1, b), np.zeros((d, b)), lane_parameters(task)
    out, limits, gaps, lags = on_lines(rows * d * b).reshape(rows, d, b), on_lines(b), on_lines(b), np.zeros(b, np.int64)
    walked, row = np.empty((rows + 1, d)), own_parameters(task)
    p[0] = rows
    for begin in range(first, last, b):
        count = min(b, last - begin)
        load(task, z, p, states, parameters, begin, count)
        for i in range(d):
            for k in range(b):
                before[i, k] = z[i, k]
        if task.lanes > 0:
            call(task.run, pointer(z, 0), pointer(p, 0), pointer(out, 0))
        else:
            for k in range(count):
                alone(task, row, parameters, begin + k, walked, z, k, out, rows)
        fine = all_within(task, z, count, ended, begin)
        for k in range(b):
            lags[k] = 0
        for k in range(count):
            lags[k] = OPEN if ended[begin + k] == 0 else 0
        least_lags(out, longest, tolerance, limits, gaps, lags)
        for k in range(count):
            cell = begin + k
            lengths[cell] = 0
            if ended[cell] > 0:
                continue
            at, status = (0, DONE) if fine or z[d, k] <= task.escape else walk_again(task, before, p, z, k, walked, row, rows)
            if status != DONE:
                ended[cell], codes[cell] = at, status
                continue
            lengths[cell] = max(lags[k], 0)
            for i in range(d):
                states[cell, i] = out[rows - 1, i, k]
