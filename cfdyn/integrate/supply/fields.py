"""The `Field` of a flow in a phase: its rules, and the block they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cfdyn.kernels.edge import block as edge
from cfdyn.kernels.edge.block import ABLATED, CENTRAL, TRACE
from cfdyn.kernels.edge.checks import inspect, project, read_off
from cfdyn.kernels.edge.forces import hold, push
from cfdyn.kernels.edge.jacobian import hold_jacobian
from cfdyn.kernels.edge.modes import decompose, follow, renew, spectrum, turn_reference
from cfdyn.kernels.steppers.field import Field
from cfdyn.machine.jit import addresses, put_rule

FORMULAS = {"drift": edge.DRIFT, "edge": edge.EDGE, "force": edge.FORCE, "drift_jacobian": edge.DRIFT_JACOBIAN,
            "slack_jacobian": edge.SLACK_JACOBIAN, "force_jacobian": edge.FORCE_JACOBIAN}  # fmt: skip
KERNELS = {edge.EIGH: decompose, edge.SPECTRUM: spectrum, edge.TURN: turn_reference, edge.FOLLOW: follow, edge.PUSH: push,
           edge.HOLD: hold, edge.PROJECT: project}  # fmt: skip
_NOTHING = np.zeros(1)


def make_field(
    kind: int, n: int, d: int, p: np.ndarray, rule: Callable[[str], Any], reference: np.ndarray | None = None,
    jacobians: bool = False, tie: float = 1e-13, soft: int = 0,
) -> Field:  # fmt: skip
    """The Field of a flow with an edge and k = len(reference) modes, the rows P^½U.

    ``rule`` gives the compiled rule of a name; Jacobians are asked for only where ``jacobians`` says that an implicit
    method will run. The last ``soft`` modes are only kept apart.
    """
    counts, drift = np.zeros(2, np.int64), rule("drift")
    k = 0 if reference is None else len(reference)
    block = _block(kind, n, d, k, p, jacobians, soft)
    for name, slot in FORMULAS.items():
        if jacobians or not name.endswith("jacobian"):
            put_rule(block, slot, rule(name))
    for slot, kernel in KERNELS.items():
        put_rule(block, slot, kernel.compiled)
    block[edge.TIE], block[edge.WEAKEST] = tie, 1.0
    if reference is not None and k:
        first = block.view(np.int64)[edge.REFERENCE]
        block[first : first + k * d] = np.ravel(reference)
    if k or kind == ABLATED:
        slope, own = hold.compiled, block
        slopes = hold_jacobian.compiled if jacobians else slope
    else:
        slope, own = drift, p
        slopes = rule("drift_jacobian") if jacobians else drift
    rules = addresses(slope, slopes, project.compiled, inspect.compiled, renew.compiled)
    return Field(n, k, rules, own, block, counts)


def _block(kind: int, n: int, d: int, k: int, p: np.ndarray, jacobians: bool, soft: int) -> np.ndarray:
    """Sizes, and where each array begins; the parameters are copied into it."""
    held = k - soft
    m = {CENTRAL: held * (held + 1) // 2 + held * soft, TRACE: min(k, 1)}.get(kind, 0)
    at_most, slopes = max(m, k), 2 * n * (n + 2 * d) if jacobians else 0
    sizes = {
        edge.P: len(p), edge.REFERENCE: k * d, edge.EDGES: d * d + d, edge.MATRIX: d * d, edge.EIGEN: 2 * d * d + 3 * d,
        edge.CHOSEN: d, edge.BORDERED: (d + k + 1) * (d + k), edge.PIVOTS: d + k, edge.MODES: k * d, edge.LAST: n,
        edge.INPUTS: n + 2 * d, edge.PAIR: max(2 * n, m), edge.B: m * n, edge.A: m * n,
        edge.X: m, edge.BETA: at_most**2, edge.SCALE: m, edge.BETA_EIGEN: 2 * at_most**2 + 3 * at_most,
        edge.WORK: max(d, m), edge.SLOPE: n, edge.TURNS: k * d * n if jacobians else 0, edge.SLOPES_OF: slopes,
        edge.RATES: m * n if jacobians else 0,
    }  # fmt: skip
    # Every array begins on a new cache line of a block that does.
    lengths = np.array([-(-sizes[place] // 8) * 8 for place in range(edge.P, edge.ARRAYS)])
    starts = edge.HEAD + np.concatenate([[0], np.cumsum(lengths)])
    block = np.zeros(int(starts[-1]) + 8)
    numbers = block.view(np.int64)
    numbers[edge.P : edge.ARRAYS] = starts[:-1]
    numbers[[edge.N, edge.D, edge.K, edge.M, edge.KIND, edge.SOFT, edge.SPECTRAL]] = n, d, k, m, kind, soft, 1
    block[starts[0] : starts[0] + len(p)] = p
    return block


def array_in(field: Field, place: int, size: int) -> np.ndarray:
    """An array of the block."""
    first = field.block.view(np.int64)[place]
    return field.block[first : first + size]


def by_value(field: Field, reference: np.ndarray) -> None:
    """From now on the modes are the largest eigenvalues; equal ones are told apart by the reference."""
    field.block.view(np.int64)[[edge.BY_VALUE, edge.FRESH]] = 1, 0
    array_in(field, edge.REFERENCE, reference.size)[:] = reference.ravel()


def plain_field(n: int, rules: np.ndarray, p: np.ndarray) -> Field:
    """The Field of dz/dt = F(z) without an edge, from the addresses of the rules for F and DF."""
    return Field(n, 0, rules, p, _NOTHING, np.zeros(2, np.int64))


def reading(field: Field) -> tuple[np.ndarray, np.ndarray]:
    """The rule that reads off what `solve` reports, and its block."""
    return addresses(read_off.compiled), field.block
