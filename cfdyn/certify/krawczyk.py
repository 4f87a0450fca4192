"""Krawczyk's test on multiple shooting: a box for each point of a cycle that holds exactly one cycle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_mat

from cfdyn.certify.balls import Enclosure, ball
from cfdyn.certify.newton import shooting_matrix
from cfdyn.certify.subject import Subject

Box = tuple[tuple[float, float], ...]  # a pair of doubles for each coordinate
LEAST = 1e-12  # half-width over 1 + |x|: what a checker in doubles can verify
MARGIN = 0.1  # of the half-width, that Krawczyk's image keeps from the edge of its box
STARTS, ROUNDS, GROWTH, WIDEST = (1e-8, LEAST), 12, 1.5, 0.5


@dataclass(frozen=True)
class Proven:
    """Boxes (n of them) through which exactly one cycle runs, for each value of the parameters.

    ``inner``: smaller balls that hold it too; ``slopes``: g′ over these, a d × d matrix each.
    """

    boxes: tuple[Box, ...]
    inner: tuple[tuple[arb, ...], ...]
    slopes: tuple[arb_mat, ...]


def balls_of(box: Box) -> list[arb]:
    """The box as balls."""
    return [ball(lo, hi) for lo, hi in box]


def image(step: Enclosure, slopes: Enclosure, boxes: Sequence[Sequence[arb]]) -> tuple[list[list[arb]], list[arb_mat]] | None:
    """K = m − Y F(m) + (I − Y J(Z)) (Z − m) and the slopes of g over the boxes; None where g has no finite slope.

    Y is any matrix: the inverse of the midpoint of J in floating point. Krawczyk (1969), Computing 4, 187–201.
    """
    n, d = len(boxes), len(boxes[0])
    local = [arb_mat(d, d, slopes(box)) for box in boxes]
    matrix = shooting_matrix(local)
    inverse = _inverse(matrix)
    if inverse is None:
        return None
    # A double, so that g(m) is sharp; any point of the box will do.
    middles = [[arb(float(x.mid())) for x in box] for box in boxes]
    values = [step(point) for point in middles]
    defects = [a - b for i in range(n) for a, b in zip(values[i], middles[(i + 1) % n], strict=True)]
    centre = [x for point in middles for x in point]
    reach = [x - m for x, m in zip((x for box in boxes for x in box), centre, strict=True)]
    one = arb_mat([[int(i == j) for j in range(n * d)] for i in range(n * d)])
    found = (one - inverse * matrix) * _column(reach) - inverse * _column(defects)
    flat = [m + x for m, x in zip(centre, found.entries(), strict=True)]
    if not all(x.is_finite() for x in flat):
        return None
    return [flat[d * i : d * (i + 1)] for i in range(n)], local


def _inverse(matrix: arb_mat) -> arb_mat | None:
    entries = [float(x.mid()) for x in matrix.entries()]
    if not np.isfinite(entries).all() or not all(x.is_finite() for x in matrix.entries()):
        return None
    try:
        inverse = np.linalg.inv(np.reshape(entries, (matrix.nrows(), -1)))
    except np.linalg.LinAlgError:
        return None
    return arb_mat(inverse.tolist()) if np.isfinite(inverse).all() else None


def _column(entries: list[Any]) -> arb_mat:
    return arb_mat(len(entries), 1, entries)


def inside(inner: Sequence[Sequence[arb]], boxes: Sequence[Box], margin: float = MARGIN) -> bool:
    """True if the balls lie inside the boxes and keep a part of the half-width from their edges."""
    for row, box in zip(inner, boxes, strict=True):
        for x, (lo, hi) in zip(row, box, strict=True):
            gap = margin * (hi - lo) / 2
            if not (x - gap > arb(lo) and x + gap < arb(hi)):
                return False
    return True


def proven_cycle(subject: Subject, points: Sequence[Sequence[arb]]) -> Proven | None:
    """Boxes about approximate points that hold exactly one cycle, for all parameters of the subject; None where that fails.

    Continuity of the map is not looked at: `continuity.refusal` does that over the boxes.
    """
    step, slopes = subject.enclosure("step"), subject.enclosure("jacobian")
    for start in STARTS:
        boxes = [_around([(float(x), 0.0) for x in point], start) for point in points]
        for _ in range(ROUNDS):
            found = image(step, slopes, [balls_of(box) for box in boxes])
            if found is None:
                break
            if inside(found[0], boxes):
                inner, local = _sharpened(step, slopes, boxes, found[0])
                return Proven(tuple(boxes), inner, local)
            boxes = [_around([(float(x.mid()), float(x.rad())) for x in row], start) for row in found[0]]
            if any(hi - lo > WIDEST * (1 + abs(lo)) for box in boxes for lo, hi in box):
                break
    return None


def _around(row: Sequence[tuple[float, float]], start: float) -> Box:
    """A box about balls (middle, radius) that is larger than they are."""
    radii = [max(start, LEAST) * (1 + abs(m)) + GROWTH * r for m, r in row]
    return tuple(
        (math.nextafter(m - r, -math.inf), math.nextafter(m + r, math.inf)) for (m, _), r in zip(row, radii, strict=True)
    )


def _sharpened(step: Enclosure, slopes: Enclosure, boxes: Sequence[Box], inner: list[list[arb]]) -> tuple[Any, Any]:
    """Smaller balls that still hold the cycle: Krawczyk's image of Krawczyk's image, and the slopes over them."""
    for _ in range(2):
        again = image(step, slopes, inner)
        if again is None:
            break
        inner = [[x.intersection(y) for x, y in zip(a, b, strict=True)] for a, b in zip(inner, again[0], strict=True)]
    d = len(inner[0])
    return tuple(map(tuple, inner)), tuple(arb_mat(d, d, slopes(row)) for row in inner)
