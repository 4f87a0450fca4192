"""Loops that iterate a map: store it, run it on, measure its stretching, scan its parameters."""

from __future__ import annotations

import numpy as np

from cfdyn._jit import inline_kernel, kernel, pointer

DONE, DIVERGED, LEFT_DOMAIN = 0, 1, 2
CHAOTIC, UNSETTLED, ESCAPED = -1, -2, -3


@inline_kernel
def outside(before, after, escape):
    """DONE, or why the new state is not acceptable: too large, or NaN out of a moderate state."""
    for k in range(after.size):
        if not abs(after[k]) <= escape:
            for j in range(after.size):
                if np.isnan(after[j]):
                    for i in range(before.size):
                        if abs(before[i]) > 1e100:
                            return DIVERGED
                    return LEFT_DOMAIN
            return DIVERGED
    return DONE


@kernel
def iterate(step, p, escape, orbit):
    """Fill rows 1… of ``orbit`` (n+1, D) from row 0; returns (steps done, status)."""
    pp = pointer(p)
    for i in range(orbit.shape[0] - 1):
        step(pointer(orbit[i]), pp, pointer(orbit[i + 1]))
        status = outside(orbit[i], orbit[i + 1], escape)
        if status != DONE:
            return i + 1, status
    return orbit.shape[0] - 1, DONE


@kernel
def advance(step, z, p, n, escape):
    """Run ``z`` (D,) on in place for n steps; returns (steps done, status)."""
    other = np.empty_like(z)
    pp, here, there = pointer(p), pointer(z), pointer(other)
    for i in range(n // 2):
        step(here, pp, there)
        status = outside(z, other, escape)
        if status != DONE:
            z[:] = other
            return 2 * i + 1, status
        step(there, pp, here)
        status = outside(other, z, escape)
        if status != DONE:
            return 2 * i + 2, status
    if n % 2:
        step(here, pp, there)
        status = outside(z, other, escape)
        z[:] = other
        return n, status
    return n, DONE


@kernel
def evaluate_rows(rule, points, p, out):
    """out[i] = rule(points[i])."""
    pp = pointer(p)
    for i in range(points.shape[0]):
        rule(pointer(points[i]), pp, pointer(out[i]))


@inline_kernel
def orthonormalise(q, norms):
    """Gram–Schmidt on the rows of ``q`` (k, D), twice for accuracy; ``norms`` gets their lengths."""
    for a in range(q.shape[0]):
        length = np.sqrt((q[a] * q[a]).sum())
        for _ in range(2):
            for b in range(a):
                q[a] -= (q[a] * q[b]).sum() * q[b]
        norms[a] = np.sqrt((q[a] * q[a]).sum())
        # What is left of a dependent row is round-off: give it some direction and length zero.
        if norms[a] <= 1e-14 * length or norms[a] == 0.0:
            norms[a] = 0.0
            q[a] = 0.0
            q[a, a] = 1.0
            for b in range(a):
                q[a] -= (q[a] * q[b]).sum() * q[b]
            q[a] /= max(np.sqrt((q[a] * q[a]).sum()), 1e-300)
        else:
            q[a] /= norms[a]


@kernel
def stretch(step, jacobian, z, p, n, q, sums):
    """Push the tangent rows ``q`` (k, D) along n steps from ``z`` (in place).

    ``sums`` (k,) gets Σ log of the stretching of each row. Returns the number of finite steps.
    """
    d, k = z.size, q.shape[0]
    other, image, norms = np.empty_like(z), np.empty_like(q), np.empty(k)
    matrix = np.empty(d * d)
    pp, here, there, pj = pointer(p), pointer(z), pointer(other), pointer(matrix)
    for i in range(n):
        jacobian(here, pp, pj)
        for a in range(k):
            for r in range(d):
                total = 0.0
                for c in range(d):
                    total += matrix[r * d + c] * q[a, c]
                image[a, r] = total
        orthonormalise(image, norms)
        for a in range(k):
            sums[a] += np.log(norms[a])
            q[a] = image[a]
        step(here, pp, there)
        for r in range(d):
            if not np.isfinite(other[r]):
                return i
            z[r] = other[r]
    return n


@inline_kernel
def least_return(orbit, max_period, tolerance):
    """The smallest lag p at which the stored orbit repeats, judged on its last max_period rows; 0 if none.

    A shorter lag that nearly repeats (to 10⁴ tolerances) makes the answer 0: a slowly converging
    orbit looks like twice its period.
    """
    n, d = orbit.shape
    size = 0.0
    for i in range(n - max_period, n):
        for k in range(d):
            size = max(size, abs(orbit[i, k]))
    for lag in range(1, max_period + 1):
        worst = 0.0
        for i in range(n - max_period, n):
            for k in range(d):
                worst = max(worst, abs(orbit[i, k] - orbit[i - lag, k]))
            if worst > 1e4 * tolerance * size:
                break
        if worst <= tolerance * size:
            return lag
        if worst <= 1e4 * tolerance * size:
            return 0
    return 0


@kernel
def scan(step, jacobian, starts, parameters, transient, max_period, tolerance, escape, labels, exponents, tails):
    """The long-time behaviour for each row of ``parameters`` (N, n_p), from the row of ``starts`` (N, D).

    ``labels`` (N,): the period (≤ max_period), or CHAOTIC, UNSETTLED, ESCAPED. ``exponents`` (N,):
    the largest Lyapunov exponent over the 2 max_period rows kept. ``tails`` (N, 2 max_period, D).
    """
    n_parameters, d = starts.shape
    q, sums = np.empty((1, d)), np.empty(1)
    for i in range(n_parameters):
        p, z, tail = parameters[i], starts[i].copy(), tails[i]
        labels[i], exponents[i] = ESCAPED, np.nan
        if advance(step, z, p, transient, escape)[1] != DONE:
            continue
        tail[0] = z
        if iterate(step, p, escape, tail)[1] != DONE:
            continue
        q[:] = 1.0 / np.sqrt(d)
        sums[0] = 0.0
        window = tail.shape[0]
        stretch(step, jacobian, z, p, window, q, sums)
        exponents[i] = sums[0] / window
        period = least_return(tail, max_period, tolerance)
        if period > 0:
            labels[i] = period
        else:
            labels[i] = CHAOTIC if exponents[i] > 0.02 else UNSETTLED
