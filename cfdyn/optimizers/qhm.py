"""Quasi-hyperbolic momentum, between gradient descent and its averaged form."""

from cfdyn.optimizers._options import with_options
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "quasi-hyperbolic momentum"


def qhm(lr: float, beta: float = 0.9, nu: float = 0.7, weight_decay: float = 0.0, clip: float = 0.0) -> Optimizer:
    """Quasi-hyperbolic momentum: m ← β m + (1−β) g, then w ← w − η ((1−ν) g + ν m).

    ν = 0 is ``gd``, ν = 1 is ``ema_momentum``, and ν = β is ``nesterov`` with the learning rate (1−β)η. The state
    is (w, m), m = 0 at the start, without bias correction. Clipping and weight decay act on the gradient as for ``gd``.

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic of curvature S iff η(S + λ) < 2(1+β)/(1 + β − 2νβ)
    beta : β in [0, 1)
    nu : ν in [0, 1], the weight of the average
    weight_decay : λ ≥ 0
    clip : largest norm of the gradient; 0: no clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.as_map(cf.Loss("w**2/2"), cf.optimizers.qhm(lr=0.5, beta=0.5, nu=0.5))([1.0])
    array([0.625, 0.5  ])

    References
    ----------
    Ma & Yarats (2018), Quasi-hyperbolic momentum and Adam for deep learning, arXiv 1810.06801, which recommends
    ν = 0.7 and β = 0.999.
    """
    return with_options(
        "qhm", {"w": "w - lr*((1 - nu)*g + nu*m1)", "m": "m1"}, {"lr": lr, "beta": beta, "nu": nu}, weight_decay, clip,
        domain={"beta": "fraction", "nu": "unit"}, define={"m1": "beta*m + (1 - beta)*g"},
        preconditioner="1/lr", threshold="2*(1 + beta)/(1 + beta - 2*nu*beta)",
    )  # fmt: skip
