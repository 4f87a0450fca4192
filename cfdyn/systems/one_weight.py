"""What an optimizer does to one weight, as compiled rules that serve every weight of a loss that is no formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.symbolic.derived import ExtendedMap
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.matrix_optimizer import MatrixOptimizer
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.preconditioning import preconditioning
from cfdyn.symbolic.text.formula import Formula
from cfdyn.systems.map import Map

SLOPE, SQUARE = "slope", "gg_of_all"  # of the loss at a weight, and the squared length of the gradient, as states


@dataclass(frozen=True)
class OneWeight:
    """The rules of one weight: ``body``, a map of (w, its states, the shared states, slope, square); ``gradient``, a map of
    (w, slope, square) whose first entry is what takes the place of the gradient, None where that is the loss's."""

    optimizer: Optimizer
    body: Map
    gradient: Map | None

    @classmethod
    def of(cls, optimizer: Optimizer) -> OneWeight:
        """Those of an optimizer; a UsageError for one that looks at matrices or at a second gradient."""
        if isinstance(optimizer, MatrixOptimizer) or optimizer.probe is not None:
            raise UsageError(f"{optimizer.name} takes a cf.Loss: it looks at whole matrices of weights, or at the gradient "
                             "elsewhere than at the weights")  # fmt: skip
        body = replace(optimizer, gradient=None, params={**optimizer.params, SQUARE: 0.0}, define=_renamed(optimizer.define),
                       update=_renamed(optimizer.update))  # fmt: skip
        if optimizer.gradient is None:
            return cls(optimizer, _of_slopes(body), None)
        instead = Optimizer(optimizer.name, body.params, _renamed({"w": optimizer.gradient}), domain=optimizer.domain)
        return cls(optimizer, _of_slopes(body), _of_slopes(instead))

    def at(self, **params: float) -> OneWeight:
        """With other parameters, by their names in the map."""
        names = {new: old for old, new in self.optimizer.beside({SLOPE: 1.0}).items()}
        optimizer = self.optimizer.at(**{names[name]: value for name, value in params.items()})
        return OneWeight(optimizer, self.body.at(**params), self.gradient and self.gradient.at(**params))

    @property
    def rest(self) -> tuple[list[float], list[float]]:
        """Initial values of the states of a weight, and of the shared ones."""
        initial = self.optimizer.initial
        return [initial[s] for s in self.optimizer.per_weight], [initial[s] for s in self.optimizer.shared]

    def preconditioner(self, rows: np.ndarray, p: np.ndarray) -> np.ndarray:
        """θP/2 and P of each weight and the penalty of weight decay, (2d + 1,); a UsageError for an optimizer without."""
        preconditioning(LossMap(make_loss("w", ["w"]), self.optimizer))  # with its own gradient, which the body lacks
        found = evaluate_rows(self.body.rule("preconditioner"), rows, p)
        decay = 0.0 if self.gradient is None else self.optimizer.params["weight_decay"]
        return np.append(found[:, :2].T.ravel(), decay)


def _renamed(formulas: Mapping[str, Formula]) -> dict[str, Formula]:
    return {name: f.renamed({"gg": SQUARE}) for name, f in formulas.items()}


def _of_slopes(optimizer: Optimizer) -> Map:
    return Map(ExtendedMap(LossMap(make_loss(f"{SLOPE}*w", ["w"], {SLOPE: 1.0}), optimizer), (SLOPE, SQUARE)))


class Located:
    """A step at a state: its image and its derivatives. ``blocks`` (1 + states, d), ``gradient`` (d,) that of the loss."""

    def __init__(self, rules: OneWeight, blocks: np.ndarray, shared: np.ndarray, gradient: np.ndarray, p: np.ndarray):
        self.rules, self.p, self.raw = rules, p, gradient
        self._given, self.gradient = np.empty((0, 3)), gradient
        if rules.gradient is not None:
            self._given = self._rows(blocks[:1], np.empty(0), gradient)
            self.gradient = evaluate_rows(rules.gradient.rule("step"), self._given, p)[:, 0].copy()
        self.n_shared, self.rows = len(shared), self._rows(blocks, shared, self.gradient)

    @staticmethod
    def _rows(blocks: np.ndarray, shared: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        d = len(gradient)
        return np.column_stack([*blocks, *(np.full(d, s) for s in shared), gradient, np.full(d, gradient @ gradient)])

    def _joined(self, columns: np.ndarray) -> np.ndarray:
        """(D,) from the new (w, states, shared) of each weight, (d, n): the shared ones are the same in all rows."""
        n = columns.shape[1] - self.n_shared
        return np.concatenate([columns[:, :n].T.ravel(), columns[0, n:]])

    def image(self) -> np.ndarray:
        """The next state, (D,)."""
        return self._joined(evaluate_rows(self.rules.body.rule("step"), self.rows, self.p)[:, :-2])

    def preconditioner(self) -> np.ndarray:
        """As of `OneWeight.preconditioner`."""
        return self.rules.preconditioner(self.rows, self.p)

    def by_parameter(self, name: str) -> np.ndarray:
        """∂(next state)/∂(parameter of the optimizer), (D,)."""
        own = self._joined(evaluate_rows(self.rules.body.rule(f"parameter_derivative:{name}"), self.rows, self.p)[:, :-2])
        if self.rules.gradient is None:
            return own
        slope = evaluate_rows(self.rules.gradient.rule(f"parameter_derivative:{name}"), self._given, self.p)[:, 0]
        return own + self._pushed(np.zeros((1, len(own))), slope[None])[0]

    def push(self, directions: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        """The images (k, D) of tangents (k, D), given what these make of the loss's gradient, (k, d)."""
        if self.rules.gradient is not None:
            if not hasattr(self, "_by_gradient"):
                jacobian = evaluate_rows(self.rules.gradient.rule("jacobian"), self._given, self.p)
                self._by_gradient = np.ascontiguousarray(jacobian[:, :3].T)
            by_weight, by_slope, by_square = self._by_gradient
            slopes = by_weight * directions[:, : len(self.raw)] + by_slope * slopes + by_square * (2 * slopes @ self.raw)[:, None]
        return self._pushed(directions, slopes)

    def _pushed(self, directions: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        d, size, s = len(self.raw), self.rows.shape[1], self.n_shared
        if not hasattr(self, "_jacobian"):
            found = evaluate_rows(self.rules.body.rule("jacobian"), self.rows, self.p).reshape(d, size, size)
            self._jacobian = np.ascontiguousarray(found[:, :-2].transpose(1, 2, 0))
        n = size - s - 2
        own = directions[:, : n * d].reshape(len(directions), n, d)
        common = np.column_stack([directions[:, n * d :], 2 * slopes @ self.gradient])
        weights = np.empty((len(directions), n, d))
        for i, row in enumerate(self._jacobian[:n]):
            weights[:, i] = row[-2] * slopes + sum(row[j] * own[:, j] for j in range(n))
            for k, j in enumerate([*range(n, n + s), size - 1]):
                if row[j].any():
                    weights[:, i] += common[:, k, None] * row[j]
        shared = common @ self._jacobian[n:, [*range(n, n + s), size - 1], 0].T
        return np.hstack([weights.reshape(len(directions), n * d), shared])
