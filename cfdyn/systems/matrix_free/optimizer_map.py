"""`OptimizerMap`: a step of an optimizer on a loss that is not a formula, from gradients and Hessian-vector products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.arguments import vector
from cfdyn.errors import UsageError, unknown
from cfdyn.linalg.products import Product
from cfdyn.symbolic.elementwise import ElementwiseStep
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.eigenvalues import largest_eigenvalues
from cfdyn.systems.matrix_free.map import MatrixFreeMap
from cfdyn.systems.matrix_free.optimizer_step import OptimizerStep
from cfdyn.systems.oracle import GradientOracle
from cfdyn.words import how_many

APART, ROUND_OFF = 0.05, 1e-12  # of a difference of gradients and of a gradient: a product may be so far from the difference
DIFFERENCE = 1e-6  # of a parameter of the loss, by which the gradient is differentiated
OBSERVABLES = ("loss", "sharpness", "gradient_norm")


class OptimizerMap(MatrixFreeMap):
    """The map of an optimizer with formulas on any object with gradients and Hessian-vector products.

    The state is the weights, then each state of the optimizer for all weights, then the shared states. No matrix is
    formed; `iterate`, `classify`, `lyapunov_spectrum` and `continue_cycle` accept it like a `Map`. Clipping and weight decay are
    supported; matrix optimizers (muon, shampoo) and those with a second gradient (sam) need a `cf.Loss`. Made by
    `cf.as_map`. A loss with ``params`` and ``at``, like `cf.Loss`, can be continued in these parameters too; a loss with
    ``hvps(w, V)`` computes several products at once.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import cfdyn as cf
    >>> bowl = SimpleNamespace(dim=2, value=lambda w: w @ w / 2, gradient=lambda w: w, hvp=lambda w, v: v)
    >>> step = cf.as_map(bowl, cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
    >>> step([1.0, 2.0]), step.dim
    (array([0.5, 1. , 1. , 2. ]), 4)
    >>> cf.as_map(bowl, cf.optimizers.scalar_rmsprop(lr=0.1, beta2=0.75))([3.0, 4.0])  # ν = ‖g‖²/4
    array([2.88, 3.84, 6.25])
    """

    has_loss, observables = True, OBSERVABLES

    def __init__(self, oracle: GradientOracle, optimizer: Optimizer, rules: ElementwiseStep | None = None):
        self.oracle, self.optimizer, self.n_weights = oracle, optimizer, int(oracle.dim)
        optimizer.beside(self._own)  # which refuses equal names
        self._rules = ElementwiseStep(optimizer) if rules is None else rules
        self.blocks, self.n_shared = 1 + len(optimizer.per_weight), len(optimizer.shared)

    @property
    def dim(self) -> int:
        """The length of the state."""
        return self.blocks * self.n_weights + self.n_shared

    @property
    def names(self) -> tuple[str, ...]:
        """w1, w2, … and those of the optimizer's states."""
        blocks = ("w", *self.optimizer.per_weight)
        return (*(f"{block}{i + 1}" for block in blocks for i in range(self.n_weights)), *self.optimizer.shared)

    @property
    def params(self) -> dict[str, float]:
        """Parameters of the optimizer and, if it has any, of the loss."""
        return {**self._own, **{called: self.optimizer.params[name] for called, name in self._names.items()}}

    @property
    def p(self) -> np.ndarray:
        """Parameters of the optimizer, (n_p,)."""
        return np.array(list(self.optimizer.params.values()), dtype=float)

    @property
    def _names(self) -> dict[str, str]:
        """Parameters of the optimizer, by what they are called beside those of the loss."""
        return {called: name for name, called in self.optimizer.beside(self._own).items()}

    @property
    def _own(self) -> dict[str, float]:
        has = isinstance(getattr(self.oracle, "params", None), dict) and callable(getattr(self.oracle, "at", None))
        return dict(self.oracle.params) if has else {}  # type: ignore[attr-defined]

    @property
    def title(self) -> str:
        """For messages and tables."""
        return f"{self.optimizer} on {getattr(self.oracle, 'title', type(self.oracle).__name__)}, {self.n_weights} weights"

    def at(self, /, **params: float) -> OptimizerMap:
        """The same map with other parameter values."""
        for name in params:
            if name not in self.params:
                raise unknown("parameter of the map", name, self.params)
        own = {name: value for name, value in params.items() if name in self._own}
        others = {self._names[name]: value for name, value in params.items() if name not in own}
        oracle = self.oracle.at(**own) if own else self.oracle  # type: ignore[attr-defined]
        return OptimizerMap(oracle, self.optimizer.at(**others), self._rules)

    def observe(self, name: str, z: Any) -> np.ndarray:
        """An observable at states (n, D), (n,): the loss, λ₁ of its Hessian, or the length of its gradient."""
        states = np.asarray(z, dtype=float)
        if name not in OBSERVABLES or states.shape[1] != self.dim:
            raise unknown("observable of the map, of states with all its entries,", name, OBSERVABLES)
        if name == "sharpness":
            return largest_eigenvalues(self.rule, states, self.p, self.n_weights)
        weights = states[:, : self.n_weights]
        if name == "loss":
            return np.array([float(self.oracle.value(w)) for w in weights])
        return np.array([float(np.linalg.norm(self.oracle.gradient(w))) for w in weights])

    def preconditioners(self, z: np.ndarray) -> np.ndarray:
        """θP/2 and P of each weight in the step from states (n, D), and the penalty of weight decay, (n, 2d + 1)."""
        decay = self.optimizer.params["weight_decay"] if self._rules.changes_gradient else 0.0
        return np.array([np.append(self._step_at(row).preconditioner(), decay) for row in np.asarray(z, dtype=float)])

    def rule(self, what: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """``step`` of a state, the ``hessian`` (d·d,) there, or ``hvp``: its product with a direction behind the state."""
        d, oracle = self.n_weights, self.oracle
        rules: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
            "step": lambda z, p: self.step(z),
            "hvp": lambda z, p: np.asarray(oracle.hvp(z[:d], z[-d:]), dtype=float),
            "hessian": lambda z, p: self._products(z[:d], np.eye(d)).ravel(),
        }
        if what not in rules:
            raise unknown("rule of a map on a loss that is no formula", what, rules)
        return rules[what]

    def state(self, start: Any) -> np.ndarray:
        """A full state from the weights alone, or the full state; a UsageError for another length or what is not finite."""
        z = vector("a start", start)
        if z.shape == (self.n_weights,) and self.dim > self.n_weights:
            own, shared = (
                [self.optimizer.initial[s] for s in states] for states in (self.optimizer.per_weight, self.optimizer.shared)
            )
            z = np.concatenate([z, np.repeat(np.array(own, dtype=float), self.n_weights), shared])
        if z.shape != (self.dim,):
            raise UsageError(f"a start has {how_many(self.n_weights, 'weight')} or all {self.dim} entries, not {z.size}")
        if not np.isfinite(z).all():
            raise UsageError("a start needs finite numbers")
        return z

    def check_products(self, z: np.ndarray) -> None:
        """A UsageError if at a state the products are not the derivative of the gradient, by one difference."""
        self._gradient(self.oracle, z)  # which says what is wrong with a gradient
        w, rng = z[: self.n_weights], np.random.default_rng(0)
        v = rng.standard_normal(self.n_weights) * DIFFERENCE * max(1.0, float(np.abs(w).max()))
        by_difference = (np.asarray(self.oracle.gradient(w + v)) - np.asarray(self.oracle.gradient(w - v))) / 2
        gap, size = np.linalg.norm(by_difference - self.oracle.hvp(w, v)), np.linalg.norm(by_difference)
        floor = ROUND_OFF * float(np.linalg.norm(self.oracle.gradient(w)))
        if np.isfinite(gap) and gap > APART * size + floor:
            raise UsageError("hvp(w, v) is not the derivative of gradient(w) along v: at the start it is "
                             f"{gap / size:.2g} away from a difference of gradients, relative to that")  # fmt: skip

    def step(self, z: np.ndarray) -> np.ndarray:
        """f(z) of a full state (D,), not checked."""
        return self._step_at(z).image()

    def tangent(self, z: np.ndarray) -> tuple[np.ndarray, Product]:
        """f(z), and the product of Df(z) with the rows of (k, D)."""
        place = self._step_at(z)
        return place.image(), self._product(place, z, self.oracle)

    def linearized(self, z: np.ndarray, name: str, value: float) -> tuple[np.ndarray, Product, np.ndarray]:
        """(f(z), the product of Df(z) with the rows of (k, D), ∂f/∂(parameter)) for a value of the parameter, also one that the
        optimizer does not allow, such as a continuation's step beyond its bounds."""
        p, oracle = self.p.copy(), self.oracle
        if name in self._own:
            oracle = oracle.at(**{name: value})  # type: ignore[attr-defined]
        else:
            p[list(self._names).index(name)] = value
        place = self._step_at(z, p, oracle)
        if name in self._own:
            by_value = place.push(np.zeros((1, self.dim)), self._slope_by(z[: self.n_weights], name, value)[None])[0]
        else:
            by_value = place.by_parameter(self._names[name])
        return place.image(), self._product(place, z, oracle), by_value

    def _step_at(self, z: np.ndarray, p: np.ndarray | None = None, oracle: GradientOracle | None = None) -> OptimizerStep:
        n, given = self.blocks * self.n_weights, oracle or self.oracle
        own = z[:n].reshape(self.blocks, -1)
        return OptimizerStep(self._rules, own, z[n:], self._gradient(given, z), self.p if p is None else p)

    def _product(self, place: OptimizerStep, z: np.ndarray, oracle: GradientOracle) -> Product:
        d = self.n_weights
        return lambda rows: place.push(rows, self._products(z[:d], rows[:, :d], oracle))

    def _products(self, weights: np.ndarray, rows: np.ndarray, oracle: GradientOracle | None = None) -> np.ndarray:
        """∇²L with each row of (k, d)."""
        given = oracle or self.oracle
        if hasattr(given, "hvps") and len(rows):
            return np.asarray(given.hvps(weights, rows), dtype=float)
        return np.array([given.hvp(weights, v) for v in rows], dtype=float).reshape(rows.shape)

    def _slope_by(self, weights: np.ndarray, name: str, value: float) -> np.ndarray:
        h = DIFFERENCE * max(1.0, abs(value))
        up, down = (self.oracle.at(**{name: value + s}).gradient(weights) for s in (h, -h))  # type: ignore[attr-defined]
        return (np.asarray(up, dtype=float) - np.asarray(down, dtype=float)) / (2 * h)

    def _gradient(self, oracle: GradientOracle, z: np.ndarray) -> np.ndarray:
        gradient = np.asarray(oracle.gradient(z[: self.n_weights]), dtype=float)
        if gradient.shape != (self.n_weights,):
            raise UsageError(f"the gradient of this loss has the shape {gradient.shape}, not ({self.n_weights},)")
        return gradient


def require_oracle(loss: Any) -> GradientOracle:
    """The loss, or an error that says what it must have."""
    missing = [name for name in ("dim", "value", "gradient", "hvp") if not hasattr(loss, name)]
    if missing:
        raise UsageError("a loss is a formula, a cf.Loss, or an object with dim, value, gradient and hvp; "
                         f"{type(loss).__name__} has no " + ", ".join(missing))  # fmt: skip
    return loss
