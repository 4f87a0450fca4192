"""The central flow of gradient descent by quarter-step forward Euler and a conic solver, the scheme of the published code.

Written from its description: eigenvectors of the Hessian refreshed once per optimizer step and stale in between, the
constraint linearised to the end of each Euler step, one conic program (cvxpy and Clarabel) per step at the edge.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import cvxpy as cp
import numpy as np


@dataclass
class Work:
    """What a run has used: oracle calls by name, conic programs, processor seconds."""

    calls: Counter = field(default_factory=Counter)
    programs: int = 0
    seconds: float = 0.0

    def gradients(self, d: int) -> int:
        """All calls in gradients: 2 for a product with the Hessian, 2d for all of it, 5 for a third derivative."""
        costs = {"gradient": 1, "hvp": 2, "hessian": 2 * d, "curvature_gradient": 5}
        return sum(costs[name] * count for name, count in self.calls.items())


@cache  # compiled once per process: a warm run does without
class ConicProgram:
    """0 ⪯ X ⟂ A + β[X] ⪰ 0 as min ½‖β^½ svec X‖² + ⟨A, X⟩ over X ⪰ 0, compiled once per size."""

    def __init__(self, k: int):
        self.pairs = [(i, j) for i in range(k) for j in range(i + 1)]
        self.x = cp.Variable((k, k), PSD=True) if k > 1 else cp.Variable((1, 1), nonneg=True)
        n = len(self.pairs)
        self.root, self.linear = cp.Parameter((n, n)), cp.Parameter(n)
        entries = cp.hstack([self.x[i, j] for i, j in self.pairs])
        self.problem = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(self.root @ entries) + self.linear @ entries))

    def solve(self, a: np.ndarray, c: np.ndarray, lr: float) -> np.ndarray:
        """X for A (k, k) and the third derivatives c (k, k, d)."""
        twice = np.array([1.0 if i == j else 2.0 for i, j in self.pairs])
        contractions = np.array([c[i, j] for i, j in self.pairs]) * twice[:, None]
        values, vectors = np.linalg.eigh(0.5 * lr * contractions @ contractions.T)
        self.root.value = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
        self.linear.value = np.array([a[i, j] for i, j in self.pairs]) * twice
        self.problem.solve(solver=cp.CLARABEL)
        return np.asarray(self.x.value)


@dataclass
class EulerCentral:
    """One run; ``near`` is how far below the edge an eigenvalue may lie and still enter the program."""

    loss: Any
    lr: float
    dt: float
    near: float
    work: Work = field(default_factory=Work)

    def _call(self, name: str, *args: np.ndarray) -> np.ndarray:
        self.work.calls[name] += 1
        return getattr(self.loss, name)(*args)

    def _force(self, w: np.ndarray, u: np.ndarray) -> np.ndarray:
        """g + ½∇⟨H, Σ⟩ for the stale eigenvectors u, (d, k), at the present weights."""
        k, g = u.shape[1], self._call("gradient", w)
        if k == 0:
            return g
        c = np.empty((k, k, len(w)))
        for i in range(k):
            for j in range(i + 1):
                c[i, j] = c[j, i] = self._call("curvature_gradient", w, u[:, i], u[:, j])
        h = np.array([self._call("hvp", w, u[:, i]) for i in range(k)]) @ u
        a = (2 / self.lr * np.eye(k) - h) / self.dt + self.lr * c @ g
        if np.linalg.eigvalsh(a)[0] >= 0:
            return g
        self.work.programs += 1
        return g + 0.5 * np.einsum("ij,ijk->k", ConicProgram(k).solve(a, c, self.lr), c)

    def run(self, w: np.ndarray, duration: float, refresh: float) -> np.ndarray:
        """Weights after each step, (n + 1, d)."""
        n, every = round(duration / self.dt), max(1, round(refresh / self.dt))
        if abs(n * self.dt - duration) > 1e-9:
            raise ValueError("time must be a multiple of dt")
        rows, started = [w], time.process_time()
        for i in range(n):
            if i % every == 0:
                values, vectors = np.linalg.eigh(self._call("hessian", w))
                u = vectors[:, values > 2 / self.lr - self.near]
            w = w - self.dt * self.lr * self._force(w, u)
            rows.append(w)
        self.work.seconds += time.process_time() - started
        return np.array(rows)


def solve_with_work(
    loss: Any, lr: float, w0: Any, time: float, dt: float = 0.25, refresh: float = 1.0
) -> tuple[np.ndarray, np.ndarray, Work]:
    """Times, weights and the work; ``refresh=dt`` renews the eigenvectors at every Euler step, 1 is the published scheme."""
    euler = EulerCentral(loss, lr, dt, 0.6 / lr)
    rows = euler.run(np.asarray(w0, float), time, refresh)
    return np.arange(len(rows)) * dt, rows, euler.work
