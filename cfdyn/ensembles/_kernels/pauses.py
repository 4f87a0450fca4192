"""Detect where some entries of many orbits stand still."""

import numpy as np

from cfdyn.kernels.ensemble import Ensemble, alone, lane_parameters, load, own_parameters, walk_again
from cfdyn.kernels.orbits import DONE
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer

PIECE, BEFORE = 64, 3  # rows that are kept at a time, and of those before them
ULP = 2.0**-52  # the spacing of numbers beside 1, at most that of others beside their size


@inline_kernel
def calm_steps(rows, last, weights, ulps, least, calm, strides, gaps, sizes) -> None:
    """Count in ``calm`` (B,) for how many rows up to ``last`` the third differences were round-off; the longest step so far."""
    for k in range(calm.size):
        gaps[k] = sizes[k] = 0.0
    for i in range(weights):
        a, b, c, d = rows[last - 3, i], rows[last - 2, i], rows[last - 1, i], rows[last, i]
        for k in range(calm.size):
            gap = abs(((d[k] - c[k]) - (c[k] - b[k])) - ((c[k] - b[k]) - (b[k] - a[k])))
            gaps[k] = gap if not gap <= gaps[k] else gaps[k]  # NaN stays
            sizes[k] = max(sizes[k], abs(d[k]))
            move = abs(d[k] - c[k])
            strides[k] = move if move > strides[k] else strides[k]
    for k in range(calm.size):
        calm[k] = calm[k] + 1.0 if gaps[k] <= max(ulps * ULP * sizes[k], least) else 0.0
    for k in range(calm.size):
        if calm[k] > 0.0 and gaps[k] > least and gaps[k] > ulps * np.spacing(sizes[k]):
            calm[k] = 0.0


@kernel
def pauses(
    memory, first, last, states, parameters, ended, codes, weights, still, ulps, least, at, paused, stride
) -> None:  # fmt: skip
    """Take ``steps`` of each orbit in place; ``paused`` (N, D) gets the first state at which it stands still, ``at`` its row.

    There the third differences of the first ``weights`` entries are at most so many ``ulps`` of them, or ``least``, for
    ``still`` rows of four. ``stride`` (N,): the largest change of these entries in a step. ``run`` is the "kept" one of all
    coordinates.
    """
    task = Ensemble(memory)
    b, d = task.block, task.d
    z, before, p = np.zeros((d + 1, b)), np.zeros((d, b)), lane_parameters(task)
    rows, walked, row = np.zeros((BEFORE + PIECE, d, b)), np.empty((PIECE + 1, d)), own_parameters(task)
    calm, gaps, sizes, strides = np.zeros(b), np.zeros(b), np.zeros(b), np.zeros(b)
    for begin in range(first, last, b):
        count, calm[:], strides[:] = min(b, last - begin), 0.0, 0.0
        load(task, z, p, states, parameters, begin, count)
        rows[PIECE : PIECE + 2], rows[PIECE + 2] = np.nan, z[:d]
        for done in range(0, task.steps, PIECE):
            piece = min(PIECE, task.steps - done)
            p[0] = piece
            rows[:BEFORE], before[:] = rows[PIECE:].copy(), z[:d]
            if task.lanes > 0:
                call(task.run, pointer(z, 0), pointer(p, 0), pointer(rows, BEFORE * d * b))
            else:
                for k in range(count):
                    alone(task, row, parameters, begin + k, walked, z, k, rows[BEFORE:], piece)
            for t in range(BEFORE, BEFORE + piece):
                calm_steps(rows, t, weights, ulps, least, calm, strides, gaps, sizes)
                for k in range(count):
                    if calm[k] == still and at[begin + k] == 0 and ended[begin + k] == 0:
                        at[begin + k] = done + t - 2 * BEFORE + 1
                        paused[begin + k] = rows[t - BEFORE, :, k]
            for k in range(count):
                cell = begin + k
                if ended[cell] == 0 and not z[d, k] <= task.escape:
                    ran, status = walk_again(task, before, p, z, k, walked, row, piece)
                    if status != DONE:
                        ended[cell], codes[cell], at[cell] = done + ran, status, 0
                        states[cell] = z[:d, k]
        for k in range(count):
            stride[begin + k] = max(stride[begin + k], strides[k])
            if ended[begin + k] == 0:
                states[begin + k] = z[:d, k]
