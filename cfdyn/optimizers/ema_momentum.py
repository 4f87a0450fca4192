"""Gradient descent along an exponential moving average of the gradient."""

from cfdyn.optimizers._options import with_options
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "EMA momentum"


def ema_momentum(lr: float, momentum: float = 0.9, weight_decay: float = 0.0, clip: float = 0.0) -> Optimizer:
    """Averaged gradient: m ← β m + (1−β) g, then w ← w − η m.

    This is heavy ball with the learning rate (1−β)η; m = 0 at the start, without bias correction. torch's
    dampening=β differs in the first step, which it does not dampen. Clipping and weight decay act on the gradient
    as for ``gd``.

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic of curvature S iff η(S + λ) < 2(1+β)/(1−β)
    momentum : β in [0, 1)
    weight_decay : λ ≥ 0
    clip : largest norm of the gradient; 0: no clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.as_map(cf.Loss("w**2/2"), cf.optimizers.ema_momentum(lr=0.5, momentum=0.5))([1.0])
    array([0.75, 0.5 ])

    References
    ----------
    Cohen et al. (2022), Adaptive gradient methods at the edge of stability, arXiv 2207.14484, where its
    threshold is 38/η for β = 0.9.
    """
    return with_options(
        "ema_momentum", {"w": "w - lr*m1", "m": "m1"}, {"lr": lr, "momentum": momentum}, weight_decay, clip,
        domain={"momentum": "fraction"}, define={"m1": "momentum*m + (1 - momentum)*g"},
        preconditioner="1/lr", threshold="2*(1 + momentum)/(1 - momentum)",
    )  # fmt: skip
