"""The central flow of gradient descent by quarter-step forward Euler and a conic solver, the scheme of the published code.

Written from its description: eigenvectors of the Hessian refreshed once per optimizer step and stale in between, the
constraint linearised to the end of each Euler step, one conic program (cvxpy and Clarabel) per step at the edge.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache

import cvxpy as cp
import numpy as np


@dataclass
class Work:
    """What a run has used: oracle calls by name, conic programs, processor seconds in them and in all."""

    calls: Counter = field(default_factory=Counter)
    programs: int = 0
    conic_seconds: float = 0.0
    seconds: float = 0.0

    def gradients(self, d: int) -> int:
        """All calls in gradients: 2 for a product with the Hessian, 2d for all of it, 5 for a third derivative."""
        costs = {"gradient": 1, "hvp": 2, "hessian": 2 * d, "curvature_gradient": 5}
        return sum(costs[name] * count for name, count in self.calls.items())


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
        twice = np.array([1.0 if i == j else 2.0 for i, j in self.pairs])
        contractions = np.array([c[i, j] for i, j in self.pairs]) * twice[:, None]
        values, vectors = np.linalg.eigh(0.5 * lr * contractions @ contractions.T)
        self.root.value = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
        self.linear.value = np.array([a[i, j] for i, j in self.pairs]) * twice
        self.problem.solve(solver=cp.CLARABEL)
        return np.asarray(self.x.value)


program = cache(ConicProgram)  # compiled once per process: a warm run does without


class EulerCentral:
    """One run; ``near`` is how far below the edge an eigenvalue may lie and still enter the program."""

    def __init__(self, loss, lr: float, dt: float, near: float):
        self.loss, self.lr, self.dt, self.near = loss, lr, dt, near
        self.work = Work()

    def _call(self, name, *args):
        self.work.calls[name] += 1
        return getattr(self.loss, name)(*args)

    def _force(self, w, u):
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
        started = time.process_time()
        x = program(k).solve(a, c, self.lr)
        self.work.conic_seconds += time.process_time() - started
        self.work.programs += 1
        return g + 0.5 * np.einsum("ij,ijk->k", x, c)

    def critical(self, w):
        values, vectors = np.linalg.eigh(self._call("hessian", w))
        return vectors[:, values > 2 / self.lr - self.near]

    def run(self, w, duration: float, refresh: float):
        n, every = round(duration / self.dt), max(1, round(refresh / self.dt))
        if abs(n * self.dt - duration) > 1e-9:
            raise ValueError("time must be a multiple of dt")
        rows = np.empty((n + 1, len(w)))
        rows[0] = w
        started = time.process_time()
        for i in range(n):
            if i % every == 0:
                u = self.critical(w)
            w = w - self.dt * self.lr * self._force(w, u)
            rows[i + 1] = w
        self.work.seconds += time.process_time() - started
        return np.arange(n + 1) * self.dt, rows


def solve_with_work(loss, lr, w0, time, dt=0.25, near=None, refresh=1.0):
    """Times, weights and the work; ``refresh=dt`` renews the eigenvectors at every Euler step, 1 is the published scheme."""
    euler = EulerCentral(loss, lr, dt, 0.6 / lr if near is None else near)
    return *euler.run(np.asarray(w0, float), time, refresh), euler.work


def solve(loss, lr, w0, time, dt=0.25):
    """Times (n + 1,) and weights (n + 1, d) of the central flow of gradient descent."""
    return solve_with_work(loss, lr, w0, time, dt)[:2]
