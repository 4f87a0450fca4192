"""RMSProp with one second moment for all weights."""

from cfdyn.optimizers._options import mean_square, with_options
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "scalar RMSProp"


def scalar_rmsprop(
    lr: float, beta2: float = 0.99, eps: float = 0.0, bias_correction: bool = False, eps_inside: bool = False,
    weight_decay: float = 0.0, clip: float = 0.0,
) -> Optimizer:  # fmt: skip
    """Scalar RMSProp: ν ← β₂ν + (1−β₂)‖g‖², then w ← w − η g/(√ν + ε).

    ``nu`` is a shared state, 0 at the start. With ``bias_correction`` the step uses ν̂ = ν/(1−β₂ᵗ), and
    β₂ᵗ is the shared state ``decay2``. ε is outside the root; ``eps_inside`` gives √(ν + ε). With ε = 0 the
    map is undefined where ν and g are 0. Clipping and weight decay act on the gradient as for ``gd``.

    Preconditioner P = (√ν + ε)/η of the new ν; dν/dt = κ(‖g‖² − ν), κ = (1−β₂)/β₂, for β₂ > 0.

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
    >>> step = cf.as_map(cf.Loss("x**2/2 + y**2"), cf.optimizers.scalar_rmsprop(lr=0.1, beta2=0.75))
    >>> step([3.0, 2.0]), step.names
    (array([2.88, 1.84, 6.25]), ('x', 'y', 'nu'))

    References
    ----------
    Cohen et al. (2024), Understanding optimization in deep learning with central flows, arXiv 2410.24206.
    """
    scale, parts = mean_square("gg", bias_correction, eps_inside)
    parts["shared"] = {"nu": "nu1", **parts["shared"]}
    update, params = {"w": f"w - lr*g/{scale}"}, {"lr": lr, "beta2": beta2, "eps": eps}
    return with_options("scalar_rmsprop", update, params, weight_decay, clip, **parts)
