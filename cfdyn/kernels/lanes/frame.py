"""How a frame of tangents along one orbit is stretched, all of them at once in lanes."""

import numpy as np

from cfdyn.kernels.layout import Array, Block, Integer, Rule
from cfdyn.kernels.orbits import MOST, TINY, length, lossy, orthonormalise
from cfdyn.machine.jit import call, kernel, pointer, spliced


class Frame(Block):
    """``run`` of the map's tangents for ``lanes`` orbits at once, its parameters ``p`` as it reads them."""

    run = Rule()
    lanes, size = Integer.several(2)
    p = Array("size")


LOST = 1e-13  # of a length: what is left of a row is round-off


@spliced
def take(there, image) -> None:
    """The tangents out of lanes."""
    for a in range(image.shape[0]):
        for i in range(image.shape[1]):
            image[a, i] = there[image.shape[1] + i, a]


@spliced
def unit_rows(q, norms, before, inverse) -> bool:
    """Gram–Schmidt on the rows of ``q``, twice, with the lengths before and after; False if one is lost, and all may be anything.

    Rows are divided by their lengths last, and not taken out as arrays: both would take longer than all the rest.
    """
    for a in range(q.shape[0]):
        square = 0.0
        for i in range(q.shape[1]):
            square += q[a, i] * q[a, i]
        before[a] = np.sqrt(square)
        for _ in range(2 if a > 0 else 0):
            for b in range(a):
                along = 0.0
                for i in range(q.shape[1]):
                    along += q[a, i] * q[b, i]
                along *= inverse[b]
                for i in range(q.shape[1]):
                    q[a, i] -= along * q[b, i]
        square = 0.0
        for i in range(q.shape[1]):
            square += q[a, i] * q[a, i]
        norms[a], inverse[a] = np.sqrt(square), 1.0 / square
        if not (LOST * before[a] < norms[a] < np.inf and square > TINY):
            return False
    for a in range(q.shape[0]):
        scale = 1.0 / norms[a]
        for i in range(q.shape[1]):
            q[a, i] *= scale
    return True


@spliced
def orthonormal(there, image, norms, before, inverse) -> None:
    """The tangents out of lanes, made orthonormal."""
    take(there, image)
    if not unit_rows(image, norms, before, inverse):
        take(there, image)
        for a in range(image.shape[0]):
            before[a] = length(image[a])
        orthonormalise(image, norms)


@kernel
def stretch_frame(memory, z, n, q, sums) -> int:
    """Push the tangent rows ``q`` (k, D), k no more than there are lanes, along n steps from ``z`` (D,), both in place.

    ``sums`` (k,) gets Σ log of the stretching of each row. Returns the number of finite steps. Rows are made orthonormal as
    seldom as digits allow, see `cfdyn.kernels.orbits.stretch`; every lane has the orbit and one of the tangents.
    """
    task = Frame(memory)
    d, k, b = z.size, q.shape[0], task.lanes
    here, there, image = np.zeros((2 * d + 1, b)), np.zeros((2 * d + 1, b)), np.empty((k, d))
    norms, before, inverse, products = np.empty(k), np.empty(k), np.empty(k), np.ones(k)
    done, longest, most = 0, 1, MOST
    while done < n:
        for a in range(k):
            for i in range(d):
                here[i, a], here[d + i, a] = z[i], q[a, i]
        piece = min(longest, n - done)
        task.p[0] = piece
        call(task.run, pointer(here, 0), pointer(task.p, 0), pointer(there, 0))
        finite = True
        for i in range(d):
            finite &= np.isfinite(there[i, 0])
        if not finite or (piece > 1 and not np.isfinite(there[2 * d, 0])):
            if piece == 1:
                return done
            longest, most = 1, 1
            continue
        orthonormal(there, image, norms, before, inverse)
        if piece > 1 and lossy(image, norms, before):
            longest = piece // 2
            continue
        for a in range(k):
            products[a] *= norms[a]
            if not TINY < products[a] < 1.0 / TINY or done + piece == n:
                sums[a] += np.log(products[a])
                products[a] = 1.0
            for i in range(d):
                q[a, i] = image[a, i]
        for i in range(d):
            z[i] = there[i, 0]
        done, longest = done + piece, min(2 * longest, most)
    return n
