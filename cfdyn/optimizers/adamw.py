"""AdamW: Adam with decoupled weight decay."""

from cfdyn.optimizers._options import DOMAIN, moments
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "AdamW"


def adamw(
    lr: float, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.01,
    bias_correction: bool = True, eps_inside: bool = False,
) -> Optimizer:  # fmt: skip
    """AdamW: w ← (1 − ηλ)w − η m̂/(√v̂ + ε), with m̂ and v̂ as in Adam.

    The decay does not enter the moments. As in torch it is multiplied by the learning rate and acts on
    the old weights (the paper's Algorithm 2 has a schedule in place of η there). The rest is as in ``adam``.

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic iff η S/(√v̂ + ε) < (2 − ηλ)(1+β₁)/(1−β₁)
    beta1, beta2 : in [0, 1)
    eps : ε ≥ 0
    weight_decay : λ ≥ 0

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.adamw(lr=0.1, weight_decay=0.5))
    >>> step([1.0])[:1].round(6)
    array([0.85])

    References
    ----------
    Loshchilov & Hutter (2019), Decoupled weight decay regularization, arXiv 1711.05101, Algorithm 2;
    as torch.optim.AdamW.
    """
    step, parts = moments(bias_correction, eps_inside)  # Algorithm 2, without its schedule
    return Optimizer.from_text(
        {"w": f"w*(1 - lr*weight_decay) - lr*{step}", "m": "m1", "v": "v1"},
        {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps, "weight_decay": weight_decay},
        name="adamw", domain=DOMAIN, threshold="(2 - lr*weight_decay)*(1 + beta1)/(1 - beta1)", **parts,
    )  # fmt: skip
