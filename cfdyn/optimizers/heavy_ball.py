"""Gradient descent with momentum (heavy ball)."""

from cfdyn.symbolic.optimizer import Optimizer


def heavy_ball(lr: float, momentum: float = 0.9) -> Optimizer:
    """Heavy ball: v ← μ v + g, then w ← w − η v.

    Equal to Polyak's w₊ = w − η g + μ (w − w₋). The state is (w, v), v = 0 at the start.

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic of curvature λ iff ηλ < 2 + 2μ
    momentum : μ in (−1, 1)

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
    >>> step(step([1.0]))
    array([0., 1.])

    References
    ----------
    Polyak (1964), Some methods of speeding up the convergence of iteration methods, eq. (9);
    as torch.optim.SGD(momentum=μ, dampening=0).
    """
    return Optimizer.from_text(
        {"w": "w - lr*next", "v": "next"},
        {"lr": lr, "momentum": momentum},
        define={"next": "momentum*v + g"},
        name="heavy_ball",
        domain={"lr": "positive", "momentum": "inside unit"},
    )
