"""A full state of a flow from what a user gives to start from."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.arguments import check_finite, vector
from cfdyn.errors import UsageError
from cfdyn.symbolic.programs.model import ModelSpec
from cfdyn.systems.map import Map
from cfdyn.words import how_many

Lift = Callable[[Any, np.ndarray], np.ndarray]


def state_of(flow: Any, lift: Lift | None, start: Any) -> np.ndarray:
    """A full state (n,) from the weights alone or from the full state.

    Unless the model says otherwise, the optimizer's state behind weights alone is the one that its first step
    uses: the initial one, updated once with the gradient there. Of a full state of the optimizer the momentum, which
    a flow has none of, is left out.
    """
    if isinstance(flow.spec, ModelSpec):
        return _of_model(flow, lift, start)
    step, kept, d = Map(flow.spec.map), list(flow.spec.kept), flow.n_weights
    given = vector("a start", start)
    if given.shape == (flow.dim,) and flow.dim not in (d, step.dim):
        check_finite("a start needs", given)
        return given
    z = step.state(given)
    if flow.dim > d and given.size == d:
        return np.concatenate([z[:d], step(z)[kept[d:]]])
    return z[kept]


def _of_model(flow: Any, lift: Lift | None, start: Any) -> np.ndarray:
    z = vector("a start", start)
    check_finite("a start needs", z)
    if z.shape == (flow.n_weights,) and lift is not None:
        return lift(flow, z)
    if z.shape != (flow.dim,):
        allowed = f"{how_many(flow.dim, 'entry', 'entries')} ({', '.join(flow.names)})"
        if lift is not None and flow.n_weights < flow.dim:
            few = how_many(flow.n_weights, "entry", "entries")
            allowed = f"{few} ({', '.join(flow.names[: flow.n_weights])}) or all {allowed}"
        raise UsageError(f"a start has {allowed}, not {z.size if z.ndim == 1 else z.shape}")
    return z
