"""The steps of a model that is a map, as pieces of a path."""

from __future__ import annotations

import math

import numpy as np

from cfdyn.integrate.fields import plain_field
from cfdyn.integrate.outcome import reason
from cfdyn.integrate.run import BLOW_UP, Phase, Run
from cfdyn.kernels.steppers import methods
from cfdyn.kernels.steppers.field import SLOPE, SLOPES
from cfdyn.machine.jit import apply


def march(run: Run) -> None:
    """z + F(z) after one unit of time, straight lines in between, to the end or until ``status`` says why not."""
    nothing = np.zeros((0, run.flow.n_weights))
    field = plain_field(run.flow.dim, *run.flow.right_hand_side(jacobian=False), run.counts)
    sizes = np.append(np.ones(int(run.end)), run.end % 1)[: math.ceil(run.end)]
    pieces, done = np.zeros((len(sizes), 8, run.flow.dim)), len(sizes)
    for k, size in enumerate(sizes):
        apply(field.rules[SLOPE], run.z, field.p, run.f)
        if not (np.isfinite(run.f).all() and np.abs(run.z).max() < BLOW_UP):
            done, run.status = k, reason(run, methods.STALLED)
            break
        pieces[k, 0], pieces[k, 1] = run.z, size * run.f
        run.z += size * run.f
        run.clock.t += size
        if run.progress and k % 1000 == 0:
            run.progress(run.t)
    run.status = run.status or "done"
    run.clock.steps, run.counts[SLOPES] = done, done
    times = np.stack([np.arange(len(sizes), dtype=float), sizes], axis=1)
    run.phases.append(Phase(field, 0.0, nothing, nothing, [(times[:done], pieces[:done])] if done else []))
