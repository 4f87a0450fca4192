"""The stretching of the tangent vectors of many orbits."""

import numpy as np

from cfdyn.kernels.ensemble import Ensemble, lane_parameters, load, own_parameters
from cfdyn.kernels.orbits import MOST as BETWEEN
from cfdyn.kernels.orbits import length, orthonormalise
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer, spliced

MOST, FEWEST = 64, 4  # steps in which a single tangent grows or shrinks; of several: BETWEEN and 1
TINY = 1e-100  # a length below it, or above 1/TINY, is looked at in shorter pieces: it could be lost
LEFT, LOST = 1e-10, 1e-13  # of a length: with less than the first digits are lost, less than the second is round-off


@spliced
def turn_alone(task, d, row, parameters, cell, rows, here, k, there, piece, image, norms) -> None:
    """A piece of an orbit with its tangents step by step, as a block of them is taken."""
    n, turned = task.d, image.shape[0]
    for i in range(task.parameters):
        row[i] = parameters[cell, i]
    for i in range(n):
        rows[0, i] = here[i, k]
    total = 0.0
    for t in range(piece):
        call(task.step, pointer(rows, t * n), pointer(row, 0), pointer(rows, (t + 1) * n))
        for i in range(d):
            total += abs(rows[t + 1, i])
    there[n, k] = total
    for i in range(d):
        there[i, k] = rows[piece, i]
    for a in range(turned):
        for i in range(d):
            image[a, i] = rows[piece, d + a * d + i]
        there[n + 1 + turned + a, k] = length(image[a]) ** 2
    orthonormalise(image, norms)
    for a in range(turned):
        there[n + 1 + a, k] = norms[a] ** 2
        for i in range(d):
            there[d + a * d + i, k] = image[a, i]


@inline_kernel
def all_kept(there, n, count, escape, dead) -> bool:
    """False if a tangent of an orbit that has not left may have lost its direction or its length, and did not before."""
    lost, turned = 0, dead.shape[0]
    bound = there[n]
    for a in range(turned):
        square, before, gone = there[n + 1 + a], there[n + 1 + turned + a], dead[a]
        for k in range(count):
            fine = (square[k] > TINY**2) & (square[k] < TINY**-2) & (square[k] >= LEFT**2 * before[k])
            lost += 1 if (bound[k] <= escape) & (not (fine | (gone[k] > 0.0))) else 0
    return lost == 0


@spliced
def find_lost(there, n, dead) -> None:
    """After a single step: what is round-off has the length 0, then and ever after."""
    turned = dead.shape[0]
    for a in range(turned):
        for k in range(there.shape[1]):
            if there[n + 1 + a, k] <= LOST**2 * there[n + 1 + turned + a, k]:
                there[n + 1 + a, k], dead[a, k] = 0.0, 1.0


@inline_kernel
def add_up(there, n, products, sums, escape, whole) -> None:
    """The logarithms of lengths: they are dear, so one of a product of several squares."""
    bound = there[n]
    for a in range(products.shape[0]):
        square, product, far = there[n + 1 + a], products[a], 0
        for k in range(sums.shape[0]):
            product[k] *= square[k] if bound[k] <= escape else np.nan
            # Neither NaN nor 0, which stay what they are.
            far += 1 if ((product[k] > 0.0) & (product[k] <= TINY)) | (product[k] >= 1.0 / TINY) else 0
        for k in range(sums.shape[0] if far > 0 or whole else 0):
            if whole or 0.0 < product[k] <= TINY or product[k] >= 1.0 / TINY:
                sums[k, a] += 0.5 * np.log(product[k])
                product[k] = 1.0


@kernel
def stretch(memory, first, last, states, parameters, ended, tangents, sums) -> None:
    """Push the tangents of each orbit along; ``sums`` (N, parts, k) gets Σ log of their stretching in each part of the way.

    ``run`` takes (z, v, …) to (f(z), Df(z) v, …), see "tangents" of `cfdyn.symbolic.programs.oracle`, D = (1 + k) dim, and
    makes the tangents orthonormal, a "turned" function of `cfdyn.codegen.lanes`. ``tangents`` (N, k, dim), orthonormal rows,
    and ``states`` (N, dim) go on in place; ``steps`` in each part. NaN for an orbit that leaves or has left."""
    task, turned = Ensemble(memory), tangents.shape[1]
    b, n = task.block, task.d
    d, size = n // (1 + turned), n + 1 + 2 * turned
    here, there, p = np.zeros((size, b)), np.zeros((size, b)), lane_parameters(task)
    products, dead, image, norms = np.ones((turned, b)), np.zeros((turned, b)), np.empty((turned, d)), np.empty(turned)
    most, fewest = (MOST, FEWEST) if turned == 1 else (BETWEEN, 1)
    rows, row = np.empty((MOST + 1, n)), own_parameters(task)
    for begin in range(first, last, b):
        count, dead[:] = min(b, last - begin), 0.0
        load(task, here, p, states, parameters, begin, count)
        for k in range(count):
            for i in range(turned * d):
                here[d + i, k] = tangents[begin + k, i // d, i % d]
        for part in range(sums.shape[1]):
            for k in range(count):
                sums[begin + k, part, :] = 0.0 if ended[begin + k] == 0 else np.nan
            products[:], longest, done = 1.0, most, 0
            while done < task.steps:
                piece = min(longest, task.steps - done)
                p[0] = piece
                if task.lanes > 0:
                    call(task.run, pointer(here, 0), pointer(p, 0), pointer(there, 0))
                else:
                    for k in range(count):
                        turn_alone(task, d, row, parameters, begin + k, rows, here, k, there, piece, image, norms)
                if not all_kept(there, n, count, task.escape, dead):
                    if piece > fewest:
                        longest = max(piece // 2, fewest)
                        continue
                    find_lost(there, n, dead)
                done += piece
                add_up(there, n, products, sums[begin : begin + count, part], task.escape, done >= task.steps)
                here, there = there, here
        for k in range(count):
            for i in range(d):
                states[begin + k, i] = here[i, k]
            for i in range(turned * d):
                tangents[begin + k, i // d, i % d] = here[d + i, k]
