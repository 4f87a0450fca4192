"""`MapByProducts`: a map that is known by its steps and by products with its Jacobian, without generated code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.errors import unknown

Product = Callable[[np.ndarray], np.ndarray]  # (k, D) → (k, D): the Jacobian times each row


class MapByProducts(ABC):
    """z → f(z) of D entries as analyses take it where there is no code: steps, tangents, and a name for each parameter.

    `cfdyn.systems.by_products.oracle_map.OracleMap` and the Poincaré and stroboscopic maps of flows are such maps.
    """

    switching, switches, has_loss = False, 0, False
    observables: tuple[str, ...] = ()
    n_weights: int

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
