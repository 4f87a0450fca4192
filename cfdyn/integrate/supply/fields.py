"""The `Field` of a flow in a phase: its rules, and the block they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.kernels.edge.block import ABLATED, CENTRAL, TRACE, Edge
from cfdyn.kernels.edge.checks import inspect, project, read_off
from cfdyn.kernels.edge.forces import hold, push
from cfdyn.kernels.edge.jacobian import hold_jacobian
from cfdyn.kernels.edge.modes import decompose, follow, renew, spectrum, turn_reference
from cfdyn.kernels.steppers.field import Field
from cfdyn.machine.jit import addresses

FORMULAS = ("drift", "edge", "force", "drift_jacobian", "slack_jacobian", "force_jacobian")
KERNELS = {"eigh": decompose, "spectrum": spectrum, "turn_reference": turn_reference, "follow": follow, "push": push,
           "hold": hold, "project": project}  # fmt: skip
_NOTHING = np.zeros(1)


def make_field(
    kind: int, n: int, d: int, p: np.ndarray, rule: Callable[[str], Any], reference: np.ndarray | None = None,
    jacobians: bool = False, tie: float = 1e-13, soft: int = 0,
) -> Field:  # fmt: skip
    """The Field of a flow with an edge and k = len(reference) modes, the rows P^½U.

    ``rule`` gives the compiled rule of a name; Jacobians are asked for only where ``jacobians`` says that an implicit
    method will run. The last ``soft`` modes are only kept apart.
    """
    k = 0 if reference is None else len(reference)
    held, drift = k - soft, rule("drift")
    pairs = {CENTRAL: held * (held + 1) // 2 + held * soft, TRACE: min(k, 1)}.get(kind, 0)
    block = Edge.make(
        n=n, d=d, k=k, m=pairs, kind=kind, parameters=len(p), jacobians=jacobians, soft=soft, spectral=1, tie=tie, weakest=1.0,
        p=p, reference=np.zeros((0, d)) if reference is None else reference,
        **{name: rule(name) for name in FORMULAS if jacobians or not name.endswith("jacobian")},
        **{name: kernel.compiled for name, kernel in KERNELS.items()},
    ).memory  # fmt: skip
    if k or kind == ABLATED:
        slope, own = hold.compiled, block
        slopes = hold_jacobian.compiled if jacobians else slope
    else:
        slope, own = drift, p
        slopes = rule("drift_jacobian") if jacobians else drift
    rules = addresses(slope, slopes, project.compiled, inspect.compiled, renew.compiled)
    return Field(n, k, rules, own, block, np.zeros(2, np.int64))


def by_value(field: Field, reference: np.ndarray) -> None:
    """From now on the modes are the largest eigenvalues; equal ones are told apart by the reference."""
    edge = Edge(field.block)
    edge.by_value, edge.fresh, edge.reference = 1, 0, reference


def plain_field(n: int, rules: np.ndarray, p: np.ndarray) -> Field:
    """The Field of dz/dt = F(z) without an edge, from the addresses of the rules for F and DF."""
    return Field(n, 0, rules, p, _NOTHING, np.zeros(2, np.int64))


def reading(field: Field) -> tuple[np.ndarray, np.ndarray]:
    """The rule that reads off what `solve` reports, and its block."""
    return addresses(read_off.compiled), field.block
