"""The edge flow: a centre and one mode of oscillation about it."""

import math
from typing import Any, overload

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.flows._descent import outer
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.flow import FlowSpec
from cfdyn.symbolic.programs.model import ModelNodes, ModelSpec, Part
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.matrix_free.edge_flow import MatrixFreeEdgeFlow
from cfdyn.systems.matrix_free.optimizer_map import require_oracle
from cfdyn.systems.oracle import GradientOracle
from cfdyn.tape.derivatives import directional
from cfdyn.tape.differences import quotients
from cfdyn.tape.program import Node

BEYOND = "with momentum or a preconditioner it is derived in cfdyn; its paper is about gradient descent"


@overload
def edge(  # type: ignore[overload-overlap]  # a Loss is an oracle, too
    loss: Loss, optimizer: Optimizer, secant: bool = False, floor: float = 0.0
) -> Flow: ...


@overload
def edge(loss: GradientOracle, optimizer: Optimizer, secant: bool = False, floor: float = 0.0) -> MatrixFreeEdgeFlow: ...


def edge(loss: Any, optimizer: Optimizer, secant: bool = False, floor: float = 0.0) -> Flow | MatrixFreeEdgeFlow:
    """The edge flow: iterates c ± ρu about a centre c, u a unit vector and ρ the amplitude of the oscillation.

        dc/dt = −(η/2)[g(c + ρu) + g(c − ρu)],  du/dt = η(I − uuᵀ)H(c)u,  d(ln ρ)/dt = η uᵀH(c)u − 2.

    This is a reconstruction from the paper's abstract, for gradient descent: polar coordinates v = ρu of dv/dt = ηH(c)v − 2v. The
    paper does not treat a preconditioner P and momentum; for these this project uses

        dc/dt = −(G/2)P⁻¹[g₊ + g₋] − δc,  ds/dt = ½[f(s, g₊) + f(s, g₋)],  dv/dt = R(P⁻¹H(c) − θ)v,  v = ρu, |u| = 1,

    with the optimizers, states s of P, edge θ, gain G and decay δ of `central`, and R = (2 − δ)/(θ + θ²F′(−1)) for a step
    P⁻¹F(z)g. Near the edge an oscillation grows by R(λ − θ) per step, which follows from the speed at which the root z of
    1 − δ − z = λF(z) passes −1. R is 1 without momentum, G for heavy_ball, ema_momentum and Adam, and (1 + 2β)²/(1 + 3β) for
    nesterov. For heavy ball and ema_momentum the flow is therefore that of gd with 2η/θ, in a time Gθ/2 times as fast. For Adam
    without bias correction it is that of RMSProp with (η/c, κ/c), c = (1 + β₁)/(1 − β₁), in a time c times as fast. For nesterov
    neither holds, since drift and growth have different factors. Far below the edge the oscillation decays too fast, at the rate
    Rθ for λ → 0, while momentum decays at ½ ln(1/β); use a floor there.

    The state is (c, s, u, ln ρ), and Σ = ρ²uuᵀ. If only weights w₀ are given, c ± ρu are w₀ and the optimizer's next weights, and
    s is the state that the first step uses. One unit of time is one step.

    On a quadratic ln ρ² grows by 2(ηS − 2) per step, while for gradient descent it grows by 2 ln|1 − ηS|. With uᵀH(c)u only the
    motion of c stops that growth: on Sw²/2 − Qw⁴/4 ρ diverges. With ``secant``, if the flow is at a fixed point and u is along
    P⁻¹(g₊ − g₋), as in one variable, c ± ρu is exactly a 2-cycle of gradient descent, with momentum too if P is constant. In more
    variables u converges to an eigenvector of P⁻¹H(c), which the difference of the two points of a 2-cycle need not be.

    The integrated equation du/dt = (A − r)u + (1 − |u|²)u, with dv/dt = Av and r = uᵀAu/|u|², makes |u| = 1 stable for every sign
    of uᵀHu. The first term conserves |u|; the second vanishes on the sphere and attracts to it at the rate 2.

    A loss that is not a formula, such as a network, gives a `MatrixFreeEdgeFlow`, for gd only: each evaluation takes two
    gradients and one Hessian-vector product. The ``eigenvalues`` and ``sharpness`` of its path are uᵀHu, which is λ₁ once u has
    aligned with that eigenvector. For ρ below 1e-5 of the weights its secant is the tangent.

    Parameters
    ----------
    secant : use (g(c + ρu) − g(c − ρu))/(2ρ) in place of Hu in d(ln ρ)/dt; it is composed of the difference quotients of its
        parts, so that no digits cancel, however small ρ is
    floor : ρ_min ≥ 0: d(ln ρ)/dt is max(that, ln ρ_min − ln ρ), so ρ never falls below the floor and decays to it within a
        few steps, with a continuous slope. The floor stands for the noise, such as round-off, from which an oscillation starts
        again; without it the onset is late

    Raises
    ------
    UsageError : an optimizer that `central` refuses too, clipping, or a negative floor; from weights alone, a start where g = 0

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss, gd = cf.losses.quartic(S=2.5), cf.optimizers.gd(lr=1.0)
    >>> path = cf.solve(cf.flows.edge(loss, gd, secant=True), [0.1], t=200)
    >>> print(path.covariance[-1, 0, 0].round(6))  # the 2-cycle's S − 2/η
    0.5
    >>> heavy_ball = cf.optimizers.heavy_ball(lr=1.5, momentum=0.5)  # gd with lr = 1, three times as fast
    >>> path = cf.solve(cf.flows.edge(loss, heavy_ball, secant=True), [0.1], t=70)
    >>> print(path.covariance[-1, 0, 0].round(6))
    0.5

    References
    ----------
    Marion (2026), arXiv 2606.18080: a reconstruction, only the abstract was read; gradient descent. With P and momentum: derived
    in this project.
    """
    if isinstance(floor, bool) or not 0 <= floor < math.inf:
        raise UsageError(f"the floor of flows.edge is a smallest extent, 0 or more, not {floor!r}")
    loss = Loss.or_oracle(loss)
    if not isinstance(loss, Loss):
        return MatrixFreeEdgeFlow(require_oracle(loss), optimizer, secant, floor)
    plain = FlowSpec("edge", "central", LossMap(loss.spec, optimizer))  # refuses what has no P or no flip
    made, d, slow = plain.map, plain.n_weights, plain.names[plain.n_weights :]
    parts = {"drift": Part(_drift, 2 * d + 1 + len(slow)), "covariance": Part(_covariance, d * d),
             "edge": Part(ModelNodes.edge, d * d + d), "scale": Part(ModelNodes.scale, d)}  # fmt: skip
    behind = (*slow, *(f"u_{name}" for name in made.loss.variables), "log_rho")
    beyond = BEYOND if optimizer.params.keys() - {"lr", "weight_decay"} else ""
    spec = ModelSpec("edge", made, parts, behind, {"secant": bool(secant)}, {"floor": float(floor)} if floor else {},
                     lead=0.5, reconstruction=True, work=4, remark=beyond)  # fmt: skip
    return Flow(spec, lift=_start)


