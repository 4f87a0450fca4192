"""The right-hand side of the central flow of stochastic gradients: noise held by the sharp directions, in quasi-equilibrium."""

import numpy as np

from cfdyn.kernels.layout import Array, Integer, Real, Rule
from cfdyn.kernels.linear.lanes import clear
from cfdyn.kernels.linear.moments import add_congruence, sharp_weight
from cfdyn.kernels.models import Model
from cfdyn.machine.jit import call, inline_kernel, kernel_rule, numbers, pointer

WIDTH = 2.0  # directions with ηλ between cut/WIDTH and cut·WIDTH count in part


class Noisy(Model):
    """``curvature``, ``row`` and ``label`` make rows: ηg, and ηH below it, of the loss, of a row of data behind the state, and
    their change with its label; ``push`` makes the drift of a state with Σ (d, d) behind it.

    ``sampled``: 1/b, or less without replacement, by which a row's squares count, ``labelled``: those of its label, with σ²;
    ``noise``: η² times the covariance of noise besides. ``kept``: how many directions have a weight; of each ``values`` ηλ,
    ``weights`` φ and in a row of ``axes`` the eigenvector; a row's gradient and Hessian in terms of these, ``along`` and
    ``bent``. Pairs of them, (p, q ≥ p) one after the other, have the ``weight`` √φφ, the response R = φφ/(1 − aa), whose root
    is ``scale``, an entry of the ``source`` η²C and a row of N, ``scattered``. ``spread``: Σ in terms of the axes.

    ``scaled`` = 1: with a preconditioner P all this is of D⁻¹w, D² = (1 − β)/P, the ``length`` D; ``more``: of the squares of a
    step's gradient their mean over the square of the mean, D²-fold, and in ``squares`` what it has from pairs.

    A kick moves the weights by 1 + ``ahead`` at once and by −``ahead`` a step later. ``flat`` = 1: the observer shows what
    comes in on the other pairs too; ``every`` = 1: all directions are kept.
    """

    rows, columns, pairs, kept, labels, flat, every = Integer.several(7)
    scaled = Integer()
    sampled, labelled, cut, beta, ahead = Real.several(5)
    curvature, row, label, push, lengths = Rule.several(5)
    table = Array("rows", "columns")
    noise, axes, half, bent, spread = Array.several(5, "d", "d")
    curved, seen = Array.several(2, "d + 1", "d")
    eigen = Array("2*d + 3", "d")
    values, weights, along, length, more = Array.several(5, "d")
    squares = Array("pairs", "d")
    point = Array("n + columns")
    pushed = Array("n + d*d + d")
    pushes = Array(2, "n")
    weight, scale, source, answer = Array.several(4, "pairs")
    scattered, system = Array.several(2, "pairs", "pairs")
    spectrum = Array("2*pairs + 3", "pairs")


@kernel_rule
def noisy(z, block, out):
    """−η(g + ½∇⟨H, Σ⟩) for Σ = R[N[Σ] + η²C]; NaN where that has no positive solution: beyond mean-square stability."""
    b, result = Noisy(block), numbers(out)
    stable = equilibrium(b, numbers(z))
    call(b.push, b.pushed, b.p, out)
    for i in range(b.n if not stable else 0):
        result[i] = np.nan


@inline_kernel
def equilibrium(b, state) -> bool:
    """Σ behind the state in ``pushed``; False if it does not exist."""
    for i in range(b.n):
        b.pushed[i] = b.point[i] = state[i]
    for i in range(b.d):
        b.length[i] = 1.0
    if b.scaled == 1:
        call(b.lengths, b.point, b.p, b.length)
    directions(b)
    scatter(b)
    stable = respond(b)
    put_spread(b, stable)
    return stable


