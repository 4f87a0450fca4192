"""A convex function of a product, with tails of slope 1."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def sqrt_product() -> LossSpec:
    """√(1 + (xy)²): the minima are the two axes; on x = 0 the sharpness is y².

    From a start with y² > 2/η gradient descent bounces across the valley while y falls, and stops just
    below the edge: (2/η − y²)/η → 1 as η → 0.

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.losses.sqrt_product().sharpness([0.0, 3.0])
    9.0

    References
    ----------
    Ahn, Bubeck, Chewi, Lee, Suarez & Zhang, arXiv 2212.07469 (ℓ(xy) with convex, even, Lipschitz ℓ).
    """
    return make_loss("sqrt(1 + (x*y)**2)", "x y", {}, box=((-3.0, 3.0), (-6.0, 6.0)), name="sqrt_product")
