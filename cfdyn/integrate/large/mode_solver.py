"""A point of a path: gradient, tracked modes and the forces on them, computed with few products."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.equations import PIECE, Rates, pairs, rates
from cfdyn.integrate.large.costs import LONG, Counted
from cfdyn.integrate.large.modes import Product, refined, searched, top
from cfdyn.numerics.aligned import empty
from cfdyn.systems.matrix_free.flow import Edge, Force, MatrixFreeFlow, Numbers

NEAR = 0.004  # distance of λ₁(P⁻¹H)·2/θ below the edge of 2 at which a mode's forces are always computed
APART = 0.05  # least gap to other modes that a residual is divided by
FAINT, BESIDE = 0.02, 0.2  # error of a guard's eigenvalue, of its distance to the edge; distance to eigenvalues not followed
AGAIN = 1.0  # the same after a correction: the guard may be at the edge, and is corrected once more
DRAWS = 3  # of a start of a search: one that gave modes, all of them followed, has nothing new
BASIS, FIRST_BASIS, CHECKS = 6, 8, 8  # vectors of Lanczos' method; steps of it where its vectors are not kept
COARSE, ROUNDS = 1e-3, 6  # an angle that a single correction must do for, but for values that are off; else at most so many
CHAIN = 4  # instead, where memory is no matter: residuals of a single correction; what it leaves is an error that steps answer to
WRONG = 0.01  # error of the eigenvalue of a near mode, at the edge of 2, which is corrected in any case
SHORT = 1e-6  # of rtol: T of many weights is kept in 32 bits, for memory, unless a path is to be more exact than they are
SAME = 0.995  # least cosine between modes of which T is turned rather than computed anew


@dataclass
class Point:
    """z (n,), the gradient g (d,); modes y (k, d), orthonormal eigenvectors of Q^-½HQ^-½ with
    ``values`` (k,), descending; for the first ``near`` T (pairs, d) and what moves the gap 2 − values.
    """

    z: np.ndarray
    g: np.ndarray
    edge: Edge
    y: np.ndarray
    values: np.ndarray
    near: int = 0
    thirds: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    rates: Rates | None = None
    turned: bool = False

    @property
    def root(self) -> Numbers:
        """√Q."""
        return np.sqrt(self.edge.metric)

    @property
    def u(self) -> np.ndarray:
        """The near modes as directions of the weights, uᵀQu = 1."""
        return self.y[: self.near] / self.root

    def slope(self, flow: MatrixFreeFlow, push: Force | None = None) -> np.ndarray:
        """F (n,), with the oscillation of a force or without: recomputed rather than stored, to save memory."""
        return flow.slope(self.z, self.g, push)

    def movers(self, flow: MatrixFreeFlow) -> np.ndarray:
        """The same if the optimizer has states, which require them; else the modes, of which only the number matters."""
        return self.u if flow.own.states else self.y[: self.near]


class Wanted(NamedTuple):
    """``guess``: how many of the predicted modes are near; ``reach`` (k,): gaps below which they are; ``angle``: required
    accuracy; ``rough``: residuals of guards that may be ignored, relative to their eigenvalues; ``near``: the number refined as
    near modes, if more than ``guess``, whose T is computed before they are refined.
    """

    guess: int
    reach: np.ndarray
    angle: float
    rough: float = 0.0
    near: int = 0


class ModeSolver:
    """The points of a flow at its states, with their leading modes, for a path with the tolerance ``rtol``."""

    def __init__(self, flow: MatrixFreeFlow, oracle: Counted, rtol: float = 0.0):
        self.flow, self.oracle, self.d = flow, oracle, flow.n_weights
        self.short = np.dtype(np.float32 if self.d >= LONG and rtol >= SHORT else float)  # of T
        self.length = CHAIN if self.d < LONG else 1
        self.neutral = np.zeros((0, self.d))  # neutral modes, whose eigenvalue at the edge is reduced by 1

    def at(self, z: np.ndarray, y: np.ndarray, wanted: Wanted, known_near: Callable[[int], None] = lambda near: None) -> Point:
        """The point at a state, from predicted modes (k, d), orthonormal rows, whose memory it takes over; ``known_near`` is
        called with the number of near ones before T of them is computed.
        """
        flow, oracle, w = self.flow, self.oracle, z[: self.d]
        edge = flow.edge(z)
        root = np.sqrt(edge.metric)
        guess = min(wanted.guess, len(y))
        products = np.empty_like(y)
        g, known, own = self._bent(w, y[:guess], root, products)
        if g is None:
            g = oracle.gradient(w)
        self._curved(w, y[known:], root, products[known:])
        if not (np.isfinite(g).all() and np.isfinite(products).all()):
            raise NumericsError("the gradient or the Hessian is not finite")
        length = self.length if wanted.angle <= COARSE else 1
        chooser = Chooser(max(guess, min(wanted.near, len(y))), wanted, length)
        values, turn = refined(self._operator(w, root), y, products, chooser, ROUNDS, 1, length)
        del products
        near = int((2.0 - values < wanted.reach[: len(values)]).nonzero()[0].max(initial=-1)) + 1
        known_near(near)
        edge = flow.edge(z, g)
        point = Point(z, g, edge, y, values, near)
        point.turned = bool(near and (turn[:near, :near] ** 2).sum(axis=1).min() >= SAME**2)
        self._push(point, turn[:, :guess], own)
        return point

    def _curved(self, w: np.ndarray, y: np.ndarray, root: Numbers, out: np.ndarray) -> np.ndarray:
        """Q^-½HQ^-½ on rows, one at a time, to save memory."""
        for row, new in zip(y, out, strict=True):
            np.divide(row, root, out=new)
            np.divide(self.oracle.product(w, new), root, out=new)
        return self._lowered(y, out)

    def _lowered(self, y: np.ndarray, products: np.ndarray) -> np.ndarray:
        """Products with rows, in their place, with the part of the neutral modes subtracted."""
        if len(self.neutral):
            products -= (y @ self.neutral.T) @ self.neutral
        return products

    def _bent(
        self, w: np.ndarray, y: np.ndarray, root: Numbers, products: np.ndarray
    ) -> tuple[np.ndarray | None, int, list[np.ndarray]]:
        """The gradient and the first products if T[u, u] comes with them, else None and 0; T[u, u] of the near modes."""
        g, known, own = None, 0, []
        for i, row in enumerate(y):
            gradient, product, third = self.oracle.jet(w, np.divide(row, root, out=empty(self.d)))
            g = gradient if gradient is not None else g
            own.append(third.astype(self.short, copy=False))
            if product is not None:
                np.divide(product, root, out=products[i])
                known = i + 1
            del gradient, product, third
        self._lowered(y[:known], products[:known])
        return g, known, own

    def _push(self, point: Point, turn: np.ndarray, own: list[np.ndarray]) -> None:
        """T of the near modes and the rates of the gaps, from T[u, u] of the predicted ones if they hardly differ; ``turn``
        (m, guess): their products with the predicted ones.
        """
        k = point.near
        guess = min(turn.shape[1], k)
        if not k:
            point.thirds = np.zeros((0, self.d))
            return
        point.thirds = np.empty((len(pairs(k)), self.d), self.short)
        rows = dict(zip(pairs(k), point.thirds, strict=True))
        turn = turn[:guess, :guess]
        if guess and (turn**2).sum(axis=1).min() >= SAME**2:
            left, _, right = np.linalg.svd(turn)
            for i in range(guess):
                rows[i, i][:] = own.pop(0)
            own.clear()
            # T[u, v] only now, after the products, to save memory: for the predicted modes among these.
            self._fill(point, rows, [(i, j) for i, j in pairs(guess) if i < j], (left @ right).T)
            turn_thirds(left @ right, [rows[pair] for pair in pairs(guess)])
        else:
            guess = 0
            own.clear()
        self._fill(point, rows, [(i, j) for i, j in pairs(k) if j >= guess], np.diag(np.ones(k)))
        point.rates = rates(self.flow, point.slope(self.flow), point.edge, point.movers(self.flow), point.thirds)

    def _fill(
        self, point: Point, rows: dict[tuple[int, int], np.ndarray], wanted: list[tuple[int, int]], turn: np.ndarray
    ) -> None:
        """T of pairs of rotated modes, ``turn`` (n, n) of the first ones, into its rows; of one mode with itself first."""
        w, y, root = point.z[: self.d], point.y[: len(turn)], point.root

        def mode(i: int) -> np.ndarray:
            u = np.matmul(turn[i], y, out=empty(self.d))
            u /= root
            return u

        for i, j in sorted(wanted, key=lambda pair: pair[0] < pair[1]):
            if i == j:
                rows[i, i][:] = self.oracle.jet(w, mode(i))[2]
            else:
                rows[i, j][:] = self.oracle.mixed(w, mode(i), mode(j), rows[i, i], rows[j, j])

    def curved(self, z: np.ndarray, edge: Edge, rows: np.ndarray) -> np.ndarray:
        """Q^-½HQ^-½ of a state, with the Q of an edge, on rows (k, d)."""
        return self._curved(z[: self.d], rows, np.sqrt(edge.metric), empty(*rows.shape))

    def search(self, z: np.ndarray, edge: Edge, count: int, against: np.ndarray, seed: int, tol: float, restarts: int
               ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """The largest eigenvalues of Q^-½HQ^-½ on the orthogonal complement of some modes, and their modes."""
        root, w = np.sqrt(edge.metric), z[: self.d]
        size = min(self.d - len(against), max(BASIS if len(against) else FIRST_BASIS, count + 4))
        random, modes = np.random.default_rng(seed), (np.zeros(0), against[:0])
        for _ in range(DRAWS):
            # The start has no name here, to save memory.
            modes = searched(
                self._operator(w, root), random.standard_normal(self.d), min(count, size), against, size, tol, restarts
            )
            if len(modes[0]):
                break
        return modes

    def top(self, z: np.ndarray, edge: Edge, against: np.ndarray, seed: int) -> float:
        """An estimate from below of the largest eigenvalue there, with few vectors."""
        start = np.random.default_rng(seed).standard_normal(self.d)
        return top(self._operator(z[: self.d], np.sqrt(edge.metric)), start, against, min(CHECKS, self.d - len(against)))

    def _operator(self, w: np.ndarray, root: Numbers) -> Product:
        return lambda v: self._curved(w, v, root, empty(*v.shape))


class Chooser:
    """Which modes are corrected, and the residuals that suffice."""

    def __init__(self, guess: int, wanted: Wanted, length: int):
        self.guess, self.wanted, self.round, self.again = guess, wanted, 0, length == 1 and wanted.angle <= COARSE

    def __call__(self, values: np.ndarray, sizes: np.ndarray) -> dict[int, float]:
        wanted, k = self.wanted, self.guess
        self.round += 1
        rest = values[k] if len(values) > k else values[-1] - APART
        exact, faint = self.round == 1 or self.again, FAINT if self.round == 1 else AGAIN
        gaps = [max(values[i] - rest, APART) for i in range(min(k, len(values)))]
        enough = [wanted.angle * gap if exact else (WRONG * gap) ** 0.5 for gap in gaps]
        enough += [max(wanted.rough * abs(v), (BESIDE * faint * max(abs(2.0 - v), NEAR)) ** 0.5) for v in values[k:]]
        chosen = [i for i, size in enumerate(enough) if sizes[i] > size]
        return {i: enough[i] for i in chosen[: k + 1 if k else 2]}  # near ones first; each takes two vectors


def turn_thirds(turn: np.ndarray, thirds: list[np.ndarray]) -> None:
    """T of the pairs of modes that are rotated, overwriting the old values: rows of ``turn`` (k, k) are the new modes."""
    k = len(turn)
    place = {pair: n for n, pair in enumerate(pairs(k))}
    factors = np.zeros((len(place), len(place)))
    for (i, j), row in place.items():
        for a in range(k):
            for b in range(k):
                factors[row, place[min(a, b), max(a, b)]] += turn[i, a] * turn[j, b]
    for first in range(0, len(thirds[0]), PIECE):
        part = slice(first, first + PIECE)
        new = factors @ np.array([third[part] for third in thirds])
        for row, own in enumerate(new):
            if not thirds[row].flags.writeable:
                thirds[row] = thirds[row].copy()
            thirds[row][part] = own
