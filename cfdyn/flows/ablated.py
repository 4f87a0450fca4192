"""The adaptive step size at the edge, without the curvature penalty of the central flow."""

from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.flow import Flow, preconditioned
from cfdyn.systems.loss import Loss


def ablated(loss: Loss, optimizer: Optimizer) -> Flow:
    """dw/dt = −(Gθ/S) g with S = λ₁(H): the step size that an optimizer has at the edge, without the force that lowers S.

    Without momentum Gθ = 2; `central` lists θ and G for the others.

    The central flow of scalar RMSProp at the edge is −(2/S)[g + ½σ²∇S]; this flow omits its curvature penalty. The optimizer's
    state, if it has one, follows the stable flow and does not act on the weights.

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.ablated(cf.Loss("3*w**2/2"), cf.optimizers.gd(lr=0.1))
    >>> print(cf.solve(flow, [1.0], t=1, rtol=1e-12).w[-1, 0].round(10))  # e^-2
    0.1353352832

    References
    ----------
    Cohen et al. (2024), arXiv 2410.24206, the ablation of scalar RMSProp's central flow.
    """
    return preconditioned("ablated", "ablated", loss, optimizer)
