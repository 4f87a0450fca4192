"""Whether many orbits have come back to where they were, and after how many steps."""

import numpy as np

from cfdyn.kernels.lanes.ensemble import Ensemble, alone, load, own_parameters, walk_again
from cfdyn.kernels.lanes.keep import all_within
from cfdyn.kernels.orbits import DONE
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer

FLOOR = 1e-290  # the size of states that have decayed to round-off around 0, whose differences are none


@inline_kernel
def longest_gap(out, k, lag, last, first, most) -> float:
    """max |x_t − x_{t−lag}| over the rows first…last − 1 of orbit k; no more once it is above ``most``."""
    worst = 0.0
    for t in range(first, last):
        for i in range(out.shape[1]):
            worst = max(worst, abs(out[t, i, k] - out[t - lag, i, k]))
        if not worst <= most:
            break
    return worst


@inline_kernel
def least_lag(out, k, rows, shortest, longest, size, tolerance) -> int:
    """The least number of steps, from ``shortest`` on, after which orbit k comes back over its last ``longest`` rows; 0 if none.

    Gaps are measured by the largest entry: what has fallen to round-off beside it, as the step at a minimum, repeats as it may.

    Where a shorter one nearly does (to 10⁴ tolerances) none does: an orbit that converges slowly looks like twice its period.
    """
    for lag in range(shortest, longest + 1):
        gap = longest_gap(out, k, lag, rows, rows - longest, 1e4 * tolerance * size)
        if gap <= tolerance * size:
            return lag
        if gap <= 1e4 * tolerance * size:
            return 0
    return 0


@inline_kernel
def looked_at(out, rows, longest, tolerance, sizes, shortest, gaps) -> None:
    """The sizes of all orbits of a block over their last ``longest`` rows, and the shortest lags at which they may come back.

    The last row alone says that: 0 where it rules out all of them. ``gaps`` is for work.
    """
    block = out.shape[2]
    for k in range(block):
        sizes[k], shortest[k] = FLOOR, 0.0
    for t in range(rows - longest, rows):
        for i in range(out.shape[1]):
            for k in range(block):
                sizes[k] = max(sizes[k], abs(out[t, i, k]))
    for lag in range(longest, 0, -1):
        for k in range(block):
            gaps[k] = 0.0
        for i in range(out.shape[1]):
            for k in range(block):
                gaps[k] = max(gaps[k], abs(out[rows - 1, i, k] - out[rows - 1 - lag, i, k]))
        for k in range(block):
            shortest[k] = lag if gaps[k] <= 1e4 * tolerance * sizes[k] else shortest[k]


@kernel
def periods(memory, first, last, states, parameters, ended, codes, longest, tolerance, found) -> None:
    """Take 2 ``longest`` steps of each orbit; ``found`` (N,): its period, 0 if it has none up to ``longest``.

    ``run`` is the "kept" one of all coordinates. A cycle begins with the state that is left in ``states``.
    """
    task, rows = Ensemble(memory), 2 * longest
    b, d = task.block, task.d
    z, before, out, p = np.zeros((d + 1, b)), np.zeros((d, b)), np.zeros((rows, d, b)), np.zeros(task.head + task.parameters * b)
    walked, row, sizes, shortest, gaps = np.empty((rows + 1, d)), own_parameters(task), np.empty(b), np.empty(b), np.empty(b)
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
        looked_at(out, rows, longest, tolerance, sizes, shortest, gaps)
        for k in range(count):
            cell = begin + k
            found[cell] = 0
            if ended[cell] > 0:
                continue
            at, status = (0, DONE) if fine or z[d, k] <= task.escape else walk_again(task, before, p, z, k, walked, row, rows)
            if status != DONE:
                ended[cell], codes[cell] = at, status
                continue
            if shortest[k] > 0:
                found[cell] = least_lag(out, k, rows, int(shortest[k]), longest, sizes[k], tolerance)
            for i in range(d):
                states[cell, i] = out[rows - 1, i, k]


@kernel
def monodromy(memory, first, last, states, parameters, found, matrices) -> None:
    """The Jacobian of a turn of each cycle, (N, D, D); ``run`` is here the rule of the map's Jacobian, by itself."""
    task = Ensemble(memory)
    d, row = task.d, own_parameters(task)
    here, there, slope, product = np.empty((1, d)), np.empty((1, d)), np.empty((d, d)), np.empty((d, d))
    for cell in range(first, last):
        for i in range(task.parameters):
            row[i] = parameters[cell, i]
        for i in range(d):
            here[0, i] = states[cell, i]
            for j in range(d):
                matrices[cell, i, j] = 1.0 if i == j else 0.0
        for _ in range(found[cell]):
            call(task.run, pointer(here, 0), pointer(row, 0), pointer(slope, 0))
            call(task.step, pointer(here, 0), pointer(row, 0), pointer(there, 0))
            for i in range(d):
                here[0, i] = there[0, i]
                for j in range(d):
                    total = 0.0
                    for k in range(d):
                        total += slope[i, k] * matrices[cell, k, j]
                    product[i, j] = total
            for i in range(d):
                for j in range(d):
                    matrices[cell, i, j] = product[i, j]
