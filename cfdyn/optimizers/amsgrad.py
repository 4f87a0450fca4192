"""AMSGrad: Adam whose second moment never falls."""

from cfdyn.optimizers._options import DOMAIN, moments, root
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "AMSGrad"


def amsgrad(
    lr: float, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, bias_correction: bool = True, eps_inside: bool = False
) -> Optimizer:
    """AMSGrad: m, v as in Adam, v_max ← max(v_max, v), then w ← w − η m̂/(√v̂_max + ε).

    As in torch the maximum is taken before bias correction (optax takes that of v̂; the paper has no
    correction). ``vmax`` is a state of each weight, 0 at the start; where it equals v the map has a kink.
    The rest is as in ``adam``.

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic iff η S/(√v̂_max + ε) < 2(1+β₁)/(1−β₁)
    beta1, beta2 : in [0, 1)
    eps : ε ≥ 0

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.amsgrad(lr=0.1, bias_correction=False, beta2=0.75, eps=0.0))
    >>> step([1.0]).round(6), step.names
    (array([0.98, 0.1 , 0.25, 0.25]), ('w', 'm_w', 'v_w', 'vmax_w'))

    References
    ----------
    Reddi, Kale & Kumar (2018), On the convergence of Adam and beyond, arXiv 1904.09237, Algorithm 2;
    as torch.optim.Adam(amsgrad=True).
    """
    step, parts = moments(bias_correction, eps_inside, second="top")  # Algorithm 2
    update = {"w": f"w - lr*{step}", "m": "m1", "v": "v1", "vmax": "top"}
    params = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps}
    largest = root("vmax/(1 - decay2)" if bias_correction else "vmax", eps_inside)
    return Optimizer.from_text(
        update, params, name="amsgrad", domain=DOMAIN, threshold="2*(1 + beta1)/(1 - beta1)", preconditioner=f"{largest}/lr",
        **parts,
    )  # fmt: skip
