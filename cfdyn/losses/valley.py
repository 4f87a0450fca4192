"""A straight valley of minima whose sharpness varies along it."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def valley() -> LossSpec:
    """(1 + y²) x²/2: the minima are the axis x = 0, with sharpness 1 + y².

    This is a toy model of sharpness reduction. In the time η²k, k the number of steps, gradient descent on √L
    follows y′ = −y/4 and normalised gradient descent y′ = −y/(2(1 + y²)), both to the flattest minimum y = 0.

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
