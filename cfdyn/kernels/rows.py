"""A compiled rule at many points."""

from typing import Any

import numpy as np

from cfdyn.machine.jit import address, call, kernel, pointer

PIECE = 2**20  # numbers of matrices at a time


def evaluate_rows(rule: Any, points: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The outputs of a `cfdyn.codegen.compile.Rule` at each of the points (k, n), (k, n_out)."""
    out = np.empty((len(points), rule.n_out))
    at_rows(address(rule.compiled), np.ascontiguousarray(points), p, out)
    return out


def largest_eigenvalues(rule: Any, points: np.ndarray, p: np.ndarray, d: int, held: np.ndarray | None = None) -> np.ndarray:
    """λ₁(H) of the d × d matrices H that a rule makes at each of the points, (k,); NaN where it is not finite.

    ``held`` (k, 2d + 1): θP/2, P and the penalty of weight decay; then of P⁻¹(H + penalty), over θ.
    """
    result, rows = np.full(len(points), np.nan), max(1, PIECE // (d * d))
    for first in range(0, len(points), rows):
        mine = slice(first, first + rows)
        matrices = evaluate_rows(rule, points[mine], p).reshape(-1, d, d)
        if held is not None:
            with np.errstate(all="ignore"):
                scale = 1 / np.sqrt(2 * held[mine, :d])
                matrices = (matrices + held[mine, -1, None, None] * np.eye(d)) * scale[:, :, None] * scale[:, None, :]
        finite = np.isfinite(matrices).all(axis=(1, 2))
        result[mine][finite] = np.linalg.eigvalsh(matrices[finite])[:, -1]
    return result


def evaluate_moved(rule: Any, points: np.ndarray, p: np.ndarray, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The outputs (rows, n, n_out) at points (rows, n, D), each row with its own ``values`` (rows, k) at ``places`` of p."""
    out = np.empty((*points.shape[:2], rule.n_out))
    at_moved_rows(address(rule.compiled), np.ascontiguousarray(points), p.copy(), places, values, out)
    return out


@kernel
def at_rows(rule, points, p, out) -> None:
    """out[i] = rule(points[i]), of the rule the address: a rule as an argument takes numba ten times as long."""
    for i in range(points.shape[0]):
        call(rule, pointer(points, i * points.shape[1]), p, pointer(out, i * out.shape[1]))


@kernel
def at_moved_rows(rule, points, p, places, values, out) -> None:
    """out[i, k] = rule(points[i, k]) with values[i] at their places of p."""
    n, d, width = points.shape[1], points.shape[2], out.shape[2]
    for i in range(points.shape[0]):
        for j in range(len(places)):
            p[places[j]] = values[i, j]
        for k in range(i * n, (i + 1) * n):
            call(rule, pointer(points, k * d), p, pointer(out, k * width))
