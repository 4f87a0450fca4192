"""`AnyMap`: what analyses ask of a map, whether it is compiled or matrix-free."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from cfdyn.linalg.products import Product
from cfdyn.systems.map import Map
from cfdyn.systems.matrix_free.map import Progress


class AnyMap(Protocol):
    """A map z → f(z; p) of D entries with parameters p: the interface that analyses use.

    There are two implementations, chosen where the map is made (`cf.as_map`, `cf.Map.from_text`, `cf.poincare_map`, …).
    *Compiled*, a `Map`: formulas as machine code, with derivatives of any order, intervals, digits, and lanes of many orbits.
    *Matrix-free*, a `MatrixFreeMap`: steps and products with the Jacobian alone, as for an optimizer on a network or a section
    of a flow. Methods of this class are common to both. Code that needs more uses ``compiled``, which is None without formulas,
    and refuses the map then.
    """

    @property
    def compiled(self) -> Map | None:
        """The map with its machine code and its formulas; None where there are none."""

    @property
    def dim(self) -> int:
        """The length D of the state."""

    @property
    def n_weights(self) -> int:
        """How many entries, the first ones, are weights."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the entries of the state."""

    @property
    def params(self) -> dict[str, float]:
        """Parameters with their values."""

    @property
    def p(self) -> np.ndarray:
        """What rules of the map read besides the state."""

    @property
    def title(self) -> str:
        """For messages and tables."""

    @property
    def periodic(self) -> dict[str, float]:
        """Periods of the entries of the state that are angles."""

    @property
    def switching(self) -> bool:
        """Whether the map has branches, at whose borders it may not be smooth."""

    @property
    def has_loss(self) -> bool:
        """Whether it is a step of an optimizer on a loss."""

    @property
    def has_state(self) -> bool:
        """Whether that optimizer keeps more than the weights."""

    @property
    def observables(self) -> tuple[str, ...]:
        """The names that `observe` accepts."""

    @property
    def cost(self) -> float:
        """Operations of a step; ∞ if unknown, which counts as expensive."""

    @property
    def tangent_cost(self) -> float:
        """Operations of a step with its Jacobian."""

    @property
    def at_once(self) -> int:
        """How many steps are taken between two reports of progress."""

    def at(self, /, **params: float) -> Any:
        """The same map with other parameter values."""

    def state(self, start: Any) -> np.ndarray:
        """A full state (D,) from a user's input; a UsageError for a wrong length or entries that are not finite."""

    def __call__(self, z: Any) -> np.ndarray:
        """f(z), (D,), of a state as `state` takes it."""

    def step(self, z: np.ndarray) -> np.ndarray:
        """f(z) of a full state (D,), not checked; not finite where the map is not defined."""

    def orbit(self, z: np.ndarray, n: int, escape: float, progress: Progress | None = None) -> tuple[np.ndarray, int]:
        """(states, code): z, f(z), … (n+1, D) and DONE. An orbit that ends early has states up to the last one with all entries
        within ``escape``, and DIVERGED or LEFT_DOMAIN (of `cfdyn.kernels.orbits`). ``progress`` receives the number of steps now
        and then.
        """

    def ahead(self, z: np.ndarray, n: int, escape: float, progress: Progress | None = None) -> tuple[np.ndarray, int, int]:
        """(state, steps, code): the last state of `orbit`, how many steps led to it, and the code."""

    def stretch(self, z: np.ndarray, n: int, q: np.ndarray, sums: np.ndarray) -> int:
        """Push k orthonormal tangents q (k, D) along n steps from z (D,), both in place; ``sums`` (k,) gets Σ log of how far each
        is stretched. How many steps were finite."""

    def tangent(self, z: np.ndarray) -> tuple[np.ndarray, Product]:
        """f(z), and the product of Df(z) with the rows of (k, D)."""

    def linearized(self, z: np.ndarray, name: str, value: float) -> tuple[np.ndarray, Product, np.ndarray]:
        """(f(z), the product of Df(z) with the rows of (k, D), ∂f/∂(parameter)) for a value of the parameter, also one that the
        map does not allow, such as a continuation's step beyond its bounds."""

    def check_products(self, z: np.ndarray) -> None:
        """A UsageError if at a state the products are not the derivative of the step."""

    def observe(self, name: str, z: Any) -> np.ndarray:
        """An observable at states (n, D), (n,); a UsageError for an unknown name."""

    def preconditioners(self, z: np.ndarray) -> np.ndarray:
        """θP/2 and P of each weight in the step from states (n, D), and the penalty of weight decay, (n, 2d + 1)."""

    def rule(self, what: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """``step``, ``hessian`` or ``hvp``, as a function of a state (and a direction behind it) and of ``p``."""
