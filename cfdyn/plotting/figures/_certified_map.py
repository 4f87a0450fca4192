"""The map of a certificate in floating point, for its graph."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cfdyn.certify.exact import exact
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.map import Map

# Times the usual rise between two points, and of the graph's height: a jump is searched for there, by this many bisections.
STEEP, HIGH, HALVINGS = 10.0, 0.01, 40


def graph(about: Mapping[str, Any], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the graph of a map of one variable at x (n,), with a gap (NaN) at each jump; parameters that vary are at the
    middle of their interval.
    """
    step = _map(about)
    return with_gaps(lambda x: evaluate_rows(step.rule("step"), x[:, None], step.p)[:, 0], x)


def with_gaps(g: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and g(x), with a NaN between them wherever most of a steep rise remains after the interval has been halved many times."""
    y = g(x)
    rises = np.abs(np.diff(y))
    at = np.flatnonzero(rises > max(STEEP * np.nanmedian(rises), HIGH * (np.nanmax(y) - np.nanmin(y))))
    a, b = x[at], x[at + 1]
    for _ in range(HALVINGS):
        middle = (a + b) / 2
        left = np.abs(g(middle) - g(a)) >= np.abs(g(b) - g(middle))
        a, b = np.where(left, a, middle), np.where(left, middle, b)
    jumps = at[np.abs(g(b) - g(a)) > rises[at] / 2] + 1
    return np.insert(x, jumps, x[jumps - 1]), np.insert(y, jumps, np.nan)


def _map(about: Mapping[str, Any]) -> Map:
    if about["type"] == "formulas":
        return Map.from_text(about["formulas"], about["variables"], _values(about["params"]))
    loss, own = about["loss"], about["optimizer"]
    data = {"data": np.array([[float(exact(v)) for v in row] for row in loss["rows"]])} if loss["rows"] else {}
    spec = make_loss(loss["formula"], loss["variables"], _values(loss["params"]), loss["columns"], **data)
    update = {name: own["update"][name] for name in ("w", *own["per_weight"])}
    shared = {name: own["update"][name] for name in own["shared"]}
    params, more = _values(own["params"]), {name: own[name] for name in ("gradient", "probe")}
    optimizer = Optimizer.from_text(update, params, own["define"], shared, **more)
    return Map(LossMap(spec, optimizer))


def _values(params: Mapping[str, Any]) -> dict[str, float]:
    pairs = {name: value if isinstance(value, list) else [value] for name, value in params.items()}
    return {name: float(sum(map(exact, pair)) / len(pair)) for name, pair in pairs.items()}
