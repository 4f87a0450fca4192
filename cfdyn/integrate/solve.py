"""`solve`: integrate a flow."""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from cfdyn.arguments import vector
from cfdyn.errors import Interrupted, NumericsError, UsageError, unknown
from cfdyn.integrate.compile_ahead import compiling_ahead
from cfdyn.integrate.constant import BEYOND, NEAR, narrow, neutral_modes, said_of_neutral
from cfdyn.integrate.feasible import into_feasible, refused
from cfdyn.integrate.flat import with_flat
from cfdyn.integrate.noise import beyond_stability, said_of_noise
from cfdyn.integrate.options import MAP, METHODS, Options
from cfdyn.integrate.rows import fields_of, thetas
from cfdyn.integrate.stepping.events import AtEdge
from cfdyn.integrate.stepping.plain import Discrete, Smooth
from cfdyn.integrate.stepping.run import Run
from cfdyn.integrate.supply.dense import Dense
from cfdyn.integrate.supply.supplier import Modes
from cfdyn.integrate.trajectory import Trajectory
from cfdyn.kernels.edge.block import PLAIN
from cfdyn.records.record import provenance
from cfdyn.systems.flow import Flow

if TYPE_CHECKING:
    from cfdyn.integrate.large.record import LargeTrajectory
    from cfdyn.systems.matrix_free.flow import MatrixFreeFlow


@overload
def solve(flow: Flow, w0: Any, t: tuple[float, float] | float, *arguments: Any, **options: Any) -> Trajectory: ...


@overload
def solve(flow: "MatrixFreeFlow", w0: Any, t: float, *arguments: Any, **options: Any) -> "LargeTrajectory": ...


