"""`MatrixFreeMap`: a map defined by its steps and by products with its Jacobian, without generated code."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.errors import unknown
from cfdyn.kernels.orbits import DIVERGED, DONE, LEFT_DOMAIN
from cfdyn.linalg.products import Product, orthonormalised

Progress = Callable[[int], None]


class MatrixFreeMap(ABC):
    """A map z → f(z) of D entries without compiled formulas: steps, tangents, and a name for each parameter.

    `cfdyn.systems.matrix_free.optimizer_map.OptimizerMap` and the Poincaré and stroboscopic maps of flows are such maps.
    """

    compiled, switching, switches, has_loss = None, False, 0, False
    cost = tangent_cost = math.inf  # operations of a step: nobody knows
    at_once = 100  # steps between two reports of progress; Ctrl-C comes between any two
    observables: tuple[str, ...] = ()
    n_weights: int

    @property
    def has_state(self) -> bool:
        """True for the map of an optimizer that keeps more than the weights."""
        return self.has_loss and self.dim > self.n_weights

    @property
    def periodic(self) -> dict[str, float]:
        """Periods of the entries of the state that are angles: none."""
        return {}

    @property
    @abstractmethod
    def dim(self) -> int:
        """The length D of the state."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Of the entries of the state."""

    @property
    @abstractmethod
    def params(self) -> dict[str, float]:
        """Parameters with their values."""

    @property
    @abstractmethod
    def p(self) -> np.ndarray:
        """What rules of the map read besides the state."""

    @property
    @abstractmethod
    def title(self) -> str:
        """For messages and tables."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.title})"

    @abstractmethod
    def at(self, /, **params: float) -> Any:
        """The same map with other parameter values."""

    @abstractmethod
    def state(self, start: Any) -> np.ndarray:
        """A full state (D,) from what a user gives; a UsageError for another length or what is not finite."""

    def __call__(self, z: Any) -> np.ndarray:
        """f(z), (D,)."""
        return self.step(self.state(z))

    @abstractmethod
    def step(self, z: np.ndarray) -> np.ndarray:
        """f(z) of a full state (D,), not checked; not finite where the map is not defined."""

    @abstractmethod
    def tangent(self, z: np.ndarray) -> tuple[np.ndarray, Product]:
        """f(z), and the product of Df(z) with the rows of (k, D)."""

    @abstractmethod
    def linearized(self, z: np.ndarray, name: str, value: float) -> tuple[np.ndarray, Product, np.ndarray]:
        """(f(z), the product of Df(z) with the rows of (k, D), ∂f/∂(parameter)) for a value of the parameter, also one that the
        map does not allow, such as a continuation's step beyond its bounds."""

    def orbit(self, z: np.ndarray, n: int, escape: float, progress: Progress | None = None) -> tuple[np.ndarray, int]:
        """The states z, f(z), … (n+1, D) up to the last within ±escape, and DONE or what the next one is: see `AnyMap.orbit`."""
        states = np.empty((n + 1, self.dim))
        states[0] = z
        for k in range(n):
            with np.errstate(all="ignore"):
                states[k + 1] = self.step(states[k])
            if not np.abs(states[k + 1]).max() <= escape:
                return states[: k + 1].copy(), left(states[k], states[k + 1])
            if progress and (k + 1) % self.at_once == 0:
                progress(k + 1)
        return states, DONE

    def ahead(self, z: np.ndarray, n: int, escape: float, progress: Progress | None = None) -> tuple[np.ndarray, int, int]:
        """(the state n steps after z, n, DONE), or the last within ±escape, the steps to it and what the next one is."""
        for k in range(n):
            with np.errstate(all="ignore"):
                image = self.step(z)
            if not np.abs(image).max() <= escape:
                return z, k, left(z, image)
            z = image
            if progress and (k + 1) % self.at_once == 0:
                progress(k + 1)
        return z, n, DONE

    def stretch(self, z: np.ndarray, n: int, q: np.ndarray, sums: np.ndarray) -> int:
        """Push orthonormal tangents q (k, D) along n steps from z, both in place; they are made orthonormal at each step."""
        for k in range(n):
            with np.errstate(all="ignore"):
                image, product = self.tangent(z)
                rows = product(q)
            if not (np.isfinite(image).all() and np.isfinite(rows).all()):
                return k
            q[:], z[:] = orthonormalised(rows, sums), image
        return n

    def preconditioners(self, z: np.ndarray) -> np.ndarray:
        """θP/2 and P of each weight in the step from states (n, D), and the penalty of weight decay, (n, 2d + 1)."""
        raise unknown("rule of a map without a loss", "preconditioner", ("step",))

    def check_products(self, z: np.ndarray) -> None:  # noqa: B027 (most maps have nothing to check)
        """A UsageError if at a state the products are not the derivative of the step."""

    def observe(self, name: str, z: Any) -> np.ndarray:
        """An observable at states (n, D), (n,); a UsageError for an unknown name."""
        raise unknown("observable of the map", name, self.observables)

    def rule(self, what: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """``step``, as a function of a state and of ``p``."""
        if what != "step":
            raise unknown("rule of a map that has no code", what, ("step",))
        return lambda z, p: self.step(z)


def left(last: np.ndarray, beyond: np.ndarray) -> int:
    """Why a state is not acceptable after the last that was: too large, or NaN out of a moderate one."""
    return LEFT_DOMAIN if np.isnan(beyond).any() and np.abs(last).max() < 1e100 else DIVERGED
