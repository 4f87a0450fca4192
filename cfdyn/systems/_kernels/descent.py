"""A quasi-Newton descent that also works across kinks: SciPy's would take longer to import than a search takes."""

from functools import partial

import numpy as np

from cfdyn.kernels.orbits import copy
from cfdyn.machine.jit import call, inline_kernel, kernel, pointer

MEMORY, ITERATIONS = 10, 500  # steps from which curvature is learnt; steps at most
ARMIJO, WOLFE = 1e-4, 0.9  # of the slope: how far the value falls at least over a step, and how steep the end still is
FLAT = 1e-14  # of a step's square: a smaller curvature along it is round-off
GAIN, IDLE = 1e-16, 3  # of the value: a step that gains no more is idle, and so many in a row are the last
HALVINGS = 60  # of a step, after which it is 0


@inline_kernel
def product(a, b) -> float:
    """a·b."""
    total = 0.0
    for k in range(a.size):
        total += a[k] * b[k]
    return total


@inline_kernel
def add(target, factor, row) -> None:
    """target += factor · row."""
    for k in range(target.size):
        target[k] += factor * row[k]


@inline_kernel
def largest(row) -> float:
    """The largest size of an entry, NaN or infinite where one is."""
    total, most = 0.0, 0.0
    for k in range(row.size):
        most = max(most, abs(row[k]))
        total += 0.0 * row[k]
    return most + total


@inline_kernel
def aim(direction, g, steps, changes, curvatures, factors, stored, newest) -> None:
    """direction = −Hg, H from the last steps and the changes of the gradient over them (two-loop recursion)."""
    for k in range(g.size):
        direction[k] = -g[k]
    for age in range(stored):
        i = (newest - age) % MEMORY
        factors[i] = product(steps[i], direction) / curvatures[i]
        add(direction, -factors[i], changes[i])
    if stored > 0:
        scale = curvatures[newest] / product(changes[newest], changes[newest])
        for k in range(g.size):
            direction[k] *= scale
    for age in range(stored - 1, -1, -1):
        i = (newest - age) % MEMORY
        add(direction, factors[i] - product(changes[i], direction) / curvatures[i], steps[i])


@inline_kernel
def search(value, gradient, p, w, f, direction, t, point, trial, following, result, g) -> tuple[float, float]:
    """(t, value) of a step t · direction, with the gradient there in ``following``; t = 0 where no step goes down."""
    slope, lo, hi, best = product(direction, g), 0.0, np.inf, f
    for _ in range(HALVINGS):
        copy(w, point)
        add(point, t, direction)
        call(value, pointer(point, 0), p, pointer(result, 0))
        if not result[0] <= f + ARMIJO * t * slope:
            hi = t
        else:
            call(gradient, pointer(point, 0), p, pointer(trial, 0))
            lo, best = t, result[0]
            copy(trial, following)
            if product(trial, direction) >= WOLFE * slope:
                break
        t = 2.0 * lo if hi == np.inf else (lo + hi) / 2.0
    return lo, best


@partial(kernel, short=True)
def descend(value, gradient, p, w, limit, lowest) -> bool:
    """Go down from ``w`` (d,), in place, until nothing more is gained; False beyond |w| = limit or below ``lowest``.

    Limited-memory BFGS with the line search of Lewis & Overton (2013): doubling and halving until the value has decreased
    enough and the slope has become flatter. ``value`` and ``gradient``: addresses of rules.
    """
    d = w.size
    vectors, learnt = np.empty((5, d)), np.empty((2, MEMORY, d))
    g, following, trial, point, direction = vectors[0], vectors[1], vectors[2], vectors[3], vectors[4]
    steps, changes, curvatures, factors = learnt[0], learnt[1], np.empty(MEMORY), np.empty(MEMORY)
    result, stored, newest, idle = np.empty(1), 0, MEMORY - 1, 0
    call(value, pointer(w, 0), p, pointer(result, 0))
    call(gradient, pointer(w, 0), p, pointer(g, 0))
    f = result[0]
    for _ in range(ITERATIONS):
        steepest = largest(g)
        if idle == IDLE or not 0.0 < steepest < np.inf:
            break
        aim(direction, g, steps, changes, curvatures, factors, stored, newest)
        if not product(direction, g) < 0.0:
            stored = 0
            for k in range(d):
                direction[k] = -g[k]
        first = 1.0 if stored > 0 else min(1.0, 1.0 / steepest)
        lo, best = search(value, gradient, p, w, f, direction, first, point, trial, following, result, g)
        if lo == 0.0:
            break
        slot = (newest + 1) % MEMORY
        for k in range(d):
            steps[slot, k], changes[slot, k] = lo * direction[k], following[k] - g[k]
        curvatures[slot] = product(changes[slot], steps[slot])
        add(w, lo, direction)
        if curvatures[slot] > FLAT * product(steps[slot], steps[slot]):
            newest, stored = slot, min(stored + 1, MEMORY)
        idle = idle + 1 if f - best <= GAIN * max(1.0, abs(f)) else 0
        copy(following, g)
        f = best
        if not largest(w) <= limit or f < lowest:
            return False
    return True
