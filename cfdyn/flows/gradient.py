"""The stable flow, which for gradient descent is the gradient flow."""

from typing import Any, overload

from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.flow import Flow, preconditioned
from cfdyn.systems.loss import Loss
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow
from cfdyn.systems.oracle import GradientOracle


@overload
def gradient(loss: Loss, optimizer: Optimizer) -> Flow: ...  # type: ignore[overload-overlap]  # a Loss is an oracle, too


@overload
def gradient(loss: GradientOracle, optimizer: Optimizer) -> MatrixFreeFlow: ...


def gradient(loss: Any, optimizer: Optimizer) -> Flow | MatrixFreeFlow:
    """The stable flow dw/dt = −GP⁻¹g, ds/dt = f(s, g); for gradient descent the gradient flow dw/dt = −ηg.

    It ignores the edge of stability: its equations are the same where the sharpness exceeds 2/η. One unit of time is one step. G
    is the gain of momentum, 1/(1 − β) for heavy ball and 1 without momentum. Decoupled weight decay d adds −ηdw. See `central`
    for P and f.

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.gradient(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5))
    >>> print(cf.solve(flow, [1.0], t=2, rtol=1e-12).w[-1, 0].round(10))  # e^-1
    0.3678794412

    References
    ----------
    Cohen et al. (2024), arXiv 2410.24206 (there the stable flow).
    """
    return preconditioned("gradient", "plain", loss, optimizer)
