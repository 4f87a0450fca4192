"""The implicit Runge–Kutta method Radau IIA of order 5 for stiff equations.

Hairer and Wanner, Solving Ordinary Differential Equations II, IV.8. Its three stages are solved together by Newton's
method in coordinates W (Z = T W) that split the linear system into a real and a complex one of n unknowns.
Arrays: ``work`` (ROWS, n), ``slopes`` (n, n) for the Jacobian, ``real`` and complex ``pairs`` (n+1, n) for the factors, with a
right-hand side in the last row, and integer ``pivots`` (6, n).
A `State` of zeros restarts the method: necessary whenever the solution jumps or an attempt with error <= 1 is not accepted.
"""

import numpy as np

from cfdyn.integrate._kernels.steppers.dense import TERMS
from cfdyn.integrate._kernels.steppers.field import derivative, jacobian
from cfdyn.kernels.layout import Block, Real
from cfdyn.kernels.linear.lu import factor, solve
from cfdyn.machine.jit import inline_kernel

# Rows of work: increments Z of the stages, W, slopes at the stages, the polynomial of the last step, inverse scales,
# and the error.
Z, W, F, POLYNOMIAL, SCALE, ERROR, ROWS = 0, 3, 6, 9, 12, 13, 14
# Age of the Jacobian: to be evaluated, of an earlier step, of this one.
NONE, OLD, FRESH = 0.0, 1.0, 2.0
MOST = 7
# Newton's method at most this slow lets the next step keep the Jacobian.
FAST = 1e-3

_ROOT = np.sqrt(6.0)
C1, C2 = (4.0 - _ROOT) / 10.0, (4.0 + _ROOT) / 10.0
# Weights of the stages in the embedded error.
E1, E2, E3 = -(13.0 + 7.0 * _ROOT) / 3.0, (-13.0 + 7.0 * _ROOT) / 3.0, -1.0 / 3.0
# Eigenvalues REAL and RE ± i IM of the inverse of the method's matrix, and its eigenvectors; their last row is (1, 1, 0).
OFF = 0.0091  # half of the largest |θ (θ − C1) (θ − C2) (θ − 1)|
REAL, RE, IM = 3.637834252744496, 2.6810828736277523, 3.050430199247411
T11, T12, T13 = 0.09443876248897524, -0.1412552950209542, 0.03002919410514742
T21, T22, T23 = 0.2502131229653333, 0.20412935229379994, -0.3829421127572619
S11, S12, S13 = 4.178718591551904, 0.32768282076106237, 0.5233764454994495
S21, S22, S23 = -4.178718591551904, -0.32768282076106237, 0.47662355450055044
S31, S32, S33 = 0.5028726349457868, -2.571926949855605, 0.5960392048282249


class State(Block):
    """Memory between attempts; the factored step, the last and the one before are 0 if there is none."""

    age, factored, contraction, theta, iterations, last_h, last_error = Real.several(7)
    before_h, before_error, settled, shrink = Real.several(4)


STATE = len(State.fields)


@inline_kernel
def factorise(h, state, slopes, real, pairs, pivots) -> bool:
    """The factors for a step h, unless they are those of the last attempt."""
    if abs(h - state.factored) <= 1e-9 * abs(h):
        return True
    n = slopes.shape[0]
    for i in range(n):
        for j in range(n):
            real[i, j] = -slopes[i, j]
            pairs[i, j] = -slopes[i, j]
        real[i, i] += REAL / h
        pairs[i, i] += complex(RE / h, -IM / h)
    state.factored = h
    return factor(n, real, pivots, 0) and factor(n, pairs, pivots, 1)


@inline_kernel
def guess(h, work, state) -> None:
    """Z and W by extrapolation of the last step's polynomial."""
    ratio = 0.0
    if state.last_h != 0.0:
        ratio = h / state.last_h
    a, b = C1 * ratio, C2 * ratio
    for i in range(work.shape[1]):
        change, c2, c3 = work[POLYNOMIAL, i], work[POLYNOMIAL + 1, i], work[POLYNOMIAL + 2, i]
        z1 = a * (change - (1.0 + a) * (c2 + (1.0 + a) * c3))
        z2 = b * (change - (1.0 + b) * (c2 + (1.0 + b) * c3))
        z3 = ratio * (change - (1.0 + ratio) * (c2 + (1.0 + ratio) * c3))
        work[Z, i], work[Z + 1, i], work[Z + 2, i] = z1, z2, z3
        work[W, i] = S11 * z1 + S12 * z2 + S13 * z3
        work[W + 1, i] = S21 * z1 + S22 * z2 + S23 * z3
        work[W + 2, i] = S31 * z1 + S32 * z2 + S33 * z3


