"""Regression with a quadratic model on one sample."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def quadratic_regression(y: float = 1.0) -> LossSpec:
    """(w²/2 − y)²/2: with z = η (w²/2 − y) and α = ηy, z ← z³ + (α−2) z² + (1−2α) z.

    The minima w = ±√(2y) have curvature 2y. Phases in α: monotone to 2√2 − 2, catapult to 1, a
    stable 2-cycle to √5 − 1, doubling to 1.30228346270071, a 3-cycle from 1.450440964487875, full
    chaos at 2, divergence beyond. A two-layer linear net uv with u = v does the same.

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.losses.quadratic_regression(y=2.0).sharpness([2.0])
    4.0

    References
    ----------
    Chen, Balasubramanian, Ghosal & Agarwalla, arXiv 2310.01687.
    """
    return make_loss("(w**2/2 - y)**2/2", "w", {"y": y}, box=((-3.0, 3.0),), name="quadratic_regression")
