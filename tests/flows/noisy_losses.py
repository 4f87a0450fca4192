"""Losses with rows of data, and the central flow with noise written out in numpy: for tests of it."""

from __future__ import annotations

import numpy as np

import cfdyn as cf
from cfdyn.symbolic.loss import make_loss

# Two hidden tanh units on 12 points of sin 2x.
X = np.linspace(-2, 2, 12)
TOY_TABLE = np.column_stack([X, np.sin(2 * X)])
TOY_START = np.random.default_rng(5).normal(size=6)


def on_rows(formula: str, variables: str, columns: str, data: np.ndarray) -> cf.Loss:
    return cf.Loss.from_spec(make_loss(formula, variables, {}, columns.split(), data=np.asarray(data, float)))


def toy(table: np.ndarray = TOY_TABLE) -> cf.Loss:
    return on_rows("(c1*tanh(a1*x + b1) + c2*tanh(a2*x + b2) - y)**2/2", "a1 a2 b1 b2 c1 c2", "x y", table)


def ramp(x: float, cut: float) -> float:
    u = float(np.clip(np.log2(2 * x / cut) / 2, 0, 1)) if x > 0 else 0.0
    return u**3 * (10 - 15 * u + 6 * u * u)


def written_out(loss: cf.Loss, w, lr, share, cut, additive=0.0) -> tuple[np.ndarray, np.ndarray]:
    """(dw/dt, Σ): AΣA + W(N[Σ] + η²C)W = Σ for W = φ(ηH), as one linear system for all d² entries of Σ."""
    d, h, g = loss.dim, loss.hessian(w), loss.gradient(w)
    values, vectors = np.linalg.eigh(lr * h)
    weight = vectors @ np.diag([ramp(x, cut) for x in values]) @ vectors.T
    rows_g, rows_h = loss.row_gradients(w) - g, loss.row_hessians(w) - h
    a, twice = np.eye(d) - lr * h, np.kron(weight, weight)
    source = lr**2 * (share * rows_g.T @ rows_g / len(rows_g) + additive)
    scatter = lr**2 * share * np.mean([np.kron(x, x) for x in rows_h], axis=0)
    system = np.eye(d * d) - np.kron(a, a) - twice @ scatter
    sigma = np.linalg.lstsq(system, twice @ source.ravel(), rcond=1e-13)[0].reshape(d, d)
    unit = np.eye(d)
    push = sum(sigma[i, j] * loss.curvature_gradient(w, unit[i], unit[j]) for i in range(d) for j in range(d))
    return -lr * (g + push / 2), sigma
