"""Normalized gradient descent."""

from cfdyn.symbolic.optimizer import Optimizer

TITLE = "normalized gradient descent"


def normalized_gd(lr: float) -> Optimizer:
    """Normalized gradient descent: w ← w − η g/‖g‖.

    The norm is over all weights, without ε: where the gradient is 0, the step is undefined (NaN). The curvature alone
    sets no stability threshold: a step is one of gradient descent with the learning rate η/‖g‖. On a
    quadratic the loss falls iff ĝᵀHĝ < 2‖g‖/η, ĝ = g/‖g‖; in one dimension orbits end on a 2-cycle w, w − η
    across the minimum.

    Parameters
    ----------
    lr : length η > 0 of a step

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.as_map(cf.Loss("x**2/2 + y**2"), cf.optimizers.normalized_gd(lr=0.5))([3.0, 2.0])
    array([2.7, 1.6])

    References
    ----------
    Arora, Li & Panigrahi (2022), Understanding gradient descent on the edge of stability in deep learning,
    arXiv 2205.09745.
    """
    return Optimizer.from_text({"w": "w - lr*g/sqrt(gg)"}, {"lr": lr}, name="normalized_gd")
