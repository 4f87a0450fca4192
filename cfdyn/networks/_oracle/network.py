"""`Network`: a loss of many weights behind automatic differentiation, as one oracle."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from cfdyn.arguments import vector, whole_number
from cfdyn.errors import NumericsError, UsageError, shown
from cfdyn.linalg.lanczos import NotConverged, at_end, with_copies
from cfdyn.networks._oracle.by_jax import JaxEngine
from cfdyn.networks._oracle.edge import EdgeForm, edge_form
from cfdyn.networks._oracle.engine import Array, Engine, Products, Tree
from cfdyn.registry import spelled
from cfdyn.words import how_many

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from cfdyn.data._data_set import DataSet


TOL, RESTARTS = 1e-8, 200  # of Lanczos' method
PIECE = 8  # directions at a time: more bring no gain and take memory


class Recipe(NamedTuple):
    """How to make a network of the catalogue again: its entry, on this data, with these options."""

    entry: Callable[..., Network]
    data: DataSet
    options: dict[str, Any]

    @property
    def title(self) -> str:
        """The form for the command line."""
        return spelled(self.entry, **self.options)


class Network:
    """L(w) of a flat vector w (d,), float64: the mean of a loss over rows of data, or any function that JAX differentiates.

    ``function(params, *rows)`` → number, ``params`` a tree of arrays, ``rows`` arrays whose first axis counts the rows, over
    which the function takes the mean; without rows it is a function of the weights only. `cf.networks.from_jax` does the same and
    checks the function first; other functions make networks from torch or from a gradient. ``start`` (d,) are the initial
    weights, ``unravel(w)`` the tree that belongs to w, ``remarks`` the remarks on the results. Every derivative is compiled when
    it is first called. A pickle of a network of the catalogue contains its options, its data and its initial weights.

    ``rows`` of value, gradient and products are the indices of some rows (b,), a mini-batch; default: all rows.

    Raises
    ------
    UsageError : JAX is not installed, weights of another length, a function whose value is not a number

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
        self, function: Callable[..., Array], params: Tree, rows: Sequence[ArrayLike] = (), title: str = "network",
        predict: Callable[..., Array] | None = None, remarks: Sequence[str] = (),
    ):  # fmt: skip
        self._open(JaxEngine(function, params, rows, predict), title, remarks)

    @classmethod
    def of(cls, engine: Engine, title: str, remarks: Sequence[str] = (), recipe: Recipe | None = None) -> Self:
        """A network that another engine differentiates."""
        made = cls.__new__(cls)
        made._open(engine, title, remarks, recipe)
        return made

    def _open(self, engine: Engine, title: str, remarks: Sequence[str], recipe: Recipe | None = None) -> None:
        self._engine, self._recipe = engine, recipe
        self.start, self.rows, self.unravel = engine.start, engine.rows, engine.unravel
        self.dim, self.title, self.remarks = len(self.start), title, tuple(remarks)
        self.n_rows = len(self.rows[0]) if self.rows else 0
        if not self.dim:
            raise UsageError(f"{title} has no weights")
        if any(len(row) != self.n_rows for row in self.rows):
            raise UsageError(f"{title}: the arrays of the data have {', '.join(str(len(row)) for row in self.rows)} rows")

    def __repr__(self) -> str:
        return f"Network({self.title}, {self.dim} weights)"

    def __reduce__(self) -> tuple:
        if self._recipe is None:
            return Network.of, (self._engine, self.title, self.remarks)
        entry, data, options = self._recipe
        return _made_again, (entry.__name__, data, options, self.start)

    def value(self, w: ArrayLike, rows: ArrayLike | None = None) -> float:
        """L(w)."""
        return float(self._call("value", rows, self._weights(w)))

    def gradient(self, w: ArrayLike, rows: ArrayLike | None = None) -> np.ndarray:
        """∇L(w), (d,)."""
        return np.asarray(self._call("gradient", rows, self._weights(w)))

    def value_and_gradient(self, w: ArrayLike, rows: ArrayLike | None = None) -> tuple[float, np.ndarray]:
        """L(w) and ∇L(w), at the cost of a gradient."""
        value, gradient = self._call("value_and_gradient", rows, self._weights(w))
        return float(value), np.asarray(gradient)

    def hvp(self, w: ArrayLike, v: ArrayLike, rows: ArrayLike | None = None) -> np.ndarray:
        """∇²L(w) v for a direction (d,), (d,)."""
        return self.hvps(w, self._weights(v)[None], rows)[0]

    def hvps(self, w: ArrayLike, v: ArrayLike, rows: ArrayLike | None = None) -> np.ndarray:
        """∇²L(w) v for each direction of (k, d), or one (d,): (k, d)."""
        return self._pieces("hvps", rows, self._weights(w), self._directions(v))

    def curvature_gradient(self, w: ArrayLike, u: ArrayLike, v: ArrayLike) -> np.ndarray:
        """T[u, v] = ∇(uᵀ∇²L v) for directions (d,), (d,)."""
        return self.curvature_gradients(w, self._weights(u)[None], self._weights(v)[None])[0]

    def curvature_gradients(self, w: ArrayLike, u: ArrayLike, v: ArrayLike) -> np.ndarray:
        """T[u, v] for each pair of rows of (m, d), (m, d)."""
        u, v = self._directions(u), self._directions(v)
        if len(u) != len(v):
            raise UsageError(f"{self.title}: T[u, v] is for pairs of directions, not for {len(u)} and {len(v)}")
        return self._pieces("curvature_gradients", None, self._weights(w), u, v)

    def jet(self, w: ArrayLike, u: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """∇L, ∇²L u and T[u, u] in one pass, each (d,), at the cost of 3 to 4 gradients."""
        return tuple(np.asarray(part) for part in self._call("jet", None, self._weights(w), self._weights(u)))  # type: ignore

    def fourth(self, w: ArrayLike, q: ArrayLike) -> np.ndarray:
        """D⁴L(w)[q, q, q, q] for each direction q of (k, d), or one (d,): (k,)."""
        return self._pieces("fourth", None, self._weights(w), self._directions(q))

    def rows_along(self, w: ArrayLike, u: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """For each row of data the slope of its loss along directions (k, d) and its Hessian on them: (n, k) and (n, k, k)."""
        u = self._directions(u)
        slopes, bends = self._of_rows("rows_along", w, u)
        return slopes[:, : len(u)], bends[:, : len(u), : len(u)]

    def row_squares(self, w: ArrayLike, u: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Means over the rows of data of ∇L_i², (d,), and of (∇²L_i u)², summed over directions u (k, d), (d,)."""
        return self._of_rows("row_squares", w, u)

    def _of_rows(self, name: str, w: ArrayLike, u: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        w, u = self._weights(w), self._directions(u)
        if not self.n_rows:
            raise UsageError(f"{self.title} has no rows of data")
        if isinstance(self._engine, JaxEngine):
            # Compiled for every sixteenth number of directions only.
            u = np.concatenate([u, np.zeros((-len(u) % (2 * PIECE), self.dim))])
        first, second = self._call(name, None, w, u)
        return np.asarray(first), np.asarray(second)

    def eigenvalues(self, w: ArrayLike, count: int = 1, start: ArrayLike | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The ``count`` largest eigenvalues of ∇²L(w), descending, and their vectors (count, d), by Lanczos' method.

        For ``count`` above 1 at least one more search finds every copy of a multiple eigenvalue, which a net without hidden
        layers has.

        Raises NumericsError if they cannot be separated or the Hessian is not finite."""
        w, count = self._weights(w), whole_number("`count`", count, 1)
        first = np.random.default_rng(0).normal(size=self.dim) if start is None else self._weights(start)
        if not np.isfinite(self.hvp(w, first)).all():
            raise NumericsError(f"the Hessian of {self.title} is not finite here")
        if self.dim <= max(count + 1, 3):
            values, vectors = np.linalg.eigh(self.hvps(w, np.eye(self.dim)))
            return values[::-1][:count].copy(), np.array(vectors.T[::-1][:count], order="C")
        try:
            search = with_copies if count > 1 else at_end
            values, vectors = search(lambda v: self.hvp(w, v), first, count, 1, TOL, RESTARTS)
        except NotConverged as partial:
            raise NumericsError(f"{partial} of {self.title}") from None
        return values[::-1].copy(), np.array(vectors.T[::-1], order="C")

    def sharpness(self, w: ArrayLike) -> float:
        """λ₁(∇²L(w)), by Lanczos' method on Hessian-vector products."""
        return float(self.eigenvalues(w)[0][0])

    def edge(self, w: ArrayLike) -> EdgeForm:
        """The flip of gradient descent with lr = 2/λ₁(w): the stability and the size of the 2-cycle born there.

        c = (η/6)(3 tᵀH⁻¹t − D⁴L[q⁴]), t = T[q, q], q the top eigenvector; H⁻¹t by MINRES, whose residual is returned. At a
        minimum c is the coefficient of `cf.analysis.normal_form`. NumericsError: no positive eigenvalue.

        >>> import cfdyn as cf
        >>> well = cf.networks.from_jax(lambda w: (w[0] ** 2 - 1) ** 2 / 4 + w[1] ** 2 / 2, [1.0, 0.0])
        >>> edge = well.edge(well.start)
        >>> round(edge.lr, 9), round(edge.coefficient, 9), edge.supercritical
        (1.0, 8.0, True)
        """
        w = self._weights(w)
        values, vectors = self.eigenvalues(w)
        if values[0] <= 0:
            raise NumericsError(f"{self.title} has no positive curvature here, so no learning rate is its edge")
        gradient, _, t = self.jet(w, vectors[0])
        quartic = float(self.fourth(w, vectors[:1])[0])
        return edge_form(float(values[0]), vectors[0], t, quartic, float(np.linalg.norm(gradient)), lambda v: self.hvp(w, v))

    def predict(self, w: ArrayLike, x: ArrayLike) -> np.ndarray:
        """The outputs at inputs x (n, …); a UsageError for a loss without outputs."""
        if not self._engine.predicts:
            raise UsageError(f"{self.title} has only a loss: it predicts nothing")
        return self._engine.predict(self._weights(w), x)

    def _call(self, name: str, rows: ArrayLike | None, *vectors: np.ndarray) -> Products:
        return self._engine.call(name, None if rows is None else self._some(rows), *vectors)

    def _pieces(self, name: str, rows: ArrayLike | None, w: np.ndarray, *directions: np.ndarray) -> np.ndarray:
        parts = [np.asarray(self._call(name, rows, w, *(part[k : k + PIECE] for part in directions)))
                 for k in range(0, len(directions[0]), PIECE)]  # fmt: skip
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.zeros(0 if name == "fourth" else (0, self.dim))

    def _some(self, rows: ArrayLike | None) -> np.ndarray:
        """The indices of the rows of a mini-batch, one or more."""
        some = np.asarray(rows)
        fits = some.ndim == 1 and some.size and some.dtype.kind in "iu" and self.n_rows
        if not fits or not (-self.n_rows <= some.min() and some.max() < self.n_rows):
            raise UsageError(f"{self.title} has {self.n_rows} rows: `rows` are numbers of some of them, not {shown(rows)}")
        return some

    def _weights(self, w: ArrayLike) -> np.ndarray:
        plain = isinstance(w, np.ndarray) and w.dtype == float and w.ndim == 1 and w.flags.c_contiguous
        weights: np.ndarray = w if plain else vector("weights", w)  # type: ignore[assignment]
        if weights.shape != (self.dim,):
            raise UsageError(f"{self.title} has {how_many(self.dim, 'weight')}, not {weights.size}")
        return weights

    def _directions(self, v: ArrayLike) -> np.ndarray:
        directions = np.asarray(v, dtype=float)
        directions = directions[None] if directions.ndim == 1 else directions
        if directions.ndim != 2 or directions.shape[1] != self.dim:
            raise UsageError(
                f"{self.title}: directions are rows of {self.dim} numbers, not an array of the shape {directions.shape}"
            )
        return directions


def _made_again(name: str, data: DataSet, options: dict[str, object], start: np.ndarray) -> Network:
    """A network of the catalogue from its recipe, with its stored initial weights: other releases of JAX draw different ones."""
    entry = getattr(importlib.import_module("cfdyn.networks"), name)
    made: Network = entry(data, **options)
    made.start = start
    return made
