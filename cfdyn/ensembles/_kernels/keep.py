"""Keep the states of many orbits."""

import numpy as np

from cfdyn.kernels.ensemble import Ensemble, lane_parameters, load, own_parameters, walk, walk_again
from cfdyn.kernels.orbits import DONE
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer, spliced

KEPT = 256  # steps before a look at whether orbits have left


@inline_kernel
def all_within(task, z, count, ended, begin) -> bool:
    """True if no orbit of a block has escaped, and no state of a piece may have exceeded ``escape``."""
    beyond, d, escape = 0, task.d, task.escape
    for k in range(count):
        beyond += 0 if (z[d, k] <= escape) & (ended[begin + k] == 0) else 1
    return beyond == 0


@spliced
def forget(task, before, z, p, rows, row, begin, count, done, piece, ended, codes, kept) -> None:
    """Replace the states of a piece by NaN once an orbit has escaped."""
    for k in range(count):
        cell, from_step = begin + k, 0 if ended[begin + k] > 0 else piece
        if from_step > 0 and not z[task.d, k] <= task.escape:
            ran, status = walk_again(task, before, p, z, k, rows, row, piece)
            if status != DONE:
                ended[cell], codes[cell], from_step = done + ran, status, ran - 1
        for t in range(from_step, piece):
            kept[done + t, cell] = np.nan


@kernel
def keep(memory, first, last, states, parameters, ended, codes, coordinate, kept) -> None:
    """Column k of ``kept`` (K, N) gets a coordinate of the next K states of orbit k, NaN from where it left; see `settle`.

    ``run`` is the "kept" one of this coordinate. An orbit that leaves, or has left, keeps its state.
    """
    task = Ensemble(memory)
    if task.lanes == 0:
        keep_one_by_one(memory, first, last, states, parameters, ended, codes, coordinate, kept)
        return
    b, d, total = task.block, task.d, kept.shape[1]
    z, before, p = np.zeros((d + 1, b)), np.zeros((d + 1, b)), lane_parameters(task)
    rows, row, beside = np.empty((KEPT + 1, d)), own_parameters(task), np.empty((KEPT, b))
    for begin in range(first, last, b):
        count = min(b, last - begin)
        load(task, z, p, states, parameters, begin, count)
        # A block that is not full would write into the columns of others.
        p[1] = total if count == b else b
        for done in range(0, kept.shape[0], KEPT):
            piece = min(KEPT, kept.shape[0] - done)
            p[0] = piece
            for i in range(d):
                for k in range(b):
                    before[i, k] = z[i, k]
            if count == b:
                call(task.run, pointer(z, 0), pointer(p, 0), pointer(kept, done * total + begin))
            else:
                call(task.run, pointer(z, 0), pointer(p, 0), pointer(beside, 0))
                for t in range(piece):
                    for k in range(count):
                        kept[done + t, begin + k] = beside[t, k]
            if not all_within(task, z, count, ended, begin):
                forget(task, before, z, p, rows, row, begin, count, done, piece, ended, codes, kept)
        for k in range(count):
            if ended[begin + k] == 0:
                for i in range(d):
                    states[begin + k, i] = z[i, k]


@kernel
def keep_one_by_one(memory, first, last, states, parameters, ended, codes, coordinate, kept) -> None:
    """The same for maps whose steps cannot be taken for many orbits at once."""
    task = Ensemble(memory)
    rows, row = np.empty((KEPT + 1, task.d)), own_parameters(task)
    for cell in range(first, last):
        for i in range(task.parameters):
            row[i] = parameters[cell, i]
        for i in range(task.d):
            rows[0, i] = states[cell, i]
        for done in range(0, kept.shape[0], KEPT):
            piece, ran = min(KEPT, kept.shape[0] - done), 0
            if ended[cell] == 0:
                ran, status = walk(task, rows, row, piece)
                if status != DONE:
                    ended[cell], codes[cell], ran = done + ran, status, ran - 1
            for t in range(piece):
                kept[done + t, cell] = rows[t + 1, coordinate] if t < ran else np.nan
            for i in range(task.d):
                rows[0, i] = rows[ran, i]
        if ended[cell] == 0:
            for i in range(task.d):
                states[cell, i] = rows[0, i]
