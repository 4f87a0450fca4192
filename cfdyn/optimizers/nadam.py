"""NAdam: Adam with Nesterov's look-ahead."""

from cfdyn.optimizers._options import DOMAIN, MOMENTS, POWER, smoothed
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "NAdam"


def nadam(lr: float, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, momentum_decay: float = 0.004) -> Optimizer:
    """NAdam: w ← w − η [(1−μ_t) g/(1−M_t) + μ_{t+1} m/(1−M_{t+1})]/(√v̂ + ε), with Adam's m and v.

    μ_t = β₁(1 − 0.96^(tψ)/2) with ψ = ``momentum_decay``, M_t = μ_1 ⋯ μ_t, v̂ = v/(1−β₂ᵗ). So that the map
    does not depend on time, 0.96^((t−1)ψ), M_{t−1} and β₂^(t−1) are the shared states ``warmup``,
    ``product`` and ``decay2``, 1 at the start. ε is outside the root. ψ = 0 keeps μ at β₁/2, as in torch's
    formula.

    Parameters
    ----------
    lr : learning rate η > 0; after the warm-up stable on a quadratic iff
        η S/(√v̂ + ε) < (2 + 2β₁)/((1−β₁)(1+2β₁)) (for ψ > 0), 13.571 at β₁ = 0.9
    beta1, beta2 : in [0, 1)
    eps : ε ≥ 0
    momentum_decay : ψ ≥ 0

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.nadam(lr=0.1, momentum_decay=0.0))
    >>> step([1.0])[:1].round(5), step.names  # 1 − 0.1 (0.55/0.55 + 0.45·0.1/0.7975)
    (array([0.89436]), ('w', 'm_w', 'v_w', 'warmup', 'product', 'decay2'))

    References
    ----------
    Dozat (2016), Incorporating Nesterov momentum into Adam, Algorithm 2; as torch.optim.NAdam.
    """
    smooth = smoothed("v/(1 - decay2)", False)
    smooth["flow"] |= {"warmup": "momentum_decay*log(0.96)*warmup", "decay2": POWER}
    carried = "beta1" if momentum_decay > 0 else "beta1/2"
    return Optimizer.from_text(
        {"w": "w - lr*(ahead*g + carried*m1)/(sqrt(vhat) + eps)", "m": "m1", "v": "v1"},
        {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps, "momentum_decay": momentum_decay},
        define={
            "rate": "0.96**momentum_decay", "warmup1": "warmup*rate",
            "mu": "beta1*(1 - warmup1/2)", "mu1": "beta1*(1 - warmup1*rate/2)",
            "product1": "product*mu", "ahead": "(1 - mu)/(1 - product1)", "carried": "mu1/(1 - product1*mu1)",
            **MOMENTS, "vhat": "v1/(1 - beta2*decay2)",
        },  # Algorithm 2
        shared={"warmup": "warmup1", "product": "product1", "decay2": "beta2*decay2"},
        initial={"warmup": 1.0, "product": 1.0, "decay2": 1.0},
        name="nadam", domain=DOMAIN | {"momentum_decay": "nonnegative"},
        **smooth, threshold=f"2/(1 - {carried} + {carried}*(1 - beta1)/(1 + beta1))",
    )  # fmt: skip
