"""The central flow of gradient descent for networks by quarter-step forward Euler, the scheme of the published code.

Written from its description: LOBPCG once per optimizer step, eigenvectors stale in between, the constraint linearised to the
end of each Euler step. The complementarity problem is solved by cfdyn's kernel in place of a conic program, which is in its
favour; products, T and gradients are those of the same network and counted by the same prices.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.sparse.linalg import LinearOperator, lobpcg

from cfdyn.integrate.equations import multipliers, unpacked
from cfdyn.integrate.large.costs import Counted
from cfdyn.systems.matrix_free.flow import MatrixFreeFlow

STEP, CLOSE, ITERATIONS, MODES = 0.25, 0.9, 8, 4  # of an optimizer step; of the edge: modes in play; of LOBPCG; followed


def follow(flow: MatrixFreeFlow, w: np.ndarray, t: float, vectors: np.ndarray | None = None) -> tuple[np.ndarray, Counted, int]:
    """The weights at time t, what was asked, and the modes at the edge in the end; LOBPCG begins with ``vectors`` (k, d) and,
    up to those that are followed, random ones."""
    oracle, lr, held = Counted(flow), flow.params["lr"], 0
    basis = np.random.default_rng(0).standard_normal((len(w), MODES))
    if vectors is not None:
        known = vectors[:MODES].T
        basis[:, : known.shape[1]] = known / np.linalg.norm(known, axis=0)
    for _ in range(round(t)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that so few iterations may end above tol
            values, basis = lobpcg(_hessian(oracle, w), basis, largest=True, tol=1e-3, maxiter=ITERATIONS)
        directions = np.ascontiguousarray(basis[:, values > CLOSE * 2 / lr].T)
        for _ in range(round(1 / STEP)):
            w, held = _euler(oracle, w, directions, lr)
    return w, oracle, held


def _hessian(oracle: Counted, w: np.ndarray) -> LinearOperator:
    return LinearOperator((len(w), len(w)), matvec=lambda v: oracle.products(w, v.reshape(1, -1))[0],
                          matmat=lambda v: oracle.products(w, np.ascontiguousarray(v.T)).T, dtype=float)  # fmt: skip


def _euler(oracle: Counted, w: np.ndarray, u: np.ndarray, lr: float) -> tuple[np.ndarray, int]:
    """One step: X keeps UᵀHU at or below 2/η at its end."""
    g, k = oracle.gradient(w), len(u)
    if not k:
        return w - STEP * lr * g, 0
    gap = 2 / lr * np.eye(k) - u @ oracle.products(w, u).T
    own = [oracle.jet(w, v)[2] for v in u]
    pairs = [(i, j) for i in range(k) for j in range(i, k)]
    thirds = np.array([own[i] if i == j else oracle.mixed(w, u[i], u[j], own[i], own[j]) * 2**0.5 for i, j in pairs])
    packed = np.array([gap[i, j] * (1 if i == j else 2**0.5) for i, j in pairs])
    x, _, _ = multipliers(packed / STEP + lr * thirds @ g, lr / 2 * thirds @ thirds.T)
    sizes = np.linalg.eigvalsh(unpacked(x, k))
    return w - STEP * lr * (g + x @ thirds / 2), int((sizes > 1e-6 * max(sizes.max(), 1e-300)).sum())
