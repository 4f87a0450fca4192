"""The cubic, whose gradient-descent map is the logistic map."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def cubic(a: float = 1.0) -> LossSpec:
    """a (w³/3 − w): gradient descent is the logistic map with r = 1 + 2ηa.

    The minimum w = 1 has curvature 2a. With a = 1 the map has flips at η = 1, √6/2, …, which accumulate at
    1.284972835935472, a 3-cycle from √2 on, and full chaos at 1.5; beyond 1.5 orbits escape.

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.losses.cubic().gradient([2.0])
    array([3.])

    References
    ----------
    May (1976), Simple mathematical models with very complicated dynamics, Nature 261.
    """
    return make_loss("a*(w**3/3 - w)", "w", {"a": a}, box=((-2.0, 2.0),), name="cubic")
