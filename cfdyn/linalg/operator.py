"""A matrix M that is known by its products, as a banded or a full one or as these alone: bordered systems and multipliers.

Lehoucq, Sorensen, Yang (1998), ARPACK users' guide, §3; Govaerts (2000), Numerical methods for bifurcations of dynamical
equilibria, §3 on bordered systems; Curtis, Powell, Reid (1974), On the estimation of sparse Jacobian matrices, J. Inst. Maths
Applics 13, on how few products tell all of a banded matrix.
"""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.linalg.direct import bordered, solved
from cfdyn.linalg.krylov import gmres, minres
from cfdyn.linalg.multipliers import Leading, all_of, leading_of
from cfdyn.linalg.products import Product, is_symmetric
from cfdyn.linalg.solution import Solution, unsolved

MOST_FULL = 2000  # entries of a state of which all multipliers are computed
SOLVED = 1e-11  # of the right-hand side: the residual that products alone are asked for
GOOD = 1e-6  # and the one that Newton's method can live with
MOST_ITERATIONS = 4000
CLEAN = 1e-13  # of a multiplier: a residual that is rounding
REFINEMENTS = 8
WIDTHS = (1, 2, 4, 8, 16)  # entries on either side of the diagonal that are tried
LEAST = 64  # entries: below, a matrix is as good
EXACT = 1e-11  # of the size of a product


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


def shape_of(product: Product, beside: Product, order: np.ndarray, watched: int | None) -> Shape:
    """The shape of M from its products at two points: at a special one it may be symmetric by chance."""
    size = len(order)
    if watched is None and size > MOST_FULL:
        watched = 12
    if watched is not None and watched > size - 2:
        watched = None
    found = banded(product, order)
    symmetric = is_symmetric(product, size) and is_symmetric(beside, size)
    return Shape(symmetric, None if found is None else found[1], order, watched)


