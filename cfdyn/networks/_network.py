"""`Network`: a loss of many weights behind automatic differentiation, as one oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.arguments import vector
from cfdyn.errors import NumericsError, UsageError
from cfdyn.networks._engine import float64, library
from cfdyn.networks._products import PRODUCTS
from cfdyn.numerics.lanczos import NotConverged, at_end

TOL, RESTARTS = 1e-8, 200  # of Lanczos' method
PIECE = 8  # directions at a time: more bring no gain and take memory


class Network:
    """L(w) of a flat vector w (d,), float64: the mean of a loss over rows of data, or any function that JAX differentiates.

    ``function(params, *rows)`` → number, ``params`` a tree of arrays, ``rows`` arrays whose first axis counts the rows, over
    which the function takes the mean; none for a function of the weights alone. ``start`` (d,) are the first weights,
    ``unravel(w)`` the tree that belongs to w. Every derivative is compiled when it is first asked for.

    ``rows`` of value, gradient and products are the numbers of some rows (b,), a mini-batch; without them all rows count.

    Raises
    ------
    UsageError : JAX is not installed, weights of another length, a function whose value is no number

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import cfdyn as cf
    >>> loss = cf.Network(lambda p: jnp.sum(p["x"] ** 4) / 4, {"x": jnp.array([1.0, 2.0])}, title="quartic")
    >>> loss.value(loss.start), loss.gradient(loss.start), loss.hvp(loss.start, [1.0, 1.0])
    (4.25, array([1., 8.]), array([ 3., 12.]))
    >>> loss.curvature_gradient(loss.start, [1.0, 0.0], [1.0, 1.0]), loss.fourth(loss.start, [[1.0, 1.0]])
    (array([6., 0.]), array([12.]))
    """

    def __init__(
        self, function: Callable[..., Any], params: Any, rows: Sequence[Any] = (), title: str = "network",
        predict: Callable[..., Any] | None = None, remarks: Sequence[str] = (),
    ):  # fmt: skip
        with float64():
            tree = library("jax").tree_util.tree_map(lambda leaf: library("jax.numpy").asarray(leaf, dtype=float), params)
            flat, self.unravel = library("jax.flatten_util").ravel_pytree(tree)
        self.start = np.asarray(flat)
        self.dim, self.title, self.remarks = len(self.start), title, tuple(remarks)
        self._function, self._predict = function, predict
        self.rows = tuple(np.asarray(row) for row in rows)
        self.n_rows = len(self.rows[0]) if self.rows else 0
        if any(len(row) != self.n_rows for row in self.rows):
            raise UsageError(f"{title}: the arrays of the data have {', '.join(str(len(row)) for row in self.rows)} rows")
        self._compiled: dict[str, Callable[..., Any]] = {}

    def __repr__(self) -> str:
        return f"Network({self.title}, {self.dim} weights)"

    def value(self, w: Any, rows: Any = None) -> float:
        """L(w)."""
        return float(self._call("value", rows, self._weights(w)))

    def gradient(self, w: Any, rows: Any = None) -> np.ndarray:
        """∇L(w), (d,)."""
        return np.asarray(self._call("gradient", rows, self._weights(w)))

    def value_and_gradient(self, w: Any, rows: Any = None) -> tuple[float, np.ndarray]:
        """L(w) and ∇L(w), at the price of a gradient."""
        value, gradient = self._call("value_and_gradient", rows, self._weights(w))
        return float(value), np.asarray(gradient)

    def hvp(self, w: Any, v: Any, rows: Any = None) -> np.ndarray:
        """∇²L(w) v for a direction (d,), (d,)."""
        return self.hvps(w, self._weights(v)[None], rows)[0]

    def hvps(self, w: Any, v: Any, rows: Any = None) -> np.ndarray:
        """∇²L(w) v for each direction of (k, d), (k, d)."""
        return self._pieces("hvps", rows, self._weights(w), self._directions(v))

    def curvature_gradient(self, w: Any, u: Any, v: Any) -> np.ndarray:
        """T[u, v] = ∇(uᵀ∇²L v) for directions (d,), (d,)."""
        return self.curvature_gradients(w, self._weights(u)[None], self._weights(v)[None])[0]

    def curvature_gradients(self, w: Any, u: Any, v: Any) -> np.ndarray:
        """T[u, v] for each pair of rows of (m, d), (m, d)."""
        return self._pieces("curvature_gradients", None, self._weights(w), self._directions(u), self._directions(v))

    def jet(self, w: Any, u: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """∇L, ∇²L u and T[u, u] in one pass, each (d,): at 3 to 4 gradients."""
        return tuple(np.asarray(part) for part in self._call("jet", None, self._weights(w), self._weights(u)))  # type: ignore

    def fourth(self, w: Any, q: Any) -> np.ndarray:
        """D⁴L(w)[q, q, q, q] for each direction q of (k, d), (k,)."""
        return self._pieces("fourth", None, self._weights(w), self._directions(q))

    def eigenvalues(self, w: Any, count: int = 1, start: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """The ``count`` largest eigenvalues of ∇²L(w), descending, and their vectors (count, d), by Lanczos' method.

        A NumericsError where they are not told apart or the Hessian is not finite."""
        w = self._weights(w)
        first = np.random.default_rng(0).normal(size=self.dim) if start is None else self._weights(start)
        if not np.isfinite(self.hvp(w, first)).all():
            raise NumericsError(f"the Hessian of {self.title} is not finite here")
        if self.dim <= max(count + 1, 3):
            values, vectors = np.linalg.eigh(self.hvps(w, np.eye(self.dim)))
            return values[::-1][:count], vectors.T[::-1][:count]
        try:
            values, vectors = at_end(lambda v: self.hvp(w, v), first, count, 1, TOL, RESTARTS)
        except NotConverged as partial:
            raise NumericsError(f"{partial} of {self.title}") from None
        return values[::-1], np.ascontiguousarray(vectors.T[::-1])

    def sharpness(self, w: Any) -> float:
        """λ₁(∇²L(w)), by Lanczos' method on Hessian-vector products."""
        return float(self.eigenvalues(w)[0][0])

    def predict(self, w: Any, x: Any) -> np.ndarray:
        """The outputs at inputs x (n, …); a UsageError for a loss that has none."""
        if self._predict is None:
            raise UsageError(f"{self.title} is a function of the weights alone: it predicts nothing")
        with float64():
            return np.asarray(self._jitted("predict", self._outputs)(self._weights(w), np.asarray(x)))

    def _outputs(self, w: Any, x: Any) -> Any:
        return self._predict(self.unravel(w), x)  # type: ignore[misc]

    @cached_property
    def _scalar(self) -> Callable[..., Any]:
        return lambda w, rows: self._function(self.unravel(w), *rows)

    @cached_property
    def _placed(self) -> tuple[Any, ...]:
        """The rows where JAX computes, put there once."""
        with float64():
            return tuple(library("jax.numpy").asarray(row) for row in self.rows)

    def _jitted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        if name not in self._compiled:
            self._compiled[name] = library("jax").jit(function)
        return self._compiled[name]

    def _call(self, name: str, rows: Any, *vectors: np.ndarray) -> Any:
        with float64():
            data = self._placed if rows is None else tuple(row[np.asarray(rows)] for row in self.rows)
            return self._jitted(name, PRODUCTS[name](self._scalar))(*vectors, data)

    def _pieces(self, name: str, rows: Any, w: np.ndarray, *directions: np.ndarray) -> np.ndarray:
        parts = [np.asarray(self._call(name, rows, w, *(part[k : k + PIECE] for part in directions)))
                 for k in range(0, len(directions[0]), PIECE)]  # fmt: skip
        return np.concatenate(parts) if parts else np.zeros_like(directions[0])

    def _weights(self, w: Any) -> np.ndarray:
        found = vector("weights", w)
        if found.shape != (self.dim,):
            raise UsageError(f"{self.title} has {self.dim} weights, not {found.size}")
        return found

    def _directions(self, v: Any) -> np.ndarray:
        found = np.asarray(v, dtype=float)
        if found.ndim != 2 or found.shape[1] != self.dim:
            raise UsageError(f"{self.title}: directions are rows of {self.dim} numbers, not an array of the shape {found.shape}")
        return found
