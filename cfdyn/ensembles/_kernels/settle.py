"""Take many orbits along: blocks of lanes that are refilled.

A block takes a piece of the way; then the orbits in it that have arrived or left make room for the next ones. So do those
that are, bit by bit, where they were before the piece: after any number of pieces they are there again. What bounds the
states of a piece says that none was beyond ``escape``; where it does not, the piece is walked again step by step, so that
every orbit ends where it ends by itself.
"""

import math
from typing import NamedTuple

import numpy as np

from cfdyn.kernels.ensemble import Ensemble, lane_parameters, on_lines, own_parameters, walk, walk_again
from cfdyn.kernels.orbits import DONE
from cfdyn.machine.jit import borrowed, call, inline_kernel, kernel, pointer, spliced

# Steps: long beside looking at the orbits of a block, short beside walking a piece again; a multiple of many periods.
PIECE, SHORTEST, LONGEST, FEWEST = 120, 80, 160, 5
LOOK = 10  # steps of a piece where orbits may come near a point
EMPTY = -1


def piece_of(steps: int) -> int:
    """The length of the pieces of so many steps: one that leaves no rest, if it is a multiple of some periods up to 12.

    >>> piece_of(1000), piece_of(1001), piece_of(30_000), piece_of(5)
    (100, 120, 120, 120)
    """

    def multiple(n: int) -> int:
        return sum(n % q == 0 for q in range(1, 13))

    whole = [n for n in range(SHORTEST, LONGEST + 1) if steps % n == 0 and multiple(n) >= FEWEST]
    return max(whole, key=multiple, default=PIECE)


@kernel
def settle(memory, first, last, states, parameters, ended, codes, piece, points, reach, near) -> None:
    """Take all steps of the orbits ``first``…``last`` − 1, in place, in pieces of so many, see `piece_of`.

    ``states`` (N, D), ``parameters`` (N, n_p); ``ended`` (N,) gets the step at which an orbit escaped, 0 if it did not, and
    ``codes`` (N,) the reason. The state is then that of this step. An orbit stops if no entry differs by more than ``reach``
    (P,) from one of the ``points`` (D, P), whose index ``near`` (N,) gets; with P = 0 ``near`` is ignored. In lanes only.
    """
    task = Ensemble(memory)
    if task.lanes == 0:
        one_by_one(memory, first, last, states, parameters, ended, codes)
        return
    gone, lanes = np.zeros(max(last - first, 0), np.bool_), empty_lanes(task, piece)
    pieces, behind = task.steps // piece, 0
    for _ in range(2):
        rounds(memory, first, last, states, parameters, ended, codes, gone, pieces, piece, behind, points, reach, near, lanes)
        behind = pieces * piece
        pieces, piece = 1 if behind < task.steps else 0, task.steps - behind


class Lanes(NamedTuple):
    """A block on its way: states and their bounds before and after a piece, by turns (2, D + 1, B), and the parameters.

    Of each lane (B,) its orbit or EMPTY, and after which piece that is ``due``; room to find the lanes that are to be looked at,
    and to walk a piece of one again.
    """

    z: np.ndarray
    p: np.ndarray
    cells: np.ndarray
    due: np.ndarray
    look: np.ndarray
    order: np.ndarray
    gaps: np.ndarray
    rows: np.ndarray
    row: np.ndarray


@spliced
def empty_lanes(task, longest) -> Lanes:
    """For pieces of at most so many steps."""
    b, d = task.block, task.d
    return Lanes(
        on_lines(2 * (d + 1) * b).reshape(2, d + 1, b), lane_parameters(task), np.full(b, EMPTY), np.full(b, EMPTY),
        np.zeros(b, np.int64), np.zeros(b, np.int64), np.zeros(b), np.empty((longest + 1, d)), own_parameters(task))  # fmt: skip


@spliced
def borrowed_lanes(lanes) -> Lanes:
    """The same, for a loop: to count references to arrays would take a third of its time."""
    return Lanes(
        borrowed(lanes.z), borrowed(lanes.p), borrowed(lanes.cells), borrowed(lanes.due), borrowed(lanes.look),
        borrowed(lanes.order), borrowed(lanes.gaps), borrowed(lanes.rows), borrowed(lanes.row))  # fmt: skip