@inline_kernel
def correct(field, z, h, point, slope, work, real, pairs, pivots) -> float:
    """One iteration of Newton's method; returns the scaled size of the correction."""
    n = z.size
    for stage in range(3):
        for i in range(n):
            point[i] = z[i] + work[Z + stage, i]
        derivative(field, point, slope)
        for i in range(n):
            work[F + stage, i] = slope[i]
    a, b, c = REAL / h, RE / h, IM / h
    for i in range(n):
        f1, f2, f3, w2, w3 = work[F, i], work[F + 1, i], work[F + 2, i], work[W + 1, i], work[W + 2, i]
        real[n, i] = S11 * f1 + S12 * f2 + S13 * f3 - a * work[W, i]
        left = S21 * f1 + S22 * f2 + S23 * f3 - b * w2 - c * w3
        right = S31 * f1 + S32 * f2 + S33 * f3 + c * w2 - b * w3
        pairs[n, i] = complex(left, right)
    solve(n, real, pivots, 0)
    solve(n, pairs, pivots, 1)
    total = 0.0
    for i in range(n):
        d1, pair, scale = real[n, i], pairs[n, i], work[SCALE, i]
        d2, d3 = pair.real, pair.imag
        total += (d1 * d1 + d2 * d2 + d3 * d3) * scale * scale
        w1, w2, w3 = work[W, i] + d1, work[W + 1, i] + d2, work[W + 2, i] + d3
        work[W, i], work[W + 1, i], work[W + 2, i] = w1, w2, w3
        work[Z, i] = T11 * w1 + T12 * w2 + T13 * w3
        work[Z + 1, i] = T21 * w1 + T22 * w2 + T23 * w3
        work[Z + 2, i] = w1 + w2
    return np.sqrt(total / (3 * n))


@inline_kernel
def newton(field, z, h, rtol, point, slope, work, state, real, pairs, pivots) -> bool:
    """Solve for the stages; False, with a proposal in SHRINK, when that fails or would take too long."""
    guess(h, work, state)
    tolerance = max(2e-15 / rtol, min(0.03, np.sqrt(rtol)))
    contraction = max(state.contraction, 1e-16) ** 0.8
    theta, ratio, size = FAST, 0.0, 0.0
    for iteration in range(MOST):
        before, size = size, correct(field, z, h, point, slope, work, real, pairs, pivots)
        if not np.isfinite(size):
            return False
        if iteration > 0:
            last, ratio = ratio, size / before
            theta = ratio if iteration == 1 else np.sqrt(ratio * last)
            if theta >= 0.99:
                return False
            contraction = theta / (1.0 - theta)
            left = MOST - 1 - iteration
            excess = contraction * size * theta**left / tolerance
            if excess > 1.0:
                state.shrink = 0.8 * min(max(excess, 1e-4), 20.0) ** (-1.0 / (4 + left))
                return False
        size = max(size, 1e-16)
        if contraction * size <= tolerance:
            state.contraction, state.theta, state.iterations = contraction, theta, iteration + 1
            return True
    return False


@inline_kernel
def filtered(f, h, work, real, pivots) -> float:
    """The scaled norm of the embedded error for the slope ``f``, its stiff part damped; the error itself in ``work``."""
    n = f.size
    for i in range(n):
        real[n, i] = f[i] + (E1 * work[Z, i] + E2 * work[Z + 1, i] + E3 * work[Z + 2, i]) / h
    solve(n, real, pivots, 0)
    total = 0.0
    for i in range(n):
        work[ERROR, i] = real[n, i]
        total += (real[n, i] * work[SCALE, i]) ** 2
    return max(np.sqrt(total / n), 1e-10)


@inline_kernel
def bend(work, i) -> float:
    """The third divided difference of the stages, h³ y‴/6."""
    change = work[Z + 2, i]
    first, second = (work[Z, i] - C1 * change) / (C1 * (1.0 - C1)), (work[Z + 1, i] - C2 * change) / (C2 * (1.0 - C2))
    return (second - first) / (C2 - C1)


