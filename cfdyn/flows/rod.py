"""The rod flow."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Any, overload

import numpy as np

from cfdyn.errors import unknown
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.programs.model import ModelNodes, ModelSpec, Part
from cfdyn.symbolic.steps import optimizer_step
from cfdyn.systems.fields import Kernel
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map
from cfdyn.systems.matrix_free.optimizer_map import require_oracle
from cfdyn.systems.matrix_free.rod_flow import MatrixFreeRodFlow
from cfdyn.systems.oracle import GradientOracle
from cfdyn.tape.derivatives import directional
from cfdyn.tape.evaluate import evaluate, mp_algebra
from cfdyn.tape.matrices import symmetric
from cfdyn.tape.program import Node, Program, Tape
from cfdyn.tape.rebuild import rebuild

RODS = ("top", "all")


@overload
def rod(loss: Loss, optimizer: Optimizer, rods: str = "top") -> Flow: ...  # type: ignore[overload-overlap]  # an oracle, too


@overload
def rod(loss: GradientOracle, optimizer: Optimizer, rods: str = "top") -> MatrixFreeRodFlow: ...


def rod(loss: Any, optimizer: Optimizer, rods: str = "top") -> Flow | MatrixFreeRodFlow:
    """The rod flow: two successive iterates as the ends z̄ ± δ of a rod, δδᵀ = Σ, for any map z → z + G(z).

    With G± = G(z̄ ± δ) and δ = √λ₁ v₁ for the largest eigenvalue λ₁ of Σ

        dz̄/dt = ½(G₊ + G₋) − ⅛(DG₊ + DG₋)(G₊ + G₋),  dΣ/dt = ¼(G₊G₊ᵀ + G₋G₋ᵀ) − 2Σ,

    where G = −ηg for gradient descent. With ``rods="all"`` each eigenvector of Σ has a rod s_i = √λ_i v_i:

        dz̄/dt = Ḡ = G(z̄) + Σ_i ½[G(z̄+s_i) + G(z̄−s_i) − 2G(z̄)],  dΣ/dt = ½(Σ_i Δ_iΔ_iᵀ + ḠḠᵀ) − 2Σ,

    Δ_i = ½[G(z̄+s_i) − G(z̄−s_i)]. Weights and momenta have rods. Entries that depend only on squares of the gradient or on the
    number of the step (second moments, their sums, powers of β, counters) have δ = 0 and follow ½(G₊ + G₋) alone.

    The state is z̄, the optimizer's state, then the upper triangle of Σ over the entries with rods, row by row; ``covariance``
    is the block of the weights. If only weights are given, the flow starts half a step later, z̄ = z₀ + ½G(z₀), with δ = ½G(z₀):
    z̄(t) is the midpoint of the iterates t and t + 1. If all entries have rods, a 2-cycle is a fixed point. On a quadratic Σ
    grows iff the map has a multiplier μ with |μ − 1| > 2: the flow has a flip exactly where the map has one, but it does not
    detect a complex pair that leaves the unit circle. A single rod follows one mode. If that mode is a drift, whose steps are
    rods too, no rod is left from which another mode could grow at the edge. v₁ is undefined if the largest eigenvalues of Σ are
    equal; from the fourth order in δ on, so are the rods of "all" if any eigenvalues are. Eigenvectors across weights and momenta
    depend on units.

    A loss that is not a formula, such as a network, gives a `MatrixFreeRodFlow`, for gd only. Σ decays at the rate 2 and a slow Ḡ
    adds few directions, so Σ is stored as ZZᵀ without the eigenvalues below rtol/100 of the largest. The integrator is a
    stabilised method of order 2 whose sums of covariances have low rank too. Each evaluation takes 2r + 1 gradients for r rods,
    or two gradients and two Hessian-vector products for "top". A start may be the centre followed by a rod (d,).

    Parameters
    ----------
    rods : "top" (a single rod) or "all"

    Raises
    ------
    UsageError : other rods; for a loss that is not a formula, another optimizer than gd

    Examples
    --------
    >>> import cfdyn as cf
    >>> quartic = cf.Loss("S*w**2/2 - w**4/4", params={"S": 2.5})
    >>> path = cf.solve(cf.flows.rod(quartic, cf.optimizers.gd(lr=1.0)), [0.01], t=40)
    >>> path.covariance[-1].round(6), path.names  # (S − 2/η), the square of the 2-cycle
    (array([[0.5]]), ('w', 'Sigma_w_w'))

    References
    ----------
    Regis & Chewi, arXiv 2602.01480; for momentum and Adam arXiv 2605.06821.
    """
    if rods not in RODS:
        raise unknown("choice of rods:", rods, RODS)
    loss = Loss.or_oracle(loss)
    if not isinstance(loss, Loss):
        return MatrixFreeRodFlow(require_oracle(loss), optimizer, rods)
    from cfdyn.flows._kernels import rod as kernel

    step = LossMap(loss.spec, optimizer)
    flips = oscillating(step)
    mine = [name for name, flip in zip(step.names, flips, strict=True) if flip]
    size, r, d = len(step.names), len(mine), step.n_weights
    pairs = [f"Sigma_{a}_{b}" for i, a in enumerate(mine) for b in mine[i:]]
    parts = {
        "ends": Part(partial(_ends, flips, rods), size + 2 * r, r),
        "covariance": Part(partial(_weights_block, size, r), d * d),
    }
    spec = ModelSpec("rod", step, parts, (*step.names[d:], *pairs), {"rods": rods}, lead=0.5,
                     work=6 if rods == "top" else 1 + 2 * r)  # fmt: skip
    sizes = {"entries": r, "size": size, "rods": 1 if rods == "top" else r}
    return Flow(spec, lift=partial(_lift, flips), kernel=Kernel(kernel.rod, kernel.Rod, ("ends",), r, sizes))


def _ends(flips: tuple[bool, ...], rods: str, nodes: ModelNodes) -> list[Node]:
    """dz̄/dt, and on the entries with rods M = ½(G₊ + G₋) and ½(G₊ − G₋), for one rod behind the state."""
    t, z, half = nodes.tape, nodes.z[: len(flips)], 0.5
    mine = [i for i, flip in enumerate(flips) if flip]
    rod = dict(zip(mine, nodes.inputs(0, len(mine)), strict=True))
    moves = [t.sub(after, before) for after, before in zip(nodes.step(z), z, strict=True)]
    at_end = [rebuild(t, moves, t, {z[i]: sign(z[i], rod[i]) for i in mine}) for sign in (t.add, t.sub)]
    mean = nodes.times(half, nodes.plus(at_end[0], at_end[1]))
    drift = list(mean)
    if rods == "top":
        along = [x if flip else t.const(0) for x, flip in zip(mean, flips, strict=True)]
        second = nodes.times(half, directional(t, mean, z, [along]))
        for i in mine:
            drift[i] = t.sub(mean[i], second[i])
    apart = nodes.times(half, [t.sub(at_end[0][i], at_end[1][i]) for i in mine])
    return drift + [mean[i] for i in mine] + apart


def _weights_block(size: int, r: int, nodes: ModelNodes) -> list[Node]:
    """Σ of the weights, which are the first of the entries with rods."""
    return [entry for row in symmetric(nodes.z[size:], r)[: nodes.d] for entry in row[: nodes.d]]


def _lift(flips: tuple[bool, ...], flow: Flow, w: np.ndarray) -> np.ndarray:
    """The middle of the optimizer's first step from w, and half of it as the rod."""
    assert isinstance(flow.spec.map, LossMap)
    step = Map(flow.spec.map)
    z = step.state(w)
    half = (step(z) - z) / 2
    delta = half[np.array(flips)]
    return np.concatenate([z + half, np.outer(delta, delta)[np.triu_indices(len(delta))]])


