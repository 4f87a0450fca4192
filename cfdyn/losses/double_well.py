"""The symmetric double well, whose gradient-descent map is an odd cubic."""

from cfdyn.symbolic.loss import LossSpec, make_loss


def double_well(a: float = 1.0) -> LossSpec:
    """a (w² − 1)²/4: gradient descent is w ← A w − (A − 1) w³ with A = 1 + ηa.

    The minima w = ±1 have curvature 2a. With a = 1 the map has flips at η = 1, √5 − 1, …, which accumulate at
    1.30228346270071, and a 3-cycle from 1.450440964487875 on. The two attractors merge at 3√3/2 − 1. Full
    chaos is at 2; beyond 2 orbits escape.

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.losses.double_well().sharpness([1.0])
    2.0

    References
    ----------
    Chen, Balasubramanian, Ghosal & Agarwalla, arXiv 2310.01687 (the cubic map).
    """
    return make_loss("a*(w**2 - 1)**2/4", "w", {"a": a}, box=((-2.0, 2.0),), name="double_well")
