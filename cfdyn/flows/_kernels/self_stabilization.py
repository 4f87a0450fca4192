"""One step of the constrained trajectory θ† and of the dynamics that self-stabilization predicts around it."""

from cfdyn.kernels.layout import Array, Integer, Rule
from cfdyn.kernels.models import Model
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, numbers, pointer

# Which of three models. All is in terms of ηL, whose edge is 2.
CONSTRAINED, PREDICTED, GENERALISED = range(3)
PROJECTIONS = 3


class SelfStabilization(Model):
    """``curvature`` makes rows: ηg, and ηH below it; ``rise`` makes ηT[u, u] of ``point``: a state, and u behind it.

    ``there``: rows at θ† + xu; ``c``: η∇S⊥.
    """

    variant = Integer()
    curvature, rise = Rule.several(2)
    point = Array("n + d")
    curved, there = Array.several(2, "d + 1", "d")
    eigen = Array("2*d + 3", "d")
    c = Array("d")


@kernel_rule
def stabilize(z, block, out):
    """Fill ``out`` with the change in one step of θ† (d,), or of (w, θ†) (2d,) with w = θ† + v."""
    b, state, result = SelfStabilization(block), numbers(z), numbers(out)
    d, behind, point = b.d, b.n - b.d, b.point
    for i in range(d):
        point[i] = state[behind + i]
    evaluate(b)
    if behind > 0:
        predict(b, state, result)
    for i in range(d):
        point[i] = state[behind + i] - b.curved[0, i]
    held = False
    for turn in range(PROJECTIONS):
        evaluate(b)
        if turn == 0:
            held = b.eigen[0, d - 1] > 2.0
        put_back(b)
    for i in range(d):
        step = point[i] - state[behind + i]
        if behind > 0:
            # δ² is what the edge holds back: nothing while θ† is not held there.
            result[i] += step + result[d + i] if held else step
        result[behind + i] = step


@inline_kernel
def evaluate(b) -> None:
    """At the point: ηg, ηH and its spectrum; u and c."""
    n, d, point, eigen, c, along = b.n, b.d, b.point, b.eigen, b.c, 0.0
    call(b.curvature, point, b.p, b.curved)
    call(b.eigh, pointer(b.curved, d), b.order, eigen)
    for i in range(d):
        point[n + i] = eigen[1 + i, d - 1]
    call(b.rise, point, b.p, c)
    for i in range(d):
        along += point[n + i] * c[i]
    for i in range(d):
        c[i] -= along * point[n + i]


@inline_kernel
def put_back(b) -> None:
    """Project the point onto S ≤ 2/η and u·g = 0, to first order."""
    n, d, point, c, along, square = b.n, b.d, b.point, b.c, 0.0, 0.0
    top = b.eigen[0, d - 1]
    for i in range(d):
        along += point[n + i] * b.curved[0, i]
        square += c[i] * c[i]
    for i in range(d):
        if top > 2.0:
            point[i] -= (top - 2.0) / square * c[i]
        point[i] -= along / top * point[n + i]


@inline_kernel
def predict(b, state, result) -> None:
    """−(½x²c + ηHv + ηxyu), and ½δ²c behind it; with the exact u·g at θ† + xu for the generalised dynamics."""
    n, d, point, curved, c = b.n, b.d, b.point, b.curved, b.c
    x, y, alpha, beta = 0.0, 0.0, 0.0, 0.0
    for i in range(d):
        x += point[n + i] * (state[i] - state[d + i])
        y += c[i] * (state[i] - state[d + i])
        alpha -= curved[0, i] * c[i]
        beta += c[i] * c[i]
    along, bent = x * y, 0.0
    if b.variant == GENERALISED:
        bent = x
        for i in range(d):
            point[i] = state[d + i] + x * point[n + i]
        call(b.curvature, point, b.p, b.there)
        for i in range(d):
            along += point[n + i] * b.there[0, i]
    for i in range(d):
        curvature = 0.0
        for j in range(d):
            curvature += curved[1 + i, j] * (state[j] - state[d + j] - bent * point[n + j])
        result[i] = -(0.5 * x * x * c[i] + curvature + along * point[n + i])
        result[d + i] = alpha / beta * c[i]
