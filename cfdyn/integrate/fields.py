"""The `Field` of a flow: its rules, and a memory of the right size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.kernels import field as places
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
    at, size = _layout(n, d, k, m, jacobians)
    memory = np.zeros(size)
    if k:
        memory[at[places.REFERENCE] : at[places.REFERENCE] + k * d] = np.ravel(reference)
    return Field(kind, n, d, k, m, *rules, p, memory, at, np.zeros(4, np.int64))


def _layout(n: int, d: int, k: int, m: int, jacobians: bool) -> tuple[np.ndarray, int]:
    """Where each array begins, in the order of the constants, and the size of all."""
    widest = max(d, m, k, 1)
    slopes = 2 * n * (n + 2 * d) if jacobians else 0
    sizes = {
        places.REFERENCE: k * d, places.EDGES: d * d + d, places.MATRIX: d * d, places.VALUES: d, places.VECTORS: d * d,
        places.CHOSEN: d, places.MODES: k * d, places.INPUTS: n + 2 * d, places.PAIR: max(2 * n, m), places.B: m * n,
        places.A: m * n, places.X: m, places.BETA: max(m * m, k * k), places.SCALE: m, places.ROOTS: max(m, k),
        places.AXES: max(m * m, k * k), places.WORK: widest * widest + 2 * widest, places.TURNS: k * d * n if jacobians else 0,
        places.SLOPES_OF: slopes, places.RATES: m * n if jacobians else 0,
    }  # fmt: skip
    ends = 8 + np.cumsum([0, *(sizes[place] for place in range(places.PLACES))])
    return ends.astype(np.int64), int(ends[-1])


def plain_field(n: int, p: np.ndarray, drift: Any, drift_jacobian: Any) -> Field:
    """The Field of dz/dt = F(z) without an edge, from compiled rules for F and DF."""
    rules = {"drift": drift, "drift_jacobian": drift_jacobian}
    return make_field(PLAIN, n, 1, p, rules.__getitem__, jacobians=True)
