"""RMSProp."""

from cfdyn.optimizers._options import mean_square, with_options
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "RMSProp"


def rmsprop(
    lr: float, beta2: float = 0.99, eps: float = 1e-8, bias_correction: bool = False, eps_inside: bool = False,
    weight_decay: float = 0.0, clip: float = 0.0,
) -> Optimizer:  # fmt: skip
    """RMSProp: ν ← β₂ν + (1−β₂)g², then w ← w − η g/(√ν + ε).

    Squares are taken entry by entry; ν = 0 at the start. The defaults are those of torch (whose α is β₂) without
    momentum or centring: ε outside the root and no bias correction. With ``bias_correction`` the step uses
    ν̂ = ν/(1−β₂ᵗ), and β₂ᵗ is the shared state ``decay2``; ``eps_inside`` gives √(ν + ε). With ε outside, the map has
    no derivative where ν = 0. Clipping and weight decay act on the gradient as for ``gd``.

    Preconditioner P = (√ν̂ + ε)/η of the new states; dν/dt = κ(g² − ν), κ = (1−β₂)/β₂, for β₂ > 0;
    dβ₂ᵗ/dt = −κβ₂ᵗ, so that a constant gradient leaves ν̂ = g².

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic iff the eigenvalues of P⁻¹H are below 2
    beta2 : β₂ in [0, 1)
    eps : ε ≥ 0
    weight_decay : λ ≥ 0
    clip : largest norm of the gradient; 0: no clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.rmsprop(lr=0.1, beta2=0.75, eps=0.0))
    >>> step([1.0]), step.names
    (array([0.8 , 0.25]), ('w', 'nu_w'))

    References
    ----------
    Tieleman & Hinton (2012), Neural networks for machine learning, lecture 6.5; as torch.optim.RMSprop.
    """
    scale, parts = mean_square("g**2", bias_correction, eps_inside)
    update = {"w": f"w - lr*g/{scale}", "nu": "nu1"}
    return with_options("rmsprop", update, {"lr": lr, "beta2": beta2, "eps": eps}, weight_decay, clip, **parts)
