"""A valley whose walls grow steeper along it: the minimal example of several time scales at the edge."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def two_time_scales(zeta: float = 1.0, eps: float = 0.01) -> LossSpec:
    """(y + ζx) x²/2 − ε(x + y): along the valley x ≈ ε/y the sharpness is y, and y grows by ηε per step.

    So gradient descent reaches the edge y = 2/η and then oscillates about it. Through ζ the oscillation acts
    back on the drift: it is damped iff ζ² > 2/9. The 2-cycle has y − 2/η ≈ (3/2) ζ (3ζ − 1) η ε. The
    usual η is 0.3, with starts (0.05, 6.4), near the edge, and (0, 3), deep in the stable region. There
    is no minimum: along the gradient flow y grows without bound.

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3))
    >>> y = cf.iterate(step, [0.05, 6.4], 600).w[:, 1]
    >>> round(float(y.max()), 3), int(y.argmax())
    (6.959, 193)

    References
    ----------
    Berthier (2026), on gradient descent at the edge of stability as a problem of several time scales.
    """
    return make_loss(
        "(y + zeta*x)*x**2/2 - eps*(x + y)", "x y", {"zeta": zeta, "eps": eps}, box=((-1.0, 1.0), (2.0, 9.0)),
        name="two_time_scales",
    )  # fmt: skip
