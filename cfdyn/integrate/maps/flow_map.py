"""`FlowMap`: a map whose step is a segment of a flow's path."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from cfdyn.arguments import check_finite, number, vector
from cfdyn.errors import NumericsError, UsageError, unknown
from cfdyn.integrate.maps.course import Course
from cfdyn.linalg.products import Product
from cfdyn.machine.portable import Portable
from cfdyn.systems.flow import Flow
from cfdyn.systems.matrix_free.map import MatrixFreeMap
from cfdyn.words import how_many


class FlowMap(Portable, MatrixFreeMap):
    """x → f(x) by integration of ``flow`` with the tolerances ``rtol`` and ``atol``, its Jacobian by the variational equation.

    ``iterate``, ``classify``, ``lyapunov_spectrum``, ``continue_cycle``, ``cycles``, ``orbit_diagram`` and ``regimes`` accept it
    like a `cf.Map`. The only normal form is the coefficient of a flip of a fixed point, by differences of Jacobians.
    """

    names: tuple[str, ...] = ()

    def __init__(self, flow: Flow, rtol: float, atol: float):
        self.flow = flow
        self.rtol, self.atol = number("`rtol`", rtol), number("`atol`", atol)
        if not (1e-15 <= self.rtol < 1 and 0 < self.atol < np.inf):
            raise UsageError(f"`rtol` lies in [1e-15, 1) and `atol` is positive, not {rtol} and {atol}")
        self.n_weights = self.dim

    @property
    def dim(self) -> int:
        """The length D of the state."""
        return len(self.names)

    @property
    def params(self) -> dict[str, float]:
        """Parameters of the flow with their values."""
        return self.flow.params

    @property
    def p(self) -> np.ndarray:
        """Values of the parameters, (n_p,)."""
        return np.array(list(self.params.values()), dtype=float)

    @abstractmethod
    def full(self, x: Any) -> np.ndarray:
        """The state of the flow (n,) at a state of the map."""

    @abstractmethod
    def time(self, x: Any) -> float:
        """The duration of a step from x, in the flow's unit of time."""

    @abstractmethod
    def course(self, k: int = 0, by: str = "", turned: bool = False) -> Course:
        """Steps with k tangents; see `Course`."""

    def _by(self, image: np.ndarray, name: str) -> np.ndarray | float:
        """The derivative of the next state in a parameter, (D,), beyond the part due to the flow's own derivative."""
        return 0.0

    def state(self, start: Any) -> np.ndarray:
        """A state (D,), checked."""
        x = vector("a start", start)
        if x.shape != (self.dim,):
            raise UsageError(f"a start has {self._allowed()}, not {x.size if x.ndim == 1 else x.shape}")
        check_finite("a start needs", x)
        return x

    def _allowed(self) -> str:
        return f"{how_many(self.dim, 'entry', 'entries')} ({', '.join(self.names)})"

    def __call__(self, z: Any) -> np.ndarray:
        """f(z), (D,).

        Raises
        ------
        NumericsError : there is no next state: the flow ends before, or never returns
        """
        image, _, _, why = self.course().one(self.state(z))
        if why:
            raise NumericsError(f"there is no next state: {why}")
        return image

    def step(self, z: np.ndarray) -> np.ndarray:
        """f(z) for a state (D,), unchecked; NaN if there is none."""
        return self.course().one(z)[0]

    def jacobian(self, z: Any) -> np.ndarray:
        """Df(z), (D, D)."""
        return self.tangent(self.state(z))[1](np.eye(self.dim)).T

    def tangent(self, z: np.ndarray) -> tuple[np.ndarray, Product]:
        """f(z), and the product of Df(z) with the rows of (k, D)."""
        image, pushed, _, _ = self.course(self.dim).one(z)
        return image, lambda rows: rows @ pushed

    def linearized(self, z: np.ndarray, name: str, value: float) -> tuple[np.ndarray, Product, np.ndarray]:
        """(f(z), the product of Df(z) with the rows of (k, D), ∂f/∂(parameter)) for a value of the parameter."""
        if name not in self.params:
            raise unknown("parameter of the map", name, self.params)
        at_value = self.at(**{name: value})
        image, pushed, _, _ = at_value.course(self.dim + 1, name).one(z)
        return image, lambda rows: rows @ pushed[:-1], pushed[-1] + at_value._by(image, name)

    def parameter_derivative(self, z: Any, name: str) -> np.ndarray:
        """∂f/∂(parameter) at z, (D,)."""
        return self.linearized(self.state(z), name, self.params.get(name, np.nan))[2]