@inline_kernel
def directions(b) -> None:
    """The spectrum of ηH, the sharpest first, and the directions with a weight."""
    d, eigen, kept = b.d, b.eigen, 0
    call(b.curvature, b.point, b.p, b.curved)
    call(b.eigh, pointer(b.curved, d), b.order, eigen)
    for j in range(d - 1, -1, -1):
        weight = sharp_weight(eigen[0, j] / (1.0 - b.beta), b.cut, WIDTH)
        if weight > 0.0 or b.every == 1:
            b.values[kept], b.weights[kept] = eigen[0, j], weight
            for i in range(d):
                b.axes[kept, i] = eigen[1 + i, j]
            kept += 1
    b.kept = kept


@inline_kernel
def scatter(b) -> None:
    """η²C and N on the pairs of kept directions."""
    d, k, t, total = b.d, b.kept, 0, b.kept * (b.kept + 1) // 2
    for p in range(k):
        for q in range(p, k):
            entry = 0.0
            for i in range(d):
                for j in range(d):
                    entry += b.axes[p, i] * b.length[i] * b.noise[i, j] * b.length[j] * b.axes[q, j]
            b.source[t] = entry
            t += 1
    clear(total * total, pointer(b.scattered, 0))
    for j in range(d):
        b.more[j] = b.noise[j, j] * b.length[j] ** 2
        for i in range(total):
            b.squares[i, j] = 0.0
    for r in range(b.rows if total > 0 or b.scaled == 1 else 0):
        for i in range(b.columns):
            b.point[b.n + i] = b.table[r, i]
        if b.sampled > 0.0:
            call(b.row, b.point, b.p, b.seen)
            for i in range(d + 1):
                for j in range(d):
                    b.seen[i, j] -= b.curved[i, j]
            turn(b)
            add_squares(b, b.sampled / b.rows)
        if b.labels == 1:
            call(b.label, b.point, b.p, b.seen)
            turn(b)
            add_squares(b, b.labelled / b.rows)


@inline_kernel
def turn(b) -> None:
    """What is ``seen`` of a row, in terms of the axes: ``along`` (k,) and ``bent`` (k, k)."""
    d, k, bent = b.d, b.kept, pointer(b.bent, 0)
    for p in range(k):
        b.along[p] = 0.0
        for j in range(d):
            b.along[p] += b.seen[0, j] * b.axes[p, j]
            entry = 0.0
            for i in range(d):
                entry += b.axes[p, i] * b.seen[1 + i, j]
            b.half[p, j] = entry
        for q in range(p + 1):
            entry = 0.0
            for j in range(d):
                entry += b.half[p, j] * b.axes[q, j]
            bent[p * k + q] = bent[q * k + p] = entry


@inline_kernel
def add_squares(b, share) -> None:
    """Add a row's contribution to C and N."""
    t = 0
    for p in range(b.kept):
        for q in range(p, b.kept):
            b.source[t] += share * b.along[p] * b.along[q]
            for j in range(b.d if b.scaled == 1 else 0):
                b.squares[t, j] += (1.0 if p == q else 2.0) * share * b.half[p, j] * b.half[q, j]
            t += 1
    for j in range(b.d):
        b.more[j] += share * b.seen[0, j] ** 2
    add_congruence(b.kept, share, pointer(b.bent, 0), pointer(b.scattered, 0))


@inline_kernel
def relaxation(b, x, y, growth) -> float:
    """1/R, R = Σ h(t)k(t) growth⁻ᵗ⁻¹ if both die out, h: what becomes of a kick (a, c), a = 1 + ahead, c = −ahead, by w(t + 1) =
    (1 + β − ax)w(t) − (β + cx)w(t − 1), k for y."""
    root, a, c = np.sqrt(growth), 1.0 + b.ahead, -b.ahead
    p, q = (1.0 + b.beta - a * x) / root, (1.0 + b.beta - a * y) / root
    r, s = (b.beta + c * x) / growth, (b.beta + c * y) / growth
    left = 1.0 - p * q - r * s + (p * s * (p - r * q) + q * r * (q - s * p)) / (1.0 - r * s)
    mixed = p + q - (p * s * (1.0 - r) + q * r * (1.0 - s)) / (1.0 - r * s)
    return left * growth / (a * a + c * c / growth + a * c * mixed / root)