@inline_kernel
def rounds(memory, first, last, states, parameters, ended, codes, gone, pieces, piece, behind, points, reach, near, lanes):
    """Take so many pieces, each of so many steps, of the remaining orbits, after the steps that are already done."""
    task, lanes, states, parameters = Ensemble(memory), borrowed_lanes(lanes), borrowed(states), borrowed(parameters)
    gone, points, reach = borrowed(gone), borrowed(points), borrowed(reach)
    z, p, cells, due, b, d = lanes.z, lanes.p, lanes.cells, lanes.due, task.block, task.d
    following, now, living, p[0] = first, 0, 0, piece
    for k in range(b if pieces > 0 else 0):
        following = refill(task, lanes, 0, k, states, parameters, gone, first, following, last)
        due[k] = pieces
        living += 1 if cells[k] != EMPTY else 0
    while living > 0:
        here, there = now % 2, 1 - now % 2
        call(task.run, pointer(z, here * (d + 1) * b), pointer(p, 0), pointer(z, there * (d + 1) * b))
        now += 1
        for n in range(to_see(lanes, here, there, d, task.escape, now, points, reach)):
            k = lanes.order[n]
            cell, status, done = cells[k], DONE, piece
            if not z[there, d, k] <= task.escape:
                done, status = walk_again(task, z[here], p, z[there], k, lanes.rows, lanes.row, piece)
            if status != DONE:
                ended[cell], codes[cell] = behind + (now - 1 - due[k] + pieces) * piece + done, status
                gone[cell - first] = True
            elif len(reach) > 0:
                near[cell] = nearby(z, there, d, k, points, reach)
                gone[cell - first] = near[cell] >= 0
            if gone[cell - first] or now == due[k] or back(z, d, k):
                for i in range(d):
                    states[cell, i] = z[there, i, k]
                following = refill(task, lanes, there, k, states, parameters, gone, first, following, last)
                due[k] = now + pieces
                living -= 1 if cells[k] == EMPTY else 0


@inline_kernel
def to_see(lanes, here, there, d, escape, now, points, reach) -> int:
    """The number of orbits that repeat, have arrived, are near a point, or may have escaped, and their indices in ``order``."""
    z, cells, due, look, order, gaps, b, left = (
        lanes.z, lanes.cells, lanes.due, lanes.look, lanes.order, lanes.gaps, lanes.cells.size, 0)  # fmt: skip
    for k in range(b):
        left += 1 if (z[here, 0, k] == z[there, 0, k]) | (due[k] == now) | (not z[there, d, k] <= escape) else 0
    if left == 0 and len(reach) == 0:
        return 0
    for k in range(b):
        look[k] = 1
    for i in range(d):
        for k in range(b):
            look[k] = look[k] & (1 if z[here, i, k] == z[there, i, k] else 0)
    for k in range(b):
        look[k] = look[k] | (1 if (due[k] == now) | (not z[there, d, k] <= escape) else 0)
    for place in range(len(reach)):
        for k in range(b):
            gaps[k] = 0.0
        for i in range(d):
            for k in range(b):
                gaps[k] = max(gaps[k], abs(z[there, i, k] - points[i, place]))
        for k in range(b):
            look[k] = look[k] | (1 if gaps[k] <= reach[place] else 0)
    left = 0
    for k in range(b):
        order[left] = k
        left += look[k] & (1 if cells[k] != EMPTY else 0)
    return left


@spliced
def nearby(z, there, d, k, points, reach) -> int:
    """The first of the points that an orbit is near; −1 if there is none."""
    for place in range(len(reach)):
        gap = 0.0
        for i in range(d):
            gap = max(gap, abs(z[there, i, k] - points[i, place]))
        if gap <= reach[place]:
            return place
    return -1


@spliced
def back(z, d, k) -> bool:
    """True if an orbit is exactly at its earlier state; 0 and −0 differ."""
    for i in range(d):
        if not (z[0, i, k] == z[1, i, k] and math.copysign(1.0, z[0, i, k]) == math.copysign(1.0, z[1, i, k])):
            return False
    return True


@spliced
def refill(task, lanes, there, k, states, parameters, gone, first, following, last) -> int:
    """Put the next orbit into a lane, if there is one; returns the one after it."""
    while following < last and gone[following - first]:
        following += 1
    lanes.cells[k] = following if following < last else EMPTY
    if lanes.cells[k] != EMPTY:
        for i in range(task.d):
            lanes.z[there, i, k] = states[following, i]
        for i in range(task.parameters):
            lanes.p[task.head + i * task.block + k] = parameters[following, i]
    return following + 1


@kernel
def one_by_one(memory, first, last, states, parameters, ended, codes) -> None:
    """The same for maps whose steps cannot be taken for many orbits at once."""
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
