"""The Sobolev flow, which a remark in the forum thread proposes as a model of the edge."""

from cfdyn.flows._descent import descent
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.model import ModelNodes, ModelSpec, Part
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.tape.derivatives import hessian, reverse
from cfdyn.tape.program import Node


def sobolev(loss: Loss, optimizer: Optimizer) -> Flow:
    """dw/dt = −η∇(L − tr H), the gradient flow of (I − Δ)L: it raises tr H, while the central flow lowers S.

    Compared with the gradient flow it ascends the trace of the Hessian: at a minimum, where g = 0, tr H grows at the
    rate η‖∇ tr H‖². As a model of the edge of stability it has the wrong sign. The weight 1 of the Laplacian has the
    unit of a squared weight, and nothing in the optimizer sets it. One unit of time is one step; gd only.

    Raises
    ------
    UsageError : another optimizer, or clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.sobolev(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8))
    >>> print(flow.drift([2.0, 0.5]))  # at a minimum: η∇(x² + y²)
    [3.2 0.8]

    References
    ----------
    A remark in a forum thread on Cohen et al. (2024), arXiv 2410.24206.
    """
    made = descent("sobolev", loss, optimizer)
    return Flow(ModelSpec("sobolev", made, {"drift": Part(_drift, made.n_weights)}, work=1 + 5 * made.n_weights,
                          remark="it raises tr H, where the central flow lowers λ₁(H)"))  # fmt: skip


def _drift(nodes: ModelNodes) -> list[Node]:
    t = nodes.tape
    curvatures = hessian(t, nodes.value, nodes.w)
    trace = t.total(curvatures[i][i] for i in range(nodes.d))
    return nodes.times(t.neg(nodes.lr), reverse(t, t.sub(nodes.value, trace), nodes.w))