class Operator:
    """M by its ``product`` with the rows of (k, D); its matrix is made when it is needed, and if it has one.

    What is above asks for solutions and multipliers: whether LU or Krylov's methods give them is decided here.
    """

    def __init__(self, product: Product, shape: Shape):
        self.product, self.shape, self.size = product, shape, len(shape.order)

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """M times each row of (k, D)."""
        return self.product(np.atleast_2d(rows))

    @cached_property
    def matrix(self) -> Any:
        """Sparse, full, or None where there are products alone."""
        if self.shape.width is not None:
            found = banded(self.product, self.shape.order, self.shape.width) or banded(self.product, self.shape.order)
            if found is not None:
                return found[0]
        if self.shape.watched is not None:
            return None
        return np.ascontiguousarray(self.product(np.eye(self.size)).T)

    def spectrum(self, vectors: bool, sides: tuple[int, ...] = (-1, 1)) -> Leading:
        """All multipliers, or those that are watched, at the lower (−1) or upper (1) side alone if so asked."""
        if self.shape.watched is None:
            return all_of(self.matrix, self.shape.symmetric, self.shape.width, vectors)
        watched = self.shape.watched
        return leading_of(self.matrix, self.apply, self.size, self.shape.symmetric, watched, few(watched), sides)

    def bordered(self, shift: float, column: np.ndarray, row: np.ndarray, corner: float, right: np.ndarray) -> Solution:
        """The solution (D + 1,) of [[M − σI, b], [cᵀ, e]] x = right, or (D + 1, k) with right-hand sides (D + 1, k)."""
        if self.matrix is None:
            if right.ndim == 1:
                return self._krylov(shift, column, row, corner, right)
            each = [self._krylov(shift, column, row, corner, r) for r in right.T]
            return Solution(np.column_stack([one.x for one in each]), all(one.converged for one in each),
                            sum(one.work for one in each))  # fmt: skip
        if isinstance(self.matrix, np.ndarray):
            moved = self.matrix.copy()
            moved.flat[:: self.size + 1] -= shift
        else:
            from scipy.sparse import identity

            moved = self.matrix - shift * identity(self.size)
        return solved(bordered(moved, column[:, None], row[:, None], corner), right)

    def solve(self, right: np.ndarray) -> Solution:
        """h (D,) with M h − h = right."""
        if not right.any():
            return Solution(np.zeros(self.size), True, 0)
        nothing = np.zeros(self.size)
        found = self.bordered(1.0, nothing, nothing, 1.0, np.append(right, 0.0))
        return found._replace(x=found.x[:-1])

    def _krylov(self, shift: float, column: np.ndarray, row: np.ndarray, corner: float, right: np.ndarray) -> Solution:
        """By products alone: MINRES where M is symmetric and the corner enough, else GMRES on the whole."""

        def whole(z: np.ndarray) -> np.ndarray:
            return np.append(self.apply(z[:-1])[0] - shift * z[:-1] + column * z[-1], row @ z[:-1] + corner * z[-1])

        def good(x: np.ndarray) -> bool:
            return bool(np.linalg.norm(whole(x) - right) <= GOOD * limit)

        limit, start, work = float(np.linalg.norm(right)), None, 0
        if self.shape.symmetric:
            start, work = self._by_blocks(shift, column, row, corner, right)
            if start is not None and good(start):
                return Solution(start, True, work)
            if not column.any() and not row.any():
                return unsolved(right, work)  # restarted GMRES looks in smaller spaces than MINRES did
        found = gmres(whole, right, SOLVED, MOST_ITERATIONS, start)
        return Solution(found.x, True, work + found.work) if good(found.x) else unsolved(right, work + found.work)

    def _by_blocks(
        self, shift: float, column: np.ndarray, row: np.ndarray, corner: float, right: np.ndarray
    ) -> tuple[np.ndarray | None, int]:
        """(the same from two systems with M − σI alone, or None where the pivot is 0, and the products taken)."""
        first, second = (minres(lambda x: self.apply(x)[0] - shift * x, r, SOLVED, MOST_ITERATIONS) for r in (right[:-1], column))
        pivot = corner - row @ second.x
        last = (right[-1] - row @ first.x) / pivot if pivot else np.nan
        found = np.append(first.x - last * second.x, last)
        return found if np.isfinite(found).all() else None, first.work + second.work

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
            found = self.bordered(shift, q, q, 0.0, np.append(np.zeros(self.size), 1.0))
            if not found.converged:
                break
            q, shift = found.x[:-1] / np.linalg.norm(found.x[:-1]), mu if size < abs(mu - target) else target
        return best

    def left(self, mu: float, right: np.ndarray) -> np.ndarray:
        """The left eigenvector p of a multiplier with ⟨p, q⟩ = 1."""
        if self.shape.symmetric:
            return right / (right @ right)
        if self.matrix is None:
            raise NumericsError("the left eigenvector needs products with the transposed Jacobian")
        matrix = self.matrix
        turned = Operator(lambda rows: (matrix.T @ rows.T).T, self.shape)
        turned.__dict__["matrix"] = matrix.T
        found = turned.bordered(mu, right, right, 0.0, np.append(np.zeros(self.size), 1.0)).x[:-1]
        return found / (found @ right)


def banded(product: Product, order: np.ndarray, width: int | None = None) -> tuple[Any, int] | None:
    """(the matrix as a sparse one, its width in the given order), None where it is not banded.

    Columns farther apart than the width share a product; that all entries are found is seen on two random directions. With
    ``width`` only that is tried.
    """
    size = len(order)
    if size < LEAST:
        return None
    tests = np.random.default_rng(0).normal(size=(2, size))
    images = product(tests)
    scale = float(np.abs(images).max())
    if not np.isfinite(scale):
        return None
    for tried in WIDTHS if width is None else (width,):
        if 2 * tried + 1 > size // 4:
            break
        matrix = _assembled(product, order, tried)
        if np.abs((matrix @ tests.T).T - images).max() <= EXACT * max(scale, 1.0):
            return matrix, tried
    return None


def _assembled(product: Product, order: np.ndarray, width: int) -> Any:
    from scipy.sparse import csc_matrix

    size, period = len(order), 2 * width + 1
    place, colours = np.arange(size), np.zeros((period, size))
    colours[place % period, order] = 1.0
    images = product(colours)[:, order]
    rows, columns, values = [], [], []
    for shift in range(-width, width + 1):
        row = place[max(0, -shift) : size - max(0, shift)]
        column = row + shift
        rows.append(order[row])
        columns.append(order[column])
        values.append(images[column % period, row])
    entries = np.concatenate(values)
    kept = entries != 0
    places = (np.concatenate(rows)[kept], np.concatenate(columns)[kept])
    return csc_matrix((entries[kept], places), shape=(size, size))
