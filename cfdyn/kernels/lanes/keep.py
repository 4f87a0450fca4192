"""Keep the states of many orbits."""

import numpy as np

from cfdyn.kernels.lanes.ensemble import Ensemble, alone, load, own_parameters
from cfdyn.kernels.orbits import DONE, outside
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer, spliced

KEPT = 32  # steps whose states fit into the fastest memory


@spliced
def first_outside(task, z, k, out, piece, rows) -> tuple[int, int]:
    """(t + 1, status) of the first state of a piece that is not acceptable, (0, DONE) if all are."""
    for t in range(piece):
        fine = True
        for i in range(task.d):
            fine &= abs(out[t, i, k]) <= task.escape
        if not fine:
            for i in range(task.d):
                rows[0, i], rows[1, i] = out[t - 1, i, k] if t > 0 else z[i, k], out[t, i, k]
            return t + 1, outside(rows, 1, task.escape)
    return 0, DONE


@inline_kernel
def all_within(task, out, piece, count, ended, begin) -> bool:
    """True if no orbit has left, and all states of a piece are acceptable."""
    beyond = 0
    for k in range(count):
        beyond += 1 if ended[begin + k] > 0 else 0
    escape = task.escape
    for t in range(piece):
        for i in range(task.d):
            for k in range(count):
                beyond += 0 if abs(out[t, i, k]) <= escape else 1
    return beyond == 0


@kernel
def keep(memory, first, last, states, parameters, ended, codes, coordinate, kept) -> None:
    """Column k of ``kept`` (K, N) gets a coordinate of the next K states of orbit k, NaN from where it left; see `settle`.

    ``run`` is the "kept" one. An orbit that leaves, or has left, keeps its state.
    """
    task = Ensemble(memory)
    b, d = task.block, task.d
    z, out, p = np.zeros((d, b)), np.zeros((KEPT, d, b)), np.zeros(task.head + task.parameters * b)
    rows, row = np.empty((KEPT + 1, d)), own_parameters(task)
    for begin in range(first, last, b):
        count = min(b, last - begin)
        load(task, z, p, states, parameters, begin, count)
        for done in range(0, kept.shape[0], KEPT):
            piece = min(KEPT, kept.shape[0] - done)
            p[0] = piece
            if task.lanes > 0:
                call(task.run, pointer(z, 0), pointer(p, 0), pointer(out, 0))
            else:
                for k in range(count):
                    alone(task, row, parameters, begin + k, rows, z, k, out, piece)
            for t in range(piece):
                for k in range(count):
                    kept[done + t, begin + k] = out[t, coordinate, k]
            if not all_within(task, out, piece, count, ended, begin):
                for k in range(count):
                    at, status = first_outside(task, z, k, out, piece, rows) if ended[begin + k] == 0 else (1, DONE)
                    if status != DONE:
                        ended[begin + k], codes[begin + k] = done + at, status
                    if at > 0:
                        for t in range(at - 1, piece):
                            kept[done + t, begin + k] = np.nan
            for i in range(d):
                for k in range(b):
                    z[i, k] = out[piece - 1, i, k]
        for k in range(count):
            if ended[begin + k] == 0:
                for i in range(d):
                    states[begin + k, i] = z[i, k]