def _start(flow: Flow, z0: np.ndarray) -> np.ndarray:
    """c ± ρu are the optimizer's weights and the next ones; slow states are its own, or for weights alone the first it uses."""
    assert isinstance(flow.spec.map, LossMap)
    step, kept, d = Map(flow.spec.map), list(flow.spec.kept), flow.n_weights
    z = step.state(z0)
    after = step(z)
    delta, slow = (after[:d] - z[:d]) / 2, (after if len(z0) == d else z)[kept[d:]]
    size = float(np.linalg.norm(delta))
    if size == 0.0:
        raise UsageError("flows.edge takes the direction of oscillation from the first step, which is 0 at this start; "
                         "start off the critical point, or give the full state (c, states of P, u, ln rho)")  # fmt: skip
    return np.concatenate([z[:d] + delta, slow, -delta / size, [math.log(size)]])


def _direction(nodes: ModelNodes) -> tuple[list[Node], Node]:
    """u and ρ."""
    return nodes.z[-nodes.d - 1 : -1], nodes.tape.apply("exp", nodes.z[-1])


def _covariance(nodes: ModelNodes) -> list[Node]:
    u, rho = _direction(nodes)
    return outer(nodes, u, nodes.tape.ipow(rho, 2))


def _drift(nodes: ModelNodes) -> list[Node]:
    t, (u, rho) = nodes.tape, _direction(nodes)
    plus, minus, quotient = quotients(t, nodes.gradient, dict(zip(nodes.w, u, strict=True)), rho)
    middle = [t.neg(t.div(t.add(a, b), t.mul(t.const(2), p))) for a, b, p in zip(plus, minus, nodes.pace, strict=True)]
    decays = [t.neg(t.mul(each.decay, w)) for each, w in zip(nodes.coefficients, nodes.w, strict=True)]
    states = nodes.times(0.5, nodes.plus(nodes.state_rates(plus), nodes.state_rates(minus)))
    swing = [each.swing for each in nodes.coefficients]
    # K·2Q = Rθ, for every weight the same where the averages of the gradient are.
    held = [t.mul(k, t.mul(t.const(2), q)) for k, q in zip(swing, nodes.metric, strict=True)]

    def grown(curved: list[Node]) -> list[Node]:
        return [t.sub(t.mul(k, h), t.mul(r, x)) for k, h, r, x in zip(swing, curved, held, u, strict=True)]

    growth, length = grown(directional(t, nodes.gradient, nodes.w, [u])), t.dot(u, u)
    rate = t.div(t.dot(u, growth), length)
    turn = nodes.plus(nodes.plus(growth, u, t.neg(rate)), u, t.sub(t.const(1), length))
    if nodes.spec.options["secant"]:
        rate = t.div(t.dot(u, grown(quotient)), length)
    if "floor" in nodes.parameters:
        rate = t.apply("max", rate, t.sub(t.apply("log", nodes.parameters["floor"]), nodes.z[-1]))
    return nodes.plus(middle, decays) + states + turn + [rate]
