"""A flow without an edge: one method after another, to the end."""

from __future__ import annotations

import numpy as np

from cfdyn.integrate.fields import plain_field
from cfdyn.integrate.outcome import reason
from cfdyn.integrate.run import MANY, Phase, Run
from cfdyn.kernels.steppers import methods


def smooth(run: Run) -> None:
    """Steps to the end, or until ``status`` says why not.

    The loop goes from method to method by itself once the flow has its Jacobian; that is compiled when first needed.
    """
    flow, clock, n, reference = run.flow, run.clock, len(run.z), np.empty((0, run.flow.n_weights))
    clock.rtol, clock.atol = run.options.rtol, run.options.atol
    changes = bool(clock.auto) and n <= MANY
    while not run.status:
        implicit = bool(clock.method == methods.IMPLICIT)
        ready = clock.ready = changes and (implicit or flow.has_jacobian)
        field = plain_field(n, *flow.right_hand_side(implicit or ready), run.counts)
        run.phases.append(Phase(field, run.t, reference, reference))
        ended = run.steps(field)
        if ended in (methods.STIFF, methods.MILD):
            run.change_method(ended)
            clock.state = 0.0
        else:
            run.status = run.status or reason(run, ended)
