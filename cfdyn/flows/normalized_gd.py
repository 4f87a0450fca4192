"""Sharpness reduction by normalized gradient descent."""

from fractions import Fraction

from cfdyn.errors import UsageError
from cfdyn.flows._manifold import sharpness_reduction
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.text.formula import formula
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss


def normalized_gd(loss: Loss, optimizer: Optimizer) -> Flow:
    """The slow drift of normalized gradient descent along a manifold of minima, which lowers the sharpness λ₁.

        dw/dt = −(η²/4) P ∇ log λ₁ − η² H⁺g,

    P the projection onto ker H, one unit of time per step; this is the limit of small η over the time τ = η²t. On the manifold
    the iterates oscillate across the valley floor by η along the sharpest direction, which couples them to λ₁. The term H⁺g
    vanishes on the manifold; it removes errors off it, at the pace of the flow itself.

    If only weights are given, `solve` first follows the gradient flow (which has the path of normalized steps) onto the
    manifold. The rank of H there is kept as a state behind the weights. λ₁ must be simple and positive.

    Raises
    ------
    UsageError : another optimizer than normalized_gd
    NumericsError : from `solve`, if the start does not lead to a manifold of minima

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.normalized_gd(cf.Loss("(1 + y**2)*x**2/2"), cf.optimizers.normalized_gd(lr=0.01))
    >>> print(cf.solve(flow, [0.0, 1.0], t=1e4, rtol=1e-10).w[-1].round(6))  # τ = 1: log y + y²/2 = 0
    [0.       0.753089]

    References
    ----------
    Arora, Li & Panigrahi (2022), Understanding gradient descent on the edge of stability in deep learning,
    arXiv 2205.09745, the limiting flow of normalized gradient descent.
    """
    update = optimizer.update.get("w")
    if update is None or update.key != formula("w - lr*g/sqrt(gg)").key or optimizer.gradient is not None:
        raise UsageError(f"flows.normalized_gd is a model of `cf.optimizers.normalized_gd(lr=…)`, not of {optimizer.name}")
    return sharpness_reduction("normalized_gd", LossMap(loss.spec, optimizer), Fraction(1, 4))
