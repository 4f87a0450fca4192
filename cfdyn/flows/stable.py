"""Another name for the gradient flow."""

from typing import Any, overload

from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.flow import Flow, preconditioned
from cfdyn.systems.loss import Loss
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow
from cfdyn.systems.oracle import GradientOracle


@overload
def stable(loss: Loss, optimizer: Optimizer) -> Flow: ...  # type: ignore[overload-overlap]  # a Loss is an oracle, too


@overload
def stable(loss: GradientOracle, optimizer: Optimizer) -> MatrixFreeFlow: ...


def stable(loss: Any, optimizer: Optimizer) -> Flow | MatrixFreeFlow:
    """The stable flow dw/dt = −GP⁻¹g, ds/dt = f(s, g), under the name it has for adaptive optimizers; see `gradient`.

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.stable(cf.Loss("w**2/2"), cf.optimizers.scalar_rmsprop(lr=0.1, beta2=0.9))
    >>> print(flow.drift([1.0, 0.25]).round(6))
    [-0.2       0.083333]

    References
    ----------
    Cohen et al. (2024), arXiv 2410.24206.
    """
    return preconditioned("stable", "plain", loss, optimizer)
