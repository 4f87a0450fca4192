"""Curvature that is the same at every state: modes that stay at the edge by themselves, and blocks that no state gets below it."""

from typing import NamedTuple

import numpy as np

from cfdyn.codegen.compile import parameter_vector
from cfdyn.errors import NumericsError
from cfdyn.integrate.critical import AT_EDGE
from cfdyn.integrate.supply.supplier import Modes, Supplier
from cfdyn.symbolic.constant import constant_outputs
from cfdyn.systems.flow import Flow

NEAR = 1e-6  # of the edge: only there it is asked what never changes
SAME = 1e-12  # relative: what is no difference
MOVES = (0.01, 0.1, 1.0, 3.0)  # to the states at which it is asked, in units of the weights there or 1
SHOWN = 5  # names in a sentence


class Narrow(NamedTuple):
    """A block of P^-½HP^-½ that is the same at every state and has its largest eigenvalue ``top`` at the edge of 2 or beyond.

    ``weights``: of its eigenvectors there; ``curvature``: the largest eigenvalue of that block of H; ``lr``: below which it is
    below the edge, NaN if that was not found.
    """

    weights: tuple[str, ...]
    top: float
    curvature: float
    lr: float

    @property
    def said(self) -> str:
        """Why there is no stable set, as half a sentence."""
        lower = "" if np.isnan(self.lr) else f"; only lr < {self.lr:.9g} leaves it any room"
        where = "beyond the edge" if self.top > 2 * (1 + SAME) else "at the edge"
        return (f"the block of the Hessian of {_listed(self.weights)} is the same at every state, and its largest eigenvalue "
                f"{self.curvature:.6g} alone takes λ₁(P⁻¹H) {where} or higher everywhere (interlacing): the stable set has no "
                f"interior{lower}")  # fmt: skip


def neutral_modes(supplier: Supplier, z: np.ndarray, found: Modes) -> np.ndarray:
    """Modes at the edge (m, d), orthonormal rows, that are eigenvectors with the same eigenvalue at every state looked at.

    They are looked for where P is at rest; ``found``: the modes at z. Nothing pushes them and nothing pushes back: their β is 0.
    """
    values, vectors, _ = found
    near = (values >= 2.0 - 2.0 * NEAR) & (values <= 2.0 * (1 + SAME))
    rows = vectors[:, near].T
    if supplier.dim > supplier.n_weights or not len(rows):
        return rows[:0]
    random, here, changes = np.random.default_rng(0), _response(found, rows), []
    for move in MOVES:
        moved = z + move * max(1.0, float(np.abs(z).max())) * random.normal(size=len(z))
        try:
            there = supplier.modes(moved)
        except NumericsError:
            continue
        changes.append((_response(there, rows) - here) / max(1.0, np.abs(there.values).max()))
    if len(changes) < 2:
        return rows[:0]
    _, sizes, turn = np.linalg.svd(np.hstack(changes).T)
    kept = np.concatenate([sizes, np.full(len(rows) - len(sizes), 0.0)]) <= SAME
    return turn[kept] @ rows


def _response(modes: Modes, rows: np.ndarray) -> np.ndarray:
    """P^-½HP^-½ times each row, and what of the row lies outside of the modes that are known, (m, 2d)."""
    parts = rows @ modes.vectors
    return np.hstack([parts * modes.values @ modes.vectors.T, rows - parts @ modes.vectors.T])


def said_of_neutral(flow: Flow, neutral: np.ndarray, found: Modes) -> list[str]:
    """A note that names these modes; below the edge by more than round-off they are nothing to tell of."""
    neutral = neutral[(neutral @ found.vectors) ** 2 @ found.values >= 2.0 - 2.0 * AT_EDGE]
    if not len(neutral):
        return []
    share = np.einsum("mi,mi->i", neutral, neutral)
    names = tuple(name for name, part in zip(flow.names, share, strict=False) if part > 1e-6)
    many = "modes" if len(neutral) > 1 else "mode"
    return [f"{len(neutral)} neutral {many}, of {_listed(names)}: at the edge at every state looked at, and neither pushed nor "
            "pushing; how far the optimizer swings there is left to its start, and Σ is taken to be 0 on it"]  # fmt: skip


def narrow(flow: Flow, z: np.ndarray, neutral: np.ndarray) -> Narrow | None:
    """The block that keeps λ₁(P⁻¹H) at the edge or beyond at every state, by interlacing; None if none was found.

    It is read off the formulas of H, so that its entries are constants for certain; of blocks that overlap one is taken after
    the other, greedily.
    """
    d = flow.n_weights
    if flow.dim > d:
        return None
    constant = constant_outputs(flow.spec.program("edge"))
    if not constant[d * d :].all():
        return None
    out = flow.rule("edge")(z, flow.p)
    metric = out[d * d :]
    scaled = out[: d * d].reshape(d, d) / np.sqrt(np.outer(metric, metric)) - neutral.T @ neutral
    block = max(_blocks(constant[: d * d].reshape(d, d), scaled), key=lambda one: _top(scaled, one), default=[])
    top = _top(scaled, block) if block else -np.inf
    if not top >= 2.0 * (1 - SAME):
        return None
    values, vectors = np.linalg.eigh(scaled[np.ix_(block, block)])
    share = (vectors[:, values >= top * (1 - SAME)] ** 2).sum(axis=1)
    weights = [block[i] for i in np.flatnonzero(share > 1e-6)]
    return Narrow(tuple(flow.names[i] for i in sorted(weights)), top, top * float(metric[weights[0]]), _bound(flow, z, block, top))


def _blocks(constant: np.ndarray, scaled: np.ndarray) -> list[list[int]]:
    """Sets of weights whose principal block is constant, one grown from each weight, by the strongest coupling."""
    blocks = []
    for first in np.flatnonzero(np.diagonal(constant)).tolist():
        block = [first]
        for other in np.argsort(-np.abs(scaled[first]), kind="stable").tolist():
            if other not in block and constant[other, other] and constant[other, block].all():
                block.append(other)
        blocks.append(block)
    return blocks


def _top(scaled: np.ndarray, block: list[int]) -> float:
    return float(np.linalg.eigvalsh(scaled[np.ix_(block, block)])[-1])


def _bound(flow: Flow, z: np.ndarray, block: list[int], top: float) -> float:
    """The lr at which the block is at the edge; NaN if that is not found."""
    lr, d = flow.params.get("lr", np.nan), flow.n_weights
    for _ in range(100):
        lr *= 2.0 / top
        if not 0 < lr < np.inf:
            break
        out = flow.rule("edge")(z, parameter_vector({**flow.params, "lr": lr}.values(), flow.spec.data))
        metric = out[d * d :]
        top = _top(out[: d * d].reshape(d, d) / np.sqrt(np.outer(metric, metric)), block)
        if abs(top - 2.0) <= 2 * SAME:
            return float(lr)
    return np.nan


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
