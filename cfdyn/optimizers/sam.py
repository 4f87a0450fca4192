"""Sharpness-aware minimization on gradient descent."""

from cfdyn.symbolic.optimizer import Optimizer

TITLE = "SAM"


def sam(lr: float, rho: float = 0.05) -> Optimizer:
    """Sharpness-aware minimization: w ← w − η ∇L(w + ρ g/‖g‖).

    The norm is over all weights, without the 1e-12 that implementations add: where the gradient is 0, the step
    is undefined (NaN). The curvature alone sets no stability threshold: if g is along an eigenvector of
    curvature S, its component changes sign iff ηS(1 + ρS/‖g‖) > 1 and grows iff that exceeds 2, which is
    S > (‖g‖/2ρ)(√(1 + 8ρ/(η‖g‖)) − 1). On a quadratic in one dimension orbits therefore end on the 2-cycle
    ±ηρS/(2 − ηS) about the minimum.

    Parameters
    ----------
    lr : learning rate η > 0
    rho : length ρ > 0 of the step to the point at which the gradient is taken

    Examples
    --------
    >>> import cfdyn as cf
    >>> cf.as_map(cf.Loss("x**2/2 + y**2"), cf.optimizers.sam(lr=0.5, rho=1.0))([3.0, 2.0])
    array([ 1.2, -0.8])

    References
    ----------
    Foret et al. (2021), Sharpness-aware minimization, arXiv 2010.01412, Algorithm 1; Long & Bartlett (2024),
    Sharpness-aware minimization and the edge of stability, arXiv 2309.12488.
    """
    return Optimizer.from_text(
        {"w": "w - lr*h"}, {"lr": lr, "rho": rho}, name="sam", domain={"lr": "positive", "rho": "positive"},
        probe="w + rho*g/sqrt(gg)",  # Algorithm 1
    )  # fmt: skip
