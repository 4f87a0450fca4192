"""Rows of quadratics, and second moments over all their batches written out: for tests of mean-square stability."""

from __future__ import annotations

import itertools

import numpy as np

import cfdyn as cf
from cfdyn.symbolic.loss import make_loss


def quadratic_rows(hessians, gradients=None) -> cf.Loss:
    """The mean over rows of wᵀHᵢw/2 + gᵢ·w."""
    hessians = np.asarray(hessians, float)
    n, d, _ = hessians.shape
    gradients = np.zeros((n, d)) if gradients is None else np.asarray(gradients, float)
    w, pairs = [f"w{i}" for i in range(d)], [(i, j) for i in range(d) for j in range(i, d)]
    terms = [f"h{i}_{j}*w{i}*w{j}" + ("/2" if i == j else "") for i, j in pairs] + [f"g{i}*w{i}" for i in range(d)]
    data = np.column_stack([*(hessians[:, i, j] for i, j in pairs), gradients])
    columns = [f"h{i}_{j}" for i, j in pairs] + [f"g{i}" for i in range(d)]
    return cf.Loss.from_spec(make_loss(" + ".join(terms), w, {}, columns, data=data))


def batches(n: int, b: int, replace: bool) -> np.ndarray:
    """All equally likely batches, (count, b)."""
    return np.array(list(itertools.product(range(n), repeat=b) if replace else itertools.combinations(range(n), b)))


def sharp_directions(hessians, lr, cut) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues with ηλ > cut, falling, and eigenvectors as rows."""
    values, vectors = np.linalg.eigh(np.mean(hessians, axis=0))
    kept = [i for i in np.argsort(values)[::-1] if lr * values[i] > cut]
    return values[kept], vectors.T[kept]


def operator_of_all_batches(hessians, lr, b, replace, q) -> np.ndarray:
    """E[X ⊗ X] on k directions, (k², k²), X the restriction of 1 − ηH_B, over all batches."""
    restricted = np.einsum("ad,nde,be->nab", q, hessians, q)
    factors = np.eye(len(q)) - lr * restricted[batches(len(hessians), b, replace)].mean(axis=1)
    return np.mean([np.kron(x, x) for x in factors], axis=0)


def random_rows(seed, n, d, rank=None) -> np.ndarray:
    """Hessians of rows: Gram matrices of normal vectors, or general symmetric ones."""
    rng = np.random.default_rng(seed)
    if rank is None:
        a = rng.normal(size=(n, d, d))
        return (a + a.transpose(0, 2, 1)) / 2 + 1.5 * np.eye(d)
    x = rng.normal(size=(n, rank, d))
    return np.einsum("nri,nrj->nij", x, x)
