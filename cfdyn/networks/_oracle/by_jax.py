"""Functions of a tree of arrays, differentiated and compiled by JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.networks._oracle.engine import Array, Products, Tree, float64, library
from cfdyn.networks._oracle.products import PRODUCTS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class JaxEngine:
    """``function(params, *rows)`` → number, as products at a flat vector of weights; each is compiled when first called."""

    def __init__(
        self,
        function: Callable[..., Array],
        params: Tree,
        rows: Sequence[ArrayLike] = (),
        predict: Callable[..., Array] | None = None,
    ):
        self._made = function, params, predict
        with float64():
            tree = library("jax").tree_util.tree_map(lambda leaf: library("jax.numpy").asarray(leaf, dtype=float), params)
            flat, self.unravel = library("jax.flatten_util").ravel_pytree(tree)
        self.start = np.asarray(flat)
        self.rows = tuple(_whole_or_float64(row) for row in rows)
        self.predicts = predict is not None
        self._compiled: dict[str, Callable[..., Array]] = {}

    def __reduce__(self) -> tuple:
        function, params, predict = self._made
        return JaxEngine, (function, library("jax").tree_util.tree_map(np.asarray, params), self.rows, predict)

    def call(self, name: str, rows: np.ndarray | None, *vectors: np.ndarray) -> Products:
        """One of the products, compiled for each number of rows and of directions."""
        with float64():
            data = self._placed if rows is None else tuple(row[rows] for row in self.rows)
            compiled = self._jitted(name, PRODUCTS[name](self.scalar, self.value_and_gradient))
            try:
                return library("jax").block_until_ready(compiled(*vectors, data))
            except RuntimeError as error:
                if "RESOURCE_EXHAUSTED" not in str(error):
                    raise
                words = f"derivatives of {self.start.size} weights on all rows at once take more memory than there is"
                raise NumericsError(f"{words}: take fewer rows of the data, such as n=100, or a smaller network") from None

    def predict(self, w: np.ndarray, x: ArrayLike) -> np.ndarray:
        """The outputs at inputs x (n, …)."""
        with float64():
            return np.asarray(self._jitted("predict", self._outputs)(w, _whole_or_float64(x)))

    def scalar(self, w: Array, rows: tuple[Array, ...]) -> Array:
        """f(w, rows), to be traced by JAX."""
        return self._made[0](self.unravel(w), *rows)

    def value_and_gradient(self, w: Array, rows: tuple[Array, ...]) -> tuple[Array, Array]:
        """f(w, rows) and its gradient, to be traced by JAX."""
        jax = library("jax")
        value, slopes = jax.value_and_grad(self._made[0])(self.unravel(w), *rows)
        flat, begun = library("jax.numpy").zeros(self.start.shape), 0
        # Part after part: in one concatenation XLA sums a bias's slopes anew for each weight, at up to ten times the cost.
        for leaf in jax.tree_util.tree_leaves(slopes):
            flat, begun = jax.lax.dynamic_update_slice(flat, leaf.ravel(), (begun,)), begun + leaf.size
        return value, flat

    def _outputs(self, w: Array, x: Array) -> Array:
        return self._made[2](self.unravel(w), x)  # type: ignore[misc]

    @cached_property
    def _placed(self) -> tuple[Array, ...]:
        """The rows on the device of JAX, moved there once."""
        return tuple(library("jax.numpy").asarray(row) for row in self.rows)

    def _jitted(self, name: str, function: Callable) -> Callable:
        if name not in self._compiled:
            self._compiled[name] = library("jax").jit(function)
        return self._compiled[name]


def _whole_or_float64(row: ArrayLike) -> np.ndarray:
    """Numbers as float64, whole numbers unchanged."""
    array = np.asarray(row)
    if array.dtype.kind not in "biuf" and not np.issubdtype(array.dtype, np.number) and str(array.dtype) != "bfloat16":
        raise UsageError(f"rows of data are arrays of numbers, not of {array.dtype}")
    return array if array.dtype.kind in "biu" else array.astype(float)
