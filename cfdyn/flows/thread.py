"""The projection formula of the forum thread, as a flow of its own."""

from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.flow import Flow, preconditioned
from cfdyn.systems.loss import Loss


def thread(loss: Loss, optimizer: Optimizer) -> Flow:
    """The forum thread's rule: the gradient without its component along ∇S, S the sum of the eigenvalues at the edge.

        dw/dt = −η(I − ∇S∇Sᵀ/‖∇S‖²)g,  S = Σ λ_i over the eigenvalues λ_i ≥ 2/η − tol,

    and the gradient flow if there are none (for an adaptive optimizer the edge and the direction are those of
    P⁻¹H). An eigenvalue that reaches 2/η joins the sum and leaves it when it has fallen to 2/η − tol; tol is a thousandth of 2/η
    (``edge_tolerance`` of `solve`). In between the flow keeps the sum constant. The flow equals the central flow while one
    eigenvalue is critical and −g points outwards. With one eigenvalue it never leaves the edge; with several it holds only their
    sum. A start beyond the edge stays there.

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss, gd = cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8)
    >>> path = cf.solve(cf.flows.thread(loss, gd), [1.5, 0.3], t=2, rtol=1e-11)
    >>> print(path.w[-1].round(9).tolist(), round(path.sharpness[-1], 9))
    [1.464000282, 0.636738676] 2.5

    References
    ----------
    A forum thread on Cohen et al. (2024), arXiv 2410.24206.
    """
    return preconditioned("thread", "trace", loss, optimizer)
