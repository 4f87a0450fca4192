"""Sign gradient descent."""

from cfdyn.symbolic.optimizer import Optimizer

TITLE = "sign gradient descent"


def sign_gd(lr: float) -> Optimizer:
    """Sign gradient descent: w ← w − η sign(g).

    Every weight moves by η, with sign(0) = 0; the map jumps where an entry of g changes its sign. This is the limit of
    Lion and Adam without averages. The curvature alone sets no stability threshold: the step is that of steepest
    descent in the ∞-norm with the learning rate η/‖g‖₁, so on a quadratic the loss falls iff sᵀHs < 2‖g‖₁/η, s = sign(g).

    Parameters
    ----------
    lr : step η > 0 of each weight

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.as_map(cf.Loss("x**2/2 + y**2"), cf.optimizers.sign_gd(lr=0.5))([3.0, -2.0])
    array([ 2.5, -1.5])

    References
    ----------
    Bernstein et al. (2018), signSGD, arXiv 1802.04434, Algorithm 1.
    """
    return Optimizer.from_text({"w": "w - lr*sign(g)"}, {"lr": lr}, name="sign_gd")
