"""`solve`: integrate a flow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cfdyn.errors import NumericsError, UsageError, unknown
from cfdyn.integrate.fields import by_value, reading
from cfdyn.integrate.march import march
from cfdyn.integrate.outcome import stats
from cfdyn.integrate.phases import into_feasible, spectrum
from cfdyn.integrate.run import METHODS, Options, Phase, Run
from cfdyn.integrate.smooth import smooth
from cfdyn.integrate.trajectory import Trajectory
from cfdyn.kernels.edge.block import PLAIN
from cfdyn.kernels.orbits import evaluate_rows
from cfdyn.kernels.steppers.dense import observe
from cfdyn.records.record import provenance
from cfdyn.systems.flow import Flow

MAX_BYTES = 2**32


def solve(
    flow: Flow, w0: Any, t: float, rtol: float = 1e-8, atol: float = 1e-10, save_at: Sequence[float] | None = None,
    method: str = "auto", strict: bool = False, step: float | None = None, max_step: float = math.inf,
    max_steps: float = 100_000, edge_tolerance: float = 1e-3, progress: Callable[[float], None] | None = None,
) -> Trajectory:  # fmt: skip
    """The path of a flow from w0 over the time t, in optimizer steps.

    Between events the flow is a smooth ODE, on the manifold where the critical eigenvalues are 2 (of P⁻¹H). It is
    integrated with an error control there, every step is put back onto the manifold, and the events are located: an
    eigenvalue reaches the edge, or Σ loses its rank.

    Parameters
    ----------
    flow : such as ``cf.flows.central(loss, optimizer)``
    w0 : the weights (d,), or the full state (n,); behind weights alone stands the state of the optimizer's first step
    t : how far, ≥ 0
    rtol, atol : tolerances of a step, for each entry of the state
    save_at : the rows wanted, increasing times in [0, t]; if not given, the ends of all steps
    method : "dop853" (explicit, order 8), "radau5" (implicit, order 5), "rkc" (stabilised explicit, order 2), or "auto",
        which starts explicit and changes where that is stiff, and back
    strict : refuse a start beyond the edge; otherwise a state on it is taken, the nearest where that is found, and a note says so
    step : a fixed step in place of the error control, for convergence studies
    max_step, max_steps : bounds; a path that needs more steps ends early
    edge_tolerance : for `flows.thread`, how far below the edge an eigenvalue leaves the sum, as a part of it
    progress : called now and then with the time reached

    Returns
    -------
    Trajectory; one that meets a singularity ends early and its status says where and why

    Raises
    ------
    UsageError : a start, time or option that makes no sense, or a start beyond the edge where ``strict``
    NumericsError : the flow is not defined at the start, or no state on the edge is near it

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.central(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8))
    >>> path = cf.solve(flow, [1.5, 0.3], t=10, save_at=[2, 10], rtol=1e-11)
    >>> path.t, path.w[0].tolist(), path.status
    (array([ 2., 10.]), [1.46400028..., 0.63673867...], 'done')
    >>> print(round(path.covariance[0].trace(), 8), path.sharpness.round(9), path(0.0))
    0.04454066 [2.5 2.5] [1.5 0.3]

    References
    ----------
    Cohen et al. (2024), arXiv 2410.24206; Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I, II.10,
    and II, IV.8; Sommeijer, Shampine & Verwer (1998), RKC.
    """
    if not isinstance(flow, Flow):
        raise UsageError(f"solve takes a flow such as cf.flows.central(loss, optimizer), not {type(flow).__name__}")
    options = _checked(rtol, atol, method, step, max_step, max_steps, edge_tolerance)
    end, rows = _times(t, save_at)
    z, notes = _start(flow, w0, strict)
    notes += flow.remarks
    settings = provenance(flow=flow.title, params=flow.params, start=z, t=end, rtol=rtol, atol=atol, method=method,
                          step=step, save_at=None if save_at is None else rows)  # fmt: skip
    run = Run(flow, z, end, options, progress)
    if flow.discrete:
        march(run)
    elif run.kind == PLAIN:
        smooth(run)
    else:
        run.to_end()
    if not (run.clock.steps or np.isfinite(run.f).all()):
        raise _undefined(flow)
    return _gathered(run, z, rows, notes, settings)


def _checked(
    rtol: float, atol: float, method: str, step: float | None, max_step: float, max_steps: float, edge_tolerance: float
) -> Options:
    if method != "auto" and method not in METHODS:
        raise unknown("method", method, (*METHODS, "auto"))
    for name, value, least in (("rtol", rtol, 1e-14), ("atol", atol, 0.0), ("edge_tolerance", edge_tolerance, 1e-9)):
        if not least <= _number(name, value) < math.inf:
            raise UsageError(f"`{name}` is a number of at least {least:g}, not {value}")
    if rtol > 1:
        raise UsageError(f"`rtol` is the relative error of a step, at most 1, not {rtol}")
    for name, bound in (("step", step), ("max_step", max_step), ("max_steps", max_steps)):
        if bound is not None and not _number(name, bound) > 0:
            raise UsageError(f"`{name}` must be greater than 0, not {bound}")
    return Options(rtol, max(atol, 1e-300), method, step or 0.0, max_step, int(min(max_steps, 2**62)), 2 * edge_tolerance)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"`{name}` is a number, not {value!r}") from None


def _times(t: float, save_at: Sequence[float] | None) -> tuple[float, np.ndarray | None]:
    try:
        end = float(t)
        rows = None if save_at is None else np.array(save_at, dtype=float, ndmin=1)
    except (TypeError, ValueError):
        raise UsageError("`t` and the times of `save_at` are numbers") from None
    if not 0 <= end < math.inf:
        raise UsageError(f"the time `t` is a finite number of steps, at least 0, not {t}")
    if rows is not None:
        if rows.ndim != 1 or len(rows) == 0:
            raise UsageError("`save_at` is a list of finite times")
        if not (rows[0] >= 0.0 and rows[-1] <= end and (len(rows) == 1 or (rows[1:] > rows[:-1]).all())):
            if not np.isfinite(rows).all():
                raise UsageError("`save_at` is a list of finite times")
            raise UsageError(f"the times of `save_at` must increase and lie in [0, {end:g}], the `t` that was asked for")
    return end, rows


def _undefined(flow: Flow) -> NumericsError:
    more = ", or give the optimizer's state too" if flow.dim > flow.n_weights else ""
    return NumericsError(f"the flow is not defined at the start; start elsewhere{more}")


def _start(flow: Flow, w0: Any, strict: bool) -> tuple[np.ndarray, list[str]]:
    """The state to start from, on the right side of the edge, and what was done to get there."""
    z = flow.state(w0)
    # Of flows without an edge, the slope at the start tells.
    defined = all(map(math.isfinite, z.tolist())) and (flow.spec.kind == "plain" or np.isfinite(flow.drift_at(z)).all())
    if flow.spec.has("observed"):
        defined = defined and np.isfinite(flow.rule("observed")(z, flow.p)[0])
    if not defined:
        raise _undefined(flow)
    if flow.spec.kind in ("central", "trace", "ablated"):
        top = spectrum(flow, z)[0][-1]
        if flow.spec.kind == "central" and top > 2.0 * (1 + 1e-12):
            if strict:
                raise UsageError(f"the start is beyond the edge: λ₁(P⁻¹H) = {top:.6g} > 2; start elsewhere, lower lr, "
                                 "or do without strict to start from a state on the edge")  # fmt: skip
            moved = into_feasible(flow, z)
            place = ", ".join(f"{name}={value:.6g}" for name, value in zip(flow.names, moved, strict=True))
            return moved, [f"the start was beyond the edge (λ₁(P⁻¹H) = {top:.6g} > 2) and was moved to {place}"]
        if flow.spec.kind == "trace" and top > 2.0 * (1 + 1e-12):
            return z, [f"the start is beyond the edge (λ₁(P⁻¹H) = {top:.6g} > 2), and the sum of the eigenvalues there is held"]
    return z, []


def _gathered(run: Run, z0: np.ndarray, rows: np.ndarray | None, notes: list[str], settings: dict) -> Trajectory:
    """The record of a run."""
    flow, d = run.flow, run.flow.n_weights
    times, polynomials = _joined([piece for phase in run.phases for piece in phase.steps], flow.dim)
    if rows is None:
        rows = np.concatenate([times[:, 0], [run.t]]) if len(times) else np.array([run.t])
    if rows[-1] > run.t:
        rows = rows[rows <= run.t]
    if len(rows) * (d * d + flow.dim) * 8 > MAX_BYTES:
        raise UsageError(f"{len(rows)} rows of Σ need more than {MAX_BYTES / 2**30:.0f} GiB; ask for fewer with `save_at`")
    z, slopes, covariance, rank, violation = _observed(run, z0, rows, times, polynomials)
    if flow.spec.has("covariance"):
        covariance, rank = _predicted(flow, z)
    loss, sharpness, average, squares = _seen(flow, z, covariance)
    edge, slack = _edges(flow, z, covariance, sharpness)
    return Trajectory(
        flow.title, rows, z, slopes, flow.names, d, loss, sharpness, edge, covariance, rank,
        average, squares, run.events, run.status, stats(run, violation, slack, edge), notes, times[:, 0].copy(),
        times[:, 1].copy(), polynomials, flow.lead, flow.discrete, provenance=settings,
    )  # fmt: skip


def _joined(steps: list[tuple[np.ndarray, np.ndarray]], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts and sizes (m, 2) and polynomials (m, 8, n) of all steps."""
    if len(steps) == 1:
        return steps[0]
    times, polynomials = zip(*steps, strict=True) if steps else ((np.empty((0, 2)),), (np.empty((0, 8, n)),))
    return np.concatenate(times), np.concatenate(polynomials)


