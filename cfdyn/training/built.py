"""The network, the optimizer and what a step of it sees, from the texts of a `Config`."""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.registry import catalogue
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.text.settings import options, parts
from cfdyn.training.config import Config
from cfdyn.training.edge import Edge
from cfdyn.training.own_optimizer import read_formulas

ABOVE = 1.15  # the edge over the sharpness at the start, where no learning rate is given: training reaches it soon


def make_optimizer(config: Config, network: Any) -> tuple[Optimizer, Config]:
    """The optimizer, and the config with its learning rate; chosen from the sharpness at the start where it is not given."""
    if config.formulas is not None:
        return read_formulas(config.formulas), config
    name, settings = parts(config.optimizer)
    entry = catalogue("optimizers").get(name)
    if any(part.partition("=")[0].strip() == "lr" for part in settings.split(",")):
        return entry(**options(entry, settings, f"optimizer {name}")), config
    settings = ",".join(filter(None, [settings, "lr=1"]))
    at_one = entry(**options(entry, settings, f"optimizer {name}"))
    place = Edge(at_one)
    edge = place.constant
    if edge is None:
        raise UsageError(f"{name} needs its learning rate, such as {name}:lr=0.001: none follows from the sharpness at the start")
    if not hasattr(network, "sharpness"):
        raise UsageError(f"{name} needs its learning rate, such as {name}:lr=0.1: {type(network).__name__} tells no sharpness")
    sharpness = network.sharpness(network.start)
    if not sharpness > 0:
        raise UsageError(f"the start has no positive curvature, so no learning rate follows from it: give one, {name}:lr=0.1")
    lr = float(f"{edge / (ABOVE * sharpness + place.penalty):.2g}")
    words = f"edge at {ABOVE} times the sharpness at the start"
    return at_one.at(lr=lr), config.with_(optimizer=f"{name}:{settings[: -len('lr=1')]}lr={lr!r}", chosen=words)


class OnBatches:
    """The oracle that a step of the optimizer sees: the whole network, or the rows that are drawn for step ``k``.

    It counts gradients and keeps the loss where the last one was taken. Rows of step k are a function of the seed and k alone.
    """

    def __init__(self, network: Any, batch: int | None, seed: int):
        self.network, self.batch, self.seed, self.dim = network, batch, seed, network.dim
        self.k, self.loss, self.gradients = 0, float("nan"), 0
        rows = getattr(network, "n_rows", 0)
        if batch is not None and not rows:
            raise UsageError(f"batches are of rows of data, and {type(network).__name__} has no `n_rows`: leave `batch` out")
        if batch is not None and not batch <= rows:
            raise UsageError(f"a batch of {batch} is drawn from {rows} rows of data, and no row twice")

    def noise(self, cut: float | None) -> dict[str, Any]:
        """What a flow is told of the batches, see `cf.flows.central`: nothing where each has all rows."""
        if self.batch is None or self.batch == self.network.n_rows:
            return {}
        return {"batch": self.batch, "replace": False, "cut": cut}

    @property
    def rows(self) -> np.ndarray | None:
        """The numbers of the rows of step k; None for all."""
        if self.batch is None:
            return None
        stream = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, 0, self.k]))
        return np.sort(stream.permutation(self.network.n_rows)[: self.batch])

    def value(self, w: Any) -> float:
        """L(w) of all rows."""
        return float(self.network.value(w))

    def gradient(self, w: Any) -> np.ndarray:
        """∇L of the rows of step k."""
        self.gradients += 1
        if self.batch is not None:
            self.loss = float("nan")
            return np.asarray(self.network.gradient(w, self.rows))
        if not hasattr(self.network, "value_and_gradient"):
            self.loss = float(self.network.value(w))
            return np.asarray(self.network.gradient(w))
        self.loss, gradient = self.network.value_and_gradient(w)
        return gradient

    def hvp(self, w: Any, v: Any) -> np.ndarray:
        """∇²L v of the rows of step k."""
        return np.asarray(self.network.hvp(w, v) if self.batch is None else self.network.hvp(w, v, self.rows))

    def hvps(self, w: Any, v: Any) -> np.ndarray:
        """The same with each row of (k, d)."""
        if not hasattr(self.network, "hvps"):
            return np.array([self.hvp(w, row) for row in v])
        return np.asarray(self.network.hvps(w, v) if self.batch is None else self.network.hvps(w, v, self.rows))
