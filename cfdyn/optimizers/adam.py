"""Adam."""

from cfdyn.symbolic.optimizer import Optimizer


def adam(
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    bias_correction: bool = True,
    eps_inside: bool = False,
) -> Optimizer:
    """Adam: m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², then w ← w − η m̂/(√v̂ + ε).

    With ``bias_correction`` m̂ = m/(1−β₁ᵗ) and v̂ = v/(1−β₂ᵗ); the powers β₁ᵗ and β₂ᵗ are shared
    states ``decay1`` and ``decay2`` (1 at the start), so the map does not depend on time. Without
    it m̂ = m, v̂ = v. ``eps`` stands outside the root, as in torch; ``eps_inside`` gives √(v̂ + ε),
    as several papers write it. With ε outside, the map has no derivative where v = 0.

    Parameters
    ----------
    lr : learning rate η > 0
    beta1, beta2 : in [0, 1)
    eps : ε ≥ 0

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
    define = {"m1": "beta1*m + (1 - beta1)*g", "v1": "beta2*v + (1 - beta2)*g**2"}
    shared = {"decay1": "beta1*decay1", "decay2": "beta2*decay2"} if bias_correction else {}
    if bias_correction:
        define |= {"mhat": "m1/(1 - beta1*decay1)", "vhat": "v1/(1 - beta2*decay2)"}
    m, v = ("mhat", "vhat") if bias_correction else ("m1", "v1")
    scale = f"sqrt({v} + eps)" if eps_inside else f"(sqrt({v}) + eps)"
    return Optimizer.from_text(
        {"w": f"w - lr*{m}/{scale}", "m": "m1", "v": "v1"},
        {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps},
        define=define,
        shared=shared,
        initial={"decay1": 1.0, "decay2": 1.0} if bias_correction else {},
        name="adam",
        domain={"lr": "positive", "beta1": "fraction", "beta2": "fraction", "eps": "nonnegative"},
        options={"bias_correction": bias_correction, "eps_inside": eps_inside},
    )
