"""The stationary flow, and its preconditioner."""

from typing import Any, overload

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.flows._descent import in_catalogue
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.flow import Flow, preconditioned
from cfdyn.systems.loss import Loss
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow
from cfdyn.systems.matrix_free.optimizer_map import require_oracle
from cfdyn.systems.oracle import GradientOracle

TINY = 1e-12  # of a step, and of an entry of P beside the largest
MOST = 1000  # steps of Newton's method, of which few are long at first
OFF = 1e-4  # of what is 1 without gradient and curvature
STATE_SPEED = 1e5  # what is left of the difference to infinite speed is of the order of its inverse
REST = 1.0  # per step: as fast as the states of a loss that is no formula come to rest


@overload
def stationary(loss: Loss, optimizer: Optimizer) -> Flow: ...  # type: ignore[overload-overlap]  # a Loss is an oracle, too


@overload
def stationary(loss: GradientOracle, optimizer: Optimizer) -> MatrixFreeFlow: ...


def stationary(loss: Any, optimizer: Optimizer) -> Flow | MatrixFreeFlow:
    """The stationary flow: the central flow with the optimizer's state at its equilibrium for the current weights.

        dw/dt = −GP̄(w)⁻¹[g + ½∇⟨H, Σ⟩],  f(s̄, g) + ½⟨∇²_g f, HΣH⟩ = 0,  0 ⪯ Σ ⟂ θP̄ − H ⪰ 0, P̄ = P(s̄).

    θ and G are those of `central`; the warm-ups of NAdam and of bias correction are complete from the start.

    For RMSProp P̄ is the `stationary_preconditioner`, and Σ is the multiplier of its constraint times η²/2. The flow is the limit
    of the central flow for a state that adapts infinitely fast (β₂ → 0 in the flow's κ). It is solved as a stiff equation with
    ds/dt 10⁵ times faster, which leaves an error of the order 10⁻⁵.

    A loss that is not a formula, such as a network, gives a `MatrixFreeFlow` in which the slowest state relaxes at the rate 1 per
    optimizer step: its P lags P̄ by about one step, while that of RMSProp with β₂ = 0.99 lags by 99 steps. If only weights are
    given, the state starts at its equilibrium there without oscillation. Integration steps are short, a third of an optimizer's
    step or less if several modes are at the edge.

    Raises
    ------
    UsageError : an optimizer whose state has no equilibrium (AdaGrad), or one that `central` refuses

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.stationary(cf.Loss("2*w**2"), cf.optimizers.scalar_rmsprop(lr=0.1, beta2=0.9))
    >>> print(cf.solve(flow, [1.0], t=5).w[-1].round(4))  # P̄ = ‖g‖/η: dw/dt = −η
    [0.5]

    References
    ----------
    Cohen et al. (2024), arXiv 2410.24206, the stationary flow of RMSProp. There Σ solves a separate problem at P̄;
    here Σ is the one that keeps P̄ in equilibrium, which needs no further assumption.
    """
    _checked(optimizer)
    loss = Loss.or_oracle(loss)
    if not isinstance(loss, Loss):
        return MatrixFreeFlow("stationary", "central", require_oracle(loss), optimizer, rest=REST)
    return preconditioned("stationary", "central", loss, optimizer, state_speed=STATE_SPEED)


def _checked(optimizer: Optimizer) -> None:
    if isinstance(optimizer, Optimizer):
        for state, rate in optimizer.flow.items():
            if state not in rate.names:
                raise UsageError(f"the state {state!r} of {optimizer.name} never comes to rest, so it has no stationary flow")


