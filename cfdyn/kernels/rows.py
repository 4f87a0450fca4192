"""A compiled rule at many points."""

from typing import Any

import numpy as np

from cfdyn.machine.jit import address, call, kernel, pointer


def evaluate_rows(rule: Any, points: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The outputs of a `cfdyn.codegen.compile.Rule` at each of the points (k, n), (k, n_out)."""
    out = np.empty((len(points), rule.n_out))
    at_rows(address(rule.compiled), np.ascontiguousarray(points), p, out)
    return out


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
