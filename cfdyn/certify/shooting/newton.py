"""Newton's method on n points in turn, in ball arithmetic's precision: candidates for a proof, which are never believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import arb, arb_mat

from cfdyn.certify.balls import Enclosure
from cfdyn.certify.subject import Subject

Points = list[list[arb]]
STEPS, HALVINGS, CLOSE = 40, 8, 2.0**-90


def polished(subject: Subject, points: Sequence[Sequence[float]]) -> Points | None:
    """The points of a cycle near the given ones, (n, d), to some thirty digits; None if Newton's method does not get there."""
    step, slopes = subject.enclosure("step"), subject.enclosure("jacobian")
    middle = [p.mid() for p in step.parameters]
    z = [[arb(x) for x in point] for point in points]
    defect = _defects(step, z, middle)
    for _ in range(STEPS):
        size = _size(defect)
        if size is None:
            return None
        if size == 0:
            return z
        move = _direction(slopes, z, defect, middle)
        if move is None:
            return None
        far = max(
            abs(float(m)) / (1 + abs(float(x)))
            for row, moves in zip(z, move, strict=True)
            for x, m in zip(row, moves, strict=True)
        )
        z, defect = _moved(step, z, move, size, middle)
        if far < CLOSE:
            return z
    return z if (_size(defect) or 1.0) < 1e-20 else None


def _defects(step: Enclosure, z: Points, parameters: list[arb]) -> Points:
    images = [step(point, parameters) for point in z]
    return [[(a - b).mid() for a, b in zip(image, z[(i + 1) % len(z)], strict=True)] for i, image in enumerate(images)]


def _size(defect: Points) -> float | None:
    """The largest defect; None where the map is not defined."""
    if not all(x.is_finite() for row in defect for x in row):
        return None
    return max(abs(float(x)) for row in defect for x in row)


def _direction(slopes: Enclosure, z: Points, defect: Points, parameters: list[arb]) -> Points | None:
    n, d = len(z), len(z[0])
    matrix = shooting_matrix([arb_mat(d, d, slopes(point, parameters)) for point in z]).mid()
    try:
        found = matrix.solve(arb_mat(n * d, 1, [-x for row in defect for x in row]))
    except (ZeroDivisionError, ValueError):
        return None
    moves = [x.mid() for x in found.entries()]
    return [moves[d * i : d * (i + 1)] for i in range(n)] if all(x.is_finite() for x in moves) else None


def _moved(step: Enclosure, z: Points, move: Points, size: float, parameters: list[arb]) -> tuple[Points, Points]:
    """The points after a step, halved as long as it makes the defects larger."""
    share = 1.0
    for _ in range(HALVINGS):
        trial = [[(x + share * m).mid() for x, m in zip(row, moves, strict=True)] for row, moves in zip(z, move, strict=True)]
        defect = _defects(step, trial, parameters)
        now = _size(defect)
        if now is not None and (now <= size or now < CLOSE):
            break
        share /= 2
    return trial, defect


def shooting_matrix(slopes: Sequence[arb_mat]) -> arb_mat:
    """The derivative of g(z_i) − z_{i+1}, i = 0…n−1, from the d × d slopes of g at each point."""
    n, d = len(slopes), slopes[0].nrows()
    rows: list[list[Any]] = [[0] * (n * d) for _ in range(n * d)]
    for i, slope in enumerate(slopes):
        entries = slope.entries()
        for k in range(d):
            rows[d * i + k][d * i : d * (i + 1)] = entries[d * k : d * (k + 1)]
            column = d * ((i + 1) % n) + k
            rows[d * i + k][column] = rows[d * i + k][column] - 1
    return arb_mat(rows)
