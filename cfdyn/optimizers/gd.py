"""Gradient descent."""

from cfdyn.symbolic.optimizer import Optimizer


def gd(lr: float) -> Optimizer:
    """Gradient descent: w ← w − η g.

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic of curvature λ iff ηλ < 2

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.as_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5))([1.0])
    array([0.5])

    References
    ----------
    Cauchy (1847); as torch.optim.SGD.
    """
    return Optimizer.from_text({"w": "w - lr*g"}, {"lr": lr}, name="gd")