@inline_kernel
def response(b, x, y, growth) -> float:
    """R; NaN if an impulse response does not decay."""
    root = np.sqrt(growth)
    for value in (x, y):
        back = (b.beta - b.ahead * value) / growth
        if not abs(back) < 1.0 or not abs(1.0 + b.beta - (1.0 + b.ahead) * value) / root < 1.0 + back:
            return np.nan
    return 1.0 / relaxation(b, x, y, growth)


@inline_kernel
def factor(b, growth) -> bool:
    """R^½ in ``scale`` and Cholesky's factor of 1 − R^½NR^½ in ``system``; False where they do not exist."""
    k, t, system, scattered = b.kept, 0, b.system, pointer(b.scattered, 0)
    for p in range(k):
        for q in range(p, k):
            weight = b.weights[p] * b.weights[q]
            answer = response(b, b.values[p], b.values[q], growth) if weight > 0.0 else 1.0
            if not answer > 0.0:
                return False
            b.scale[t] = np.sqrt(weight * answer)
            t += 1
    for i in range(t):
        for j in range(i + 1):
            entry = (1.0 if i == j else 0.0) - b.scale[i] * b.scale[j] * scattered[i * t + j]
            for s in range(j):
                entry -= system[i, s] * system[j, s]
            if i == j and not entry > 0.0:
                return False
            system[i, j] = np.sqrt(entry) if i == j else entry / system[j, j]
    return True


@inline_kernel
def respond(b) -> bool:
    """The solution ``answer`` of (1 − R^½NR^½) y = R^½ η²C; False if there is none."""
    if not factor(b, 1.0):
        return False
    system, t = b.system, 0
    for p in range(b.kept):
        for q in range(p, b.kept):
            b.answer[t] = b.scale[t] * b.source[t] * (1.0 if p == q else np.sqrt(2.0))
            t += 1
    for i in range(t):
        for s in range(i):
            b.answer[i] -= system[i, s] * b.answer[s]
        b.answer[i] /= system[i, i]
    for i in range(t - 1, -1, -1):
        for s in range(i + 1, t):
            b.answer[i] -= system[s, i] * b.answer[s]
        b.answer[i] /= system[i, i]
    return True


@inline_kernel
def put_spread(b, stable) -> None:
    """Σ in ``spread``, in terms of the axes, and behind the state; ⟨ηH, Σ⟩ is what differences watch."""
    n, d, k, t = b.n, b.d, b.kept, 0
    b.watched = 0.0 if stable else np.nan
    for p in range(k if stable else 0):
        for q in range(p, k):
            b.spread[p, q] = b.spread[q, p] = b.scale[t] * b.answer[t] / (1.0 if p == q else np.sqrt(2.0))
            t += 1
        b.watched += b.values[p] * b.spread[p, p]
    if b.scaled == 1:
        put_squares(b, stable)
    for p in range(k if stable else 0):
        for j in range(d):
            b.half[p, j] = 0.0
            for q in range(k):
                b.half[p, j] += b.spread[p, q] * b.axes[q, j]
    for i in range(d):
        for j in range(d):
            b.pushed[n + i * d + j] = 0.0
            for p in range(k if stable else 0):
                b.pushed[n + i * d + j] += b.length[i] * b.axes[p, i] * b.half[p, j] * b.length[j]


@inline_kernel
def put_squares(b, stable) -> None:
    """E g² − (E g)² of each weight, from the spread of the runs and the noise of a step, behind Σ."""
    d, t = b.d, 0
    for p in range(b.kept if stable else 0):
        for q in range(p, b.kept):
            both = b.values[p] * b.values[q] * (1.0 if p == q else 2.0)
            for j in range(d):
                b.more[j] += b.spread[p, q] * (b.squares[t, j] + both * b.axes[p, j] * b.axes[q, j])
            t += 1
    for j in range(d):
        b.pushed[b.n + d * d + j] = b.more[j] / b.length[j] ** 2
