"""The central flow."""

from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.flow import Flow, preconditioned
from cfdyn.systems.loss import Loss


def central(loss: Loss, optimizer: Optimizer) -> Flow:
    """The central flow: the path of the time-averaged iterates, with oscillations of covariance Σ at the edge.

    For w ← w − P(s)⁻¹g with diagonal P and states s of the stable flow ds/dt = f(s, g),

        dw/dt = −P⁻¹[g + ½∇⟨H, Σ⟩],  ds/dt = f + ½⟨∇²_g f, HΣH⟩,  0 ⪯ Σ ⟂ 2P − H ⪰ 0,

    one unit of time per step; for gradient descent P = 1/η and H ⪯ 2/η. Σ vanishes away from the edge; there it
    is whatever keeps the critical eigenvalues from crossing. It serves every optimizer with a preconditioner and
    its flow. The averages it predicts: of the loss L + ½⟨H, Σ⟩, of the squared gradient ‖g‖² + tr HΣH.

    Raises
    ------
    UsageError : an optimizer without preconditioner, such as heavy_ball, or with clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.central(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8))
    >>> path = cf.solve(flow, [1.5, 0.3], t=2, rtol=1e-11)
    >>> path.events[0].kind, round(path.events[0].t, 9), path.w[-1].round(9).tolist()
    ('enter', 0.38879829, [1.464000282, 0.636738676])

    References
    ----------
    Cohen et al. (2024), Understanding optimization in deep learning with central flows, arXiv 2410.24206, eqs. for
    gradient descent, scalar RMSProp and RMSProp.
    """
    return preconditioned("central", "central", loss, optimizer)