@inline_kernel
def sway(h, rtol, work, state) -> float:
    """The error of the cubic of a step between its ends, relative to the limit: by y⁗ from this step and the last; accepted if <=
    1.

    The error of `attempt` is damped by h|λ|: at 1e6, ends within the tolerance had states between them that were off 1e5 times.
    """
    if state.last_h == 0.0:
        return 0.0
    total, ratio = 0.0, h / state.last_h
    for i in range(work.shape[1]):
        total += ((bend(work, i) - ratio**3 * work[POLYNOMIAL + 2, i]) * work[SCALE, i]) ** 2
    between = OFF * np.sqrt(total / work.shape[1]) * ratio / (1.0 + ratio)
    return between * np.sqrt(np.sqrt(np.sqrt(max(rtol, 1e-14)))) / 40.0


@inline_kernel
def conclude(z, h, error, work, state) -> None:
    """Record an accepted step: its polynomial, and the data that the next attempt needs."""
    for i in range(z.size):
        change = work[Z + 2, i]
        first, third = (work[Z, i] - C1 * change) / (C1 * (1.0 - C1)), bend(work, i)
        work[POLYNOMIAL, i], work[POLYNOMIAL + 1, i], work[POLYNOMIAL + 2, i] = change, first - C1 * third, third
    state.before_h, state.before_error = state.last_h, state.last_error
    state.last_h, state.last_error, state.settled = h, max(error, 1e-2), 1.0
    state.age = OLD if state.theta <= FAST else NONE


@inline_kernel
def stages(field, z, h, rtol, point, slope, work, state, slopes, real, pairs, pivots) -> bool:
    """Solve for the stages, once more with a new Jacobian if that fails with an old one."""
    while True:
        if state.age == NONE:
            jacobian(field, z, slopes)
            state.age, state.factored = FRESH, 0.0
        elif abs(h - state.factored) > 1e-9 * abs(h):
            # The convergence rate with an old Jacobian over another step is not known yet.
            state.contraction = max(state.contraction, FAST)
        if factorise(h, state, slopes, real, pairs, pivots):
            if newton(field, z, h, rtol, point, slope, work, state, real, pairs, pivots):
                return True
        if state.age == FRESH:
            state.settled, state.factored = 0.0, 0.0
            return False
        state.age = NONE


@inline_kernel
def attempt(field, z, f, h, rtol, atol, z1, f1, work, state, slopes, real, pairs, pivots) -> float:
    """Try a step of size h from ``z`` with slope ``f``: fills ``z1`` and its slope ``f1``; ``atol`` > 0.

    Returns the scaled error, accepted if <= 1 (a caller that accepts a larger one calls `conclude`); NaN if Newton's method
    fails or something is not finite.
    """
    n = z.size
    for i in range(n):
        work[SCALE, i] = 1.0 / (atol + rtol * abs(z[i]))
    state.shrink = 0.5
    if state.last_h == 0.0:
        state.contraction = 1.0
    if not stages(field, z, h, rtol, z1, f1, work, state, slopes, real, pairs, pivots):
        return np.nan
    error = filtered(f, h, work, real, pivots)
    if not error <= 1.0 and state.settled == 0.0:
        for i in range(n):
            z1[i] = z[i] + work[ERROR, i]
        derivative(field, z1, f1)
        error = filtered(f1, h, work, real, pivots)
    error = max(error, sway(h, rtol, work, state))
    check = error
    for i in range(n):
        z1[i] = z[i] + work[Z + 2, i]
    derivative(field, z1, f1)
    for i in range(n):
        check += 0.0 * f1[i]
    if check <= 1.0:
        conclude(z, h, error, work, state)
    else:
        state.settled = 0.0
        if state.age == OLD:
            state.age = NONE
    return check


@inline_kernel
def dense(field, z, f, h, z1, f1, work, coefficients) -> None:
    """The collocation polynomial of the step just accepted, into ``coefficients`` (8, n); see `dense.py`."""
    for i in range(z.size):
        coefficients[0, i] = z[i]
        coefficients[1, i] = z1[i] - z[i]
        coefficients[2, i] = work[POLYNOMIAL + 1, i]
        coefficients[3, i] = work[POLYNOMIAL + 2, i]
        for k in range(4, TERMS):
            coefficients[k, i] = 0.0
