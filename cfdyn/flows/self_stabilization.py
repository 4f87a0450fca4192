"""Self-stabilization: the constrained trajectory and the dynamics around it."""

import numpy as np

from cfdyn.errors import NumericsError, unknown
from cfdyn.flows._descent import descent
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.model import ModelNodes, ModelSpec, Part, curvature, rise
from cfdyn.systems.fields import Kernel
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.tape.program import Node

VARIANTS = ("constrained", "predicted", "generalised", "reduced")


def self_stabilization(loss: Loss, optimizer: Optimizer, variant: str = "predicted") -> Flow:
    """Self-stabilization of gradient descent: oscillations v about a constrained trajectory θ† at the edge.

    A step of the constrained trajectory θ† is one of gradient descent and then a projection onto {S ≤ 2/η, u·g = 0},
    S = λ₁ with eigenvector u, by three iterations of

        w ← w − max(0, S − 2/η) ∇S⊥/‖∇S⊥‖² − u (u·g)/S,  ∇S⊥ = (I − uuᵀ)∇S.

    With x = u·v, y = ∇S⊥·v, α = −g·∇S⊥, β = ‖∇S⊥‖² and δ² = 2α/β, all at θ†, gradient descent stays near θ† + v, where

        v ← v − η{½(x² − δ²)∇S⊥ + Hv + xy u}.

    δ² represents the part of a step that the constraint removes, −(θ†₊ − θ† + ηg) = ½ηδ²∇S⊥ to first order. It is 0 for a step
    inside S ≤ 2/η, where the constraint does not act (the paper is at the edge throughout). Nothing here depends on the sign of
    u. A single eigenvalue is at the edge; λ₁ must be simple.

    ``variant``
      "constrained" : θ† alone, a map
      "predicted" : the dynamics above, a map; the state is w = θ† + v, then θ†
      "generalised" : Hv replaced by H v⊥ + u (u·g(θ† + xu)), v⊥ = v − xu: exact along u
      "reduced" : the ODE X' = ηXY, Y' = η(α − ½βX²) for X = |x| and Y = y, with α, β, u and ∇S⊥ frozen at the
        start, w = θ† + Y∇S⊥/β and Σ = X²uuᵀ; the state is w, X, Y, then α, ∇S⊥ and u. ½Y² + ¼βX² − α log X is
        conserved, X² is 2α/β on average, and small orbits have the period 2π/(η√(2α)).

    If only weights are given, θ† starts at the point of the set to which the iteration leads, with v = w − θ†; for "reduced", at
    a point of S = 2/η, from either side.

    Raises
    ------
    UsageError : another optimizer than gradient descent, or another variant
    NumericsError : the iteration reaches no point with u·g = 0 and S ≤ 2/η (for "reduced" S = 2/η) from the start

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss, gd = cf.losses.two_time_scales(eps=1e-4), cf.optimizers.gd(lr=0.3)
    >>> path = cf.solve(cf.flows.self_stabilization(loss, gd), [0.01, 6.68], t=500)
    >>> orbit = cf.iterate(cf.as_map(loss, gd), [0.01, 6.68], 500).w
    >>> print(abs(path.w - orbit).max().round(4), abs(orbit[:, 0]).max().round(2))
    0.001 0.03

    References
    ----------
    Damian, Nichani & Lee (2023), Self-stabilization: the implicit bias of gradient descent at the edge of stability,
    arXiv 2209.15594.
    """
    if variant not in VARIANTS:
        raise unknown("variant of self_stabilization:", variant, VARIANTS)
    made = descent("self_stabilization", loss, optimizer)
    d, names = made.n_weights, made.names
    parts = {"curvature": Part(curvature, d + d * d), "rise": Part(rise, d, d)}
    options = {"variant": variant}
    if variant == "reduced":
        behind = ("X", "Y", "alpha", *(f"rise_{w}" for w in names), *(f"u_{w}" for w in names))
        parts |= {"drift": Part(_reduced, 3 * d + 3), "covariance": Part(_covariance, d * d)}
        return Flow(ModelSpec("self_stabilization", made, parts, behind, options), lift=_frozen)
    from cfdyn.flows._kernels import self_stabilization as kernel

    behind = () if variant == "constrained" else tuple(f"constrained_{w}" for w in names)
    spec = ModelSpec("self_stabilization", made, parts, behind, options, discrete=True, work=4 * (6 + 2 * d))
    sizes = {"variant": VARIANTS.index(variant)}
    own = Kernel(kernel.stabilize, kernel.SelfStabilization, ("curvature", "rise"), d, sizes)
    return Flow(spec, lift=_constrained if behind else None, kernel=own)


def _reduced(nodes: ModelNodes) -> list[Node]:
    """The drift of (w, X, Y, α, ∇S⊥, u)."""
    t, d, (x, y, alpha) = nodes.tape, nodes.d, nodes.behind[:3]
    rise = nodes.behind[3 : 3 + d]
    beta = t.dot(rise, rise)
    rate = t.mul(nodes.lr, t.sub(alpha, t.mul(t.div(beta, t.const(2)), t.ipow(x, 2))))
    along = nodes.times(t.div(rate, beta), rise)
    return [*along, t.mul(nodes.lr, t.mul(x, y)), rate] + [t.const(0)] * (1 + 2 * d)


def _covariance(nodes: ModelNodes) -> list[Node]:
    """X²uuᵀ."""
    u = nodes.times(nodes.behind[0], nodes.behind[3 + nodes.d :])
    return [nodes.tape.mul(a, b) for a in u for b in u]


def _constrained(flow: Flow, w: np.ndarray) -> np.ndarray:
    return np.concatenate([w, _onto_set(flow, w, inside=True)[0]])


def _frozen(flow: Flow, w: np.ndarray) -> np.ndarray:
    theta, gradient, u, rise = _onto_set(flow, w, inside=False)
    v, lr = w - theta, flow.params["lr"]
    y, beta = float(rise @ v), float(rise @ rise)
    return np.concatenate([theta + y / beta * rise, [abs(u @ v), y, -gradient @ rise / lr], rise, u])


def _onto_set(flow: Flow, w: np.ndarray, inside: bool) -> tuple[np.ndarray, ...]:
    """θ† with u·g = 0 and S ≤ 2/η, or S = 2/η, by repeated projection; also η∇L, u and ∇S⊥ there."""
    d, lr, theta = flow.n_weights, flow.params["lr"], w
    with np.errstate(all="ignore"):
        for _ in range(100):
            # All in terms of ηL.
            point = np.concatenate([theta, np.zeros(flow.dim)])
            seen = flow.rule("curvature")(point, flow.p)
            if not np.isfinite(seen).all():
                break
            gradient, (values, vectors) = seen[:d], np.linalg.eigh(seen[d:].reshape(d, d))
            u = point[flow.dim :] = vectors[:, -1]
            rise = flow.rule("rise")(point, flow.p)
            rise = rise - u * (u @ rise)
            excess = max(0.0, values[-1] - 2.0) if inside else values[-1] - 2.0
            move = u * (u @ gradient) / values[-1] + (excess / (rise @ rise) * rise if excess else 0.0)
            if np.abs(move).max() <= 1e-14 * (1 + np.abs(theta).max()):
                return theta, gradient, u, rise / lr
            theta = theta - move
    wanted = "S ≤ 2/η" if inside else "S = 2/η"
    raise NumericsError(f"no point with {wanted} and no gradient along the sharpest direction was found from the start; "
                        "start nearer to the edge, or change lr")  # fmt: skip
