"""AdaGrad."""

from cfdyn.optimizers._options import root, with_options
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "AdaGrad"


def adagrad(lr: float, eps: float = 1e-10, eps_inside: bool = False, weight_decay: float = 0.0, clip: float = 0.0) -> Optimizer:
    """AdaGrad, diagonal: ν ← ν + g², then w ← w − η g/(√ν + ε).

    ν = 0 at the start (give the full state for another value). ε is outside the root, as in torch, whose lr_decay is
    omitted; ``eps_inside`` gives √(ν + ε). The sum only grows, so orbits have no cycles except where g = 0. With ε
    outside, the map has no derivative where ν = 0. Clipping and weight decay act on the gradient as for ``gd``.

    Preconditioner P = (√ν + ε)/η of the new ν; dν/dt = g².

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic iff the eigenvalues of P⁻¹H are below 2
    eps : ε ≥ 0
    weight_decay : λ ≥ 0
    clip : largest norm of the gradient; 0: no clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("2*w**2"), cf.optimizers.adagrad(lr=0.25, eps=0.0))
    >>> step(step([1.0])), step.names
    (array([ 0.6, 25. ]), ('w', 'nu_w'))

    References
    ----------
    Duchi, Hazan & Singer (2011), Adaptive subgradient methods, JMLR 12 (its diagonal form);
    as torch.optim.Adagrad.
    """
    return with_options(
        "adagrad", {"w": f"w - lr*g/{root('nu1', eps_inside)}", "nu": "nu1"}, {"lr": lr, "eps": eps}, weight_decay, clip,
        define={"nu1": "nu + g**2"}, options={"eps_inside": eps_inside}, flow={"nu": "g**2"},
        preconditioner=f"{root('nu', eps_inside)}/lr", threshold="2",
    )  # fmt: skip
