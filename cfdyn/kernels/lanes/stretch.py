"""How the tangents of many orbits are stretched."""

import numpy as np

from cfdyn.kernels.lanes.ensemble import Ensemble, load, own_parameters
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer, spliced

MOST, FEWEST = 64, 4  # steps in which a tangent grows or shrinks
TINY = 1e-100  # a stretching below it, or above 1/TINY, is looked at in shorter pieces: it could be lost


@spliced
def total_alone(task, row, parameters, cell, rows, z, k, out, piece) -> None:
    """A piece of an orbit with its tangent step by step, and the sum of |entry| of the first half."""
    d = task.d
    for i in range(task.parameters):
        row[i] = parameters[cell, i]
    for i in range(d):
        rows[0, i] = z[i, k]
    total = 0.0
    for t in range(piece):
        call(task.step, pointer(rows, t * d), pointer(row, 0), pointer(rows, (t + 1) * d))
        for i in range(d // 2):
            total += abs(rows[t + 1, i])
    for i in range(d):
        out[i, k] = rows[piece, i]
    out[d, k] = total


@inline_kernel
def measure(out, d, count, escape, sizes) -> bool:
    """The lengths of the tangents; False if one of an orbit that has not left may have lost its direction or its length."""
    lost = 0
    for k in range(out.shape[1]):
        square = 0.0
        for i in range(d):
            square += out[d + i, k] * out[d + i, k]
        sizes[k] = np.sqrt(square)
        lost += 1 if k < count and out[2 * d, k] <= escape and not TINY < sizes[k] < 1.0 / TINY else 0
    return lost == 0


@inline_kernel
def go_on(z, out, d, sizes) -> None:
    """The states and unit tangents from which the next piece goes on."""
    for k in range(out.shape[1]):
        sizes[k] = 1.0 / sizes[k] if sizes[k] > 0.0 else 1.0
    for i in range(d):
        for k in range(out.shape[1]):
            z[i, k], z[d + i, k] = out[i, k], sizes[k] * out[d + i, k]


@kernel
def stretch(memory, first, last, states, parameters, ended, tangents, sums) -> None:
    """Push a tangent of each orbit along; row k of ``sums`` (N, parts) gets Σ log of its stretching in each part of the way.

    ``run`` takes (z, v) to (f(z), Df(z) v), see `cfdyn.symbolic.oracle`, D = 2 dim, and looks at z alone. ``tangents``
    (N, dim) and ``states`` (N, dim) go on in place; ``steps`` in each part. NaN for an orbit that leaves or has left.
    """
    task = Ensemble(memory)
    b, d = task.block, task.d // 2
    z, out, p = np.zeros((2 * d + 1, b)), np.zeros((2 * d + 1, b)), np.zeros(task.head + task.parameters * b)
    rows, row = np.empty((MOST + 1, 2 * d)), own_parameters(task)
    products, sizes, longest = np.ones(b), np.ones(b), MOST
    for begin in range(first, last, b):
        count = min(b, last - begin)
        load(task, z, p, states, parameters, begin, count)
        for k in range(count):
            for i in range(d):
                z[d + i, k] = tangents[begin + k, i]
        for part in range(sums.shape[1]):
            for k in range(count):
                sums[begin + k, part], products[k] = 0.0 if ended[begin + k] == 0 else np.nan, 1.0
            done = 0
            while done < task.steps:
                piece = min(longest, task.steps - done)
                p[0] = piece
                if task.lanes > 0:
                    call(task.run, pointer(z, 0), pointer(p, 0), pointer(out, 0))
                else:
                    for k in range(count):
                        total_alone(task, row, parameters, begin + k, rows, z, k, out, piece)
                if measure(out, d, count, task.escape, sizes) or longest <= FEWEST:
                    done += piece
                    for k in range(count):
                        products[k] *= sizes[k] if out[2 * d, k] <= task.escape else np.nan
                        # Logarithms are dear: one of a product of several sizes.
                        if not TINY < products[k] < 1.0 / TINY or done >= task.steps:
                            sums[begin + k, part] += np.log(products[k])
                            products[k] = 1.0
                    go_on(z, out, d, sizes)
                else:
                    longest //= 4
        for k in range(count):
            for i in range(d):
                states[begin + k, i], tangents[begin + k, i] = z[i, k], z[d + i, k]
