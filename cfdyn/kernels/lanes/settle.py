"""Take many orbits along: blocks of lanes that are refilled.

A block takes a piece of the way; then the orbits in it that have arrived or left make room for the next ones. The sums of
|entry| of a piece say that no state was beyond ``escape``; where they do not, the piece is walked again step by step,
so that every orbit ends where it ends by itself.
"""

import numpy as np

from cfdyn.kernels.lanes.ensemble import Ensemble, own_parameters, walk
from cfdyn.kernels.orbits import DONE
from cfdyn.machine.jit import call, kernel, pointer, spliced

PIECE = 256  # steps: long beside looking at the orbits of a block, short beside walking a piece again
EMPTY = -1


@kernel
def settle(memory, first, last, states, parameters, ended, codes) -> None:
    """Take all steps of the orbits ``first``…``last`` − 1, in place.

    ``states`` (N, D), ``parameters`` (N, n_p); ``ended`` (N,) gets the step at which an orbit left, 0 where it did not, and
    ``codes`` (N,) why. The state is then that of this step.
    """
    task = Ensemble(memory)
    if task.lanes == 0:
        one_by_one(memory, first, last, states, parameters, ended, codes)
        return
    b, d = task.block, task.d
    z, out, p = np.zeros((d + 1, b)), np.zeros((d + 1, b)), np.zeros(task.head + task.parameters * b)
    rows, row, cells, left = np.empty((PIECE + 1, d)), own_parameters(task), np.full(b, EMPTY), np.zeros(b, np.int64)
    following = first
    while task.steps > 0:
        following, piece = refill(task, z, p, states, parameters, cells, left, following, last)
        if piece == 0:
            return
        p[0] = piece
        call(task.run, pointer(z, 0), pointer(p, 0), pointer(out, 0))
        beyond = 0
        for k in range(b):
            left[k] -= piece
            beyond += 0 if out[d, k] <= task.escape else 1
        for k in range(b):
            if cells[k] == EMPTY or (beyond == 0 and left[k] > 0):
                continue
            status, done = DONE, piece
            if not out[d, k] <= task.escape:
                done, status = walk_again(task, z, out, p, k, rows, row, piece)
            if status != DONE:
                ended[cells[k]], codes[cells[k]] = task.steps - left[k] - piece + done, status
            if status != DONE or left[k] == 0:
                for i in range(d):
                    states[cells[k], i] = out[i, k]
                cells[k] = EMPTY
        for i in range(d):
            for k in range(b):
                z[i, k] = out[i, k]


@spliced
def refill(task, z, p, states, parameters, cells, left, following, last) -> tuple[int, int]:
    """The next orbits into empty lanes; which is next then, and the steps until one arrives, at most PIECE, 0 for none."""
    piece, living = PIECE, 0
    for k in range(task.block):
        if cells[k] == EMPTY and following < last:
            cells[k], left[k] = following, task.steps
            for i in range(task.d):
                z[i, k] = states[following, i]
            for i in range(task.parameters):
                p[task.head + i * task.block + k] = parameters[following, i]
            following += 1
        if cells[k] != EMPTY:
            piece, living = min(piece, left[k]), living + 1
    return following, piece if living > 0 else 0


@spliced
def walk_again(task, z, out, p, k, rows, row, piece) -> tuple[int, int]:
    """A piece of one orbit step by step, its last state into ``out``; (steps done, status)."""
    for i in range(task.d):
        rows[0, i] = z[i, k]
    for i in range(task.parameters):
        row[i] = p[task.head + i * task.block + k]
    done, status = walk(task, rows, row, piece)
    for i in range(task.d):
        out[i, k] = rows[done, i]
    return done, status


@kernel
def one_by_one(memory, first, last, states, parameters, ended, codes) -> None:
    """The same, where the map's steps cannot be taken for many orbits at once."""
    task = Ensemble(memory)
    rows, row = np.empty((PIECE + 1, task.d)), own_parameters(task)
    for cell in range(first, last):
        done = 0
        for i in range(task.parameters):
            row[i] = parameters[cell, i]
        while done < task.steps:
            for i in range(task.d):
                rows[0, i] = states[cell, i]
            ran, status = walk(task, rows, row, min(PIECE, task.steps - done))
            done += ran
            for i in range(task.d):
                states[cell, i] = rows[ran, i]
            if status != DONE:
                ended[cell], codes[cell] = done, status
                break
