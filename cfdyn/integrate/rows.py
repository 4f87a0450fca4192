"""The rows of a trajectory: the readings of a path at the requested times."""

from typing import Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.integrate.noise import of_noise
from cfdyn.integrate.stepping.run import Run
from cfdyn.integrate.supply.supplier import Readings
from cfdyn.kernels.edge.block import PLAIN
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.systems.flow import Flow

MAX_BYTES = 2**32  # of the covariances at all rows


def fields_of(flow: Flow, run: Run, z0: np.ndarray, rows: np.ndarray | None) -> dict[str, Any]:
    """The fields of the `Trajectory` of a run from z0 at the times ``rows``, or at the ends of all steps."""
    d, steps = flow.n_weights, [piece for phase in run.phases for piece in phase.steps]
    times, polynomials = _joined(steps, flow.dim)
    if rows is None:
        rows = np.concatenate([times[:, 0], [run.t]]) if len(times) else np.array([run.t])
    if rows[-1] > run.t:
        rows = rows[rows <= run.t]
    if len(rows) * (d * d + flow.dim) * 8 > MAX_BYTES:
        raise UsageError(f"{len(rows)} rows of Σ need more than {MAX_BYTES / 2**30:.0f} GiB; ask for fewer with `save_at`")
    (z, slopes, violation, covariance), rank = _read(run, z0, rows, times, polynomials)
    more: dict[str, Any] = {}
    seen = flow.observe(z)
    if seen is not None:
        covariance, rank, more = of_noise(seen, d)
    elif flow.spec.has("covariance"):
        covariance, rank = _predicted(flow, z)
    loss, sharpness, average, squares = _seen(flow, z, covariance)
    edge, slack = _edges(flow, z, covariance, sharpness)
    return {
        "flow": flow.title, "t": rows, "z": z, "slopes": slopes, "names": flow.names, "n_weights": d, "loss": loss,
        "sharpness": sharpness, "edge": edge, "covariance": covariance, "rank": rank, "predicted_loss": average,
        "predicted_grad_norm_sq": squares, "events": run.events, "status": run.status,
        "stats": run.stats(violation, slack, edge),
        "starts": times[:, 0].copy(), "sizes": times[:, 1].copy(), "polynomials": polynomials, "lead": flow.lead,
        "discrete": flow.discrete, "theta": thetas(flow, z), **more,
    }  # fmt: skip


