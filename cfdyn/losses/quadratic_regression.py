"""Regression with a quadratic model on one sample."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def quadratic_regression(y: float = 1.0) -> LossSpec:
    """(w²/2 − y)²/2: with z = η (w²/2 − y) and α = ηy, z ← z³ + (α−2) z² + (1−2α) z.

    The minima w = ±√(2y) have curvature 2y. Phases in α: monotone up to 2√2 − 2, catapult up to 1, a
    stable 2-cycle up to √5 − 1, period doublings up to 1.30228346270071, a 3-cycle from 1.450440964487875,
    full chaos at 2, divergence beyond. A two-layer linear network uv with u = v has the same map.

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
