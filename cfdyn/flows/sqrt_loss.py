"""Sharpness reduction by gradient descent on the root of a loss."""

from fractions import Fraction

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.flows._descent import descent
from cfdyn.flows._manifold import sharpness_reduction
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss


def sqrt_loss(loss: Loss, optimizer: Optimizer) -> Flow:
    """The slow drift of gradient descent on √L along the manifold where L is zero, which lowers the sharpness λ₁ of L.

        dw/dt = −(η²/8) P ∇λ₁ − η² H⁺g,

    P the projection onto ker H, H and g those of L, one unit of time per step; this is the limit of small η over the time τ =
    η²t. √L has a kink on the manifold, and the iterates oscillate across it by η√(λ₁/2) along the sharpest direction. The term
    H⁺g vanishes on the manifold; it removes errors off it, at the pace of the flow itself.

    If only weights are given, `solve` first follows the gradient flow onto the manifold. The rank of H there is kept as
    a state behind the weights. λ₁ must be simple and positive.

    Parameters
    ----------
    loss : L itself; the optimizer's steps are those on √L
    optimizer : gd, with η

    Raises
    ------
    UsageError : another optimizer than gradient descent, weight decay or clipping
    NumericsError : from `solve`, if the start does not lead to a manifold of minima, or L is not 0 there

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.sqrt_loss(cf.Loss("(1 + y**2)*x**2/2"), cf.optimizers.gd(lr=0.01))
    >>> print(cf.solve(flow, [0.0, 1.0], t=1e4, rtol=1e-10).w[-1].round(6))  # τ = 1: e^(−1/4)
    [0.       0.778801]

    References
    ----------
    Arora, Li & Panigrahi (2022), Understanding gradient descent on the edge of stability in deep learning,
    arXiv 2205.09745, on gradient descent on √L.
    """
    made = descent("sqrt_loss", loss, optimizer)
    if optimizer.gradient is not None:
        raise UsageError("flows.sqrt_loss takes gradient descent as it is; leave out weight_decay")
    return sharpness_reduction("sqrt_loss", made, Fraction(1, 8), _vanishes)


def _vanishes(loss: Loss, w: np.ndarray) -> None:
    # What a parabola of the loss's curvature rises by over 1e-5 of 1 + |w|.
    least, rise = loss.value(w), 1e-10 * loss.sharpness(w) * (1 + np.abs(w).max()) ** 2
    if abs(least) > rise:
        raise NumericsError(f"the loss is {least:.6g} on the manifold of minima, not 0, where its root would have no kink; "
                            "subtract that from the loss")  # fmt: skip
