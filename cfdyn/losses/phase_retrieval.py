"""Recover a vector from squared projections: the sign is lost, so there are two minima."""

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.symbolic.loss import LossSpec, make_loss


def phase_retrieval(rows: int = 6) -> LossSpec:
    """The mean of ((a·w)² − (a·s)²)²/4 over directions a at the angles πj/rows; the signal s is (3/5, 4/5).

    With three or more directions the mean equals that over all directions,
    (3/8 (|w|⁴ + 1) − (|w|² + 2 (s·w)²)/4)/4, with minima ±s of curvatures 3/4 and 1/4 (edge η = 8/3), a
    maximum at 0 and a saddle on either side of it.

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.losses.phase_retrieval()
    >>> round(loss.sharpness([0.6, 0.8]), 12), round(loss.value([0.0, 0.0]), 12)
    (0.75, 0.09375)

    References
    ----------
    Candès, Li & Soltanolkotabi (2015), Phase retrieval via Wirtinger flow, IEEE Trans. Inf. Theory 61.
    """
    angles = np.pi * np.arange(whole_number("phase_retrieval: rows", rows, 3, 1000)) / rows
    a, b = np.cos(angles), np.sin(angles)
    return make_loss(
        "((a*x + b*y)**2 - m)**2/4", "x y", {}, ["a", "b", "m"], data=np.column_stack([a, b, (0.6 * a + 0.8 * b) ** 2]),
        box=((-2.0, 2.0), (-2.0, 2.0)), name=f"phase_retrieval:rows={rows}",
    )  # fmt: skip
