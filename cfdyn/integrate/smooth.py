"""A flow without an edge: one method after another, to the end."""

from __future__ import annotations

import numpy as np

from cfdyn.integrate.fields import plain_field
from cfdyn.integrate.outcome import reason
from cfdyn.integrate.run import Phase, Run
from cfdyn.kernels import methods


def smooth(run: Run) -> None:
    """Steps to the end, or until ``status`` says why not; a phase for each method."""
    flow, flags, nothing = run.flow, run.flags, np.empty((0, run.flow.n_weights))
    run.clock[methods.RTOL], run.clock[methods.ATOL] = run.options.rtol, run.options.atol
    while not run.status:
        field = plain_field(flow.dim, *flow.right_hand_side(bool(flags[methods.METHOD] == methods.IMPLICIT)))
        run.phases.append(Phase(field, run.t, nothing, nothing))
        ended = run.steps(field)
        if ended in (methods.STIFF, methods.MILD):
            run.change_method(ended)
        else:
            run.status = run.status or reason(run, ended)
