"""The Jacobian M of fⁿ at a point as a banded or a full matrix, or as products alone: bordered systems and multipliers.

Saad (2003), Iterative methods for sparse linear systems, §6; Lehoucq, Sorensen, Yang (1998), ARPACK users' guide, §3; Govaerts
(2000), Numerical methods for bifurcations of dynamical equilibria, §3 on bordered systems.
"""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from cfdyn.cycles.many.banded import banded
from cfdyn.cycles.many.multipliers import Leading, all_of, leading_of
from cfdyn.cycles.many.steps import Local
from cfdyn.errors import NumericsError

MOST_FULL = 2000  # entries of a state of which all multipliers are computed
SYMMETRIC = 1e-8  # of a product: rounding
SOLVED = 1e-11  # of the right-hand side: the residual that products alone are asked for
GOOD = 1e-6  # and the one that Newton's method can live with
RESTART, MOST_ITERATIONS = 80, 4000
CLEAN = 1e-13  # of a multiplier: a residual that is rounding
REFINEMENTS = 8


class Shape(NamedTuple):
    """What is known of M before it is looked at: symmetric, its ``width`` where it is banded in ``order``, whether all its
    multipliers are computed or ``watched`` of them."""

    symmetric: bool
    width: int | None
    order: np.ndarray
    watched: int | None

    @property
    def words(self) -> str:
        """Which multipliers were looked at; nothing if all."""
        if self.watched is None:
            return ""
        ends = f"the {self.watched} smallest and the {few(self.watched)} largest multipliers" if self.symmetric else (
            f"the {self.watched} multipliers of the largest modulus, or the least real part,")  # fmt: skip
        return f"{ends} were looked at; others may cross unseen"


def few(watched: int) -> int:
    """How many are watched at the upper end."""
    return min(4, watched)


def shape_of(local: Local, beside: Local, order: np.ndarray, watched: int | None) -> Shape:
    """The shape of M from two points: at a special one it may be symmetric by chance."""
    size = len(order)
    if watched is None and size > MOST_FULL:
        watched = 12
    if watched is not None and watched > size - 2:
        watched = None
    found = banded(local.product, order)
    return Shape(is_symmetric(local) and is_symmetric(beside), None if found is None else found[1], order, watched)


def is_symmetric(local: Local) -> bool:
    """True if ⟨u, Mv⟩ = ⟨v, Mu⟩ for two random directions."""
    u, v = np.random.default_rng(1).normal(size=(2, len(local.image)))
    images = local.product(np.array([u, v]))
    gap, length = abs(u @ images[1] - v @ images[0]), float(np.linalg.norm(images) * np.linalg.norm(u))
    return bool(gap <= SYMMETRIC * length)