def _seen(flow: Flow, z: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, ...]:
    """Loss and sharpness at each state, and the averages of loss and squared gradient that Σ predicts; NaN without a loss."""
    d = flow.n_weights
    if not flow.spec.has("observed"):
        nothing = np.empty(len(z))
        nothing.fill(np.nan)
        return (nothing,) * 4
    observed = np.empty((len(z), 1 + d + d * d))
    evaluate_rows(flow.rule("observed").compiled, z, flow.p, observed)
    gradient, hessian = observed[:, 1 : d + 1], observed[:, d + 1 :].reshape(-1, d, d)
    with np.errstate(all="ignore"):
        curved = np.einsum("rij,rjk->rik", hessian, covariance)
        average = observed[:, 0] + np.einsum("rii->r", curved) / 2
        squares = (gradient**2).sum(1) + np.einsum("rij,rji->r", curved, hessian)
    return observed[:, 0], _top(hessian), average, squares


def _predicted(flow: Flow, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Σ as the model's own state has it, and its numerical rank."""
    d = flow.n_weights
    out = np.empty((len(z), d * d))
    evaluate_rows(flow.rule("covariance").compiled, z, flow.p, out)
    covariance = out.reshape(-1, d, d)
    sizes = np.linalg.eigvalsh(np.where(np.isfinite(covariance), covariance, 0.0))
    return covariance, (sizes > 1e-9 * np.maximum(sizes[:, -1:], 1e-300)).sum(axis=1)


def _observed(
    run: Run, z0: np.ndarray, rows: np.ndarray, times: np.ndarray, polynomials: np.ndarray
) -> tuple[np.ndarray, ...]:
    """States, slopes, Σ, ranks and constraint violations at the rows; the last phase that has begun counts."""
    n, d, m = run.flow.dim, run.flow.n_weights, len(rows)
    z, slopes, violation = np.empty((m, n)), np.empty((m, n)), np.zeros(m)
    covariance, rank = np.zeros((m, d, d)), np.zeros(m, int)
    if run.kind == PLAIN:
        field = run.phases[-1].field
        observe(field.rules, field.p, *((times, polynomials) if len(times) else _rest(z0)), rows, z, slopes)
        return z, slopes, covariance, rank, violation
    cuts = [*(int(np.searchsorted(rows, phase.start)) for phase in run.phases[1:]), m]
    mine, steps = slice(0, 0), slice(0, 0)
    for number, (phase, cut) in enumerate(zip(run.phases, cuts, strict=True)):
        mine = slice(mine.stop, cut)
        steps = slice(steps.stop, steps.stop + sum(len(begun) for begun, _ in phase.steps))
        if mine.start < mine.stop:
            pieces = (times[steps], polynomials[steps]) if phase.steps else _rest(z0 if number == 0 else run.z)
            held = _read(phase, *pieces, rows[mine], z[mine], slopes[mine])
            if held is not None:
                violation[mine], covariance[mine], rank[mine] = *held, len(phase.held)
    return z, slopes, covariance, rank, violation


def _rest(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A path that stays at z."""
    return np.array([[0.0, np.inf]]), np.concatenate([z[None], np.zeros((7, len(z)))])[None]


def _read(
    phase: Phase, times: np.ndarray, polynomials: np.ndarray, rows: np.ndarray, z: np.ndarray, slopes: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Fill in states and slopes at the rows of a phase; where modes are held, violation and Σ there."""
    field, n, d = phase.field, z.shape[1], phase.reference.shape[1]
    if not field.k:
        observe(field.rules, field.p, times, polynomials, rows, z, slopes)
        return None
    before, found = field.block.copy(), np.zeros((len(rows), 1 + n + d * d))
    by_value(field, phase.reference)
    rules, block = reading(field)
    observe(rules, block, times, polynomials, rows, z, found)
    field.block[: len(before)] = before
    slopes[:], covariance = found[:, 1 : n + 1], found[:, n + 1 :].reshape(-1, d, d)
    if field.k > len(phase.held):
        # While modes part, mixed pairs stand for a turn; of its square nothing is kept.
        values, vectors = np.linalg.eigh(covariance)
        covariance = np.einsum("rij,rj,rkj->rik", vectors, np.maximum(values, 0.0), vectors)
    return found[:, 0], covariance


def _edges(flow: Flow, z: np.ndarray, covariance: np.ndarray, sharpness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """λ₁(P⁻¹H) at each state, for other optimizers 2λ₁(H) over the largest stable one; and |⟨2P − H, Σ⟩| relative to ⟨H, Σ⟩."""
    d = flow.n_weights
    if not flow.spec.has("edge"):
        return sharpness if flow.optimizer is None else flow.edge_per_sharpness() * sharpness, np.zeros(len(z))
    out = np.empty((len(z), d * d + d))
    evaluate_rows(flow.rule("edge").compiled, z, flow.p, out)
    hessian, p = out[:, : d * d].reshape(-1, d, d), out[:, d * d :]
    with np.errstate(all="ignore"):
        scaled = hessian / np.sqrt(p)[:, :, None] / np.sqrt(p)[:, None, :]
    if flow.spec.kind != "central":
        return _top(scaled), np.zeros(len(z))
    power = np.einsum("rij,rij->r", hessian, covariance)
    product = 2 * np.einsum("ri,rii->r", p, covariance) - power
    return _top(scaled), np.abs(product) / np.maximum(np.abs(power), 1e-300)


def _top(matrices: np.ndarray) -> np.ndarray:
    """The largest eigenvalue of each; NaN where one is not finite."""
    finite = np.isfinite(matrices).all(axis=(1, 2))
    result = np.full(len(matrices), np.nan)
    result[finite] = np.linalg.eigvalsh(matrices[finite])[:, -1] if finite.any() else []
    return result
