"""Nesterov's accelerated gradient in the form that deep-learning libraries use."""

from cfdyn.symbolic.optimizer import Optimizer


def nesterov(lr: float, momentum: float = 0.9) -> Optimizer:
    """Nesterov momentum: v ← μ v + g, then w ← w − η (g + μ v).

    The gradient is taken at the weights w themselves, which are Nesterov's look-ahead points. The
    state is (w, v), v = 0 at the start.

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic of curvature λ iff ηλ < (2 + 2μ)/(1 + 2μ)
    momentum : μ in (−1, 1)

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
    return Optimizer.from_text(
        {"w": "w - lr*(g + momentum*next)", "v": "next"},
        {"lr": lr, "momentum": momentum},
        define={"next": "momentum*v + g"},
        name="nesterov",
        domain={"lr": "positive", "momentum": "inside unit"},
    )
