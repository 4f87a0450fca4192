"""Runs of a random map with their tangent vectors, and runs until they leave a region."""

from functools import partial

import numpy as np

from cfdyn.ensembles._kernels.random import HELD
from cfdyn.ensembles._kernels.runs import PIECE, Task, begin_run, supply
from cfdyn.kernels.orbits import DONE, LEFT_DOMAIN, add_logarithms, copy, orthonormalise, outside, push
from cfdyn.machine.jit import call, kernel, pointer

LEFT_REGION = 3


@partial(kernel, short=True)
def stretch_runs(memory, jacobian, first_run, begin, end, states, tangents, sums, ended, codes) -> None:
    """Take the steps ``begin``…``end`` − 1 of some runs, numbered from ``first_run`` on, and their tangents with them.

    ``states`` (R, D) and ``tangents`` (R, k, D), orthonormal rows, in place; ``sums`` (R, k) gets Σ log of the lengths that QR
    finds after each step. ``jacobian``: the address of the step's derivative. ``ended`` (R,), ``codes`` (R,): as of
    `runs.advance_runs`.
    """
    task, d, count = Task(memory), states.shape[1], tangents.shape[1]
    p, rows, streams = np.empty(task.size), np.empty((PIECE + 1, d)), np.empty((3, HELD), np.int64)
    most = max(task.rows, task.batch, 1)
    order, swapped, chosen = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    matrix, image, norms, products = np.empty(d * d), np.empty((count, d)), np.empty(count), np.empty(count)
    for r in range(states.shape[0]):
        if ended[r] > 0:
            continue
        begin_run(task, streams, first_run + r, order, swapped, p)
        copy(states[r], rows[0])
        batch, place, own = -1, 0, tangents[r]
        for a in range(count):
            products[a] = 1.0
        for t in range(begin, end):
            if t // task.repeat != batch:
                batch = t // task.repeat
                supply(task, streams, batch, order, swapped, chosen, p)
            call(jacobian, pointer(rows, place * d), pointer(p, 0), pointer(matrix, 0))
            call(task.step, pointer(rows, place * d), pointer(p, 0), pointer(rows, (place + 1) * d))
            status = outside(rows, place + 1, task.escape)
            if status != DONE:
                ended[r], codes[r] = t + 1, status
                break
            push(matrix, own, image)
            orthonormalise(image, norms)
            add_logarithms(norms, products, sums[r], False)
            for a in range(count):
                copy(image[a], own[a])
            place += 1
            if place == PIECE:
                copy(rows[place], rows[0])
                place = 0
        for a in range(count):
            sums[r, a] += np.log(products[a])
        copy(rows[place], states[r])


@partial(kernel, short=True)
def leave_runs(memory, region, constants, first_run, begin, end, states, ended, codes) -> None:
    """Take the steps ``begin``…``end`` − 1 of some runs, each until it leaves a region: where the rule ``region`` is above 0.

    ``region``: its address, ``constants`` its parameters. ``states`` (R, D), in place, stay where a run left; ``ended`` (R,):
    the step after which it was outside, 0 while it is not, ``codes`` (R,): LEFT_REGION, or why it ended otherwise.
    """
    task, d = Task(memory), states.shape[1]
    p, rows, streams = np.empty(task.size), np.empty((PIECE + 1, d)), np.empty((3, HELD), np.int64)
    most = max(task.rows, task.batch, 1)
    order, swapped, chosen = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    level = np.empty(1 + d)
    for r in range(states.shape[0]):
        if ended[r] > 0:
            continue
        begin_run(task, streams, first_run + r, order, swapped, p)
        copy(states[r], rows[0])
        batch, place = -1, 0
        for t in range(begin, end):
            if t // task.repeat != batch:
                batch = t // task.repeat
                supply(task, streams, batch, order, swapped, chosen, p)
            call(task.step, pointer(rows, place * d), pointer(p, 0), pointer(rows, (place + 1) * d))
            place += 1
            status = outside(rows, place, task.escape)
            if status == DONE:
                call(region, pointer(rows, place * d), pointer(constants, 0), pointer(level, 0))
                if not level[0] <= 0.0:
                    status = LEFT_DOMAIN if np.isnan(level[0]) else LEFT_REGION
            if status != DONE:
                ended[r], codes[r] = t + 1, status
                break
            if place == PIECE:
                copy(rows[place], rows[0])
                place = 0
        copy(rows[place], states[r])