def _joined(steps: list[tuple[np.ndarray, np.ndarray]], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and sizes (m, 2) and polynomials (m, 8, n) of all steps."""
    if len(steps) == 1:
        return steps[0]
    times, polynomials = zip(*steps, strict=True) if steps else ((np.empty((0, 2)),), (np.empty((0, 8, n)),))
    return np.concatenate(times), np.concatenate(polynomials)


def _read(run: Run, z0: np.ndarray, rows: np.ndarray, times: np.ndarray, polynomials: np.ndarray) -> tuple[Readings, np.ndarray]:
    """The readings at the rows and the ranks of Σ (m,); the last phase that has begun counts."""
    if run.kind == PLAIN or not len(rows):
        last, pieces = run.phases[-1], (times, polynomials) if len(times) else _rest(z0)
        return run.supplier.read(last.field, last.reference, *pieces, rows), np.zeros(len(rows), int)
    cuts = [*(int(np.searchsorted(rows, phase.start)) for phase in run.phases[1:]), len(rows)]
    parts, ranks, mine, steps = [], [], slice(0, 0), slice(0, 0)
    for number, (phase, cut) in enumerate(zip(run.phases, cuts, strict=True)):
        mine = slice(mine.stop, cut)
        steps = slice(steps.stop, steps.stop + sum(len(begun) for begun, _ in phase.steps))
        if mine.start < mine.stop:
            pieces = (times[steps], polynomials[steps]) if phase.steps else _rest(z0 if number == 0 else run.z)
            readings = run.supplier.read(phase.field, phase.reference, *pieces, rows[mine])
            if phase.field.k > len(phase.held):
                readings = readings._replace(covariance=_without_turns(readings.covariance))
            parts.append(readings)
            ranks.append(np.full(mine.stop - mine.start, len(phase.held)))
    return Readings(*map(np.concatenate, zip(*parts, strict=True))), np.concatenate(ranks)


def _without_turns(covariance: np.ndarray) -> np.ndarray:
    """Σ (m, d, d) while modes separate: mixed pairs represent a rotation, whose square is not kept."""
    values, vectors = np.linalg.eigh(covariance)
    return np.einsum("rij,rj,rkj->rik", vectors, np.maximum(values, 0.0), vectors)


def _rest(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A path that stays at z."""
    return np.array([[0.0, np.inf]]), np.concatenate([z[None], np.zeros((7, len(z)))])[None]


def _seen(flow: Flow, z: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, ...]:
    """Loss and sharpness at each state, and the averages of loss and squared gradient that Σ predicts; NaN without a loss."""
    d = flow.n_weights
    if not flow.spec.has("observed"):
        return (np.full(len(z), np.nan),) * 4
    observed = evaluate_rows(flow.rule("observed"), z, flow.p)
    gradient, hessian = observed[:, 1 : d + 1], observed[:, d + 1 :].reshape(-1, d, d)
    with np.errstate(all="ignore"):
        curved = np.einsum("rij,rjk->rik", hessian, covariance)
        average = observed[:, 0] + np.einsum("rii->r", curved) / 2
        squares = (gradient**2).sum(1) + np.einsum("rij,rji->r", curved, hessian)
    return observed[:, 0], _top(hessian), average, squares


def _predicted(flow: Flow, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Σ from the model's own state, and its numerical rank."""
    d = flow.n_weights
    covariance = evaluate_rows(flow.rule("covariance"), z, flow.p).reshape(-1, d, d)
    sizes = np.linalg.eigvalsh(np.where(np.isfinite(covariance), covariance, 0.0))
    return covariance, (sizes > 1e-9 * np.maximum(sizes[:, -1:], 1e-300)).sum(axis=1)


def _edges(flow: Flow, z: np.ndarray, covariance: np.ndarray, sharpness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """2λ₁(P⁻¹H)/θ at each state, without P 2λ₁(H) over the largest stable one; and |⟨θP − H, Σ⟩| relative to ⟨H, Σ⟩."""
    d = flow.n_weights
    if not flow.spec.has("edge"):
        return sharpness if flow.optimizer is None else flow.edge_per_sharpness() * sharpness, np.zeros(len(z))
    out = evaluate_rows(flow.rule("edge"), z, flow.p)
    hessian, p = out[:, : d * d].reshape(-1, d, d), out[:, d * d :]
    with np.errstate(all="ignore"):
        scaled = hessian / np.sqrt(p)[:, :, None] / np.sqrt(p)[:, None, :]
    if flow.spec.kind != "central":
        return _top(scaled), np.zeros(len(z))
    power = np.einsum("rij,rij->r", hessian, covariance)
    product = 2 * np.einsum("ri,rii->r", p, covariance) - power
    return _top(scaled), np.abs(product) / np.maximum(np.abs(power), 1e-300)


def thetas(flow: Flow, states: np.ndarray) -> np.ndarray | None:
    """θ at some states (m, n), (m,): the λ₁(P⁻¹H) at which a mode flips; None for a flow without P."""
    if not flow.spec.has("scale"):
        return None
    recursion, d = flow.spec.recursion.coefficients, flow.n_weights
    if recursion.edge == recursion.preconditioner:
        return np.full(len(states), 2.0)
    edges, scales = (evaluate_rows(flow.rule(what), states, flow.p) for what in ("edge", "scale"))
    with np.errstate(all="ignore"):
        return 2 * edges[:, d * d] / scales[:, 0]


def _top(matrices: np.ndarray) -> np.ndarray:
    """The largest eigenvalue of each; NaN where one is not finite."""
    finite = np.isfinite(matrices).all(axis=(1, 2))
    result = np.full(len(matrices), np.nan)
    result[finite] = np.linalg.eigvalsh(matrices[finite])[:, -1] if finite.any() else []
    return result
