"""The `Field` of a flow: its rules, and scratch of the right sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.kernels.field import CENTRAL, PLAIN, TRACE, Field

RULES = ("drift", "drift_jacobian", "edge", "slack_jacobian", "force", "force_jacobian")


def make_field(
    kind: int, n: int, d: int, p: np.ndarray, rule: Callable[[str], Any], reference: np.ndarray | None = None,
    jacobians: bool = False,
) -> Field:  # fmt: skip
    """A Field with k = len(reference) modes; ``rule`` gives the compiled rule of a name.

    Only the rules that will be called are asked for: those of the edge for a ``kind`` that has one, the Jacobians
    only where ``jacobians`` says that an implicit method will run.
    """
    k = 0 if reference is None else len(reference)
    m = {CENTRAL: k * (k + 1) // 2, TRACE: min(k, 1)}.get(kind, 0)
    drift = rule("drift")
    wanted = {"drift"} | (set() if kind == PLAIN else {"edge", "force"})
    if jacobians:
        wanted |= {"drift_jacobian"} | (set() if kind == PLAIN else {"slack_jacobian", "force_jacobian"})
    rules = [rule(name) if name in wanted else drift for name in RULES]
    size = max(d, m, 1)
    return Field(
        kind, n, d, k, *rules, p, np.zeros((k, d)) if reference is None else np.ascontiguousarray(reference),
        counts=np.zeros(4, np.int64), notes=np.zeros(8), edges=np.zeros(d * d + d), matrix=np.zeros((d, d)),
        values=np.zeros(d), vectors=np.zeros((d, d)), chosen=np.zeros(d, np.int64), modes=np.zeros((k, d)),
        inputs=np.zeros(n + 2 * d), pair=np.zeros(max(2 * n, m)), b=np.zeros((m, n)), a=np.zeros((m, n)), x=np.zeros(m),
        beta=np.zeros((m, m)), beta_values=np.zeros(m), beta_vectors=np.zeros((m, m)), right=np.zeros(m),
        work=np.zeros(size * size + 2 * size), turns=np.zeros((k, d, n)),
        pair_slopes=np.zeros(2 * n * (n + 2 * d)) if jacobians else np.zeros(2 * n), rates=np.zeros((m + 1, n)),
    )  # fmt: skip


def plain_field(n: int, p: np.ndarray, drift: Any, drift_jacobian: Any) -> Field:
    """The Field of dz/dt = F(z) without an edge, from compiled rules for F and DF."""
    rules = {"drift": drift, "drift_jacobian": drift_jacobian}
    return make_field(PLAIN, n, 1, p, rules.__getitem__, jacobians=True)