def solve(
    flow: "Flow | MatrixFreeFlow", w0: Any, t: tuple[float, float] | float, rtol: float | None = None, atol: float | None = None,
    save_at: Sequence[float] | None = None, method: str = "auto", strict: bool = False, step: float | None = None,
    max_step: float = math.inf, max_steps: float = 100_000, edge_tolerance: float = 1e-3,
    warm: int = 0, progress: Callable[[float], None] | None = None, events: Any = None, direction: Any = "both",
    stop: Any = None,
) -> "Trajectory | LargeTrajectory":  # fmt: skip
    """Integrate a flow from w0 over the time t, in optimizer steps, or in the unit of time of general equations.

    Between events the flow is a smooth ODE, on the manifold where the critical eigenvalues of P⁻¹H are θ. `solve`
    integrates it with an error control there, projects every step onto the manifold, and locates the events: an
    eigenvalue reaches the edge, or Σ loses its rank.

    Parameters
    ----------
    flow : such as ``cf.flows.central(loss, optimizer)``, or general equations, `cf.Flow.from_text`
    w0 : the weights (d,), or the full state (n,); weights alone are completed by the state of the optimizer's first step
    t : the duration, or (from, to). A smooth flow is also integrated into the past, to t < 0 or from > to; its rows are in that
        order
    rtol, atol : tolerances of a step, for each entry of the state, by default 1e-8 and 1e-10; for a loss that is not a formula,
        in the length of all weights, by default 1e-3 and 1e-8
    save_at : times of the rows, in the order of the path, within t; by default the ends of all steps
    method : "dop853" (explicit, order 8), "radau5" (implicit, order 5), "rkc" (stabilised explicit, order 2), or "auto",
        which starts explicit, and changes method where that is stiff, and back; for a loss that is not a formula "auto" or "map",
        the central map of gradient descent: w ← w − ηM[g + ½∇⟨H, Σ⟩], M = 1 off the modes at the edge, (1 − e⁻²)/2 on them, no
        warm start
    strict : refuse a start beyond the edge; otherwise a state on the edge replaces it, the closest one if possible, and a note
        says so
    step : a fixed step in place of the error control, for convergence studies
    max_step, max_steps : bounds; a path that needs more steps ends early
    edge_tolerance : for `flows.thread`, how far below the edge an eigenvalue leaves the sum, as a fraction of the edge
    warm : for a loss that is not a formula, number n of steps of the optimizer before the flow starts, at (w₋ + 2w + w₊)/4 about
        step n, which is then t = 0: the first steps of an optimizer differ from any flow, with or without an edge; a note says
        so. For a flow of batches they are steps on batches
    progress : called now and then with the time reached
    events : functions by name, {"level": "x = 1"}, or a list of texts: of the state, the parameters, the time ``t``, and
        ``loss``, ``gradient_norm`` and, for one or two weights, ``sharpness`` of a flow of a loss; as texts, SymPy expressions or
        Python functions. Their crossings of 0 are in ``path.events``, ``kind`` the name of the function, located on the steps'
        polynomials to round-off; zeros at the start and zeros without a change of sign are not reported. "a = b" means a − b
    direction : "up", "down" or "both" in the direction of the path, for all events or by name
    stop : the same as ``events``, or names of these: the path ends at the first crossing, and its status says so

    Returns
    -------
    Trajectory, or `LargeTrajectory` for a loss that is not a formula; a path that meets a singularity ends early and its status
    states where and why

    Raises
    ------
    UsageError : an invalid start, time or option, or a start beyond the edge if ``strict``
    NumericsError : the flow is not defined at the start, or there is no state on the edge near it, or anywhere
    Interrupted : Ctrl-C, a KeyboardInterrupt; its ``record`` is the path until then

    Examples
    --------
    >>> import cfdyn as cf
    >>> flow = cf.flows.central(cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.8))
    >>> path = cf.solve(flow, [1.5, 0.3], t=10, save_at=[2, 10], rtol=1e-11)
    >>> path.t, path.w[0].tolist(), path.status
    (array([ 2., 10.]), [1.46400028..., 0.63673867...], 'done')
    >>> print(round(path.covariance[0].trace(), 8), path.sharpness.round(9), path(0.0))
    0.04454066 [2.5 2.5] [1.5 0.3]

    General equations, into the past, and up to an event:

    >>> pendulum = cf.Flow.from_text("v; -sin(x)", "x v")
    >>> path = cf.solve(pendulum, [1.0, 0.0], (0, -10), events={"bottom": "x = 0"}, stop="v = 0", rtol=1e-12)
    >>> [(event.kind, round(event.t, 8)) for event in path.events], path(-2.0).round(8)  # the half period is 2K(sin ½)
    ([('bottom', -1.67499392), ('v = 0', -3.34998783)], array([-0.30620096,  0.9090471 ]))

    References
    ----------
    Cohen et al. (2024), arXiv 2410.24206; Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I, II.10,
    and II, IV.8; Sommeijer, Shampine & Verwer (1998), RKC.
    """
    flow = flow if isinstance(flow, Flow) else Flow.of(flow) or flow
    many = not isinstance(flow, Flow)
    rtol, atol = (1e-3 if many else 1e-8) if rtol is None else rtol, (1e-8 if many else 1e-10) if atol is None else atol
    options = _checked(rtol, atol, method, step, max_step, max_steps, edge_tolerance, strict)
    begin, end, sign, rows = _times(t, save_at)
    if not isinstance(flow, Flow):
        if begin or sign < 0 or events is not None or stop is not None:
            raise UsageError("a flow of a loss that is not a formula starts at t = 0, is integrated forward and takes no "
                             "events of your own")
        return _solved(flow, w0, end, rows, options, warm, progress)
    if warm:
        raise UsageError("`warm` is for a loss that is not a formula; for a cf.Loss, start from the result of `iterate`")
    if method == MAP:
        raise UsageError("the central map is for a loss that is not a formula; for a cf.Loss, integrate the flow")
    crossings = None if events is None and stop is None else _crossings(flow, events, direction, stop, (begin, sign))
    flow = flow if sign > 0 else flow.backward()
    supplier = Dense(flow)
    z, notes, trouble = _start(flow, supplier, _at_time(flow, w0, begin), strict)
    notes += flow.remarks
    until = begin + sign * end
    settings = provenance(flow=flow.title, params=flow.params, start=z, t=(begin, until) if begin else until, rtol=rtol,
                          atol=atol, method=method,
                          step=step, save_at=None if rows is None else begin + sign * rows)  # fmt: skip
    run = _begun(flow, supplier, z, end, options, progress)
    run.trouble, run.crossings, run.begin, run.sign = trouble, crossings, begin, sign
    _to_end(run)
    if not (run.clock.steps or np.isfinite(run.f).all()):
        raise beyond_stability(flow, z) or _undefined(flow)
    path = _followed(flow, run, Trajectory(**fields_of(flow, run, z, rows), notes=notes, provenance=settings))
    if run.interrupted:
        raise Interrupted(path)
    return path


