"""`OracleMap`: a step of an optimizer on a loss that is no formula, by its gradients and Hessian-vector products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.arguments import vector
from cfdyn.errors import UsageError, unknown
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.symbolic.derived import ExtendedMap
from cfdyn.symbolic.loss import make_loss
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.matrix_optimizer import MatrixOptimizer
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.map import Map
from cfdyn.systems.oracle import GradientOracle

SLOPE = "slope"  # of the loss at a weight, in the map of one weight
APART, ROUND_OFF = 0.05, 1e-12  # of a difference of gradients and of a gradient: a product may be so far from the difference
DIFFERENCE = 1e-6  # of a parameter of the loss, by which the gradient is differentiated


class OracleMap:
    """z → f(z) of many weights: an optimizer that treats each weight by itself, on any object with gradients and products.

    The state is the weights, then each state of the optimizer for all weights. No matrix is formed: `continue_cycle` follows its
    fixed points and short cycles. Made by `cf.as_map`. A loss with ``params`` and ``at``, as `cf.Loss` has them, can be
    followed along these, too.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import cfdyn as cf
    >>> bowl = SimpleNamespace(dim=2, value=lambda w: w @ w / 2, gradient=lambda w: w, hvp=lambda w, v: v)
    >>> step = cf.as_map(bowl, cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
    >>> step([1.0, 2.0]), step.dim
    (array([0.5, 1. , 1. , 2. ]), 4)
    """

    switching, switches, has_loss = False, 0, True

    def __init__(self, oracle: GradientOracle, optimizer: Optimizer, one: Map | None = None):
        self.oracle, self.optimizer, self.n_weights = oracle, optimizer, int(oracle.dim)
        if one is None:
            _check(optimizer)
            one = Map(ExtendedMap(LossMap(make_loss(f"{SLOPE}*w", ["w"], {SLOPE: 1.0}), optimizer), (SLOPE,)))
        self._one = one
        self.blocks = len(one.names) - 1
        self.periodic: dict[str, float] = {}

    @property
    def dim(self) -> int:
        """The length of the state."""
        return self.blocks * self.n_weights

    @property
    def names(self) -> tuple[str, ...]:
        """w1, w2, … and those of the optimizer's states."""
        rest = [name.removesuffix("_w") for name in self._one.names[1:-1]]
        return tuple(f"{block}{i + 1}" for block in ("w", *rest) for i in range(self.n_weights))

    @property
    def params(self) -> dict[str, float]:
        """Parameters of the optimizer and, if it has any, of the loss."""
        return {**self._own, **{name: value for name, value in self._one.params.items() if name != SLOPE}}

    @property
    def _own(self) -> dict[str, float]:
        has = isinstance(getattr(self.oracle, "params", None), dict) and callable(getattr(self.oracle, "at", None))
        return dict(self.oracle.params) if has else {}  # type: ignore[attr-defined]

    @property
    def title(self) -> str:
        """For messages and tables."""
        return f"{self.optimizer} on a loss of {self.n_weights} weights, {type(self.oracle).__name__}"

    def __repr__(self) -> str:
        return f"OracleMap({self.title})"

    def at(self, /, **params: float) -> OracleMap:
        """The same map with other parameter values."""
        for name in params:
            if name not in self.params:
                raise unknown("parameter of the map", name, self.params)
        own = {name: value for name, value in params.items() if name in self._own}
        others = {name: value for name, value in params.items() if name not in own}
        oracle = self.oracle.at(**own) if own else self.oracle  # type: ignore[attr-defined]
        names = {new: old for old, new in self.optimizer.beside({SLOPE: 1.0}).items()}
        optimizer = self.optimizer.at(**{names[name]: value for name, value in others.items()})
        return OracleMap(oracle, optimizer, self._one.at(**others) if others else self._one)

    @property
    def observables(self) -> tuple[str, ...]:
        """What `observe` knows of a state."""
        return ("loss", "gradient_norm")

    def observe(self, name: str, z: np.ndarray) -> np.ndarray:
        """The loss, or the length of its gradient, at states (n, D), (n,)."""
        weights = np.asarray(z, dtype=float)[:, : self.n_weights]
        if name == "loss":
            return np.array([float(self.oracle.value(w)) for w in weights])
        return np.array([float(np.linalg.norm(self.oracle.gradient(w))) for w in weights])

    def state(self, start: Any) -> np.ndarray:
        """A full state from the weights alone, or the full state; a UsageError for another length or what is not finite."""
        z = vector("a start", start)
        if z.shape == (self.n_weights,) and self.blocks > 1:
            z = np.concatenate([z, np.repeat(np.asarray(self._one.spec.rest, dtype=float)[: self.blocks - 1], self.n_weights)])
        if z.shape != (self.dim,):
            raise UsageError(f"a start has {self.n_weights} weights or all {self.dim} entries, not {z.size}")
        if not np.isfinite(z).all():
            raise UsageError("a start needs finite numbers")
        return z

    def check_products(self, z: np.ndarray) -> None:
        """A UsageError if at a state the products are not the derivative of the gradient, by one difference."""
        self._rows(z, self.oracle)  # which says what is wrong with a gradient
        w, rng = z[: self.n_weights], np.random.default_rng(0)
        v = rng.standard_normal(self.n_weights) * DIFFERENCE * max(1.0, float(np.abs(w).max()))
        by_difference = (np.asarray(self.oracle.gradient(w + v)) - np.asarray(self.oracle.gradient(w - v))) / 2
        gap, size = np.linalg.norm(by_difference - self.oracle.hvp(w, v)), np.linalg.norm(by_difference)
        floor = ROUND_OFF * float(np.linalg.norm(self.oracle.gradient(w)))
        if np.isfinite(gap) and gap > APART * size + floor:
            raise UsageError("hvp(w, v) is not the derivative of gradient(w) along v: at the start it is "
                             f"{gap / size:.2g} away from a difference of gradients, relative to that")  # fmt: skip

    def __call__(self, z: Any) -> np.ndarray:
        """f(z), (D,)."""
        return self._columns("step", self._rows(self.state(z), self.oracle), self._one.p)

    def linearized(
        self, z: np.ndarray, name: str, value: float
    ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray], np.ndarray]:
        """(f(z), the product of Df(z) with the rows of (k, D), ∂f/∂(parameter)) for a value of the parameter, also one that the
        optimizer does not allow, such as a continuation's step beyond its bounds."""
        d, size, p, oracle, weights = self.n_weights, self.blocks + 1, self._one.p.copy(), self.oracle, z[: self.n_weights]
        if name in self._own:
            oracle = oracle.at(**{name: value})  # type: ignore[attr-defined]
        else:
            p[list(self._one.params).index(name)] = value
        rows = self._rows(z, oracle)
        own = evaluate_rows(self._one.rule("jacobian"), rows, p).reshape(d, size, size)[:, :-1]
        own = np.ascontiguousarray(own.transpose(1, 2, 0))

        def product(directions: np.ndarray) -> np.ndarray:
            out = np.empty((len(directions), self.blocks, d))
            for k, v in enumerate(directions):
                parts = [*v.reshape(self.blocks, d), np.asarray(oracle.hvp(weights, v[:d]), dtype=float)]
                for i in range(self.blocks):
                    out[k, i] = sum(factor * part for factor, part in zip(own[i], parts, strict=True))
            return out.reshape(len(directions), self.blocks * d)

        if name in self._own:
            return self._columns("step", rows, p), product, (own[:, -1] * self._slope_by(weights, name, value)).ravel()
        return self._columns("step", rows, p), product, self._columns(f"parameter_derivative:{name}", rows, p)

    def _slope_by(self, weights: np.ndarray, name: str, value: float) -> np.ndarray:
        h = DIFFERENCE * max(1.0, abs(value))
        up, down = (self.oracle.at(**{name: value + s}).gradient(weights) for s in (h, -h))  # type: ignore[attr-defined]
        return (np.asarray(up, dtype=float) - np.asarray(down, dtype=float)) / (2 * h)

    def _rows(self, z: np.ndarray, oracle: GradientOracle) -> np.ndarray:
        """Of each weight its entries of the state and the loss's slope, (d, blocks + 1)."""
        gradient = np.asarray(oracle.gradient(z[: self.n_weights]), dtype=float)
        if gradient.shape != (self.n_weights,):
            raise UsageError(f"the gradient of this loss has the shape {gradient.shape}, not ({self.n_weights},)")
        return np.vstack([z.reshape(self.blocks, -1), gradient]).T

    def _columns(self, rule: str, rows: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(evaluate_rows(self._one.rule(rule), rows, p)[:, :-1].T).ravel()


def require_oracle(loss: Any) -> GradientOracle:
    """The loss, or an error that says what it must have."""
    missing = [name for name in ("dim", "value", "gradient", "hvp") if not hasattr(loss, name)]
    if missing:
        raise UsageError(f"a loss is a cf.Loss, or an object with dim, value, gradient and hvp; {type(loss).__name__} has no "
                         + ", ".join(missing))  # fmt: skip
    return loss


def _check(optimizer: Optimizer) -> None:
    """Refuse what does not treat each weight by itself, with the gradient at the weights alone."""
    formulas = [*optimizer.update.values(), *optimizer.define.values(), *([optimizer.gradient] if optimizer.gradient else [])]
    coupled = isinstance(optimizer, MatrixOptimizer) or optimizer.shared or optimizer.probe is not None
    if coupled or any("gg" in f.names for f in formulas):
        raise UsageError(f"{optimizer.name} does not treat each weight by itself with the gradient at the weights, so that it "
                         "takes a cf.Loss; gd, heavy_ball, nesterov and Adam without bias correction take any loss")  # fmt: skip
