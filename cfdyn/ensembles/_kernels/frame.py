"""The stretching of a frame of tangent vectors along one orbit, by the code of `cfdyn.codegen.frames`."""

import numpy as np

from cfdyn.kernels.layout import Array, Block, Integer, Rule
from cfdyn.kernels.orbits import MOST, TINY, length
from cfdyn.machine.jit import call, kernel, pointer

TOGETHER, CALM = 16, 8  # pieces between two times at which rows get the length one; times without loss until pieces get longer


class Frame(Block):
    """``run`` of the map's orbit and frame, its parameters ``p`` behind its two wishes."""

    run = Rule()
    size = Integer()
    p = Array("size")


@kernel
def stretch_frame(memory, z, n, q, sums) -> int:
    """Push the orthonormal rows ``q`` (D, D) along up to n steps from ``z`` (D,), both in place; returns how many steps.

    ``sums`` (D,) gets Σ log of the stretching of each row. Rows are made orthogonal every 8 steps, sooner where digits
    would be lost and for a while after it; it stops before a step that loses them by itself, or after which the state is no
    finite number.
    """
    task, d = Frame(memory), z.size
    here, there, products = np.empty(d + d * d), np.empty(1 + d + d * d), np.ones(d)
    done, longest, calm = 0, MOST, 0
    for i in range(d):
        here[i] = z[i]
        for a in range(d):
            here[d + a * d + i] = q[a, i]
    while done < n:
        piece = min(longest, n - done)
        wanted = min(TOGETHER, (n - done) // piece)
        task.p[0], task.p[1] = wanted, piece
        call(task.run, pointer(here, 0), pointer(task.p, 0), pointer(there, 0))
        good = int(there[0])
        if good == 0 and piece == 1:
            break
        done, calm = done + good * piece, calm + 1 if good == wanted else 0
        longest = max(piece - 1, 1) if calm == 0 else min(longest + calm // CALM, MOST)
        if good == 0:
            continue
        for i in range(d):
            here[i] = there[1 + i]
        for a in range(d):
            row = there[1 + d + a * d : 1 + d + (a + 1) * d]
            norm = length(row)
            for i in range(d):
                here[d + a * d + i] = row[i] / norm
            # Logarithms are dear: one of a product of several lengths.
            products[a] *= norm
            if not TINY < products[a] < 1.0 / TINY:
                sums[a] += np.log(products[a])
                products[a] = 1.0
    for a in range(d):
        sums[a] += np.log(products[a])
        for i in range(d):
            q[a, i] = here[d + a * d + i]
    for i in range(d):
        z[i] = here[i]
    return done
