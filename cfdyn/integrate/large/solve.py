"""`solve` for a loss that is no formula."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.integrate.large.record import LargeTrajectory
from cfdyn.integrate.large.rows import Rows
from cfdyn.integrate.large.run import LargeRun, Settings
from cfdyn.records.record import provenance
from cfdyn.systems.oracle_flow import OracleFlow

MOST = 1000  # numbers of a start that are kept beside a path


def solve_large(
    flow: OracleFlow, w0: Any, t: float, rows: np.ndarray | None, settings: Settings, progress: Callable[[float], None] | None
) -> LargeTrajectory:
    """The path of the flow from w0 over the time t, with rows at some times or at the ends of all steps."""
    z = flow.state(w0)
    run = LargeRun(flow, z, settings)
    found = Rows(run, rows)
    while run.t < t and not run.status:
        before = run.t
        run.step(t)
        if run.piece is not None and run.t > before:
            found.after(run.piece)
        if progress:
            progress(run.t)
    start = z if len(z) <= MOST else f"of length {np.linalg.norm(z):.17g}"
    said = provenance(flow=flow.title, params=flow.params, start=start, t=t, save_at=rows, **settings._asdict())
    return found.record(run.status or "done", said)
