"""What loops over many orbits of one map share: their block of memory, orbits into and out of lanes, and one by itself."""

import numpy as np

from cfdyn.kernels.layout import BYTES, LINE, Array, Block, Integer, Real, Rule
from cfdyn.kernels.orbits import DONE, outside
from cfdyn.machine.jit import call, place, pointer, spliced


class Ensemble(Block):
    """What all orbits have in common: the map's ``step`` and, unless it is 0, ``run`` for ``block`` orbits, of which the
    parameters begin at ``head``; D, n_p, how many ``steps`` are taken, and from which size on an orbit has escaped. ``p``: what
    the step reads, of which an orbit has its own first n_p."""

    step, run = Rule.several(2)
    block, head, d, parameters, steps, lanes, size = Integer.several(7)
    escape = Real()
    p = Array("size")


@spliced
def walk(task, rows, p, count) -> tuple[int, int]:
    """``count`` steps from row 0 of ``rows`` on, one by one; returns (steps done, status)."""
    d = task.d
    for i in range(count):
        call(task.step, pointer(rows, i * d), pointer(p, 0), pointer(rows, (i + 1) * d))
        status = outside(rows, i + 1, task.escape)
        if status != DONE:
            return i + 1, status
    return count, DONE


@spliced
def walk_again(task, z, p, out, k, rows, row, piece) -> tuple[int, int]:
    """A piece of orbit k of a block step by step, from its state in ``z``, its last state into ``out``; (steps done, status)."""
    for i in range(task.d):
        rows[0, i] = z[i, k]
    for i in range(task.parameters):
        row[i] = p[task.head + i * task.block + k]
    done, status = walk(task, rows, row, piece)
    for i in range(task.d):
        out[i, k] = rows[done, i]
    return done, status


@spliced
def on_lines(size) -> np.ndarray:
    """So many zeros that begin with a line of memory: a vector that lies on two takes twice as long to load."""
    memory = np.zeros(size + LINE)
    first = -(place(memory) // BYTES) % LINE
    return memory[first : first + size]


@spliced
def own_parameters(task) -> np.ndarray:
    """A copy of what the step reads."""
    row = np.empty(max(task.size, 1))
    for i in range(task.size):
        row[i] = task.p[i]
    return row


@spliced
def lane_parameters(task) -> np.ndarray:
    """What ``run`` reads: its wishes, room for the parameters of a block, and the data behind them."""
    first = task.head + task.parameters * task.block
    p = on_lines(first + max(task.size - task.parameters, 0))
    for i in range(task.parameters, task.size):
        p[first + i - task.parameters] = task.p[i]
    return p


@spliced
def load(task, z, p, states, parameters, begin, count) -> None:
    """Some orbits into a block."""
    for k in range(count):
        for i in range(states.shape[1]):
            z[i, k] = states[begin + k, i]
        for i in range(task.parameters):
            p[task.head + i * task.block + k] = parameters[begin + k, i]


@spliced
def alone(task, row, parameters, cell, rows, z, k, out, piece) -> None:
    """A piece of an orbit of a block step by step, where lanes cannot be had; ∞ bounds its states if it leaves."""
    for i in range(task.parameters):
        row[i] = parameters[cell, i]
    for i in range(task.d):
        rows[0, i] = z[i, k]
    ran, status = walk(task, rows, row, piece)
    z[task.d, k] = 0.0 if status == DONE else np.inf
    for t in range(piece):
        for i in range(task.d):
            out[t, i, k] = rows[min(t + 1, ran), i]
