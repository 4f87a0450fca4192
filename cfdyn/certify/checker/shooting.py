"""Cycles by Krawczyk's test: the zero of F_i = g(x_i) − x_{i+1}, i modulo n, in a product of boxes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.numbers.boxes import Array, Interval, meet, point, widened
from cfdyn.certify.checker.numbers.matrices import Discs, applied, inverse, product, row_sums, unit

MOST_SIZE = 400  # unknowns of one system


class Proven(NamedTuple):
    """A cycle that exists, and only once, in the boxes of its proof; ``boxes``: narrower ones, (n, d); ``lines``: parameters."""

    boxes: Interval
    lines: Interval


def step(g: CheckedMap, z: Interval, lines: Interval) -> tuple[Array, Interval]:
    """Krawczyk's K for boxes (..., n, d), and whether it lies in their interior: then there is one zero for each parameter."""
    *before, n, d = z.shape
    m = z.middle
    each = Interval(lines.lo[..., None, :] + np.zeros((n, 1)), lines.hi[..., None, :] + np.zeros((n, 1)))
    at_middle = g.value(point(m), each)
    _, slopes = g.slopes(z, each)
    f = at_middle - point(np.roll(m, -1, axis=-2))
    jacobian = _blocks(slopes, n, d)
    y = point(inverse(jacobian.middle))
    size = n * d
    rest = unit(size) - product(y, jacobian)
    flat = Interval((z - point(m)).lo.reshape(*before, size), (z - point(m)).hi.reshape(*before, size))
    f = Interval(f.lo.reshape(*before, size), f.hi.reshape(*before, size))
    k = point(m.reshape(*before, size)) - applied(y, f) + applied(rest, flat)
    k = Interval(k.lo.reshape(z.shape), k.hi.reshape(z.shape))
    return np.asarray(k.inside(z).all(axis=(-1, -2))), k


def _blocks(slopes: Interval, n: int, d: int) -> Interval:
    """The Jacobian of F: the slopes on the diagonal blocks, −1 on the blocks to the right of them, cyclically."""
    before = slopes.shape[:-3]
    lo, hi = np.zeros((*before, n * d, n * d)), np.zeros((*before, n * d, n * d))
    shift = np.zeros((n * d, n * d))
    for i in range(n):
        rows = slice(i * d, i * d + d)
        lo[..., rows, rows], hi[..., rows, rows] = slopes.lo[..., i, :, :], slopes.hi[..., i, :, :]
        j = (i + 1) % n
        shift[rows, j * d : j * d + d] = np.eye(d)
    return Interval(lo, hi) - point(shift)


def prove(g: CheckedMap, z: Interval, lines: Interval, what: str) -> Proven:
    """The unique cycle in boxes (n, d) for each value of the parameters, in contracted boxes; a NotValid if the test fails."""
    return Proven(drawn_together(g, unique(g, z, lines, what), lines), lines)


def unique(g: CheckedMap, z: Interval, lines: Interval, what: str) -> Interval:
    """As `prove`, with the boxes of one step alone."""
    if z.shape[0] * z.shape[1] > MOST_SIZE:
        raise NotValid(f"{what} has more than {MOST_SIZE} unknowns")
    inside, k = step(g, z, lines)
    if not inside.all():
        raise NotValid(f"{what}: Krawczyk's test does not show exactly one cycle in its boxes")
    return meet(k, z)


def drawn_together(g: CheckedMap, z: Interval, lines: Interval, times: int = 12) -> Interval:
    """Contracted boxes around the zeros that are known to lie in some boxes."""
    for _ in range(times):
        _, k = step(g, z, lines)
        smaller = meet(z, k)
        gain = (smaller.hi - smaller.lo) < 0.9 * (z.hi - z.lo)
        z = smaller
        if not gain.any():
            break
    return z


def primes(n: int) -> list[int]:
    """The prime divisors of n.

    >>> primes(12), primes(1)
    ([2, 3], [])
    """
    factors, p = [], 2
    while n > 1:
        if n % p == 0:
            factors.append(p)
            while n % p == 0:
                n //= p
        p += 1
    return factors


