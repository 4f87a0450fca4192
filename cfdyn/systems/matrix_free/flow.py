"""`MatrixFreeFlow`: the flow of an optimizer on a loss that is not a formula, from gradients and Hessian-vector products."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from cfdyn.arguments import vector
from cfdyn.errors import NumericsError, UsageError, unknown
from cfdyn.numerics.aligned import empty
from cfdyn.symbolic.elementwise import ElementwiseFlow
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.oracle import GradientOracle
from cfdyn.words import how_many

Numbers = Any  # an array (d,), or a number where all weights have the same


class Force(NamedTuple):
    """Of a covariance Σ: ∇⟨H, Σ⟩ (d,), diag(HΣH) (d,) and its sum."""

    bend: np.ndarray
    squares: Numbers
    total: float


class Edge(NamedTuple):
    """At a state: Q = θP/2, G/P, P, then for each slow state ∂Q/∂s, ½∂²f/∂g² and ∂f/∂‖g‖²."""

    metric: Numbers
    speed: Numbers
    scale: Numbers
    slopes: list[Numbers]
    by_square: list[Numbers]
    by_length: list[Numbers]


class RowNoise(NamedTuple):
    """Batches of so many rows, drawn with replacement or not, and the ηλ of a sharp direction."""

    batch: int
    replace: bool
    cut: float


class MatrixFreeFlow:
    """A flow dz/dt = F(z), z = (weights, the optimizer's slow states), of a loss with gradients and Hessian-vector products.

    ``kind``: "central", "plain" for the flow without oscillations, or "noisy", the central flow of ``noise``. ``rest``: the rate
    at which slow states relax, per unit of time; 0: their own rates. No d × d matrix is formed. `cf.flows.central` and
    `cf.flows.gradient` make it for a loss that is not a `cf.Loss`; `cf.solve` integrates it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import cfdyn as cf
    >>> bowl = SimpleNamespace(dim=2, value=lambda w: w @ w / 2, gradient=lambda w: w, hvp=lambda w, v: v)
    >>> flow = cf.flows.gradient(bowl, cf.optimizers.gd(lr=0.5))
    >>> flow, flow.drift([1.0, 2.0])
    (MatrixFreeFlow(gradient flow of gd:lr=0.5 on a loss of 2 weights, SimpleNamespace), array([-0.5, -1. ]))
    """

    discrete, lead = False, 0.0

    def __init__(
        self, name: str, kind: str, oracle: GradientOracle, optimizer: Optimizer, noise: RowNoise | None = None, rest: float = 0.0
    ):
        self.name, self.kind, self.oracle, self.optimizer, self.noise, self.rest = name, kind, oracle, optimizer, noise, rest
        optimizer.beside(self._own)  # which refuses equal names
        self.own = ElementwiseFlow(optimizer, name, edge=kind != "plain")
        self.n_weights = int(oracle.dim)
        self.decay = float(optimizer.params["weight_decay"]) if optimizer.gradient is not None else 0.0
        # A number for all states: the slowest one is as fast as that.
        self.state_speed = rest / min(self._relaxations()) if rest and self.own.states else 1.0

    def _relaxations(self) -> list[float]:
        """At a state of ones without a gradient, where a rate that is linear in its state has the one that it has everywhere."""
        return [float(rate) for rate in self.own.relaxation([1.0] * (1 + len(self.own.states)) + [0.0, 0.0])]

    @property
    def dim(self) -> int:
        """The length of the state."""
        return self.n_weights * (1 + len(self.own.each)) + len(self.own.shared)

    @property
    def names(self) -> tuple[str, ...]:
        """w1, w2, … and those of the optimizer's slow states."""
        d = range(1, self.n_weights + 1)
        return (*(f"{block}{i}" for block in ("w", *self.own.each) for i in d), *self.own.shared)

    @property
    def params(self) -> dict[str, float]:
        """Parameters of the optimizer and, if it has any, of the loss."""
        return {**self._own, **{called: self.optimizer.params[name] for called, name in self._names.items()}}

    @property
    def _names(self) -> dict[str, str]:
        """Parameters of the optimizer, by what they are called beside those of the loss."""
        return {called: name for name, called in self.optimizer.beside(self._own).items()}

    @property
    def _own(self) -> dict[str, float]:
        own = getattr(self.oracle, "params", None)
        return dict(own) if isinstance(own, dict) and hasattr(self.oracle, "at") else {}

    @property
    def title(self) -> str:
        """For messages and tables."""
        named = getattr(self.oracle, "title", f"a loss of {self.n_weights} weights, {type(self.oracle).__name__}")
        once = "" if self.noise is None or self.noise.replace else " without replacement"
        batches = "" if self.noise is None else f", batches of {self.noise.batch}{once}"
        return f"{self.name} flow of {self.optimizer}{batches} on {named}"

    @property
    def remarks(self) -> list[str]:
        """Sentences to print wherever its path is shown."""
        return list(getattr(self.oracle, "remarks", ()))

    def __repr__(self) -> str:
        return f"MatrixFreeFlow({self.title})"

    def at_midpoint(self, optimizer: Optimizer, z: np.ndarray, off: np.ndarray) -> np.ndarray:
        """The state at a midpoint (D,) of an optimizer: without its momentum, which is slaved; ``off`` (d,): from there to an
        iterate, the swing of the edge and the rod flow."""
        d, each = self.n_weights, optimizer.per_weight
        blocks = [z[:d], *(z[(1 + each.index(name)) * d : (2 + each.index(name)) * d] for name in self.own.each)]
        shared = z[(1 + len(each)) * d :]
        return np.concatenate([*blocks, [shared[optimizer.shared.index(name)] for name in self.own.shared]])

    def at(self, /, **params: float) -> MatrixFreeFlow:
        """The same flow with other parameter values."""
        for name in params:
            if name not in self.params:
                raise unknown("parameter of the flow", name, self.params)
        mine = {self._names[name]: value for name, value in params.items() if name in self._names}
        rest = {name: value for name, value in params.items() if name not in self._names}
        oracle = self.oracle.at(**rest) if rest else self.oracle  # type: ignore[attr-defined]
        return MatrixFreeFlow(self.name, self.kind, oracle, self.optimizer.at(**mine), self.noise, self.rest)

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """∇ of the loss with the penalty that weight decay stands for, (d,)."""
        gradient = np.asarray(self.oracle.gradient(w), dtype=float)
        if gradient.shape != (self.n_weights,):
            raise UsageError(f"the gradient of this loss has the shape {gradient.shape}, not ({self.n_weights},)")
        return gradient + self.decay * w if self.decay else gradient

    def state(self, start: Any) -> np.ndarray:
        """A full state (n,) from the weights alone or from the full state. Weights alone are completed by the state that the
        optimizer's first step uses, or, for a stationary flow, by the equilibrium of slow states without oscillations.
        """
        z = vector("a start", start)
        if not np.isfinite(z).all():
            raise UsageError("a start needs finite numbers")
        if z.shape == (self.n_weights,) and self.dim > self.n_weights:
            g = self.gradient(z)
            blank = [np.zeros(self.n_weights)] * len(self.own.each) + [0.0] * len(self.own.shared)
            parts = self.own.first([z, *blank, g, float(g @ g)])
            if self.rest:
                given = [z, *parts, g, float(g @ g)]
                rates = zip(self.own.drift(given)[2:], self.own.relaxation(given), strict=True)
                parts = [part + rate / fast for part, (rate, fast) in zip(parts, rates, strict=True)]
            widths = [self.n_weights] * len(self.own.each) + [1] * len(self.own.shared)
            return np.concatenate([z, *(np.broadcast_to(p, n) for p, n in zip(parts, widths, strict=True))])
        if z.shape != (self.dim,):
            raise UsageError(f"a start has {how_many(self.n_weights, 'weight')} or all {self.dim} entries, not {z.size}")
        return z.copy()

    def parts(self, z: np.ndarray) -> list[Any]:
        """The weights, the states of each weight (d,), and the shared ones as numbers."""
        d, blocks = self.n_weights, 1 + len(self.own.each)
        return [*(z[k * d : (k + 1) * d] for k in range(blocks)), *z[blocks * d :].tolist()]

    def drift(self, z: Any) -> np.ndarray:
        """F₀(z) = (−GP⁻¹g − δw, f(s, g)), (n,)."""
        z = self.state(z)
        return self.slope(z, self.gradient(z[: self.n_weights]))

    def slope(self, z: np.ndarray, g: np.ndarray, force: Force | None = None) -> np.ndarray:
        """F at a state with the gradient g there, (n,): with the oscillation of a force, or without."""
        parts, d = self.parts(z), self.n_weights
        speed, decay, *rates = self.own.drift([*parts, g, float(g @ g) if self.own.states else 0.0])
        out = empty(len(z))
        bent = g if force is None else np.add(g, np.multiply(force.bend, 0.5, out=out[:d]), out=out[:d])
        np.multiply(bent, -speed, out=out[:d])
        if np.any(decay):
            out[:d] -= decay * parts[0]
        if not rates:
            return out
        edge = self.edge(z, g) if force is not None else None
        for k, own in enumerate(rates):
            rate = self.state_speed * own if self.rest else own
            if edge is not None:
                rate = rate + self.spread(edge, k, force.squares, force.total)  # type: ignore[union-attr]
            self.block(out, k)[:] = rate
        return out

    def block(self, z: np.ndarray, k: int) -> np.ndarray:
        """The entries of the k-th slow state, a view."""
        d, each = self.n_weights, len(self.own.each)
        return z[(k + 1) * d : (k + 2) * d] if k < each else z[(each + 1) * d + k - each :][:1]

    def spread(self, edge: Edge, k: int, squares: Numbers, total: float) -> Numbers:
        """½⟨∇²_g f, HΣH⟩ of the k-th slow state, from diag(HΣH) and its sum."""
        own = edge.by_square[k] * squares if k < len(self.own.each) else 0.0
        spread = own + edge.by_length[k] * total
        return self.state_speed * spread if self.rest else spread

    def edge(self, z: np.ndarray, g: np.ndarray | None = None) -> Edge:
        """What the edge θP − H ⪰ 0 is made of; without a gradient Q, G/P and P alone."""
        parts = self.parts(z)
        given = [*parts, 0.0 if g is None else g, 0.0 if g is None or not self.own.states else float(g @ g)]
        metric, speed, scale = self.own.metric(given)
        if g is None or not self.own.states:
            return Edge(metric, speed, scale, [], [], [])
        own, n = self.own.edge(given), len(self.own.states)
        # √ν has no slope at 0, where a weight that the loss never sees has its ν: no mode moves it.
        slopes = [np.where(np.isfinite(slope) | (g != 0), slope, 0.0) if np.ndim(slope) else slope for slope in own[:n]]
        return Edge(metric, speed, scale, slopes, own[n : 2 * n], own[2 * n :])

    @property
    def of_descent(self) -> bool:
        """Whether the optimizer steps by −P⁻¹g with P at rest, without memory or decay: by its formulas, whatever its name."""
        if self.own.states:
            return False
        edge = self.edge(np.zeros(self.dim))
        return abs(self.theta(edge) - 2) < 1e-9 and not np.any(edge.speed * edge.scale != 1)

    @cached_property
    def rate(self) -> float:
        """η of descent."""
        return float(self.edge(np.zeros(self.n_weights)).speed)

    def theta(self, edge: Edge) -> float:
        """θ, the λ₁(P⁻¹H) at which a mode flips."""
        return float(np.ravel(2 * edge.metric)[0] / np.ravel(edge.scale)[0])

    def check(self, z: np.ndarray) -> None:
        """A NumericsError where P is not positive."""
        metric = self.edge(z).metric
        if not (np.isfinite(metric).all() and np.all(np.asarray(metric) > 0)):
            more = ", or give the optimizer's state with the start" if self.own.states else ""
            raise NumericsError(f"the preconditioner is not positive at the start; start elsewhere{more}")


def check_descent(name: str, oracle: GradientOracle, optimizer: Optimizer) -> None:
    """A UsageError for another optimizer than gradient descent, by its formulas; ``name``: of the flow."""
    try:
        if MatrixFreeFlow(name, "central", oracle, optimizer).of_descent:
            return
    except UsageError:
        if optimizer.name == "gd":
            raise
    other = "an optimizer of that name with other formulas" if optimizer.name == "gd" else optimizer.name
    raise UsageError(f"of a loss that is no formula the {name} flow is that of gd, not of {other}")
