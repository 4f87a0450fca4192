"""How the tangents of many orbits are stretched."""

import numpy as np

from cfdyn.kernels.lanes.ensemble import Ensemble, load, own_parameters
from cfdyn.kernels.orbits import LEFT
from cfdyn.kernels.orbits import MOST as BETWEEN
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer, spliced

MOST, FEWEST = 64, 4  # steps in which a single tangent grows or shrinks; of several: BETWEEN and 1
TINY = 1e-100  # a stretching below it, or above 1/TINY, is looked at in shorter pieces: it could be lost
LOST = 1e-13  # of a length after one step: what is left is round-off


@spliced
def total_alone(task, d, row, parameters, cell, rows, z, k, out, piece) -> None:
    """A piece of an orbit with its tangents step by step, and the sum of |entry| of its states, of which there are d."""
    for i in range(task.parameters):
        row[i] = parameters[cell, i]
    for i in range(task.d):
        rows[0, i] = z[i, k]
    total = 0.0
    for t in range(piece):
        call(task.step, pointer(rows, t * task.d), pointer(row, 0), pointer(rows, (t + 1) * task.d))
        for i in range(d):
            total += abs(rows[t + 1, i])
    for i in range(task.d):
        out[i, k] = rows[piece, i]
    out[task.d, k] = total


@inline_kernel
def products_of(out, first, second, d, found) -> None:
    """⟨u, v⟩ of two tangents of each orbit, whose entries begin in these rows; loops over orbits inside are vectors."""
    for k in range(out.shape[1]):
        found[k] = out[first, k] * out[second, k]
    for i in range(1, d):
        for k in range(out.shape[1]):
            found[k] += out[first + i, k] * out[second + i, k]


@inline_kernel
def orthogonal(out, d, squares, before, along) -> None:
    """Gram–Schmidt on the tangents of each orbit; the squares of their lengths before and behind it."""
    for a in range(squares.shape[0]):
        first = (1 + a) * d
        products_of(out, first, first, d, before[a])
        for c in range(a):
            second = (1 + c) * d
            products_of(out, first, second, d, along)
            for k in range(out.shape[1]):
                along[k] = along[k] / squares[c, k] if squares[c, k] > 0.0 else 0.0
            for i in range(d):
                for k in range(out.shape[1]):
                    out[first + i, k] -= along[k] * out[second + i, k]
        products_of(out, first, first, d, squares[a])


@inline_kernel
def all_kept(bound, count, escape, squares, before, dead) -> bool:
    """False if a tangent of an orbit that has not left may have lost its direction or its length, and did not before."""
    lost = 0
    for a in range(squares.shape[0]):
        for k in range(count):
            fine = (TINY**2 < squares[a, k]) & (squares[a, k] < TINY**-2) & (squares[a, k] >= LEFT**2 * before[a, k])
            lost += 1 if (bound[k] <= escape) & (not (fine | dead[a, k])) else 0
    return lost == 0


@spliced
def find_lost(out, d, squares, before, again, along, dead) -> None:
    """Gram–Schmidt a second time after a single step; what is round-off gets the length 0."""
    orthogonal(out, d, squares, again, along)
    for a in range(squares.shape[0]):
        for k in range(out.shape[1]):
            if squares[a, k] <= LOST**2 * before[a, k]:
                squares[a, k], dead[a, k] = 0.0, True


@inline_kernel
def add_up(bound, squares, products, sums, escape, whole) -> None:
    """The logarithms of lengths: they are dear, so one of a product of several."""
    turned, count = squares.shape[0], sums.shape[0]
    for a in range(turned):
        far = 0
        for k in range(count):
            products[a, k] *= squares[a, k] if bound[k] <= escape else np.nan
            far += 0 if (TINY < products[a, k]) & (products[a, k] < 1.0 / TINY) else 1
        if far == 0 and not whole:
            continue
        for k in range(count):
            if whole or not TINY < products[a, k] < 1.0 / TINY:
                sums[k, a] += 0.5 * np.log(products[a, k])
                products[a, k] = 1.0


@inline_kernel
def go_on(z, out, d, squares) -> None:
    """The states and unit tangents from which the next piece goes on."""
    for i in range(d):
        for k in range(out.shape[1]):
            z[i, k] = out[i, k]
    for a in range(squares.shape[0]):
        for k in range(out.shape[1]):
            squares[a, k] = 1.0 / np.sqrt(squares[a, k]) if squares[a, k] > 0.0 else 1.0
        for i in range((1 + a) * d, (2 + a) * d):
            for k in range(out.shape[1]):
                z[i, k] = squares[a, k] * out[i, k]


@kernel
def stretch(memory, first, last, states, parameters, ended, tangents, sums) -> None:
    """Push the tangents of each orbit along; ``sums`` (N, parts, k) gets Σ log of their stretching in each part of the way.

    ``run`` takes (z, v, …) to (f(z), Df(z) v, …), see "tangents" of `cfdyn.symbolic.oracle`, D = (1 + k) dim, and looks at z
    alone. ``tangents`` (N, k, dim), orthonormal rows, and ``states`` (N, dim) go on in place; ``steps`` in each part. Rows are
    made orthonormal as seldom as digits allow. NaN for an orbit that leaves or has left.
    """
    task, turned = Ensemble(memory), tangents.shape[1]
    b, d = task.block, task.d // (1 + turned)
    z, out, p = np.zeros((task.d + 1, b)), np.zeros((task.d + 1, b)), np.zeros(task.head + task.parameters * b)
    products, squares, before, again = np.ones((turned, b)), np.ones((turned, b)), np.ones((turned, b)), np.ones((turned, b))
    along, dead = np.empty(b), np.zeros((turned, b), np.bool_)
    most, fewest = (MOST, FEWEST) if turned == 1 else (BETWEEN, 1)
    rows, row = np.empty((MOST + 1, task.d)), own_parameters(task)
    for begin in range(first, last, b):
        count, longest, dead[:] = min(b, last - begin), most, False
        load(task, z, p, states, parameters, begin, count)
        for k in range(count):
            for i in range(turned * d):
                z[d + i, k] = tangents[begin + k, i // d, i % d]
        for part in range(sums.shape[1]):
            for k in range(count):
                for a in range(turned):
                    sums[begin + k, part, a] = 0.0 if ended[begin + k] == 0 else np.nan
            products[:], done = 1.0, 0
            while done < task.steps:
                piece = min(longest, task.steps - done)
                p[0] = piece
                if task.lanes > 0:
                    call(task.run, pointer(z, 0), pointer(p, 0), pointer(out, 0))
                else:
                    for k in range(count):
                        total_alone(task, d, row, parameters, begin + k, rows, z, k, out, piece)
                orthogonal(out, d, squares, before, along)
                if not all_kept(out[task.d], count, task.escape, squares, before, dead):
                    if piece > fewest:
                        longest = max(piece // 4, fewest)
                        continue
                    find_lost(out, d, squares, before, again, along, dead)
                done += piece
                add_up(out[task.d], squares, products, sums[begin : begin + count, part], task.escape, done >= task.steps)
                go_on(z, out, d, squares)
        for k in range(count):
            for i in range(d):
                states[begin + k, i] = z[i, k]
            for i in range(turned * d):
                tangents[begin + k, i // d, i % d] = z[d + i, k]
