"""Take many orbits along: blocks of lanes that are refilled.

A block takes a piece of the way; then the orbits in it that have arrived or left make room for the next ones. So do those
that are, bit by bit, where they were before the piece: after any number of pieces they are there again. What bounds the
states of a piece says that none was beyond ``escape``; where it does not, the piece is walked again step by step, so that
every orbit ends where it ends by itself.
"""

import math

import numpy as np

from cfdyn.kernels.lanes.ensemble import Ensemble, lane_parameters, own_parameters, walk, walk_again
from cfdyn.kernels.orbits import DONE
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer, spliced

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

    ``states`` (N, D), ``parameters`` (N, n_p); ``ended`` (N,) gets the step at which an orbit left, 0 where it did not, and
    ``codes`` (N,) why. The state is then that of this step. An orbit that no entry parts more than ``reach`` (P,) from one of
    the ``points`` (D, P) stops there, and ``near`` (N,) gets its place; with P = 0 ``near`` is not looked at. In lanes only.
    """
    task = Ensemble(memory)
    if task.lanes == 0:
        one_by_one(memory, first, last, states, parameters, ended, codes)
        return
    gone = np.zeros(max(last - first, 0), np.bool_)
    pieces, behind = task.steps // piece, 0
    for _ in range(2):
        rounds(task, first, last, states, parameters, ended, codes, gone, pieces, piece, behind, points, reach, near)
        behind = pieces * piece
        pieces, piece = 1 if behind < task.steps else 0, task.steps - behind


@spliced
def rounds(task, first, last, states, parameters, ended, codes, gone, pieces, piece, behind, points, reach, near) -> None:
    """So many pieces, of so many steps each, of the orbits that are not gone, after the steps that are behind them."""
    b, d = task.block, task.d
    here, there, p = np.zeros((d + 1, b)), np.zeros((d + 1, b)), lane_parameters(task)
    rows, row, cells, arrival = np.empty((piece + 1, d)), own_parameters(task), np.full(b, EMPTY), np.zeros(b, np.int64)
    look, following, now, soonest, living = np.zeros(b), first, 0, 0, 0
    p[0] = piece
    while pieces > 0:
        if now == soonest or living == 0:
            following, soonest, living = refill(
                task, here, p, states, parameters, cells, arrival, gone, first, following, last, now, pieces
            )
        if living == 0:
            return
        call(task.run, pointer(here, 0), pointer(p, 0), pointer(there, 0))
        now += 1
        if not all_go_on(task, here, there, cells, points, reach, look) or now == soonest:
            for k in range(b):
                if cells[k] == EMPTY or look[k] == 0.0 and now != arrival[k]:
                    continue
                cell, status, done = cells[k], DONE, piece
                if not there[d, k] <= task.escape:
                    done, status = walk_again(task, here, p, there, k, rows, row, piece)
                if status != DONE:
                    ended[cell], codes[cell] = behind + (now - 1 - arrival[k] + pieces) * piece + done, status
                    gone[cell - first] = True
                elif len(reach) > 0:
                    near[cell] = nearby(task, there, k, points, reach)
                    gone[cell - first] = near[cell] >= 0
                if gone[cell - first] or now == arrival[k] or back(task, here, there, k):
                    for i in range(d):
                        states[cell, i] = there[i, k]
                    cells[k], soonest = EMPTY, now
        here, there = there, here


@inline_kernel
def all_go_on(task, here, there, cells, points, reach, look) -> bool:
    """True if no orbit of a block may have left, none is where it was before, and none near a point; else ``look`` at those."""
    d, b, escape, gaps, away = task.d, task.block, task.escape, here[task.d], 0
    for k in range(b):
        gaps[k] = 0.0 if cells[k] >= 0 else 1.0
    for i in range(d):
        for k in range(b):
            gaps[k] += 0.0 if here[i, k] == there[i, k] else 1.0
    for k in range(b):
        away += 1 if (cells[k] >= 0) & (not there[d, k] <= escape) | (gaps[k] == 0.0) else 0
    if away == 0 and len(reach) == 0:
        return True
    for k in range(b):
        look[k] = 1.0 if (cells[k] >= 0) & (not there[d, k] <= escape) | (gaps[k] == 0.0) else 0.0
    for place in range(len(reach)):
        for k in range(b):
            gaps[k] = 0.0
        for i in range(d):
            for k in range(b):
                gaps[k] = max(gaps[k], abs(there[i, k] - points[i, place]))
        for k in range(b):
            look[k] = 1.0 if (cells[k] >= 0) & (gaps[k] <= reach[place]) else look[k]
    for k in range(b):
        away += 1 if look[k] != 0.0 else 0
    return away == 0


@spliced
def nearby(task, there, k, points, reach) -> int:
    """The first of the points that an orbit is near to; −1 if none is."""
    for place in range(len(reach)):
        gap = 0.0
        for i in range(task.d):
            gap = max(gap, abs(there[i, k] - points[i, place]))
        if gap <= reach[place]:
            return place
    return -1


@spliced
def back(task, here, there, k) -> bool:
    """True if an orbit is where it was before; 0 and −0 are different places."""
    for i in range(task.d):
        if not (here[i, k] == there[i, k] and math.copysign(1.0, here[i, k]) == math.copysign(1.0, there[i, k])):
            return False
    return True


@spliced
def refill(task, z, p, states, parameters, cells, arrival, gone, first, following, last, now, pieces) -> tuple[int, int, int]:
    """The next orbits into empty lanes; which is next then, when one arrives, and how many are on their way."""
    soonest, living = now + pieces, 0
    for k in range(task.block):
        while cells[k] == EMPTY and following < last:
            if not gone[following - first]:
                cells[k], arrival[k] = following, now + pieces
                for i in range(task.d):
                    z[i, k] = states[following, i]
                for i in range(task.parameters):
                    p[task.head + i * task.block + k] = parameters[following, i]
            following += 1
        if cells[k] != EMPTY:
            soonest, living = min(soonest, arrival[k]), living + 1
    return following, soonest, living


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
