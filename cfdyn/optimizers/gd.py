"""Gradient descent."""

from cfdyn.optimizers._options import with_options
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "gradient descent"


def gd(lr: float, weight_decay: float = 0.0, clip: float = 0.0) -> Optimizer:
    """Gradient descent: w ← w − η g.

    With ``clip`` the gradient is first scaled to a norm of at most ``clip``, g·min(1, clip/‖g‖) over all
    weights (torch's clip_grad_norm_ divides by ‖g‖ + 1e-6); then ``weight_decay`` adds λw to it. Each is a
    hyperparameter of the map if it is not 0.

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic of curvature S iff η(S + λ) < 2
    weight_decay : λ ≥ 0
    clip : largest norm of the gradient; 0: no clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.as_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5))([1.0])
    array([0.5])
    >>> cf.as_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5, clip=0.25, weight_decay=0.5))([1.0])
    array([0.625])

    References
    ----------
    Cauchy (1847); as torch.optim.SGD.
    """
    update = {"w": "w - lr*g"}
    return with_options("gd", update, {"lr": lr}, weight_decay, clip, preconditioner="1/lr", threshold="2")
