"""Gradient descent with momentum (heavy ball)."""

from cfdyn.optimizers._options import with_options
from cfdyn.symbolic.optimizer import Optimizer


def heavy_ball(
    lr: float, momentum: float = 0.9, dampening: float = 0.0, weight_decay: float = 0.0, clip: float = 0.0
) -> Optimizer:
    """Heavy ball: v ← μ v + g, then w ← w − η v.

    This equals Polyak's w₊ = w − η g + μ (w − w₋). The state is (w, v), v = 0 at the start. ``dampening`` d replaces
    g by (1−d)g except in the first step, as in torch; a shared state ``first`` (1, then 0) marks
    that step. Clipping and weight decay act on the gradient as for ``gd``.

    Parameters
    ----------
    lr : learning rate η > 0; stable on a quadratic of curvature S iff η(1−d)(S + λ) < 2 + 2μ
    momentum : μ in (−1, 1)
    dampening : d in [0, 1)
    weight_decay : λ ≥ 0
    clip : largest norm of the gradient; 0: no clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
    >>> step(step([1.0]))
    array([0., 1.])

    References
    ----------
    Polyak (1964), Some methods of speeding up the convergence of iteration methods, eq. (9);
    as torch.optim.SGD(momentum=μ, dampening=d).
    """
    damped = {"dampening": dampening} if dampening else {}
    share = "(1 - dampening*(1 - first))*" if dampening else ""
    return with_options(
        "heavy_ball", {"w": "w - lr*next", "v": "next"}, {"lr": lr, "momentum": momentum, **damped}, weight_decay, clip,
        domain={"momentum": "inside unit", "dampening": "fraction"}, define={"next": f"momentum*v + {share}g"},  # (9)
        shared={"first": "0"} if dampening else {}, initial={"first": 1.0},
        preconditioner="1/lr", threshold="(2 + 2*momentum)/(1 - dampening)" if dampening else "2 + 2*momentum",
    )  # fmt: skip