def stationary_preconditioner(loss: Any, optimizer: Optimizer, w: Any) -> np.ndarray:
    """The diagonal of P̄(w), (d,): RMSProp's preconditioner in equilibrium at fixed weights w.

        P̄ = argmin over diagonal P of tr P + (1/η²) gᵀP⁻¹g  subject to  H ⪯ 2P

    for ε = 0; in general each entry solves (1 − ε/(ηP))² = g²/(ηP)² + 4Σ_dd/η² with 0 ⪯ Σ ⟂ 2P − H ⪰ 0. The method is
    Newton's on a logarithmic barrier. Scalar RMSProp has P̄ = max(‖g‖/η, S/2). A loss that is not a formula, such as a
    network, may have some thousand weights: it takes a (d, d) matrix from d Hessian-vector products, and half a minute for d =
    1000.

    Raises
    ------
    UsageError : another optimizer than rmsprop or scalar_rmsprop
    NumericsError : P̄ is not positive, since g = 0 in a direction without curvature

    Examples
    --------
    >>> import cfdyn as cf
    >>> rmsprop = cf.optimizers.rmsprop(lr=0.1, eps=0.0)
    >>> print(cf.stationary_preconditioner(cf.Loss("2*x**2 + y**2/2"), rmsprop, [0.01, 1.0]).round(6))
    [ 2. 10.]

    References
    ----------
    Cohen et al. (2024), arXiv 2410.24206.
    """
    named = optimizer.name in ("rmsprop", "scalar_rmsprop") and in_catalogue(optimizer)
    if not named or optimizer.options["eps_inside"]:
        raise UsageError(f"the stationary preconditioner is that of rmsprop or scalar_rmsprop with eps outside, not {optimizer}")
    lr, eps = optimizer.params["lr"], optimizer.params["eps"]
    loss = Loss.or_oracle(loss)
    if optimizer.gradient is not None:
        raise UsageError("the stationary preconditioner takes the gradient as it is; leave out weight_decay and clip")
    if isinstance(loss, Loss):
        gradient, hessian = loss.gradient(w), loss.hessian(w)
    else:
        oracle = require_oracle(loss)
        gradient, hessian = np.asarray(oracle.gradient(w)), np.array([oracle.hvp(w, axis) for axis in np.eye(oracle.dim)])
    if optimizer.name == "scalar_rmsprop":
        p = max((float(np.linalg.norm(gradient)) + eps) / lr, float(np.linalg.eigvalsh(hessian)[-1]) / 2)
        return np.full(loss.dim, p)
    g, scale = np.abs(gradient) / lr, np.full(loss.dim, eps / lr)
    # Weights that the loss does not depend on, such as those of a pixel that is always blank, have ε/η.
    seen = np.flatnonzero((np.abs(hessian).max(axis=1) > TINY * np.abs(hessian).max()) | (g > TINY * g.max()))
    if len(seen):
        scale[seen] = _barrier(g[seen], eps / lr, hessian[np.ix_(seen, seen)])
    if not scale.min() > (0 if eps else TINY * scale.max()):
        raise NumericsError("the stationary preconditioner is not positive there: no gradient and no curvature")
    return scale


def _barrier(g: np.ndarray, eps: float, hessian: np.ndarray) -> np.ndarray:
    """The P with (1 − ε/P)² − g²/P² = 2μ[(2P − H)⁻¹]_dd, as μ falls to 0, or to what floats resolve."""
    scale = max(float(np.abs(hessian).max()), float(g.max()) + eps, 1e-300)
    # Beyond every bound: diagonally dominant.
    p, mu = np.maximum(np.abs(hessian).sum(1) / 2, g + eps) + scale, scale
    while mu > 1e-16 * scale:
        lowest, off = _lowest(p, g, eps, hessian, mu)
        if off > OFF:
            break
        p, mu = lowest, mu / 4
    return p


def _lowest(p: np.ndarray, g: np.ndarray, eps: float, hessian: np.ndarray, mu: float) -> tuple[np.ndarray, float]:
    """The minimum of `_height`, by Newton's method with steps that lower it, and how far its slope is from 0."""
    for _ in range(MOST):
        inverse = np.linalg.inv(2 * np.diag(p) - hessian)
        residual = (1 - eps / p) ** 2 - (g / p) ** 2 - 2 * mu * np.diag(inverse)
        slope = np.diag(2 * (1 - eps / p) * eps / p**2 + 2 * g**2 / p**3) + 4 * mu * inverse**2
        move = -np.linalg.solve(slope, residual)
        now, gain, size = _height(p, g, eps, hessian, mu), float(residual @ move), 1.0
        while size > TINY and not _height(p + size * move, g, eps, hessian, mu) <= now + 0.2 * size * gain:
            size /= 2
        if size <= TINY or np.abs(size * move).max() <= 1e-13 * p.max():
            break
        p = p + size * move
    return p, float(np.abs(residual).max())


def _height(p: np.ndarray, g: np.ndarray, eps: float, hessian: np.ndarray, mu: float) -> float:
    """Σ P − 2ε ln P + (g² − ε²)/P − μ ln det(2P − H), ∞ where 2P − H is not positive or P not above ε."""
    if not (p > eps).all():
        return np.inf
    try:
        root = np.linalg.cholesky(2 * np.diag(p) - hessian)
    except np.linalg.LinAlgError:
        return np.inf
    return float((p - 2 * eps * np.log(p) + (g**2 - eps**2) / p).sum() - 2 * mu * np.log(np.diag(root)).sum())
