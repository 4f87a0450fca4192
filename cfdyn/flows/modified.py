"""The modified flow: backward error analysis, implicit gradient regularisation."""

from cfdyn.errors import UsageError
from cfdyn.flows._descent import descent
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.model import ModelNodes, ModelSpec, Part
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.tape.derivatives import directional
from cfdyn.tape.program import Node

ORDERS = {"gd": (2, 3), "heavy_ball": (2,), "ema_momentum": (2,)}


def modified(loss: Loss, optimizer: Optimizer, order: int = 2) -> Flow:
    """The modified flow: the gradient flow with correction terms that reduce its error against the iterates for small η.

    For gradient descent, with one unit of time per step,

        dw/dt = −η∇(L + (η/4)‖g‖²) − η³(H²g/3 + T[g, g]/12),

    without the last term for ``order`` 2. Over a fixed total time ηt the error against the iterates is O(η^order); that
    of the gradient flow is O(η). The series in ηH converges only for ηλ < 1, so the flow has no edge of stability: on a quadratic
    it decays at the rate ηλ + (ηλ)²/2 + (ηλ)³/3 instead of −ln(1 − ηλ).

    For v ← μv + g, w ← w − ηv (heavy_ball, h = η/(1 − μ)) and its average (ema_momentum, h = η), order 2:

        dw/dt = −h∇(L + (h/4)(1 + μ)/(1 − μ)‖g‖²).

    The state is the weights alone, so the flow is valid once the velocity has lost memory of its start, after some 1/(1 − μ)
    steps. By then the iterates from v = 0 lag behind by μ/(1 − μ) steps: they follow the flow from w₀ + hμ/(1 − μ)g(w₀) + O(h²).

    Parameters
    ----------
    order : 2; for gd also 3

    Raises
    ------
    UsageError : another optimizer or order, or clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss, gd = cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.1)
    >>> for order in (2, 3):  # towards ln 0.9 = −0.105361
    ...     print(cf.flows.modified(loss, gd, order).drift([1.0]).round(6))
    [-0.105]
    [-0.105333]

    References
    ----------
    Barrett & Dherin (2021), Implicit gradient regularization, arXiv 2009.11162: order 2 for gradient descent. Order 3 is the
    modified equation of Euler's method, Hairer, Lubich & Wanner, Geometric Numerical Integration, IX.1; momentum: derived.
    """
    made = descent("modified", loss, optimizer, tuple(ORDERS))
    if order not in ORDERS[optimizer.name]:
        known = " or ".join(map(str, ORDERS[optimizer.name]))
        raise UsageError(f"flows.modified of {optimizer.name} has the order {known}, not {order!r}; 3 is for gd alone")
    return Flow(ModelSpec("modified", made, {"drift": Part(_drift, made.n_weights)}, options={"order": int(order)},
                          work=3 if order == 2 else 10))  # fmt: skip


def _drift(nodes: ModelNodes) -> list[Node]:
    t, g = nodes.tape, nodes.gradient
    rate, factor = _effective(nodes)
    curved = directional(t, g, nodes.w, [g])
    drift = nodes.plus(g, curved, t.mul(factor, t.div(rate, t.const(2))))
    if nodes.spec.options["order"] == 3:
        twice = directional(t, g, nodes.w, [curved])
        # The derivative of w ↦ H g along g is T[g, g] + H²g.
        along = directional(t, curved, nodes.w, [g])
        cubic = [t.div(t.add(t.mul(t.const(3), a), b), t.const(12)) for a, b in zip(twice, along, strict=True)]
        drift = nodes.plus(drift, cubic, t.ipow(rate, 2))
    return nodes.times(t.neg(rate), drift)


def _effective(nodes: ModelNodes) -> tuple[Node, Node]:
    """h and the factor (1 + μ)/(1 − μ)."""
    t, p, one = nodes.tape, nodes.hyperparameters, nodes.tape.const(1)
    if "momentum" not in p:
        return nodes.lr, one
    left = t.sub(one, p["momentum"])
    factor = t.div(t.add(one, p["momentum"]), left)
    if nodes.optimizer.name == "ema_momentum":
        return nodes.lr, factor
    rate = t.div(nodes.lr, left)
    return t.mul(rate, t.sub(one, p["dampening"])) if "dampening" in p else rate, factor
