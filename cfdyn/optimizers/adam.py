"""Adam."""

from cfdyn.optimizers._options import moments, with_options
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "Adam"


def adam(
    lr: float, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, bias_correction: bool = True,
    eps_inside: bool = False, weight_decay: float = 0.0, clip: float = 0.0,
) -> Optimizer:  # fmt: skip
    """Adam: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², then w ← w − η m̂/(√v̂ + ε).

    With ``bias_correction`` m̂ = m/(1−β₁ᵗ) and v̂ = v/(1−β₂ᵗ); the powers β₁ᵗ and β₂ᵗ are shared
    states ``decay1`` and ``decay2`` (1 at the start), so the map does not depend on time. Without
    it m̂ = m, v̂ = v. ``eps`` is outside the root, as in torch; ``eps_inside`` gives √(v̂ + ε),
    as several papers write it. With ε outside, the map has no derivative where v = 0. Clipping and weight
    decay act on the gradient as for ``gd`` (coupled decay; ``adamw`` has decoupled decay).

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic iff η S/(√v̂ + ε) < 2(1+β₁)/(1−β₁)
    beta1, beta2 : in [0, 1)
    eps : ε ≥ 0
    weight_decay : λ ≥ 0
    clip : largest norm of the gradient; 0: no clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.adam(lr=0.1))
    >>> step([1.0])[:1].round(6), step.names
    (array([0.9]), ('w', 'm_w', 'v_w', 'decay1', 'decay2'))

    References
    ----------
    Kingma & Ba, arXiv 1412.6980, Algorithm 1; as torch.optim.Adam.
    """
    step, parts = moments(bias_correction, eps_inside)  # Algorithm 1
    update, params = {"w": f"w - lr*{step}", "m": "m1", "v": "v1"}, {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps}
    return with_options("adam", update, params, weight_decay, clip, threshold="2*(1 + beta1)/(1 - beta1)", **parts)
