"""Lion: the sign of an interpolated momentum."""

from cfdyn.optimizers._options import DOMAIN
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "Lion"


def lion(lr: float, beta1: float = 0.9, beta2: float = 0.99, weight_decay: float = 0.0) -> Optimizer:
    """Lion: w ← (1 − ηλ)w − η sign(β₁m + (1−β₁)g), then m ← β₂m + (1−β₂)g.

    m = 0 at the start, sign(0) = 0, and the decoupled weight decay acts on the old weights. The map jumps where an
    entry of β₁m + (1−β₁)g changes its sign. There is no stability threshold: without decay every weight moves by η,
    whatever the curvature.

    Parameters
    ----------
    lr : step η > 0 of each weight
    beta1, beta2 : in [0, 1)
    weight_decay : λ ≥ 0

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.lion(lr=0.25, weight_decay=0.5))
    >>> step([2.0]).round(6), step.names
    (array([1.5 , 0.02]), ('w', 'm_w'))

    References
    ----------
    Chen et al. (2023), Symbolic discovery of optimization algorithms, arXiv 2302.06675, Algorithm 2.
    """
    update = {"w": "w*(1 - lr*weight_decay) - lr*sign(beta1*m + (1 - beta1)*g)", "m": "beta2*m + (1 - beta2)*g"}  # Alg. 2
    params = {"lr": lr, "beta1": beta1, "beta2": beta2, "weight_decay": weight_decay}
    return Optimizer.from_text(update, params, name="lion", domain=DOMAIN)
