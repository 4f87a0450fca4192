"""A straight valley of minima that is steepest where it is left last."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def valley() -> LossSpec:
    """(1 + y²) x²/2: the minima are the axis x = 0, with sharpness 1 + y².

    The toy of sharpness reduction: gradient descent on √L follows y′ = −y/4 in the time η²k, normalised
    gradient descent y′ = −y/(2(1 + y²)), both down to the flattest minimum y = 0.

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.losses.valley().sharpness([0.0, 2.0])
    5.0

    References
    ----------
    Arora, Li & Panigrahi, arXiv 2205.09745 (sharpness-reduction flows).
    """
    return make_loss("(1 + y**2)*x**2/2", "x y", {}, box=((-2.0, 2.0), (-3.0, 3.0)), name="valley")
