"""Cycles of one variable, proved by Krawczyk's operator for all of their points at once."""

import numpy as np
from flint import arb, arb_mat, ctx

from cfdyn.certify.balls import BITS, Enclosure, ball
from cfdyn.certify.floats import Floats

WIDTHS = (1e-11, 1e-9, 1e-7)  # least half-widths that are tried, times 1 + |x|
SPREAD = 4.0  # half-widths over what the residual moves the points by: parameters may be intervals
POLISH = 4  # Newton steps in doubles

Box = tuple[float, float]


def line_cycle(step: Enclosure, slope: Enclosure, floats: tuple[Floats, Floats], points: np.ndarray) -> list[Box] | None:
    """Boxes near the points, of which Krawczyk's operator proves that exactly one cycle runs through them in turn; or None.

    For x_i ↦ g(x_i) − x_{i+1}: K = m − Y F(m) + (1 − Y J(X))(X − m) lies well inside X, in half of it.
    """
    points = _polished(floats, np.asarray(points, dtype=float))
    if not np.isfinite(points).all():
        return None
    inverse = _inverse(floats[1](points[None])[0])
    if inverse is None:
        return None
    before, ctx.prec = ctx.prec, BITS
    try:
        moved = _residual(step, points, inverse)
        if moved is None:
            return None
        for width in WIDTHS:
            half = width * (1 + np.abs(points)) + SPREAD * moved
            boxes = [(float(x - h), float(x + h)) for x, h in zip(points, half)]
            if _contracts(step, slope, boxes, inverse):
                return boxes
        return None
    finally:
        ctx.prec = before


def _residual(step: Enclosure, points: np.ndarray, inverse: np.ndarray) -> np.ndarray | None:
    """|Y F(m)|, roughly: half-widths that a box must have at least."""
    images = [step([ball(float(x))])[0] for x in points]
    if not all(y.is_finite() for y in images):
        return None
    sizes = [float(abs(y - float(x)).upper()) for y, x in zip(images, np.roll(points, -1))]
    return np.abs(inverse) @ np.array(sizes)


def _contracts(step: Enclosure, slope: Enclosure, boxes: list[Box], inverse: np.ndarray) -> bool:
    n = len(boxes)
    middles = [(lo + hi) / 2 for lo, hi in boxes]
    spans = [ball(*box) - m for box, m in zip(boxes, middles)]
    images = [step([ball(m)])[0] for m in middles]
    slopes = [slope([ball(*box)])[0] for box in boxes]
    residual = arb_mat(n, 1, [images[i] - middles[(i + 1) % n] for i in range(n)])
    y = arb_mat(n, n, [arb(float(v)) for v in inverse.ravel()])
    jacobian = arb_mat(n, n, [(slopes[i] if j == i else arb(0)) - (1 if j == (i + 1) % n else 0)
                              for i in range(n) for j in range(n)])  # fmt: skip
    unit = arb_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
    moved = (unit - y * jacobian) * arb_mat(n, 1, spans) - y * residual
    return all(2 * abs(moved[i, 0]) < (hi - lo) / 2 for i, (lo, hi) in enumerate(boxes))


def _polished(floats: tuple[Floats, Floats], points: np.ndarray) -> np.ndarray:
    step, slope = floats
    for _ in range(POLISH):
        inverse = _inverse(slope(points[None])[0])
        if inverse is None:
            break
        points = points - inverse @ (step(points[None])[0] - np.roll(points, -1))
    return points


def _inverse(slopes: np.ndarray) -> np.ndarray | None:
    n = len(slopes)
    matrix = np.diag(slopes) - np.roll(np.eye(n), 1, axis=1)
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return None
    return inverse if np.isfinite(inverse).all() else None
