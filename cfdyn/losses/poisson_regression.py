"""Poisson regression on one observation."""

from cfdyn.symbolic.loss import LossSpec, make_loss

TITLE = "Poisson regression"


def poisson_regression(a: float = 1.0) -> LossSpec:
    """e^w − a w: with y = e^w and a = 1 gradient descent is the Ricker map y ← y e^{η(1−y)}.

    The minimum w = log a has curvature a. With a = 1 the map has flips at η = 2, 2.5264677258538192, …,
    which accumulate at 2.6923688544, and a 3-cycle from 3.102439915635427 on.

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.losses.poisson_regression().gradient([0.0])
    array([0.])

    References
    ----------
    Ricker (1954), Stock and recruitment; May & Oster (1976), Bifurcations and dynamic complexity.
    """
    return make_loss("exp(w) - a*w", "w", {"a": a}, box=((-5.0, 3.0),), name="poisson_regression")
