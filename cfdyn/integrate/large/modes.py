"""The leading eigenvectors of a symmetric operator that changes slowly, in rows: initialized, tracked, and searched."""

import math
from collections.abc import Callable

import numpy as np

Product = Callable[[np.ndarray], np.ndarray]  # rows (k, d) → rows
Choice = Callable[[np.ndarray, np.ndarray], dict[int, float]]  # from values and residuals, which, and the residuals that will do
PIECE = 4096  # of the entries of vectors at a time
DONE = 0.2  # relative to the largest residual of a vector: it needs no more directions
TINY = 1e-10  # of a unit vector: what is left of one that lies in the space of others


def orthonormal(rows: np.ndarray, against: np.ndarray) -> np.ndarray:
    """The rows, each orthogonal to ``against`` and to those before it, in their place; rows without a new direction are omitted.

    Each projection is done twice: once is not enough where little remains.
    """
    basis, count = rows, 0
    for row in rows:
        size = float(np.linalg.norm(row))
        if not (0 < size < np.inf):
            continue
        new = row / size
        for _ in range(2):
            new -= (against @ new) @ against
            new -= (basis[:count] @ new) @ basis[:count]
            size = float(np.linalg.norm(new))
            if size < TINY:
                break
            new /= size
        else:
            basis[count] = new
            count += 1
    return basis[:count]


