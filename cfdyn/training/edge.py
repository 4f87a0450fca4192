"""`Edge`: where an optimizer of many weights flips, λ₁(P⁻¹H) = θ."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.preconditioning import preconditioning
from cfdyn.systems.orbit import thetas
from cfdyn.systems.steps import as_map

FLAT = SimpleNamespace(dim=1, value=lambda w: 0.0, gradient=np.zeros_like, hvp=lambda w, v: np.zeros_like(v))


class Edge:
    """The preconditioner P and the edge θ of an optimizer. ``why``: in words, where it has none.

    >>> import cfdyn as cf
    >>> print(Edge(cf.optimizers.gd(lr=0.5)).constant, f"{Edge(cf.optimizers.heavy_ball(lr=0.5, momentum=0.5)).constant:.6g}")
    4.0 6
    """

    def __init__(self, optimizer: Optimizer):
        self.optimizer, self.why = optimizer, ""
        try:
            self._recursion = preconditioning(LossMap(make_loss("w", ["w"]), optimizer))
            self._moves = bool(self._recursion.moving)
        except UsageError as error:
            self.why = str(error)

    @cached_property
    def constant(self) -> float | None:
        """θP where P is a number, as the 2/η of descent; None where P moves, or there is none."""
        if self.why or self._moves:
            return None
        return float(2 * self._one[0])

    @property
    def penalty(self) -> float:
        """What weight decay that goes through the gradient adds to each curvature."""
        return 0.0 if self.why else float(self._one[-1])

    @property
    def memory(self) -> float:
        """β of the momentum, what it keeps of itself in a step; 0 without any.

        >>> import cfdyn as cf
        >>> round(Edge(cf.optimizers.adam(lr=0.1, beta1=0.8)).memory, 12), Edge(cf.optimizers.rmsprop(lr=0.1)).memory
        (0.8, 0.0)
        """
        if self.why or not self._recursion.linear:
            return 0.0
        sizes = np.sort(np.abs(np.linalg.eigvals(self._recursion.numbers(self.optimizer.params)[2])))
        return float(sizes[-2]) if len(sizes) > 1 else 0.0

    @cached_property
    def _one(self) -> Any:
        """θP/2, P and the penalty on a loss of one weight."""
        one = as_map(FLAT, self.optimizer)
        return one.preconditioners(one.state([0.0])[None])[0]

    def at(self, network: Any, z: np.ndarray) -> tuple[np.ndarray, float]:
        """P (d,) and θ of the step from a state (D,) with all rows."""
        preconditioners = as_map(network, self.optimizer).preconditioners(z[None])
        d = preconditioners.shape[1] // 2
        return preconditioners[0, d : 2 * d], float(thetas(preconditioners)[0])
