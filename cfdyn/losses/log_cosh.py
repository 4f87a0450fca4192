"""log cosh w: smooth, convex, and with period 2 at every learning rate beyond the edge."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def log_cosh() -> LossSpec:
    """log cosh w: beyond η = 2 the only attractor of gradient descent is the 2-cycle 2w = η tanh w.

    Its multiplier (1 − η sech² w)² stays in [0, 1), so there is no chaos at any η.

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.losses.log_cosh().sharpness([0.0])
    1.0

    References
    ----------
    Song & Yun, arXiv 2307.04204 (log cosh as the outer loss).
    """
    return make_loss("logcosh(w)", "w", {}, box=((-4.0, 4.0),), name="log_cosh")
