"""How an integration ended, in words, and what it took."""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn.kernels.edge.block import CENTRAL, PLAIN, Edge
from cfdyn.kernels.edge.forces import FAINT
from cfdyn.kernels.steppers import methods
from cfdyn.kernels.steppers.field import JACOBIANS, SLOPES


def reason(run: Any, ended: int) -> str:
    """The status in words."""
    if ended == methods.REACHED:
        return "done"
    at = f"at t = {run.t:.12g}"
    if ended == methods.JUMP:
        return f"stopped {at}: the curvature jumps over the edge there, the Hessian is not continuous"
    size, speed = np.abs(run.z).max(), np.abs(run.f).max()
    with np.errstate(all="ignore"):
        growing = run.z @ run.f > 0
    if not size < 1e8 or (speed > 1e6 * (1.0 + size) and growing):
        return f"blow-up {at}: |z| = {size:.3g} grows at {speed:.3g} a step; lower t or lr, or start elsewhere"
    broken = "gradient" if not np.isfinite(run.flow.drift(run.z)).all() else ""
    if not broken and run.kind != PLAIN and not np.isfinite(run.flow.rule("edge")(run.z, run.flow.p)).all():
        broken = "Hessian"
    if broken:
        return f"left the domain {at}: the {broken} is not defined there"
    if run.options.step:
        return f"stopped {at}: the fixed step {run.options.step:g} is too long there; lower step"
    return (f"stalled {at}: the step shrank to nothing; the flow is singular or not smooth there, "
            "or `rtol` is too small (raise it)")  # fmt: skip


def violation(run: Any) -> float:
    """The largest violation of the edge at the end of any step."""
    return max((float(Edge(phase.field.block).worst) for phase in run.phases if phase.field.k), default=0.0)


def determined(run: Any) -> bool:
    """Whether Σ was unique all along."""
    return run.unique and all(Edge(phase.field.block).weakest > FAINT for phase in run.phases if phase.field.k)


def counts(run: Any) -> dict[str, int]:
    """Evaluations by kind, over all phases."""
    if run.kind == PLAIN:
        slopes, jacobians = run.counts.tolist()
        return {"slopes": slopes, "jacobians": jacobians, "hessians": 0, "third_derivatives": 0}
    slopes, jacobians = (sum(int(phase.field.counts[c]) for phase in run.phases) for c in (SLOPES, JACOBIANS))
    blocks = [Edge(phase.field.block) for phase in run.phases]
    return {"slopes": slopes, "jacobians": jacobians, "hessians": sum(int(b.spectra) for b in blocks),
            "third_derivatives": sum(int(b.pushes) for b in blocks)}  # fmt: skip


def stats(run: Any, violations: np.ndarray, slack: np.ndarray, sharpness: np.ndarray) -> dict:
    """Work, and how well the constraint holds."""
    found, d = counts(run), run.flow.n_weights
    # A Hessian is d products with a vector of 2 gradients each, a third derivative along two modes 5.
    work = run.flow.work * found["slopes"] + 2 * d * found["hessians"] + 5 * found["third_derivatives"]
    worst, complementarity, clock = 0.0, 0.0, run.clock
    if run.kind != PLAIN:
        beyond = float(np.nanmax(sharpness / 2 - 1, initial=0.0)) if run.kind == CENTRAL else 0.0
        worst, complementarity = max(float(violations.max(initial=0.0)), beyond, violation(run)), slack.max(initial=0.0)
    return {
        "steps": int(clock.steps), "rejected": int(clock.rejected), **found,
        "gradient_equivalents": int(work), "constraint_violation": worst, "complementarity": float(complementarity),
        "unique": bool(determined(run)), "phases": len(run.phases) + int(clock.changes),
    }  # fmt: skip
