"""Eigenvalues of a matrix of balls: enclosures, and whether all lie inside the unit circle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import acb, acb_mat, arb, arb_mat

from cfdyn.certify.balls import lower_double, upper_double

SLACK, SHARE = 1e-12, 0.25  # a claim is wider than its proof by this and by a fraction of its width: for checkers in doubles
SQUARINGS = 8
Rectangle = tuple[tuple[float, float], tuple[float, float]]  # real part, imaginary part


def product(slopes: Sequence[arb_mat]) -> arb_mat:
    """The derivative of gⁿ from those of g at the points of a cycle, the first point first."""
    total = slopes[0]
    for slope in slopes[1:]:
        total = slope * total
    return total


def multipliers(matrix: arb_mat) -> list[Rectangle] | None:
    """A rectangle for each eigenvalue, pairwise disjoint, or None if they cannot be separated.

    Gershgorin's discs of V⁻¹MV, V the eigenvectors in floating point; an isolated disc that is disjoint from the mirror images
    of the others contains a real one.
    """
    if matrix.nrows() == 1:
        x = matrix[0, 0]
        wide = SLACK * (1 + abs(float(x.mid()))) + SHARE * 2 * float(x.rad())
        return [((lower_double(x - wide), upper_double(x + wide)), (0.0, 0.0))] if x.is_finite() else None
    pair = _discs(matrix)
    if pair is None:
        return None
    discs, wide = pair
    pairs = [(i, j) for i in range(len(discs)) for j in range(len(discs)) if i != j]
    if any(not _apart(discs[i], discs[j]) for i, j in pairs):
        return None
    real = [all(_apart(_mirrored(discs[i]), other) for j, other in enumerate(discs) if j != i) for i in range(len(discs))]
    rectangles = [_rectangle(disc, is_real, wide) for disc, is_real in zip(discs, real, strict=True)]
    if any(not _separate(rectangles[i], rectangles[j]) for i, j in pairs):
        return None
    return sorted(rectangles, key=lambda r: (-max(map(abs, (*r[0], *r[1]))), r[1][0]))


def _discs(matrix: arb_mat) -> tuple[list[tuple[acb, arb]], float] | None:
    """Centre and radius of each disc, and by how much a claim should be wider."""
    d = matrix.nrows()
    middle = np.reshape([float(x.mid()) for x in matrix.entries()], (d, d))
    if not np.isfinite(middle).all():
        return None
    vectors = np.linalg.eig(middle)[1]
    condition = float(np.linalg.cond(vectors))
    if not condition < 1e10:
        return None
    v = acb_mat([[acb(float(x.real), float(x.imag)) for x in row] for row in vectors])
    try:
        c = v.inv() * acb_mat(matrix) * v
    except ZeroDivisionError:
        return None
    rows = [[c[i, j] for j in range(d)] for i in range(d)]
    if not all(x.is_finite() for row in rows for x in row):
        return None
    discs = [(rows[i][i], sum((_upper_size(rows[i][j]) for j in range(d) if j != i), arb(0))) for i in range(d)]
    return discs, SLACK * (1 + float(np.linalg.norm(middle))) * condition


def _upper_size(x: acb) -> arb:
    return x.abs_upper()


def _apart(a: tuple[acb, arb], b: tuple[acb, arb]) -> bool:
    return bool((a[0] - b[0]).abs_lower() > a[1] + b[1])


def _mirrored(disc: tuple[acb, arb]) -> tuple[acb, arb]:
    return disc[0].conjugate(), disc[1]


def _rectangle(disc: tuple[acb, arb], is_real: bool, wide: float) -> Rectangle:
    centre, radius = disc
    spread = [radius + wide + SHARE * 2 * (x.rad() + radius) for x in (centre.real, centre.imag)]
    pairs = zip((centre.real, centre.imag), spread, strict=True)
    parts = [(lower_double(x - reach), upper_double(x + reach)) for x, reach in pairs]
    return parts[0], (0.0, 0.0) if is_real else parts[1]


def _separate(a: Rectangle, b: Rectangle) -> bool:
    return any(x[1] < y[0] or y[1] < x[0] for x, y in zip(a, b, strict=True))


def stability(matrix: arb_mat, rectangles: Sequence[Rectangle] | None) -> bool | None:
    """True if all eigenvalues lie inside the unit circle, False if one lies outside, None if neither could be proved."""
    if rectangles is not None:
        sizes = [_sizes(rectangle) for rectangle in rectangles]
        if all(high < 1 for _, high in sizes):
            return True
        if any(low > 1 for low, _ in sizes):
            return False
    power = matrix
    for _ in range(SQUARINGS):
        sums = [sum((x.abs_upper() for x in row), arb(0)) for row in power.tolist()]
        if all(total < 1 for total in sums):
            return True
        if not all(total.is_finite() for total in sums):
            break
        power = power * power
    return False if matrix.det().abs_lower() > 1 else None


def _sizes(rectangle: Rectangle) -> tuple[arb, arb]:
    """The least and the greatest |μ| in a rectangle."""
    parts = [arb(lo).union(arb(hi)) for lo, hi in rectangle]
    low = sum((x.abs_lower() ** 2 for x in parts), arb(0)).sqrt()
    high = sum((x.abs_upper() ** 2 for x in parts), arb(0)).sqrt()
    return low.lower(), high.upper()


def others_off_circle(matrix: arb_mat, critical: int) -> bool:
    """True if all but the given number of eigenvalues are proved to be off the unit circle."""
    if matrix.nrows() == critical:
        return True
    pair = _discs(matrix)
    if pair is None:
        return False
    on = [(c, r) for c, r in pair[0] if not (c.abs_upper() + r < 1 or c.abs_lower() - r > 1)]
    off = [disc for disc in pair[0] if disc not in on]
    return len(on) == critical and all(_apart(a, b) for a in on for b in off)
