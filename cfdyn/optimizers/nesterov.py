"""Nesterov's accelerated gradient in the form that deep-learning libraries use."""

from cfdyn.optimizers._options import with_options
from cfdyn.symbolic.optimizer import Optimizer

TITLE = "Nesterov momentum"


def nesterov(lr: float, momentum: float = 0.9, weight_decay: float = 0.0, clip: float = 0.0) -> Optimizer:
    """Nesterov momentum: v ← μ v + g, then w ← w − η (g + μ v).

    The gradient is taken at the weights w themselves, which are Nesterov's look-ahead points. The
    state is (w, v), v = 0 at the start. Clipping and weight decay act on the gradient as for ``gd``.

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic of curvature S iff η(S + λ) < (2 + 2μ)/(1 + 2μ),
        for μ < −1/3 iff η(S + λ) < 1 − 1/μ
    momentum : μ in (−1, 1)
    weight_decay : λ ≥ 0
    clip : largest norm of the gradient; 0: no clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.as_map(cf.Loss("w**2/2"), cf.optimizers.nesterov(lr=0.5, momentum=0.5))([1.0])
    array([0.25, 1.  ])

    References
    ----------
    Nesterov (1983); Sutskever et al. (2013), On the importance of initialization and momentum,
    eqs. (3)–(4); as torch.optim.SGD(momentum=μ, nesterov=True).
    """
    return with_options(
        "nesterov", {"w": "w - lr*(g + momentum*next)", "v": "next"}, {"lr": lr, "momentum": momentum}, weight_decay, clip,
        domain={"momentum": "inside unit"}, define={"next": "momentum*v + g"},  # eqs. (3), (4)
        # A flip, or for μ < −1/3 a pair of multipliers of modulus 1.
        preconditioner="1/lr", threshold="1 + 1/Max(1 + 2*momentum, -momentum)",
    )  # fmt: skip
