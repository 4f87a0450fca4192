"""The Gaussian-closure flow: a guess."""

import numpy as np

from cfdyn.flows._descent import descent, gradient_part, half_step
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.model import ModelNodes, ModelSpec, Part
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.tape.derivatives import hessian, reverse
from cfdyn.tape.matrices import symmetric
from cfdyn.tape.program import Node


def gaussian(loss: Loss, optimizer: Optimizer) -> Flow:
    """The Gaussian-closure flow, a guess from no paper: mean m and covariance Σ of iterates taken as normally distributed.

    The flow is the change of the moments of N(m, Σ) in one step of gradient descent, with g linearised about its mean:

        dm/dt = −η E g,  dΣ/dt = −η(H̄Σ + ΣH̄) + η² H̄ΣH̄,  E g ≈ ∇L̃, H̄ = E H ≈ ∇²L̃, L̃(m) = L + ½⟨H, Σ⟩,

    with Σ held fixed in ∇L̃ and ∇²L̃; both are exact for polynomials of degree 4. Since dΣ/dt = BΣB − Σ with B = 1 − ηH̄, Σ stays
    positive semidefinite. The state is m and the upper triangle of Σ. If only weights w₀ are given, m = w₀ + δ and Σ = δδᵀ with
    δ = −(η/2)g(w₀), as for the rod flow. One unit of time is one step; gd only.

    Its error: an oscillation of period 2 is not normally distributed. Its fourth moment is σ⁴, not 3σ⁴, so that on
    L = Sw²/2 − Qw⁴/4 the flow settles at Σ* = (S − 2/η)/(3Q), a third of gradient descent's (S − 2/η)/Q.

    Raises
    ------
    UsageError : another optimizer, or clipping

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.gaussian(cf.losses.quartic(S=2.6), cf.optimizers.gd(lr=1.0))
    >>> print(cf.solve(flow, [0.1], t=200).covariance[-1, 0, 0].round(6))  # (2.6 − 2)/3
    0.2

    References
    ----------
    None; for the moments it is compared with: Regis & Chewi, arXiv 2602.01480, and Cohen et al. (2024), arXiv 2410.24206.
    """
    made = descent("gaussian", loss, optimizer)
    d, names = made.n_weights, made.loss.variables
    pairs = [(i, j) for i in range(d) for j in range(i, d)]
    parts = {"drift": Part(_drift, d + len(pairs)), "covariance": Part(_covariance, d * d), "gradient": gradient_part(d)}
    behind = tuple(f"cov_{names[i]}_{names[j]}" for i, j in pairs)
    return Flow(ModelSpec("gaussian", made, parts, behind, options={"closure": "Gaussian, a guess"}, lead=0.5,
                          work=1 + 2 * d + (5 + 10 * d) * len(pairs), remark="a guess, of no paper"), lift=_start)  # fmt: skip


def _start(flow: Flow, w0: np.ndarray) -> np.ndarray:
    delta = half_step(flow, w0)
    return np.concatenate([w0 + delta, np.outer(delta, delta)[np.triu_indices(len(delta))]])


def _covariance(nodes: ModelNodes) -> list[Node]:
    """Σ row by row."""
    return sum(symmetric(nodes.behind, nodes.d), [])


def _drift(nodes: ModelNodes) -> list[Node]:
    t, w, eta = nodes.tape, nodes.w, nodes.lr
    sigma, curvature = symmetric(nodes.behind, nodes.d), hessian(t, nodes.value, nodes.w)
    spread = t.total(t.dot(row, other) for row, other in zip(curvature, sigma, strict=True))
    smoothed = t.add(nodes.value, t.div(spread, t.const(2)))
    mean = nodes.times(t.neg(eta), reverse(t, smoothed, w))
    mean_curvature = hessian(t, smoothed, w)
    product = [[t.dot(row, column) for column in sigma] for row in mean_curvature]
    rates = []
    for i in range(nodes.d):
        for j in range(i, nodes.d):
            once = t.add(product[i][j], product[j][i])
            twice = t.dot(product[i], mean_curvature[j])
            rates.append(t.mul(eta, t.sub(t.mul(eta, twice), once)))
    return mean + rates
