"""Newton's method on the n points of a cycle, F_i = f(x_i) − x_{i+1}: of one variable all of it, else each defect in turn."""

from typing import Any

import numpy as np

from cfdyn.kernels.layout import Array, Block, Integer, Real, Rule
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, pointer

ENDED, OPEN = 0, 1  # it has ended; its step is to be solved for
STALLED, GIVEN_UP = 2, 5  # rounds without progress after which it ends where the defect is that of a cycle, and anyway
DENSE = 128  # unknowns: more are solved for with sparse matrices
WELL = 1e6  # times the defect: a system with a larger answer is singular, or nearly so
EXACT = 2e-16  # of the size of the points: a defect of one unit in the last place cannot be made smaller
GOOD = 1e-11  # of the size of the points and the steepness of the map: such a defect is that of a cycle
UNDERFLOW = 1e-290  # below it an entry counts as 0


class Shots(Block):
    """The points, the best ones so far (if ``found``), defects and Jacobians; w entries of a state, the first d are weights.

    ``extent``: the size of each entry on the way there. ``unit``, ``sizes``: those of the first points, and of these;
    ``noise``: what round-off in units of the last place is of. ``rows``, ``solved``: of the ring of one variable.
    """

    n, w, d, most, rounds, stalls, found, status = Integer.several(8)
    step, jacobian = Rule.several(2)
    least = Real()
    points, best, defect = Array.several(3, "n", "w")
    matrices = Array("n", "w", "w")
    extent, unit, sizes, noise = Array.several(4, "w")
    rows = Array("n", 4)
    solved = Array("n")


@inline_kernel
def measure_sizes(b, out) -> None:
    """The size of each entry of the points: that of the weights is one, each behind them has its own."""
    most, x, extent = 0.0, b.points, b.extent
    for k in range(b.w):
        size = 0.0
        for i in range(b.n):
            size = max(size, abs(x[i, k]))
        out[k] = 1e-3 * extent[k] + size
        if k < b.d:
            most = max(most, out[k])
    for k in range(b.w):
        if k < b.d:
            out[k] = most
        if not out[k] > UNDERFLOW:
            out[k] = 1.0


@inline_kernel
def measure_noise(b) -> None:
    """What the round-off of a step is in units of the last place, for each entry.

    A steep slope in a state behind the weights, such as the root of a tiny average, makes errors of its own size only.
    """
    most, x, matrices, sizes, out = 0.0, b.points, b.matrices, b.sizes, b.noise
    for r in range(b.w):
        worst = sizes[r]
        for i in range(b.n):
            behind = 0.0
            for c in range(b.w):
                steep = abs(matrices[i, r, c])
                if c < b.d:
                    worst = max(worst, sizes[0] * steep)
                else:
                    behind += steep * abs(x[i, c])
            worst = max(worst, behind)
        out[r] = worst
        if r < b.d:
            most = max(most, worst)
    for r in range(b.d):
        out[r] = most


@inline_kernel
def shoot(b, p) -> bool:
    """Fill in defects and Jacobians; whether they are finite."""
    n, w, x, defect, matrices, finite = b.n, b.w, b.points, b.defect, b.matrices, True
    for i in range(n):
        call(b.step, pointer(x, i * w), p, pointer(defect, i * w))
        call(b.jacobian, pointer(x, i * w), p, pointer(matrices, i * w * w))
        for k in range(w):
            defect[i, k] -= x[i + 1 if i + 1 < n else 0, k]
            finite = finite and np.isfinite(defect[i, k])
            for j in range(w):
                finite = finite and np.isfinite(matrices[i, k, j])
    return finite


@inline_kernel
def solve_ring(b) -> bool:
    """The Newton step of one variable: x_k is eliminated by its own row or by that which closes the ring.

    Whether it is not much larger than the defect: else the system is singular, or nearly so, and the step NaN or no good.
    """
    n, slopes, defect, rows, solved = b.n, b.matrices, b.defect, b.rows, b.solved
    steep, closing, right, most, largest, sound = -1.0, slopes[n - 1, 0, 0], defect[n - 1, 0], 0.0, 0.0, True
    for k in range(n - 1):
        slope, off = slopes[k, 0, 0], defect[k, 0]
        # slope x_k − x_{k+1} = off and steep x_k + closing x_n = right
        if abs(slope) >= abs(steep):
            rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3] = slope, -1.0, 0.0, off
            steep /= slope
            right -= steep * off
        else:
            rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3] = steep, 0.0, closing, right
            share = slope / steep
            steep = -1.0
            closing, right = -share * closing, off - share * right
    solved[n - 1] = right / (steep + closing) if steep + closing != 0.0 else np.nan
    for k in range(n - 2, -1, -1):
        value = rows[k, 3] - rows[k, 1] * solved[k + 1] - rows[k, 2] * solved[n - 1]
        solved[k] = value / rows[k, 0] if rows[k, 0] != 0.0 else np.nan
    for k in range(n):
        most = max(most, abs(defect[k, 0]))
        largest = max(largest, abs(solved[k]))
        sound = sound and solved[k] == solved[k]
    return sound and largest <= WELL * most


@inline_kernel
def over(b) -> bool:
    """Keep the points if they are the best cycle; whether that is the end."""
    x, defect, best, unit, noise, largest, farthest, good = b.points, b.defect, b.best, b.unit, b.noise, 0.0, 0.0, True
    for i in range(b.n):
        for k in range(b.w):
            largest, farthest = max(largest, abs(defect[i, k]) / unit[k]), max(farthest, abs(x[i, k] / unit[k]))
            good = good and abs(defect[i, k]) <= GOOD * noise[k]
    b.rounds += 1
    b.stalls += 1
    if largest < b.least:
        b.least, b.stalls = largest, 0
        if good:
            b.found = 1
            for i in range(b.n):
                for k in range(b.w):
                    best[i, k] = x[i, k]
    stalled = b.stalls >= GIVEN_UP or (good and b.stalls >= STALLED)
    return stalled or largest <= EXACT * farthest or b.rounds >= b.most


@kernel_rule
def newton(z, p, out):
    """Run the points of a block z on, with parameters p, until it has ENDED or a step is OPEN: then its status says which."""
    b = Shots(z)
    b.status = ENDED
    if b.rounds == 0:
        measure_sizes(b, b.unit)
        first = b.unit[0]
        for k in range(b.w):
            b.unit[k] /= first
    while shoot(b, p):
        measure_sizes(b, b.sizes)
        measure_noise(b)
        if over(b):
            return
        if b.w > 1 or not solve_ring(b) and b.n <= DENSE:
            b.status = OPEN
            return
        for i in range(b.n):
            b.points[i, 0] -= b.solved[i]


def shots(points: np.ndarray, **values: Any) -> Shots:
    """The block of `newton`: points (n, D), ``step`` and ``jacobian`` of the map, ``extent`` (D,), d, and the ``most`` rounds."""
    n, w = np.shape(points)
    return Shots.make(n=n, w=w, points=points, least=np.inf, **values)
