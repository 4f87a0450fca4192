"""`solve` for a loss that is not a formula, and `large_run`, which is advanced on demand."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.errors import Interrupted
from cfdyn.integrate.large.kinds.central_map import MapRun
from cfdyn.integrate.large.kinds.central_run import CentralRun
from cfdyn.integrate.large.kinds.edge_run import EdgeRun
from cfdyn.integrate.large.kinds.noisy_run import NoisyRun
from cfdyn.integrate.large.kinds.rod_run import RodRun
from cfdyn.integrate.large.record import LargeTrajectory
from cfdyn.integrate.large.rows import Rows
from cfdyn.integrate.large.run import LargeRun
from cfdyn.integrate.large.start import warmed
from cfdyn.integrate.options import MAP, Options
from cfdyn.records.record import provenance
from cfdyn.systems.matrix_free.edge_flow import MatrixFreeEdgeFlow
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow
from cfdyn.systems.matrix_free.rod_flow import MatrixFreeRodFlow

NAMED = ("rtol", "atol", "max_step", "max_steps", "strict", "seed", "method")  # in the provenance
MOST = 1000  # numbers of a start that are kept beside a path


def solve_large(
    flow: MatrixFreeFlow, w0: Any, t: float, rows: np.ndarray | None, options: Options, warm: int,
    progress: Callable[[float], None] | None,
) -> LargeTrajectory:  # fmt: skip
    """The path of the flow from w0 over the time t, with rows at given times or at the ends of all steps."""
    run = _begun(flow, w0, warm, options)
    z, run.keeps_pieces = run.z, True
    kept = Rows(run, rows)
    start = z if len(z) <= MOST else f"of length {np.linalg.norm(z):.17g}"
    said = provenance(flow=flow.title, params=flow.params, start=start, t=t, save_at=rows, warm=warm,
                      **{name: getattr(options, name) for name in NAMED})  # fmt: skip
    try:
        while run.t < t and not run.status:
            before = run.t
            run.step(t)
            if run.piece is not None and run.t > before:
                kept.after(run.piece)
            if progress:
                progress(run.t)
    except KeyboardInterrupt:
        raise Interrupted(kept.record(f"interrupted at t = {run.t:.12g}", said)) from None
    return kept.record(run.status or "done", said)


def _kind(flow: MatrixFreeFlow, options: Options) -> Any:
    if isinstance(flow, MatrixFreeEdgeFlow):
        return EdgeRun
    if isinstance(flow, MatrixFreeRodFlow):
        return RodRun
    return NoisyRun if flow.noise is not None else MapRun if options.method == MAP else CentralRun


def large_run(flow: MatrixFreeFlow, w0: Any, rtol: float = 1e-3, atol: float = 1e-8, warm: int = 0, **options: Any) -> LargeRun:
    """A run of a flow, for a loss that is not a formula, from weights (d,) or a full state, advanced and stopped on demand.

    `LargeRun.advance` advances to a time exactly, `LargeRun.snapshot` returns all of it as arrays. ``rtol``, ``atol``: of a
    step's error, in the Euclidean length of the weights and of each slow state of the optimizer. ``warm``: number of steps of
    the optimizer before the flow starts, at (w₋ + 2w + w₊)/4. Further options: ``max_step``, ``max_steps``,
    ``strict`` (refuse a start beyond the edge), ``seed`` (of the searches for modes), ``method="map"`` (the central map).

    Examples
    --------
    >>> import cfdyn as cf
    >>> loss = cf.Loss("(1 - x*y)**2 / 2")
    >>> flow = MatrixFreeFlow("central", "central", loss, cf.optimizers.gd(lr=0.8))
    >>> run = large_run(flow, [1.5, 0.3], rtol=1e-5)
    >>> run.advance(10.0)
    >>> print(run.w.round(3), run.eigenvalues[:1].round(3), run.events[0].kind)  # exact: 1.415798, 0.704991
    [1.416 0.705] [2.] enter
    """
    return _begun(flow, w0, warm, Options(rtol, atol, **options))


def _begun(flow: MatrixFreeFlow, w0: Any, warm: int, options: Options) -> LargeRun:
    run = _kind(flow, options)(flow, options)
    start, said = warmed(flow, w0, warm) if warm else (flow.state(w0), "")
    run.begin(start)
    if said:
        run.notes.insert(0, said)
    return run


def idle_run(flow: MatrixFreeFlow, rtol: float = 1e-3, atol: float = 1e-8, **options: Any) -> LargeRun:
    """The same without a start, for which nothing is computed: for `LargeRun.begin` or `LargeRun.restore`."""
    made = Options(rtol, atol, **options)
    return _kind(flow, made)(flow, made)
