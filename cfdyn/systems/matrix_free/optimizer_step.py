"""The step of an `OptimizerMap` at one state: its image and its derivatives, without a matrix."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.symbolic.elementwise import ElementwiseStep


class OptimizerStep:
    """A step of all weights at a state, with hyperparameters p.

    ``blocks`` (1 + states, d): the weights and their states, ``shared`` (s,), ``gradient`` (d,): that of the loss;
    D = (1 + states)d + s.
    """

    def __init__(self, rules: ElementwiseStep, blocks: np.ndarray, shared: np.ndarray, gradient: np.ndarray, p: np.ndarray):
        self.rules, self.p, self.raw, self.gradient = rules, p, gradient, gradient
        self.d, self.n, self._state = len(gradient), len(blocks), [*blocks, *shared.tolist()]
        self._by_gradient: list[Any] = []
        if rules.changes_gradient:
            changed, *self._by_gradient = rules.gradient(self._entries(gradient), p)
            self.gradient = np.asarray(changed)
        self._z = self._entries(self.gradient)

    def _entries(self, gradient: np.ndarray) -> list[Any]:
        return [*self._state, gradient, float(gradient @ gradient)]

    def _joined(self, columns: Sequence[Any], rows: int = 1) -> np.ndarray:
        """(rows, D) of what belongs to each weight, arrays or numbers, and to the shared states."""
        n, d = self.n, self.d
        out = np.empty((rows, n * d + len(columns) - n))
        for i, column in enumerate(columns):
            first = i * d if i < n else n * d + i - n
            out[:, first : first + (d if i < n else 1)] = column
        return out

    def image(self) -> np.ndarray:
        """The next state, (D,)."""
        return self._joined(self.rules.step(self._z, self.p))[0]

    def preconditioner(self) -> np.ndarray:
        """θP/2 and P of each weight, (2d,); a UsageError for an optimizer without."""
        return np.concatenate([np.broadcast_to(x, self.d) for x in self.rules.preconditioner(self._z, self.p)])

    def by_parameter(self, name: str) -> np.ndarray:
        """∂(next state)/∂(parameter of the optimizer), (D,)."""
        *own, _ = self.rules.by_parameter(name)(self._z, self.p)
        slopes = self._joined(own)[0]
        if not self.rules.changes_gradient:
            return slopes
        *_, slope = self.rules.by_parameter(name)(self._entries(self.raw), self.p)
        return slopes + self._pushed(np.zeros((1, len(slopes))), np.broadcast_to(slope, (1, self.d)))[0]

    def push(self, directions: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        """The images (k, D) of tangents (k, D), given the directional derivatives of the loss's gradient along them, (k, d).

        A weight that does not enter the loss, such as that of an input that is always 0, has gradient and states 0. If √ν has no
        derivative for it, its own states are taken not to move it, so that no multiplier depends on them.
        """
        if self.rules.changes_gradient:
            slopes = _product(self._by_gradient, self._moved(directions, slopes, self.raw), slopes.shape)
        return self._pushed(directions, slopes)

    def _pushed(self, directions: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        moved, size = self._moved(directions, slopes, self.gradient), len(self._z)
        rows = [self._jacobian[i : i + size] for i in range(0, len(self._jacobian), size)]
        pushed = self._combined(rows, moved)
        if not np.isfinite(pushed).all():
            still = [self.gradient == 0, *(state == 0 for state in self._state[1 : self.n]), *(slopes == 0)]
            unseen = np.logical_and.reduce(still)
            if unseen.any():
                rows[0] = [rows[0][0], *(np.where(unseen, 0.0, slope) for slope in rows[0][1:])]
                pushed = self._combined(rows, moved)
        return pushed

    def _combined(self, rows: Sequence[Sequence[Any]], moved: Sequence[np.ndarray]) -> np.ndarray:
        """(k, D) of the slopes by all entries of z, row by row, and how far these move, (k, d) or (k, 1)."""
        k = len(moved[0])
        shapes = [(k, self.d if i < self.n else 1) for i in range(len(rows))]
        return self._joined([_product(row, moved, shape) for row, shape in zip(rows, shapes, strict=True)], k)

    @cached_property
    def _jacobian(self) -> list[Any]:
        return self.rules.jacobian(self._z, self.p)

    def _moved(self, directions: np.ndarray, slopes: np.ndarray, gradient: np.ndarray) -> list[np.ndarray]:
        """How the entries of z move with each direction, (k, d) or (k, 1)."""
        own, common = np.split(directions, [self.n * self.d], axis=1)
        each = own.reshape(len(own), self.n, self.d).transpose(1, 0, 2)
        return [*each, *common.T[:, :, None], slopes, (2 * (slopes @ gradient))[:, None]]


def _product(row: Sequence[Any], moved: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Σ slope·motion; what has the slope 0 everywhere is left out."""
    terms = [slope * motion for slope, motion in zip(row, moved, strict=True) if np.ndim(slope) or slope != 0]
    return np.broadcast_to(sum(terms, np.zeros((1, 1))), shape)
