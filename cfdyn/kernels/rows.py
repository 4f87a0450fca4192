"""A compiled rule at many points."""

from typing import Any

import numpy as np

from cfdyn.machine.jit import address, call, kernel, pointer


def evaluate_rows(rule: Any, points: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The outputs of a `cfdyn.codegen.compile.Rule` at each of the points (k, n), (k, n_out)."""
    out = np.empty((len(points), rule.n_out))
    at_rows(address(rule.compiled), np.ascontiguousarray(points), p, out)
    return out


@kernel
def at_rows(rule, points, p, out) -> None:
    """out[i] = rule(points[i]), of the rule the address: a rule as an argument takes numba ten times as long."""
    for i in range(points.shape[0]):
        call(rule, pointer(points, i * points.shape[1]), p, pointer(out, i * out.shape[1]))