def oscillating(step: LossMap) -> tuple[bool, ...]:
    """For each entry of the state, whether it flips with the weights: they and momenta do, second moments and counters do not.

    An entry does not if its update is even: the same when weights, gradients and all other entries that flip
    change their signs together. This excludes entries that depend only on squares of the gradient, on the number of the
    step, or on excluded entries. The formulas are evaluated at a random point, whatever the loss.

    >>> import cfdyn as cf
    >>> adam = cf.as_map(cf.Loss("w**2/2"), cf.optimizers.adam(lr=0.1))
    >>> dict(zip(adam.names, oscillating(adam.spec)))
    {'w': True, 'm_w': True, 'v_w': False, 'decay1': False, 'decay2': False}
    """
    n, d, tape = len(step.names), step.n_weights, Tape()
    leaves, parameters = tape.leaves("z", n + 2 * d), tape.named("p", step.params)
    gradients = [leaves[n : n + d], leaves[n + d :]]

    def slope(weights: Sequence[Node]) -> list[Node]:
        return gradients[0] if list(weights) == leaves[:d] else gradients[1]

    after = optimizer_step(tape, step.loss, step.optimizer, leaves[:n], parameters, slope)
    algebra, random = mp_algebra(20), np.random.default_rng(0)
    point, p = ([algebra.constant(Fraction(x)) for x in random.uniform(0.2, 0.9, k)] for k in (len(leaves), len(parameters)))

    def updated(entry: int, flipped: Sequence[bool]) -> object:
        z = [-x if flip else x for x, flip in zip(point, flipped, strict=True)]
        return evaluate(Program(tape, (after[entry],), len(z), len(p)), algebra, z, p)[0]

    flips, seen = [True] * len(leaves), [False] * len(leaves)
    before = {entry: updated(entry, seen) for entry in range(d, n)}
    while flips != seen:
        seen = list(flips)
        for entry in filter(flips.__getitem__, before):
            others = [flip and k != entry for k, flip in enumerate(seen)]
            flips[entry] = updated(entry, others) != before[entry]
    return tuple(flips[:n])
