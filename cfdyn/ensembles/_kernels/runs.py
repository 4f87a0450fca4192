"""Many runs of an optimizer on random batches of the data rows, which each run's own random stream chooses."""

from functools import partial

import numpy as np

from cfdyn.ensembles._kernels.random import GRADIENTS, HELD, LABELS, ROWS, begin_stream, below, normal
from cfdyn.kernels.layout import Array, Block, Integer, Real, Rule
from cfdyn.kernels.orbits import DONE, copy, outside
from cfdyn.machine.jit import call, kernel, pointer, spliced

ALL, REPLACED, INDEPENDENT, RESHUFFLED = 0, 1, 2, 3  # how the rows of a batch are chosen
PIECE = 64  # steps in a row of memory each: going back and forth between two stalls the processor


class Task(Block):
    """What all runs have in common.

    ``step``: the rule of a step; its parameters are ``p``, of which ``head`` come before the data. ``lanes``: these are
    counted rows by columns, else so many rows by themselves. ``repeat``: steps with each batch. ``label``: the column that
    normal noise of standard deviation ``label_noise`` is added to; ``factor`` (d, rank): noise of the gradient is
    factor · normal numbers, in the last d entries of the head.
    """

    step = Rule()
    seed, rows, columns, batch, kind, repeat, head, size, lanes, label, d, rank = Integer.several(12)
    escape, label_noise = Real.several(2)
    p = Array("size")
    table = Array("rows", "columns")
    factor = Array("d", "rank")


@spliced
def shuffle(task, stream, epoch, order) -> None:
    """The rows in the order of an epoch (Fisher & Yates)."""
    n = task.rows
    for k in range(n):
        order[k] = k
    for k in range(n - 1, 0, -1):
        other = below(stream, epoch * n + k, k + 1)
        order[k], order[other] = order[other], order[k]


@spliced
def choose(task, stream, batch, order, swapped, chosen) -> int:
    """The rows of a batch into ``chosen``; returns their number. ``order`` (rows,) is 0, 1, … where batches are independent.

    Reshuffled, it is that of the epoch ``swapped[0]``.
    """
    b, n = task.batch, task.rows
    if task.kind == REPLACED:
        for k in range(b):
            chosen[k] = below(stream, batch * b + k, n)
    elif task.kind == INDEPENDENT:
        for k in range(b):
            swapped[k] = k + below(stream, batch * b + k, n - k)
            order[k], order[swapped[k]] = order[swapped[k]], order[k]
            chosen[k] = order[k]
        # Undone, so that a batch does not depend on those before it.
        for k in range(b - 1, -1, -1):
            order[k], order[swapped[k]] = order[swapped[k]], order[k]
    elif task.kind == RESHUFFLED:
        epoch, first = batch // ((n + b - 1) // b), batch % ((n + b - 1) // b) * b
        if swapped[0] != epoch:
            swapped[0] = epoch
            shuffle(task, stream, epoch, order)
        b = min(b, n - first)
        for k in range(b):
            chosen[k] = order[first + k]
    else:
        for k in range(b):
            chosen[k] = k
    return b


@spliced
def gather(task, labels, batch, chosen, count, p) -> None:
    """Put the chosen rows where the step reads them, noise on their labels."""
    first, along, across = task.head, task.columns, 1
    if task.lanes:
        p[first] = count
        first, along, across = first + 1, 1, (count + 7) & -8
    for k in range(count):
        for c in range(task.columns):
            p[first + k * along + c * across] = task.table[chosen[k], c]
        if task.label_noise > 0.0:
            p[first + k * along + task.label * across] += task.label_noise * normal(labels, batch * task.batch + k)


@spliced
def disturb(task, gradients, batch, p) -> None:
    """Draw the noise of the gradient, the same for all steps with one batch."""
    first, d, rank = task.head - task.d, task.d, task.rank
    for i in range(d):
        p[first + i] = 0.0
    for k in range(rank):
        number = normal(gradients, batch * rank + k)
        for i in range(d):
            p[first + i] += task.factor[i, k] * number


@spliced
def supply(task, streams, batch, order, swapped, chosen, p) -> None:
    """Everything that is drawn for a batch, where the step reads it."""
    if task.rows > 0:
        gather(task, streams[LABELS], batch, chosen, choose(task, streams[ROWS], batch, order, swapped, chosen), p)
    if task.rank > 0:
        disturb(task, streams[GRADIENTS], batch, p)


@spliced
def begin_run(task, streams, run, order, swapped, p) -> None:
    """Nothing is drawn yet."""
    for kind in range(3):
        begin_stream(streams[kind], task.seed, run, kind)
    for k in range(task.size):
        p[k] = task.p[k]
    for k in range(task.rows):
        order[k] = k
    swapped[0] = -1


@spliced
def keep_middle(rows, place, t, kept) -> None:
    """The midpoint of three rows of memory about ``place``; at the start itself."""
    for k in range(kept.size):
        mean = 0.25 * (rows[place - 1, k] + rows[place + 1, k]) + 0.5 * rows[place, k]
        kept[k] = mean if t > 0 else rows[place, k]


@partial(kernel, short=True)
def advance_runs(memory, first_run, begin, end, every, last, states, before, now, middle, final, ended, codes) -> None:
    """Take the steps ``begin``…``end`` − 1 of some runs, numbered from ``first_run`` on.

    ``states`` (R, D), in place; ``before`` (R, d): the weights a step earlier. Where the step t is a multiple of ``every``,
    the next rows of ``now`` and ``middle`` (R, rows, d) get w_t and (w_{t−1} + 2w_t + w_{t+1})/4, of t = 0 w_0. ``final``
    (R, D) gets the state at t = ``last``. ``ended`` (R,): the step at which a run left, 0 while it goes on, and ``codes``
    (R,) why; what comes behind is left as it was.
    """
    task = Task(memory)
    p, rows, streams = np.empty(task.size), np.empty((PIECE + 2, states.shape[1])), np.empty((3, HELD), np.int64)
    most = max(task.rows, task.batch, 1)
    order, swapped, chosen = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    for r in range(states.shape[0]):
        if ended[r] > 0:
            continue
        begin_run(task, streams, first_run + r, order, swapped, p)
        copy(before[r], rows[0])
        copy(states[r], rows[1])
        batch, row, place = -1, 0, 1
        for t in range(begin, end):
            if t // task.repeat != batch:
                batch = t // task.repeat
                supply(task, streams, batch, order, swapped, chosen, p)
            if t == last:
                copy(rows[place], final[r])
            if t % every == 0:
                copy(rows[place, : now.shape[2]], now[r, row])
            call(task.step, pointer(rows, place * rows.shape[1]), pointer(p, 0), pointer(rows, (place + 1) * rows.shape[1]))
            status = outside(rows, place + 1, task.escape)
            if status != DONE:
                ended[r], codes[r] = (t + 1, status) if t < last else (0, DONE)
                break
            if t % every == 0:
                keep_middle(rows, place, t, middle[r, row])
                row += 1
            place += 1
            if place == PIECE + 1 or t == end - 1:
                copy(rows[place - 1], rows[0])
                copy(rows[place], rows[1])
                place = 1
        copy(rows[1], states[r])
        copy(rows[0, : before.shape[1]], before[r])