def ritz(basis: np.ndarray, products: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``count`` largest Ritz values, descending, and the coefficients of their vectors in the basis, in rows."""
    small = basis @ products.T
    values, turn = np.linalg.eigh((small + small.T) / 2)
    return values[::-1][:count].copy(), turn.T[::-1][:count]


def recombine(turn: np.ndarray, rows: np.ndarray, more: np.ndarray) -> None:
    """turn @ [rows; more] in the place of the rows (k, d), and of as many of ``more`` as ``turn`` has further rows, in pieces."""
    (k, d), m = rows.shape, len(turn) - len(rows)
    old, added = np.ascontiguousarray(turn[:, :k]), np.ascontiguousarray(turn[:, k:])
    room = np.empty((2, k + m, min(PIECE, d)))  # reused: a new allocation costs more than the products
    for first in range(0, d, PIECE):
        part, (sums, beside) = slice(first, first + PIECE), room[:, :, : min(PIECE, d - first)]
        np.matmul(old, rows[:, part], out=sums)
        if len(more):
            np.matmul(added, more[:, part], out=beside)
            sums += beside
        rows[:, part], more[:m, part] = sums[:k], sums[k:]


def refined(
    product: Product, basis: np.ndarray, products: np.ndarray, choose: Choice, rounds: int, at_once: int, length: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Ritz values (k,) of a basis (k, d) and its products, which become Ritz vectors and their products, and the matrix (k, k)
    from the old to the new vectors, as far as one exists.

    ``choose`` selects from values and residuals the vectors to be corrected, in ``rounds`` rounds; ``at_once`` of them are
    corrected at a time, each of which takes the memory of two vectors. In the first round up to ``length`` residuals of each are
    added one after another, until one suffices or is ``DONE`` of the largest: if there can be more than one, with all old vectors
    in memory.
    """
    k, none = len(basis), basis[:0]
    old = basis.copy() if length > 1 else none  # for the total rotation: products of single rotations miss a little of it
    values, turn = ritz(basis, products, k)
    recombine(turn, basis, none)
    recombine(turn, products, none)
    whole = turn
    for turned in range(rounds):
        sizes = np.array([np.linalg.norm(p - v * b) for p, v, b in zip(products, values, basis, strict=True)])
        chosen = list(choose(values, sizes).items())
        if not chosen:
            break
        for first in range(0, len(chosen), at_once):
            part = dict(chosen[first : first + at_once])
            values, turn = _corrected(product, basis, products, values, part, 1 if turned else length)
            whole = turn @ whole
    return values, basis @ old.T if len(old) else whole


def _corrected(
    product: Product, basis: np.ndarray, products: np.ndarray, values: np.ndarray, chosen: dict[int, float], length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ritz values and the last rotation of the vectors, with residuals of some of them in the space; from the second residual on
    also with the last change of these vectors: conjugate directions (LOBPCG, Knyazev 2001, doi.org/10.1137/S1064827500366124).
    """
    k, more, curved, turn = len(basis), basis[:0], basis[:0], np.diag(np.ones(len(basis)))
    largest, enough = 0.0, float(np.linalg.norm(list(chosen.values())))
    for left in range(length - 1, -1, -1):
        new = np.empty((len(chosen), basis.shape[1]))
        for row, i in zip(new, chosen, strict=True):
            np.multiply(basis[i], -values[i], out=row)
            row += products[i]
        size = float(np.linalg.norm(new))
        largest = max(largest, size)
        if len(more) and size < max(DONE * largest, enough):
            break
        if len(more):
            new = orthonormal(new, more)
        new = orthonormal(new, basis)
        if not len(new):
            break
        added = product(new)
        more, curved = (np.concatenate([more, new]), np.concatenate([curved, added])) if len(more) else (new, added)
        del new, added  # memory
        small = np.block([[np.diag(values), basis @ curved.T], [more @ products.T, more @ curved.T]])
        every, turn = np.linalg.eigh((small + small.T) / 2)
        values, turn = every[::-1][:k].copy(), turn.T[::-1][:k]
        if left:
            moved = turn[list(chosen)] * (np.arange(turn.shape[1]) >= k)
            turn = np.concatenate([turn, orthonormal(moved, turn)])
        recombine(turn, basis, more)
        recombine(turn, products, curved)
        more, curved = more[: len(turn) - k], curved[: len(turn) - k]
    return values, turn[:k, :k]


def completed(rows: np.ndarray, near: np.ndarray) -> np.ndarray:
    """``near`` (n, d), followed by the rest of the space of orthonormal rows (k, d) orthogonal to it, together as many rows."""
    left = np.linalg.svd(rows @ near.T)[0]
    more = orthonormal(left.T[len(near) :] @ rows, near)
    return np.concatenate([near, more])


def searched(
    product: Product, start: np.ndarray, count: int, against: np.ndarray, size: int, tol: float, restarts: int
) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues of the operator on the complement of ``against``, and vectors (count, d).

    By Lanczos' method with ``size`` vectors, restarted with the best ``count`` + 1 of them until residuals are below ``tol``
    of the largest value, at most ``restarts`` times. None if no part of the start is orthogonal to ``against``.
    """
    begin = orthonormal(start[None], against)
    if not len(begin):
        return np.zeros(0), begin
    v, small = np.empty((size + 1, len(start))), np.zeros((size, size))
    v[:1] = begin
    all_of_it = size + len(against) >= len(start)  # where the remainder after the last vector is rounding
    del start, begin  # memory
    first = 0
    for left in range(restarts, -1, -1):
        used = size
        for j in range(first, size):
            new = product(v[j : j + 1])[0]
            along = np.zeros(j + 1)
            for _ in range(2):
                new -= (against @ new) @ against
                part = v[: j + 1] @ new
                new -= part @ v[: j + 1]
                along += part
            small[: j + 1, j] = small[j, : j + 1] = along
            rest = float(np.linalg.norm(new))
            if not rest > TINY * abs(along[-1]):
                used = j + 1
                break
            np.divide(new, rest, out=v[j + 1])
            del new  # memory
        values, turn = np.linalg.eigh(small[:used, :used])
        values, turn = values[::-1], turn.T[::-1]
        residual = rest * np.abs(turn[:count, -1]).max()
        if used < size or all_of_it or not left or residual < tol * np.abs(values).max():
            break
        first = min(count + 1, size - 2)
        v[:first], v[first] = turn[:first] @ v[:size], v[size].copy()
        small[:] = 0.0
        small[range(first), range(first)] = values[:first]
    return values[:count], turn[:count] @ v[:used]


def top(product: Product, start: np.ndarray, against: np.ndarray, steps: int) -> float:
    """The largest Ritz value after some steps of Lanczos' method on the complement of ``against``, with two vectors stored; −∞
    if no part of the start lies in it.

    >>> round(top(lambda v: v * np.arange(9.0), np.ones(9), np.zeros((0, 9)), 8), 3)
    8.0
    """
    begin = orthonormal(start[None].copy(), against)
    if not len(begin):
        return -math.inf
    before, now = np.zeros_like(start), begin[0]
    size, alphas, betas = 0.0, [], []
    for _ in range(steps):
        new = product(now[None])[0]
        new -= (against @ new) @ against
        new -= size * before
        alphas.append(float(now @ new))
        new -= alphas[-1] * now
        size = float(np.linalg.norm(new))
        betas.append(size)
        if not size > TINY * abs(alphas[-1]):
            break
        before, now = now, np.divide(new, size, out=new)
    side = np.diag(betas[:-1], 1)
    return float(np.linalg.eigvalsh(np.diag(alphas) + side + side.T)[-1])


def aligned(old: np.ndarray, new: np.ndarray, first: int | None = None) -> np.ndarray:
    """The rotation (k, k), of the first rows together and of each other row by its sign, that is closest to the new rows."""
    k = len(old) if first is None else first
    overlap, turn = new @ old.T, np.diag(np.ones(len(old)))
    if k:
        left, _, right = np.linalg.svd(overlap[:k, :k])
        turn[:k, :k] = left @ right
    for i in range(k, len(old)):
        turn[i, i] = 1.0 if overlap[i, i] >= 0 else -1.0
    return turn
