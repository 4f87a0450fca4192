"""`GradientOracle` and `LossOracle`: the methods that a loss must have, whether it is a formula or not."""

from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class GradientOracle(Protocol):
    """A loss L(w) of d weights with its gradient and Hessian-vector products, which `cf.as_map` accepts besides a `cf.Loss`."""

    @property
    def dim(self) -> int:
        """The number of weights d."""

    def value(self, w: Any) -> float:
        """L(w) at a point (d,)."""

    def gradient(self, w: Any) -> np.ndarray:
        """∇L(w), (d,)."""

    def hvp(self, w: Any, v: Any) -> np.ndarray:
        """∇²L(w) v for a direction (d,), (d,)."""


@runtime_checkable
class LossOracle(GradientOracle, Protocol):
    """A loss L(w) of d weights with the derivatives that flows at the edge and normal forms use; no d × d matrix is needed.

    Weights and directions are rows of d floats in the units of the weights, and L has any unit: ∇L is in units of L per unit of
    w, and so is ∇²L v if v has the unit of w, and T[u, v]; D⁴L[q, q, q, q] is in units of L. `cf.Loss` is an oracle; a network
    with automatic differentiation is one too if it has these methods.

    Examples
    --------
    A loss that is no formula:

    >>> import numpy as np
    >>> class Bowl:
    ...     dim = 3
    ...
    ...     def value(self, w):
    ...         return float(np.dot(w, w)) / 2
    ...
    ...     def gradient(self, w):
    ...         return np.asarray(w, float)
    ...
    ...     def hvp(self, w, v):
    ...         return np.asarray(v, float)
    ...
    ...     def curvature_gradient(self, w, u, v):
    ...         return np.zeros(3)
    ...
    ...     def fourth(self, w, q):
    ...         return np.zeros(np.shape(q)[:-1])
    >>> import cfdyn as cf
    >>> isinstance(Bowl(), LossOracle), isinstance(cf.losses.double_well(), LossOracle), isinstance("w**2", LossOracle)
    (True, True, False)
    >>> cf.Loss("x**4 + x*y**3").fourth([2.0, 1.0], [[1.0, 0.0], [1.0, 1.0]])  # 24; 24 + 4·6
    array([24., 48.])
    """

    def curvature_gradient(self, w: Any, u: Any, v: Any) -> np.ndarray:
        """T[u, v] = ∇(uᵀ∇²L v), u and v (d,) held fixed, (d,)."""

    def fourth(self, w: Any, q: Any) -> np.ndarray:
        """D⁴L(w)[q, q, q, q] for each direction q of (k, d), (k,)."""
