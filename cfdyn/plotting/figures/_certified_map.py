"""The map of a certificate in floating point, for its graph."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cfdyn.certify.exact import exact
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.map import Map


def graph(about: Mapping[str, Any], x: np.ndarray) -> np.ndarray:
    """g at the points x (n,) of a map of one variable; parameters that vary are at the middle of their interval."""
    step = _map(about)
    return evaluate_rows(step.rule("step"), x[:, None], step.p)[:, 0]


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
