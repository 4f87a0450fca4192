"""Quantities of the central flow with noise at a state: Σ, the mean-square radius, the damping, the neglected term."""

import numpy as np

from cfdyn.flows._kernels.noisy import WIDTH, Noisy, equilibrium, factor, relaxation, response, turn
from cfdyn.kernels.linear.moments import sharp_weight
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, numbers, pointer

SHARP = 0.1  # ηλ of a direction whose radius says something of an edge: on flat ones it is about 1
MOST, HALVINGS = 1e12, 54  # of the growth in a step, exact to the last digit
SLOW = 1e-6  # ηλ of a pair that counts as standing still
ALIKE = 1e-4  # by how much weights are moved, relative to them, for a difference of Hessians


@kernel_rule
def seen_noise(z, block, out):
    """Σ (d²); the mean-square radius; ΔS/√(2α), above 1 if noise holds the edge; the omitted term's relative contribution to tr
    Σ; the number of directions with a weight. If Σ does not exist, the growth of second moments on these. With `flat`, then
    the input on the other pairs of directions (d²).
    """
    b, result = Noisy(block), numbers(out)
    d, state, b.every = b.d, numbers(z), b.flat
    stable = equilibrium(b, state)
    for i in range(d * d):
        result[i] = b.pushed[b.n + i] if stable else np.nan
    if b.flat == 1:
        put_inflow(b, stable, pointer(out, d * d + 5))
    result[d * d + 1] = damping(b, state) if stable else np.nan
    result[d * d + 2] = omitted(b, state) if stable else np.nan
    result[d * d + 3] = 0.0
    for p in range(b.kept):
        result[d * d + 3] += 1.0 if b.weights[p] > 0.0 else 0.0
    result[d * d + 4] = np.nan if stable else growth(b)
    result[d * d] = radius(b)


@inline_kernel
def put_inflow(b, stable, result) -> None:
    """(1 − φφ)(N[Σ] + η²C) for slow directions that drift by 1/(1 − β) of a gradient step, Σ the sharp part, as (d, d).

    A pair of a sharp and a flat one gets as much as leaves it in equilibrium, (x + y)/(1 − β) over what R loses.
    """
    d, scattered, t, total = b.d, pointer(b.scattered, 0), 0, b.d * (b.d + 1) // 2
    for p in range(d if stable else 0):
        for q in range(p, d):
            entry, both = b.source[t], max(b.values[p], 0.0) + max(b.values[q], 0.0)
            for j in range(total):
                entry += (1.0 if p == q else np.sqrt(0.5)) * scattered[t * total + j] * b.scale[j] * b.answer[j]
            gain = 1.0 / (1.0 - b.beta) ** 2
            if both > SLOW:
                gain = both / (1.0 - b.beta) / relaxation(b, max(b.values[p], 0.0), max(b.values[q], 0.0), 1.0)
            b.half[p, q] = b.half[q, p] = (1.0 - b.weights[p] * b.weights[q]) * gain * entry
            t += 1
    for i in range(d):
        for j in range(d):
            result[i * d + j] = 0.0 if stable else np.nan
            for p in range(d if stable else 0):
                for q in range(d):
                    result[i * d + j] += b.axes[p, i] * b.half[p, q] * b.axes[q, j]


@inline_kernel
def radius(b) -> float:
    """The spectral radius of the second moments' step on the directions with ηλ > 0.1, weighted; 0 without any."""
    k, t, sharp, count = b.kept, 0, 0.0, b.kept * (b.kept + 1) // 2
    for p in range(k):
        b.weights[p] = sharp_weight(b.values[p] / (1.0 - b.beta), max(b.cut, SHARP), WIDTH)
        sharp += b.weights[p]
    if sharp == 0.0 or b.beta != 0.0 or b.ahead != 0.0:
        return 0.0 if sharp == 0.0 else growth(b)
    scattered, system = pointer(b.scattered, 0), pointer(b.system, 0)
    for p in range(k):
        for q in range(p, k):
            b.weight[t] = np.sqrt(b.weights[p] * b.weights[q])
            b.answer[t] = (1.0 - b.values[p]) * (1.0 - b.values[q])
            t += 1
    for i in range(count):
        for j in range(count):
            entry = scattered[i * count + j] + (b.answer[i] if i == j else 0.0)
            system[i * count + j] = b.weight[i] * b.weight[j] * entry
    b.order[0] = count
    call(b.eigh, b.system, b.order, b.spectrum)
    b.order[0] = b.d
    return pointer(b.spectrum, count - 1)[0]


