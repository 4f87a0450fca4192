"""A loss given only by its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.arguments import number, vector, whole_number
from cfdyn.errors import UsageError
from cfdyn.networks._oracle.differences import DifferenceEngine
from cfdyn.networks._oracle.network import Network


def from_gradient(
    gradient: Callable[..., Any], dim: int, value: Callable[..., Any] | None = None, start: Any = None, step: float = 1e-3,
    title: str = "gradient",
) -> Network:
    """A loss of ``dim`` weights from ``gradient(w)`` → (dim,) only, in any library, float64; ``value(w)`` → number, if known.

    g(w ± εu), |u| = 1, ε = ``step`` in the units of the weights, determine ∇²L u and T[u, u] from two gradients, with errors of
    the order ε² and of the rounding of the gradient over ε²: about 1e-6 of their size with gradients in float64; for noisier
    gradients use a larger step. T[u, v] of two directions takes four gradients, D⁴L[q⁴] four, with fewer digits. Without
    ``value`` losses are NaN. ``start`` are the initial weights (default: 0).

    Raises
    ------
    UsageError : a gradient of another length, or in float32 with a step below 0.02; an invalid step, or a ``dim`` that is not a
        whole number

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> net = cf.networks.from_gradient(lambda w: w**3, 2, value=lambda w: np.sum(w**4) / 4)
    >>> g, hu, t = net.jet([1.0, 2.0], [1.0, 0.0])
    >>> g, hu.round(5), t.round(5)
    (array([1., 8.]), array([3., 0.]), array([6., 0.]))

    References
    ----------
    Abramowitz & Stegun (1964), Handbook of Mathematical Functions, 25.3 (central differences).
    """
    size, epsilon = whole_number("from_gradient: dim", dim, 1), number("from_gradient: step", step, finite=True)
    if epsilon <= 0:
        raise UsageError(f"from_gradient: step is a length, more than 0, not {step}")
    first = np.zeros(size) if start is None else vector("from_gradient: start", start)
    if first.shape != (size,):
        raise UsageError(f"from_gradient: a start has {size} weights, not {first.size}")
    remarks = [f"products with the Hessian and T[u, v] are differences of gradients over a step of {epsilon:g}"]
    if value is None:
        remarks.append("no value was given: losses are not known")
    return Network.of(DifferenceEngine(gradient, first, value, epsilon, title), title, remarks)
