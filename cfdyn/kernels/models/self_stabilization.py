"""One step of the constrained trajectory θ† and of the dynamics that self-stabilization predicts around it."""

from __future__ import annotations

from cfdyn.kernels.models.block import RULES, SCRATCH, SIZES, D, N, P
from cfdyn.machine.jit import call_from, inline_kernel, integers, kernel_rule, numbers, pointer

# Rules: ηg and ηH, ηT[u, u], eigenvalues. Size: which of three models. All is in terms of ηL, whose edge is 2.
CURVATURE, RISE, EIGH = RULES[:3]
VARIANT = SIZES[0]
CONSTRAINED, PREDICTED, GENERALISED = range(3)
PROJECTIONS = 3


@kernel_rule
def stabilize(z, block, out):
    """What a step adds to θ†, or to (w, θ†) with w = θ† + v."""
    m, at, state, result = numbers(block), integers(block), numbers(z), numbers(out)
    d, point, behind = at[D], at[SCRATCH], at[N] - at[D]
    for i in range(d):
        m[point + i] = state[behind + i]
    u, g, top, c = look(m, at)
    if behind > 0:
        predict(m, at, state, result, u, g, c)
    for i in range(d):
        m[point + i] = state[behind + i] - m[g + i]
    held = False
    for turn in range(PROJECTIONS):
        look(m, at)
        if turn == 0:
            held = m[top] > 2.0
        put_back(m, at, u, g, top, c)
    for i in range(d):
        step = m[point + i] - state[behind + i]
        if behind > 0:
            # δ² is what the edge holds back: nothing while θ† is not held there.
            result[i] += step + result[d + i] if held else step
        result[behind + i] = step


@inline_kernel
def look(m, at):
    """The loss at the point; places of u, ηg, ηλ₁ and c = η∇S⊥."""
    d, point = at[D], at[SCRATCH]
    u, g = point + at[N], point + at[N] + d
    values = g + d + d * d
    c, along = values + 3 * d + 2 * d * d, 0.0
    call_from(m, CURVATURE, pointer(m, point), pointer(m, at[P]), pointer(m, g))
    call_from(m, EIGH, pointer(m, g + d), pointer(m, D), pointer(m, values))
    for i in range(d):
        m[u + i] = m[values + d + i * d + d - 1]
    call_from(m, RISE, pointer(m, point), pointer(m, at[P]), pointer(m, c))
    for i in range(d):
        along += m[u + i] * m[c + i]
    for i in range(d):
        m[c + i] -= along * m[u + i]
    return u, g, values + d - 1, c


@inline_kernel
def put_back(m, at, u, g, top, c):
    """The point onto S ≤ 2/η and u·g = 0, to first order."""
    d, point, along, square = at[D], at[SCRATCH], 0.0, 0.0
    for i in range(d):
        along += m[u + i] * m[g + i]
        square += m[c + i] * m[c + i]
    for i in range(d):
        if m[top] > 2.0:
            m[point + i] -= (m[top] - 2.0) / square * m[c + i]
        m[point + i] -= along / m[top] * m[u + i]


@inline_kernel
def predict(m, at, state, result, u, g, c):
    """−(½x²c + ηHv + ηxyu), and ½δ²c behind it; with the exact u·g at θ† + xu for the generalised dynamics."""
    d, point, other = at[D], at[SCRATCH], g + at[D] + at[D] * at[D]
    x, y, alpha, beta = 0.0, 0.0, 0.0, 0.0
    for i in range(d):
        x += m[u + i] * (state[i] - state[d + i])
        y += m[c + i] * (state[i] - state[d + i])
        alpha -= m[g + i] * m[c + i]
        beta += m[c + i] * m[c + i]
    along, bent = x * y, 0.0
    if at[VARIANT] == GENERALISED:
        bent = x
        for i in range(d):
            m[point + i] = state[d + i] + x * m[u + i]
        call_from(m, CURVATURE, pointer(m, point), pointer(m, at[P]), pointer(m, other))
        for i in range(d):
            along += m[u + i] * m[other + i]
    for i in range(d):
        curved = 0.0
        for j in range(d):
            curved += m[g + d + i * d + j] * (state[j] - state[d + j] - bent * m[u + j])
        result[i] = -(0.5 * x * x * m[c + i] + curved + along * m[u + i])
        result[d + i] = alpha / beta * m[c + i]
