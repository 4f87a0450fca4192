"""The Huber loss: quadratic near 0, linear beyond."""

from cfdyn.symbolic.loss import LossSpec, make_loss

TITLE = "the Huber loss"


def huber(delta: float = 1.0) -> LossSpec:
    """w²/2 for |w| ≤ δ, δ(|w| − δ/2) beyond: the curvature jumps from 1 to 0 at |w| = δ.

    Beyond η = 2 every orbit ends on one of the 2-cycles {w, w − ηδ} of the linear part. They are
    neutral, so the start determines which one.

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.losses.huber().gradient([3.0])
    array([1.])

    References
    ----------
    Huber (1964), Robust estimation of a location parameter, Ann. Math. Statist. 35.
    """
    return make_loss(
        "Piecewise((w**2/2, Abs(w) <= delta), (delta*(Abs(w) - delta/2), True))", "w", {"delta": delta}, box=((-4.0, 4.0),),
        name="huber",
    )  # fmt: skip