def _begun(flow: Flow, supplier: Dense, z: np.ndarray, end: float, options: Options, progress: Any
           ) -> Discrete | Smooth | AtEdge:  # fmt: skip
    """The run from a state, before its first step."""
    kind = Discrete if flow.discrete else Smooth if supplier.kind == PLAIN else AtEdge
    run = kind(supplier, z, end, options, progress)
    if "lr" not in flow.params:
        run.unit, run.causes = "unit of time", "t"
    return run


def _to_end(run: Discrete | Smooth | AtEdge) -> None:
    """All steps, or those before Ctrl-C."""
    try:
        with nullcontext() if isinstance(run, Discrete) else compiling_ahead(isinstance(run, AtEdge)):
            run.to_end()
    except KeyboardInterrupt:
        run.interrupt()


def _followed(flow: Flow, run: Run, path: Trajectory) -> Trajectory:
    """The path with quantities of the whole path added, in the user's time."""
    if flow.flat:
        path = with_flat(flow, path)
    path.notes.extend(said_of_noise(flow, path))
    return path.on_clock(run.begin, run.sign) if run.begin or run.sign < 0 else path


def _solved(
    flow: Any, w0: Any, t: float, rows: np.ndarray | None, options: Options, warm: int, progress: Any
) -> "LargeTrajectory":
    """The path for a loss that is not a formula."""
    from cfdyn.integrate.large.solve import solve_large
    from cfdyn.systems.matrix_free.flow import MatrixFreeFlow

    if not isinstance(flow, MatrixFreeFlow):
        raise UsageError(f"solve takes a flow such as cf.flows.gradient(loss, optimizer), not {type(flow).__name__}")
    if options.method not in ("auto", MAP) or options.step:
        raise UsageError("`step` and `method` (but 'map') are for a loss that is a formula, cf.Loss; give `rtol` and `max_step`")
    if options.method == MAP and t != round(t):
        raise UsageError(f"the central map takes whole steps, not up to t = {t:g}")
    return solve_large(flow, w0, t, rows, options, warm, progress)


def _checked(
    rtol: float, atol: float, method: str, step: float | None, max_step: float, max_steps: float, edge_tolerance: float,
    strict: bool,
) -> Options:  # fmt: skip
    """The options, or a UsageError for the first invalid one."""
    if method not in ("auto", MAP) and method not in METHODS:
        raise unknown("method", method, (*METHODS, "auto", MAP))
    for name, value, least in (("rtol", rtol, 1e-14), ("atol", atol, 0.0), ("edge_tolerance", edge_tolerance, 1e-9)):
        if not least <= value < math.inf:
            raise UsageError(f"`{name}` is a number of at least {least:g}, not {value}")
    if rtol > 1:
        raise UsageError(f"`rtol` is the relative error of a step, at most 1, not {rtol}")
    for name, bound in (("step", step), ("max_step", max_step), ("max_steps", max_steps)):
        if bound is not None and not bound > 0:
            raise UsageError(f"`{name}` must be greater than 0, not {bound}")
    most = int(min(max_steps, 2**62))
    return Options(rtol, max(atol, 1e-300), method, step or 0.0, max_step, most, 2 * edge_tolerance, strict)


def _times(t: Any, save_at: Sequence[float] | None) -> tuple[float, float, int, np.ndarray | None]:
    """The start time, the duration, the direction, and the rows measured from 0."""
    begin, end = (0.0, float(t)) if np.ndim(t) == 0 else (float(time) for time in t)
    if not (math.isfinite(begin) and math.isfinite(end)):
        raise UsageError(f"the time `t` is a finite number, or (from, to), not {t}")
    sign = 1 if end >= begin else -1
    rows = None if save_at is None else np.array(save_at, dtype=float)
    if rows is not None and not (len(rows) and np.isfinite(rows).all()):
        raise UsageError("`save_at` is a list of finite times")
    far = abs(end - begin)
    own = None if rows is None else sign * (rows - begin)
    if own is not None and not (own[0] >= 0.0 and own[-1] <= far * (1 + 1e-15) and (own[1:] > own[:-1]).all()):
        order = "increase" if sign > 0 else "decrease"
        raise UsageError(f"the times of `save_at` must {order} and lie in [{min(begin, end):g}, {max(begin, end):g}], the "
                         "requested `t`")  # fmt: skip
    return begin, far, sign, None if own is None else np.minimum(own, far)


