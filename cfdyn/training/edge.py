"""`Edge`: where an optimizer of many weights flips, λ₁(P⁻¹H) = θ, read off its formulas for one weight."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.preconditioning import preconditioning
from cfdyn.systems.map import Map


class Edge:
    """The preconditioner P and the edge θ of an optimizer. ``why``: in words, where it has none.

    >>> import cfdyn as cf
    >>> Edge(cf.optimizers.gd(lr=0.5)).constant, Edge(cf.optimizers.heavy_ball(lr=0.5, momentum=0.5)).constant
    (4.0, 6.0)
    """

    def __init__(self, optimizer: Optimizer):
        self.optimizer = optimizer
        # ∂(ws)/∂w = s: each row of a state (w, s, …) is a weight with its gradient s, of one more weight nothing is read.
        self._one = Map(LossMap(make_loss("w*s", ["w", "s"]), optimizer))
        self.why = ""
        try:
            self._moves = bool(preconditioning(self._one.spec).moving)
        except UsageError as error:
            self.why = str(error)

    @cached_property
    def constant(self) -> float | None:
        """θP where P is a number, as the 2/η of descent; None where P moves, or there is none."""
        if self.why or self._moves:
            return None
        return float(2 * self._evaluated(self._one.state([0.0, 0.0])[None])[0, 0])

    def at(self, z: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, float]:
        """P (d,) and θ of the step from a state of all weights with its gradient (d,)."""
        d, each, shared = len(gradient), len(self.optimizer.per_weight), len(self.optimizer.shared)
        rows = np.zeros((d, 2 + 2 * each + shared))
        rows[:, 0], rows[:, 1] = z[:d], gradient
        if self._squares:  # of all weights together: w is the gradient of s, so that s² + w² is ‖g‖²
            rows[:, 0] = np.sqrt(np.maximum(gradient @ gradient - gradient**2, 0.0))
        for k in range(each):
            rows[:, 2 + 2 * k] = z[(1 + k) * d : (2 + k) * d]
        rows[:, 2 + 2 * each :] = z[(1 + each) * d : (1 + each) * d + shared]
        found = self._evaluated(rows)
        with np.errstate(all="ignore"):
            return found[:, 2], float(np.fmax.reduce(2 * found[:, 0] / found[:, 2]))

    @cached_property
    def _squares(self) -> bool:
        formulas = [*self.optimizer.update.values(), *self.optimizer.define.values()]
        return any("gg" in formula.names for formula in formulas)

    def _evaluated(self, rows: np.ndarray) -> np.ndarray:
        return evaluate_rows(self._one.rule("preconditioner"), rows, self._one.p)
