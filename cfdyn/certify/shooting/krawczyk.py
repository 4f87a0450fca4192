"""Krawczyk's test: a box that holds exactly one zero; on multiple shooting, boxes through which exactly one cycle runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_mat

from cfdyn.certify.balls import ball
from cfdyn.certify.borders.slopes import Slopes
from cfdyn.certify.shooting.candidates import shooting_matrix
from cfdyn.certify.subject import Subject

Box = tuple[tuple[float, float], ...]  # a pair of doubles for each coordinate
Values = Callable[[list[arb]], list[arb]]
LEAST = 1e-12  # half-width over 1 + |x|: what a checker in doubles can verify
ROUNDING = 1e-13  # over 1 + |x|: accuracy to which a checker in doubles can locate the cycle
ROUNDED = 2.0**-45  # over |x|: accuracy of its values of the map, which matter more if a multiplier is near 1
MARGIN = 0.1  # relative to the half-width: distance of Krawczyk's image from the edge of its box
STARTS, ROUNDS, GROWTH, WIDEST = (1e-8, LEAST), 12, 1.5, 0.5


@dataclass(frozen=True)
class Proven:
    """Boxes (n of them) through which exactly one cycle runs, for each value of the parameters.

    ``inner``: smaller balls that contain it too, not smaller than doubles allow; ``slopes``: g′ over these, d × d each.
    """

    boxes: tuple[Box, ...]
    inner: tuple[tuple[arb, ...], ...]
    slopes: tuple[arb_mat, ...]


def balls_of(box: Box) -> list[arb]:
    """The box as balls."""
    return [ball(lo, hi) for lo, hi in box]


def krawczyk(values: Values, matrix: arb_mat, box: Sequence[arb]) -> list[arb] | None:
    """K = m − Y F(m) + (1 − Y J) (Z − m) for F, its slopes J over the box Z; None if F has no finite slope.

    If K lies inside Z, exactly one zero of F does. Y is any matrix: the inverse of the middle of J in floating point.
    Krawczyk (1969), Computing 4, 187–201.
    """
    inverse = _inverse(matrix)
    if inverse is None:
        return None
    middle = [x.mid() for x in box]  # not rounded to doubles: it must lie in the box
    one = arb_mat([[int(i == j) for j in range(len(box))] for i in range(len(box))])
    reach = _column([x - m for x, m in zip(box, middle, strict=True)])
    image = (one - inverse * matrix) * reach - inverse * _column(values(middle))
    flat = [m + x for m, x in zip(middle, image.entries(), strict=True)]
    return flat if all(x.is_finite() for x in flat) else None


def _inverse(matrix: arb_mat) -> arb_mat | None:
    entries = [float(x.mid()) for x in matrix.entries()]
    if not np.isfinite(entries).all() or not all(x.is_finite() for x in matrix.entries()):
        return None
    try:
        inverse = np.linalg.inv(np.reshape(entries, (matrix.nrows(), -1)))
    except np.linalg.LinAlgError:
        return None
    return arb_mat(inverse.tolist()) if np.isfinite(inverse).all() else None


def _doubt(matrix: arb_mat, sizes: list[float]) -> list[float]:
    """The accuracy to which a checker in doubles can know each unknown: its rounding of all, times the inverse of the matrix."""
    inverse = _inverse(matrix)
    spread = [0.0] * len(sizes) if inverse is None else [
        sum(abs(float(y)) * size for y, size in zip(row, sizes, strict=True)) for row in inverse.tolist()
    ]  # fmt: skip
    return [max(ROUNDING * (1 + size), ROUNDED * s) for size, s in zip(sizes, spread, strict=True)]


def _column(entries: list[Any]) -> arb_mat:
    return arb_mat(len(entries), 1, entries)


def inside(inner: Sequence[arb], box: Box, margin: float = MARGIN) -> bool:
    """True if the balls lie inside the box and keep a fraction of the half-width away from its edges."""
    for x, (lo, hi) in zip(inner, box, strict=True):
        gap = margin * (hi - lo) / 2
        if not (x - gap > arb(lo) and x + gap < arb(hi)):
            return False
    return True


def proven_zero(
    values: Values, slopes: Callable[[list[arb]], arb_mat], box: Box, start: float = LEAST
) -> tuple[Box, list[arb]] | None:
    """A box that contains exactly one zero of F, grown from a first box, and smaller balls with the zero; None if that fails."""
    for _ in range(ROUNDS):
        wide = balls_of(box)
        inner = krawczyk(values, slopes(wide), wide)
        if inner is None:
            return None
        if inside(inner, box):
            return box, _sharpened(values, slopes, inner)
        box = around([(float(x.mid()), float(x.rad())) for x in inner], start)
        if any(hi - lo > WIDEST * (1 + abs(lo)) for lo, hi in box):
            return None
    return None


def _sharpened(values: Values, slopes: Callable[[list[arb]], arb_mat], inner: list[arb]) -> list[arb]:
    """Smaller balls that still contain the zero: iterated Krawczyk images."""
    for _ in range(2):
        again = krawczyk(values, slopes(inner), inner)
        if again is None:
            break
        inner = [x.intersection(y) for x, y in zip(inner, again, strict=True)]
    return inner


def around(row: Sequence[tuple[float, float]], start: float) -> Box:
    """A box about balls (middle, radius) that is larger than the balls."""
    radii = [max(start, LEAST) * (1 + abs(m)) + GROWTH * r for m, r in row]
    return tuple(
        (math.nextafter(m - r, -math.inf), math.nextafter(m + r, math.inf)) for (m, _), r in zip(row, radii, strict=True)
    )


def proven_cycle(subject: Subject, points: Sequence[Sequence[arb]], sizes: Sequence[float] = STARTS) -> Proven | None:
    """Boxes about approximate points that contain exactly one cycle, for all parameters of the subject; None if that fails.

    It does not test continuity of the map: `continuity.refusal` does that over the boxes.
    """
    for start in sizes:
        proven = proven_near(subject, [around([(float(x), 0.0) for x in point], start) for point in points], start)
        if proven is not None:
            return proven
    return None


def hull_of(first: Sequence[Sequence[arb]], last: Sequence[Sequence[arb]], start: float = LEAST) -> list[Box]:
    """Boxes about two approximations of each point, a little larger than necessary."""
    pairs = [[a.union(b) for a, b in zip(*rows, strict=True)] for rows in zip(first, last, strict=True)]
    return [around([(float(x.mid()), float(x.rad())) for x in row], start) for row in pairs]


def proven_near(subject: Subject, boxes: Sequence[Box], start: float = LEAST) -> Proven | None:
    """Boxes that contain exactly one cycle, grown from first boxes; None if that fails."""
    step, local = subject.enclosure("step"), Slopes(subject.enclosure("jacobian"))
    n, d = len(boxes), len(boxes[0])

    def rows(flat: Sequence[Any]) -> list[list[Any]]:
        return [list(flat[d * i : d * (i + 1)]) for i in range(n)]

    def defects(flat: list[arb]) -> list[arb]:
        z = rows(flat)
        return [a - b for i in range(n) for a, b in zip(step(z[i]), z[(i + 1) % n], strict=True)]

    def slopes(flat: list[arb]) -> arb_mat:
        return shooting_matrix([arb_mat(d, d, local(z)) for z in rows(flat)])

    zero = proven_zero(defects, slopes, tuple(side for box in boxes for side in box), start)
    if zero is None:
        return None
    doubt = _doubt(slopes(zero[1]), [abs(float(x)) for x in zero[1]])
    inner = rows([x + arb(0, r) for x, r in zip(zero[1], doubt, strict=True)])
    return Proven(tuple(map(tuple, rows(zero[0]))), tuple(map(tuple, inner)), tuple(arb_mat(d, d, local(z)) for z in inner))