class Linear:
    """M at a point, its matrix made when it is needed."""

    def __init__(self, local: Local, shape: Shape):
        self.local, self.shape, self.size = local, shape, len(shape.order)

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """M times each row of (k, D)."""
        return self.local.product(np.atleast_2d(rows))

    @cached_property
    def matrix(self) -> Any:
        """Sparse, full, or None where there are products alone."""
        if self.shape.width is not None:
            found = banded(self.local.product, self.shape.order, self.shape.width) or banded(self.local.product, self.shape.order)
            if found is not None:
                return found[0]
        if self.shape.watched is not None:
            return None
        return np.ascontiguousarray(self.local.product(np.eye(self.size)).T)

    def spectrum(self, vectors: bool, sides: tuple[int, ...] = (-1, 1)) -> Leading:
        """All multipliers, or those that are watched, at the lower (−1) or upper (1) side alone if so asked."""
        if self.shape.watched is None:
            return all_of(self.matrix, self.shape.symmetric, self.shape.width, vectors)
        watched = self.shape.watched
        return leading_of(self.matrix, self.apply, self.size, self.shape.symmetric, watched, few(watched), sides)

    def bordered(self, shift: float, column: np.ndarray, row: np.ndarray, corner: float, right: np.ndarray) -> np.ndarray:
        """The solution (D + 1, k) of [[M − σI, b], [cᵀ, e]] with right-hand sides (D + 1, k)."""
        if self.matrix is None:
            return np.column_stack([self._by_products(shift, column, row, corner, r) for r in right.T])
        if isinstance(self.matrix, np.ndarray):
            whole = np.empty((self.size + 1, self.size + 1))
            whole[:-1, :-1], whole[:-1, -1], whole[-1, :-1], whole[-1, -1] = self.matrix, column, row, corner
            whole[np.arange(self.size), np.arange(self.size)] -= shift
            try:
                return np.linalg.solve(whole, right)
            except np.linalg.LinAlgError:
                return np.full_like(right, np.nan)
        from scipy.sparse import bmat, identity
        from scipy.sparse.linalg import splu

        whole = bmat([[self.matrix - shift * identity(self.size), column[:, None]], [row[None], [[corner]]]], format="csc")
        try:
            return splu(whole).solve(right)
        except RuntimeError:
            return np.full_like(right, np.nan)

    def solve(self, right: np.ndarray) -> np.ndarray:
        """h with M h − h = right, (D,)."""
        if not right.any():
            return np.zeros(self.size)
        nothing = np.zeros(self.size)
        return self.bordered(1.0, nothing, nothing, 1.0, np.append(right, 0.0)[:, None])[:-1, 0]

    def _by_products(self, shift: float, column: np.ndarray, row: np.ndarray, corner: float, right: np.ndarray) -> np.ndarray:
        """The same for one right-hand side: MINRES where M is symmetric and the corner enough, else GMRES on the whole."""
        from scipy.sparse.linalg import LinearOperator, gmres

        def whole(z: np.ndarray) -> np.ndarray:
            z = np.ravel(z)
            return np.append(self.apply(z[:-1])[0] - shift * z[:-1] + column * z[-1], row @ z[:-1] + corner * z[-1])

        size, limit = self.size, float(np.linalg.norm(right))
        found = self._by_blocks(shift, column, row, corner, right) if self.shape.symmetric else None
        if found is not None and np.linalg.norm(whole(found) - right) <= GOOD * limit:
            return found
        if self.shape.symmetric and not column.any() and not row.any():
            return np.full(size + 1, np.nan)  # restarted GMRES looks in smaller spaces than MINRES did
        operator = LinearOperator((size + 1, size + 1), matvec=whole, dtype=float)
        found, _ = gmres(operator, right, x0=found, rtol=SOLVED, restart=RESTART, maxiter=MOST_ITERATIONS // RESTART)
        return found if np.linalg.norm(whole(found) - right) <= GOOD * limit else np.full(size + 1, np.nan)

    def _by_blocks(self, shift: float, column: np.ndarray, row: np.ndarray, corner: float, right: np.ndarray) -> Any:
        from scipy.sparse.linalg import LinearOperator, minres

        operator = LinearOperator(
            (self.size,) * 2, matvec=lambda x: self.apply(np.ravel(x))[0] - shift * np.ravel(x), dtype=float
        )

        def solved(r: np.ndarray) -> np.ndarray:
            return minres(operator, r, rtol=SOLVED, maxiter=MOST_ITERATIONS)[0] if r.any() else np.zeros(self.size)

        first, second = solved(right[:-1]), solved(column)
        pivot = corner - row @ second
        last = (right[-1] - row @ first) / pivot if pivot else np.nan
        found = np.append(first - last * second, last)
        return found if np.isfinite(found).all() else None

    def refined(self, start: np.ndarray, target: float) -> tuple[float, np.ndarray, float]:
        """(μ, q, ‖Mq − μq‖) of an eigenvector q near a given one, |q| = 1: Rayleigh's iteration, its first shift the target."""
        q, shift, best = start / np.linalg.norm(start), target, (np.nan, start, np.inf)
        for _ in range(REFINEMENTS):
            image = self.apply(q)[0]
            mu = float(q @ image)
            size = float(np.linalg.norm(image - mu * q))
            if not size < best[2]:
                break
            best = mu, q, size
            if size <= CLEAN * max(1.0, abs(mu)) or (self.matrix is None and self.shape.watched is not None):
                break
            solved = self.bordered(shift, q, q, 0.0, np.append(np.zeros(self.size), 1.0)[:, None])[:-1, 0]
            if not np.isfinite(solved).all():
                break
            q, shift = solved / np.linalg.norm(solved), mu if size < abs(mu - target) else target
        return best

    def left(self, mu: float, right: np.ndarray) -> np.ndarray:
        """The left eigenvector p of a multiplier with ⟨p, q⟩ = 1."""
        if self.shape.symmetric:
            return right / (right @ right)
        if self.matrix is None:
            raise NumericsError("the left eigenvector needs products with the transposed Jacobian")
        turned = Linear(self.local, self.shape)
        turned.__dict__["matrix"] = self.matrix.T.tocsc() if not isinstance(self.matrix, np.ndarray) else self.matrix.T
        found = turned.bordered(mu, right, right, 0.0, np.append(np.zeros(self.size), 1.0)[:, None])[:-1, 0]
        return found / (found @ right)