def check_least_period(z: Interval, what: str) -> None:
    """The points 0 and n/p are different for each prime p that divides n, so that the period n is the least."""
    n = z.shape[0]
    for p in primes(n):
        if not z[0].apart(z[n // p]).any():
            raise NotValid(f"{what}: its boxes do not distinguish the period {n} from {n // p}")


def turn(g: CheckedMap, proven: Proven) -> Interval:
    """The derivative of gⁿ along the cycle, (d, d)."""
    return turns(g, proven.boxes, proven.lines)


def turns(g: CheckedMap, z: Interval, lines: Interval) -> Interval:
    """The derivative of gⁿ along cycles in boxes (..., n, d): (..., d, d); a NotValid where it may not exist."""
    n, z = z.shape[-2], widened(z)
    each = Interval(lines.lo[..., None, :] + np.zeros((n, 1)), lines.hi[..., None, :] + np.zeros((n, 1)))
    if not g.is_smooth(z, each).all():
        raise NotValid("a multiplier or the stability is claimed where the map may have no derivative")
    _, slopes = g.slopes(z, each)
    matrix = slopes[..., 0, :, :]
    for i in range(1, n):
        matrix = product(slopes[..., i, :, :], matrix)
    return matrix


def check_stability(around: Interval, claimed: bool | None) -> None:
    """stable: all multipliers are inside the unit circle; unstable: one is outside."""
    if claimed is None:
        return
    if around.shape[-1] == 1:
        value = around[0, 0]
        good = bool(value.magnitude < 1 if claimed else value.mignitude > 1)
    else:
        discs = Discs(around)
        good = discs.all_within_unit_circle() or _contracts(around) if claimed else discs.one_outside() or _expands(around)
    if not good:
        raise NotValid(f"the multipliers do not show that it is {'stable' if claimed else 'unstable'}")


def _contracts(around: Interval) -> bool:
    """True if a power of the matrix has row sums below 1."""
    for _ in range(9):
        if (row_sums(around) < 1).all():
            return True
        around = product(around, around)
    return False


def _expands(around: Interval) -> bool:
    """True if the determinant, of up to three rows, has absolute value > 1."""
    d = around.shape[-1]
    if d > 3:
        return False
    a = around
    determinant = a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0] if d == 2 else _determinant_of_three(a)
    return bool(determinant.mignitude > 1)


def _determinant_of_three(a: Interval) -> Interval:
    parts = [a[0, i] * (a[1, j] * a[2, k] - a[1, k] * a[2, j]) for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))]
    return parts[0] + parts[1] + parts[2]


def check_multipliers(around: Interval, claimed: list[tuple[Interval, Interval]]) -> None:
    """Each eigenvalue has a rectangle of its own among the claimed ones."""
    d = around.shape[-1]
    if len(claimed) != d:
        raise NotValid(f"there are {d} multipliers, not {len(claimed)}")
    if d == 1:
        re, im = claimed[0]
        if not around[0, 0].within(re) or not im.lo <= 0 <= im.hi:
            raise NotValid("the multiplier is not in the claimed interval")
        return
    discs, free = Discs(around), list(range(d))
    for group in sorted(discs.groups, key=len):
        fitting = [r for r in free if all(_holds(discs, i, *claimed[r], len(group) == 1) for i in group)]
        if len(fitting) < len(group):
            raise NotValid("the multipliers are not in the claimed rectangles")
        for r in fitting[: len(group)]:
            free.remove(r)


def _holds(discs: Discs, i: int, re: Interval, im: Interval, alone: bool) -> bool:
    """True if a disc lies in a rectangle; for a real eigenvalue the rectangle needs no height."""
    c, r = discs.centres[i], discs.radii[i]
    real = alone and all(
        abs(np.conj(c) - discs.centres[j]) * (1 - 1e-14) > r + discs.radii[j] for j in range(len(discs.radii)) if j != i
    )
    wide = point(np.array(c.real)) + Interval(-r, r)
    high = point(np.array(c.imag)) + Interval(-r, r)
    inner = high.within(im) or real and im.lo <= 0 <= im.hi
    return bool(wide.within(re) and inner)
