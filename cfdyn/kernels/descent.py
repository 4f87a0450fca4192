"""A quasi-Newton descent on compiled rules, also for losses with kinks."""

from __future__ import annotations

import numpy as np

from cfdyn._jit import inline_kernel, kernel, pointer
from cfdyn.kernels.orbits import copy

MEMORY = 10
ARMIJO, WOLFE = 1e-4, 0.9
ENDED, RAN_AWAY = 0, 1


@inline_kernel
def dot(a, b) -> float:
    """The inner product."""
    total = 0.0
    for k in range(a.size):
        total += a[k] * b[k]
    return total


@inline_kernel
def add(target, factor, row) -> None:
    """target += factor·row."""
    for k in range(row.size):
        target[k] += factor * row[k]


@inline_kernel
def largest_entry(row) -> float:
    """max |entry|, NaN if there is one."""
    size = 0.0
    for k in range(row.size):
        size = abs(row[k]) if not abs(row[k]) <= size else size
    return size


@inline_kernel
def quasi_newton(g, steps, changes, stored, direction) -> None:
    """direction = −H g, H from the last steps and the changes of the gradient over them (two-loop recursion)."""
    alpha = np.empty(MEMORY)
    first = max(0, stored - MEMORY)
    for k in range(g.size):
        direction[k] = -g[k]
    for i in range(stored - 1, first - 1, -1):
        s, y = steps[i % MEMORY], changes[i % MEMORY]
        alpha[i % MEMORY] = dot(s, direction) / dot(s, y)
        add(direction, -alpha[i % MEMORY], y)
    if stored:
        s, y = steps[(stored - 1) % MEMORY], changes[(stored - 1) % MEMORY]
        scale = dot(s, y) / dot(y, y)
        for k in range(g.size):
            direction[k] *= scale
    for i in range(first, stored):
        s, y = steps[i % MEMORY], changes[i % MEMORY]
        add(direction, alpha[i % MEMORY] - dot(y, direction) / dot(s, y), s)


@inline_kernel
def line_search(value, gradient, p, w, f, slope, direction, t, moved, g) -> float:
    """The value at moved = w + t·direction with sufficient decrease and a flatter slope; NaN if none is found.

    Doubling and halving as in Lewis & Overton (2013), which also works across kinks; fills ``g``.
    """
    lo, hi, out = 0.0, np.inf, np.empty(1)
    pp, at, to, slopes = pointer(p, 0), pointer(moved, 0), pointer(out, 0), pointer(g, 0)
    for _ in range(60):
        for k in range(w.size):
            moved[k] = w[k] + t * direction[k]
        value(at, pp, to)
        if not out[0] <= f + ARMIJO * t * slope:
            hi = t
        else:
            gradient(at, pp, slopes)
            if dot(g, direction) >= WOLFE * slope:
                return out[0]
            lo = t
        t = 2.0 * lo if hi == np.inf else 0.5 * (lo + hi)
    return np.nan if lo == 0.0 else out[0]


@kernel
def descend(value, gradient, p, w, limit, lowest, iterations) -> int:
    """Go down from ``w`` (D,) in place, until nothing more is gained; RAN_AWAY beyond |w| = limit or below lowest."""
    d = w.size
    g, new_g, moved, direction = np.empty(d), np.empty(d), np.empty(d), np.empty(d)
    steps, changes, out = np.empty((MEMORY, d)), np.empty((MEMORY, d)), np.empty(1)
    pp = pointer(p, 0)
    value(pointer(w, 0), pp, pointer(out, 0))
    gradient(pointer(w, 0), pp, pointer(g, 0))
    f, stored, idle = out[0], 0, 0
    for _ in range(iterations):
        if largest_entry(g) == 0.0 or idle == 3:
            return ENDED
        quasi_newton(g, steps, changes, stored, direction)
        slope = dot(g, direction)
        if not slope < 0.0:
            stored = 0
            quasi_newton(g, steps, changes, stored, direction)
            slope = dot(g, direction)
        start = 1.0 if stored else min(1.0, 1.0 / largest_entry(g))
        new_f = line_search(value, gradient, p, w, f, slope, direction, start, moved, new_g)
        if not np.isfinite(new_f):
            return ENDED
        step, change = steps[stored % MEMORY], changes[stored % MEMORY]
        for k in range(d):
            step[k], change[k] = moved[k] - w[k], new_g[k] - g[k]
        curved = dot(step, change) > 1e-14 * dot(step, step)
        idle = idle + 1 if f - new_f <= 1e-16 * max(1.0, abs(f)) else 0
        stored = stored + 1 if curved else 0
        copy(moved, w)
        copy(new_g, g)
        f = new_f
        if not largest_entry(w) <= limit or f < lowest:
            return RAN_AWAY
    return ENDED