def _crossings(flow: Flow, events: Any, direction: Any, stop: Any, clock: tuple[float, int]) -> Any:
    """The search for the user's events."""
    from cfdyn.integrate.stepping.crossings import Crossings

    return Crossings(flow.spec, flow.p, events, direction, stop, clock)


def _at_time(flow: Flow, w0: Any, begin: float) -> Any:
    """A start at this time, for a flow whose formulas contain the time."""
    if not flow.timed:
        return w0
    z = vector("a start", w0)
    if z.shape == (flow.dim,) and z[-1] != begin:
        raise UsageError(f"the start is at t = {z[-1]:g}, and the path begins at {begin:g}: give t=({z[-1]:g}, …)")
    return np.append(z, begin) if z.shape == (flow.n_weights,) else z


def _undefined(flow: Flow) -> NumericsError:
    more = ", or give the optimizer's state too" if flow.dim > flow.n_weights else ""
    return NumericsError(f"the flow is not defined at the start; start elsewhere{more}")


def _start(flow: Flow, supplier: Dense, w0: Any, strict: bool) -> tuple[np.ndarray, list[str], str]:
    """The initial state, on the right side of the edge, the changes made to get there, and any known obstruction."""
    z = flow.state(w0)
    # For flows without an edge, the slope at the start suffices.
    defined = all(map(math.isfinite, z.tolist())) and (flow.spec.kind == "plain" or np.isfinite(flow.drift_at(z)).all())
    if flow.spec.has("observed"):
        defined = defined and np.isfinite(flow.rule("observed")(z, flow.p)[0])
    if not defined:
        raise _undefined(flow)
    if flow.spec.kind not in ("central", "trace", "ablated"):
        return z, [], ""
    modes = supplier.modes(z)
    if flow.spec.kind == "central" and modes.values[-1] >= 2.0 - 2.0 * NEAR:
        return _start_at_edge(flow, supplier, z, modes, strict)
    if flow.spec.kind == "trace" and modes.values[-1] > BEYOND:
        return z, [f"the start is beyond the edge ({_beyond(flow, z, modes)}), and the sum of the eigenvalues there is held"], ""
    return z, [], ""


def _start_at_edge(flow: Flow, supplier: Dense, z: np.ndarray, modes: Modes, strict: bool) -> tuple[np.ndarray, list[str], str]:
    """The result of `_start` for the central flow from the edge or from beyond it; neutral modes are separated first."""
    supplier.neutral = neutral_modes(supplier, z, modes)
    notes, block = said_of_neutral(flow, supplier.neutral, modes), narrow(flow, z, supplier.neutral)
    trouble = block.said if block else ""
    if supplier.modes(z).values[-1] > BEYOND:
        beyond = _beyond(flow, z, modes)
        if strict:
            raise refused(beyond)
        if block and block.closed:
            raise NumericsError(f"the start is beyond the edge ({beyond}) and no state on the edge was found: {trouble}")
        z = into_feasible(supplier, z)
        place = ", ".join(f"{name}={value:.6g}" for name, value in zip(flow.names, z, strict=True))
        notes.insert(0, f"the start was beyond the edge ({beyond}) and was moved to {place}")
    return z, notes + [trouble] * bool(block), trouble


def _beyond(flow: Flow, z: np.ndarray, modes: Modes) -> str:
    """λ₁(P⁻¹H) and θ."""
    seen = thetas(flow, z[None])
    theta = 2.0 if seen is None else float(seen[0])
    digits = 6 if modes.values[-1] > 2.0 + 1e-4 else 15
    return f"λ₁(P⁻¹H) = {modes.values[-1] * theta / 2:.{digits}g} > {theta:.6g}"