@inline_kernel
def growth(b) -> float:
    """The smallest growth of second moments in a step for which R, made for it, has a 1 − R^½NR^½ that is positive."""
    low, high = 0.0, 1.0
    while not factor(b, high):
        low, high = high, 2.0 * high
        if high > MOST:
            return np.inf
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if factor(b, middle):
            high = middle
        else:
            low = middle
    return high


@inline_kernel
def damping(b, state) -> float:
    """Near the edge ΔS/√(2α): κ²(1/R − N)/(2‖η∇S‖ √(κ/(1 − β) x uᵀΣu)), x = 2ηS/(its edge) − 1, of the sharpest; ∞ for x ≤ 0.

    κ is the speed at which the multiplier at the edge moves with ηS, 1/(1 − β) for heavy ball: the weight of that mode in a kick.
    """
    n, d, twice = b.n, b.d, 1.0 + 2.0 * b.ahead
    past = b.values[0] * twice / (1.0 + b.beta) - 1.0
    if b.kept == 0 or not past > 0.0:
        return np.inf
    for once in range(2):
        for i in range(d):
            for j in range(d):
                b.pushed[n + i * d + j] = once * b.length[i] * b.axes[0, i] * b.axes[0, j] * b.length[j]
        call(b.push, b.pushed, b.p, pointer(b.pushes, once * n))
    square = 0.0
    for i in range(d):
        square += (2.0 * (1.0 - b.beta) * (b.pushes[1, i] - b.pushes[0, i]) / b.length[i]) ** 2
    kappa = twice * twice / (3.0 * twice + b.beta * twice - 2.0 * (1.0 + b.beta) * (1.0 + b.ahead))
    own = kappa**2 * (relaxation(b, b.values[0], b.values[0], 1.0) - b.scattered[0, 0])
    return own / (2.0 * np.sqrt(square * past * b.spread[0, 0] * kappa / (1.0 - b.beta)))


@inline_kernel
def omitted(b, state) -> float:
    """tr R[½ E(ĝt̂ᵀ + t̂ĝᵀ)/b] over tr Σ, t̂ = ∇⟨H_i, Σ⟩ of a row by differences of Hessians: of the order of N, and omitted."""
    n, d, k, size, total, trace = b.n, b.d, b.kept, 0.0, 0.0, 0.0
    for i in range(d):
        size = max(size, abs(state[i]))
    size, bent = ALIKE * max(size, 1e-3), pointer(b.bent, 0)
    for p in range(k):
        trace += b.spread[p, p]
        answer = b.weights[p] ** 2 * response(b, b.values[p], b.values[p], 1.0) if b.weights[p] > 0.0 else 0.0
        for r in range(b.rows if b.sampled > 0.0 else 0):
            for i in range(b.columns):
                b.point[n + i] = b.table[r, i]
            rise = 0.0
            for side in range(-1, 2, 2):
                for i in range(d):
                    b.point[i] = state[i] + side * size * b.axes[p, i] * b.length[i]
                call(b.row, b.point, b.p, b.seen)
                turn(b)
                for i in range(k):
                    for j in range(k):
                        rise += side * bent[i * k + j] * b.spread[i, j] / (2.0 * size)
            for i in range(d):
                b.point[i] = state[i]
            call(b.row, b.point, b.p, b.seen)
            slope = 0.0
            for i in range(d):
                slope += (b.seen[0, i] - b.curved[0, i]) * b.axes[p, i]
            total += answer * b.sampled / b.rows * slope * rise
    return total / trace if trace > 0.0 else 0.0
