"""A start after some steps of the optimizer: gradient flow and optimizer differ in the first ones, with or without an edge."""

import inspect
from typing import Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.errors import NumericsError, UsageError
from cfdyn.systems.matrix_free.edge_flow import MatrixFreeEdgeFlow
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow, RowNoise
from cfdyn.systems.matrix_free.optimizer_map import OptimizerMap
from cfdyn.systems.matrix_free.rod_flow import MatrixFreeRodFlow


def warmed(flow: MatrixFreeFlow, w0: np.ndarray, steps: int) -> tuple[np.ndarray, str]:
    """(w₋ + 2w + w₊)/4 about the optimizer's step of that number with the slow states there, (n,), and a note about it.

    >>> from types import SimpleNamespace
    >>> import cfdyn as cf
    >>> bowl = SimpleNamespace(dim=1, value=lambda w: w @ w / 2, gradient=lambda w: w, hvp=lambda w, v: v)
    >>> warmed(cf.flows.gradient(bowl, cf.optimizers.gd(lr=1.5)), [1.0], 1)  # 1, -0.5, 0.25
    (array([0.0625]), 't = 0 is step 1 of the optimizer: the start is (w₋ + 2w + w₊)/4 about it')
    """
    steps, d = whole_number("warm", steps, 1), flow.n_weights
    step = OptimizerMap(flow.oracle if flow.noise is None else OnBatches(flow.oracle, flow.noise), flow.optimizer)
    before = step.state(w0)
    for _ in range(steps - 1):
        before = step(before)
    now = step(before)
    after = step(now)
    if not np.isfinite(after).all():
        raise NumericsError(f"the optimizer has diverged within its first {steps + 1} steps")
    optimizer, middle = flow.optimizer, (before[:d] + 2 * now[:d] + after[:d]) / 4
    on = "" if flow.noise is None else " on batches"
    said = f"t = 0 is step {steps} of the optimizer{on}: the start is (w₋ + 2w + w₊)/4 about it"
    if isinstance(flow, MatrixFreeEdgeFlow | MatrixFreeRodFlow):
        return flow.swinging(middle, now[:d] - middle), f"{said}, with the swing there"
    z = np.empty(flow.dim)
    z[:d] = middle
    for k, name in enumerate(flow.own.states):
        if name in optimizer.per_weight:
            first = d * (1 + optimizer.per_weight.index(name))
            flow.block(z, k)[:] = after[first : first + d]
        else:
            flow.block(z, k)[:] = after[d * (1 + len(optimizer.per_weight)) + optimizer.shared.index(name)]
    return z, said


class OnBatches:
    """A loss whose gradient is that of rows redrawn each time, from one stream."""

    def __init__(self, oracle: Any, noise: RowNoise):
        if "rows" not in inspect.signature(oracle.gradient).parameters:
            raise UsageError(f"`warm` on batches needs gradient(w, rows), and {type(oracle).__name__} has gradient(w)")
        self.oracle, self.noise, self.random, self.dim = oracle, noise, np.random.default_rng(0), oracle.dim
        self.value, self.hvp = oracle.value, oracle.hvp

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """∇ of the loss of a batch (d,)."""
        rows = self.random.choice(self.oracle.n_rows, self.noise.batch, self.noise.replace)
        return np.asarray(self.oracle.gradient(w, rows=rows))
