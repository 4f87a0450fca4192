"""A point of a one-dimensional manifold of a saddle cycle, with its first two derivatives along the curve.

The curve is W(s) with F(W(s)) = W(λs), F the n-th iterate of f around the saddle W(0). Near it W is a series. Unstable, W(s) is
a point of the series run m·n steps forward; stable, it is the start of an orbit that ends on the series after m·n steps: then f
is inverted step by step by Newton's method, on the branch on which the point before was.
"""

import numpy as np

from cfdyn.kernels.layout import Array, Block, Integer, Real, Rule
from cfdyn.machine.jit import call, kernel_rule, pointer, spliced

TURNS, QUIET = 12, 1e-9  # of Newton's method; the correction of a last step, as a part of the point
STRAY = 0.5  # of the predicted move: a solution further from its prediction may be on another branch
SOON = 1e-7  # units: that far it may be in any case


class Arm(Block):
    """A half of a manifold, and the last point of it.

    ``n`` steps, ``d`` entries, ``order`` of the ``series``; ``inverse``: 1 for a stable manifold. ``growth``: λ or 1/λ, beyond 1
    in modulus; ``radius``: where the series is good, in s. ``chain``: the orbit of the accepted point at s = ``at``, the point
    itself first, ``slopes`` its derivatives in s, ``links`` its steps; ``trial``, ``tilts``, ``tried``: the same at ``s``.
    ``curve``: value, first and half the second derivative there; ``answer``: 1 if it exists. ``strict``: 1 to stay near what
    is predicted from the accepted point. ``least``: rounds of n steps that an orbit has at least. ``unit``: what counts as 1 in
    each entry.
    """

    n, d, order, inverse, depth, parameters, links, tried, strict, answer, least = Integer.several(11)
    step, jacobian, taylor, solve = Rule.several(4)
    s, at, growth, radius = Real.several(4)
    p = Array("parameters")
    unit, image = Array.several(2, "d")
    series = Array("order + 1", "d")
    chain, slopes, trial, tilts = Array.several(4, "depth + 1", "d")
    curve, moved = Array.several(2, "3", "d")
    slope = Array("d", "d")
    matrix = Array("d", "d + 1")


@kernel_rule
def eliminate(z, p, out) -> None:
    """Solve with ``slope`` for the right-hand side in the last column of the matrix, in place."""
    b = Arm(z)
    a, d = b.matrix, b.d
    for i in range(d):
        for j in range(d):
            a[i, j] = b.slope[i, j]
    for k in range(d):
        best = k
        for i in range(k + 1, d):
            if abs(a[i, k]) > abs(a[best, k]):
                best = i
        if best != k:
            for j in range(k, d + 1):
                entry = a[k, j]
                a[k, j] = a[best, j]
                a[best, j] = entry
        for i in range(d):
            if i != k:
                share = a[i, k] / a[k, k]
                for j in range(k + 1, d + 1):
                    a[i, j] -= share * a[k, j]
    for i in range(d):
        a[i, d] /= a[i, i]


@spliced
def on_series(b, sigma, slope) -> None:
    """The curve where the series is good: σ with dσ/ds = slope."""
    for i in range(b.d):
        value, first, second = 0.0, 0.0, 0.0
        for k in range(b.order, -1, -1):
            second = second * sigma + first
            first = first * sigma + value
            value = value * sigma + b.series[k, i]
        b.curve[0, i] = value
        b.curve[1, i] = first * slope
        b.curve[2, i] = second * slope * slope


@spliced
def run_forward(b) -> None:
    """The curve, as many steps on as there are."""
    for _ in range(b.tried):
        call(b.taylor, b.curve, b.p, b.moved)
        for k in range(3):
            for i in range(b.d):
                b.curve[k, i] = b.moved[k, i]


@spliced
def lengthen(b) -> None:
    """The accepted chain by the steps that it lacks, with its slopes."""
    for row in range(b.links, b.tried):
        for i in range(b.d):
            b.moved[0, i], b.moved[1, i], b.moved[2, i] = b.chain[row, i], b.slopes[row, i], 0.0
        call(b.taylor, b.moved, b.p, pointer(b.curve, 0))
        for i in range(b.d):
            b.chain[row + 1, i], b.slopes[row + 1, i] = b.curve[0, i], b.curve[1, i]
    b.links = max(b.links, b.tried)


@spliced
def invert(b, row) -> float:
    """A row of the trial from its image, the curve's value: how far it moved from its prediction, in units; NaN if it fails."""
    d, moved, ahead = b.d, np.nan, b.s - b.at
    for i in range(d):
        b.trial[row, i] = b.chain[row, i] + b.slopes[row, i] * ahead
    for _ in range(TURNS):
        call(b.step, pointer(b.trial, row * d), b.p, b.image)
        call(b.jacobian, pointer(b.trial, row * d), b.p, b.slope)
        for i in range(d):
            b.matrix[i, d] = b.curve[0, i] - b.image[i]
        call(b.solve, b, b.p, b.image)
        change = 0.0
        for i in range(d):
            b.trial[row, i] += b.matrix[i, d]
            change = max(change, abs(b.matrix[i, d]) / (b.unit[i] + abs(b.trial[row, i])))
        if change <= QUIET:
            moved = 0.0
            break
        if not change < np.inf:
            break
    predicted = 0.0
    for i in range(d):
        off = b.trial[row, i] - b.chain[row, i] - b.slopes[row, i] * ahead
        moved = max(moved, abs(off) / b.unit[i]) if moved == moved else moved
        predicted = max(predicted, abs(b.slopes[row, i] * ahead) / b.unit[i])
    return moved if b.strict == 0 or moved <= STRAY * predicted + SOON else np.nan


@spliced
def pull_back(b, row) -> None:
    """The derivatives of the curve from those of its image, the value being known."""
    d = b.d
    call(b.jacobian, pointer(b.trial, row * d), b.p, b.slope)
    for i in range(d):
        b.matrix[i, d] = b.curve[1, i]
        b.image[i] = b.curve[2, i]
    call(b.solve, b, b.p, b.moved)
    for i in range(d):
        b.tilts[row, i] = b.matrix[i, d]
        b.curve[0, i], b.curve[1, i], b.curve[2, i] = b.trial[row, i], b.matrix[i, d], 0.0
    call(b.taylor, b.curve, b.p, b.moved)
    for i in range(d):
        b.matrix[i, d] = b.image[i] - b.moved[2, i]
    call(b.solve, b, b.p, b.moved)
    for i in range(d):
        b.curve[2, i] = b.matrix[i, d]


@kernel_rule
def place(z, p, out) -> None:
    """The curve at ``s``."""
    b = Arm(z)
    sigma, slope, rounds = b.s, 1.0, 0
    while abs(sigma) > b.radius or rounds < b.least:
        sigma, slope, rounds = sigma / b.growth, slope / b.growth, rounds + 1
    b.tried, b.answer = rounds * b.n, 0
    if b.inverse == 1 and b.tried > b.depth:
        return
    if b.inverse == 1:
        lengthen(b)
    on_series(b, sigma, slope)
    if b.inverse == 0:
        run_forward(b)
    else:
        for i in range(b.d):
            b.trial[b.tried, i], b.tilts[b.tried, i] = b.curve[0, i], b.curve[1, i]
        for row in range(b.tried - 1, -1, -1):
            if not invert(b, row) < np.inf:
                return
            pull_back(b, row)
    b.answer = 1
    for k in range(3):
        for i in range(b.d):
            if not abs(b.curve[k, i]) < np.inf:
                b.answer = 0
