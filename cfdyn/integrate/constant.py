"""Constant curvature: modes that stay at the edge by themselves, and blocks that no state can bring below it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from cfdyn.codegen.compile import parameter_vector
from cfdyn.errors import NumericsError
from cfdyn.integrate.equations import ON_EDGE
from cfdyn.integrate.supply.supplier import Modes, Supplier
from cfdyn.symbolic.constant import constant_outputs
from cfdyn.systems.flow import Flow

NEAR = 1e-6  # relative to the edge: constants are searched for only there
THIN = 0.01  # relative to the edge: with less room than this below it, steps may be very small
SAME = 1e-12  # relative: round-off
STILL = 1e-7  # a change of an eigenvalue at the edge that is negligible over the steps of a path
MOVES = (0.01, 0.1, 1.0, 3.0)  # distance to the examined states, in units of the weights there or 1
SHOWN = 5  # names in a sentence
BEYOND = 2.0 * (1 + SAME)  # an eigenvalue above this is not round-off


class Narrow(NamedTuple):
    """A block of P^-½HP^-½ that is the same at every state and has its largest eigenvalue ``top`` near the edge of 2 or beyond.

    ``weights``: of its eigenvectors there; ``curvature``: the largest eigenvalue of that block of H; ``lr``: the rate below which
    it is below the edge, NaN if that is not known; ``where`` the block is the same, in words.
    """

    weights: tuple[str, ...]
    top: float
    curvature: float
    lr: float
    where: str = "every state"

    @property
    def closed(self) -> bool:
        """True if the stable set has no interior, or none that can be distinguished from the edge."""
        return self.top >= 2.0 * (1 - ON_EDGE)

    @property
    def said(self) -> str:
        """Why there is no stable set, or almost none, as half a sentence."""
        block = (f"the Hessian's block of {_listed(self.weights)} is the same at {self.where}, its largest eigenvalue "
                 f"{self.curvature:.9g}")  # fmt: skip
        if self.top < 2.0 * (1 - SAME):
            return f"{block}, and by interlacing λ₁(P⁻¹H) is at least {self.top / 2:.15g} of the edge: the stable set is thin"
        where = "beyond the edge" if self.top > BEYOND else "at the edge or beyond"
        lower = "" if np.isnan(self.lr) else f"; lower lr below {self.lr:.9g}"
        return f"{block}, and by interlacing λ₁(P⁻¹H) is {where} everywhere: the stable set has no interior{lower}"


def neutral_modes(supplier: Supplier, z: np.ndarray, modes: Modes) -> np.ndarray:
    """Modes at the edge (m, d), orthonormal rows, that are eigenvectors with the same eigenvalue at every examined state.

    The search takes place where P is at rest; ``modes``: the modes at z. No force moves them in either direction: their β is 0.
    """
    values, vectors, _ = modes
    near = np.abs(values - 2.0) <= 2.0 * np.where(values > 2.0, STILL, NEAR)
    rows = vectors[:, near].T
    if supplier.dim > supplier.n_weights or not len(rows):
        return rows[:0]
    random, here, changes = np.random.default_rng(0), _response(modes, rows), []
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
    kept = np.concatenate([sizes, np.zeros(len(rows) - len(sizes))]) <= STILL
    return turn[kept] @ rows


def _response(modes: Modes, rows: np.ndarray) -> np.ndarray:
    """P^-½HP^-½ times each row, and the part of the row outside the known modes, (m, 2d)."""
    parts = rows @ modes.vectors
    return np.hstack([parts * modes.values @ modes.vectors.T, rows - parts @ modes.vectors.T])


def said_of_neutral(flow: Flow, neutral: np.ndarray, modes: Modes) -> list[str]:
    """A note that names these modes; modes clearly below the edge are not mentioned."""
    neutral = neutral[(neutral @ modes.vectors) ** 2 @ modes.values >= 2.0 - 2.0 * STILL]
    if not len(neutral):
        return []
    return [named(flow.names, neutral)]


def named(names: Sequence[str], neutral: np.ndarray) -> str:
    """A note on neutral modes, orthonormal rows (m, d), by the names of their weights."""
    own = tuple(names[i] for i in np.flatnonzero((neutral**2).sum(axis=0) > 1e-6).tolist())
    many = "modes" if len(neutral) > 1 else "mode"
    return (f"{len(neutral)} neutral {many}, of {_listed(own)}: at the edge at every examined state, to 1e-7, neither pushed "
            "nor pushing; how far the optimizer oscillates there depends on its start, and Σ is taken to be 0 on it")  # fmt: skip


def narrow(flow: Flow, z: np.ndarray, neutral: np.ndarray) -> Narrow | None:
    """The block that keeps λ₁(P⁻¹H) next to the edge or beyond at every state, by interlacing; None if none is found.

    It is read off the formulas of H, so that its entries are certainly constant; overlapping blocks are taken one after
    the other, greedily.
    """
    d = flow.n_weights
    if flow.dim > d:
        return None
    out = flow.rule("edge")(z, flow.p)
    moved = flow.rule("edge")(z + max(1.0, float(np.abs(z).max())) * np.random.default_rng(0).normal(size=d), flow.p)
    # The formulas are read only if some curvature may be constant.
    if not ((out == moved) | np.isnan(moved))[: d * d : d + 1].any():
        return None
    constant = constant_outputs(flow.spec.program("edge"))
    if not constant[d * d :].all():
        return None
    metric = out[d * d :]
    scaled = out[: d * d].reshape(d, d) / np.sqrt(np.outer(metric, metric)) - neutral.T @ neutral
    block, top = sharpest(constant[: d * d].reshape(d, d), scaled)
    if not top >= 2.0 * (1 - THIN):
        return None
    values, vectors = np.linalg.eigh(scaled[np.ix_(block, block)])
    share = (vectors[:, values >= top * (1 - SAME)] ** 2).sum(axis=1)
    weights = sorted(block[i] for i in np.flatnonzero(share > 1e-6))
    names = tuple(flow.names[i] for i in weights)
    lr = lr_at_edge(flow.params.get("lr", np.nan), lambda lr: _top_at(flow, z, block, lr))
    return Narrow(names, top, top * float(metric[weights[0]]), lr)


def sharpest(constant: np.ndarray, scaled: np.ndarray) -> tuple[list[int], float]:
    """The principal block of constants with the largest eigenvalue, and that eigenvalue; none and −∞ without constants."""
    block = max(_blocks(constant, scaled), key=lambda one: _top(scaled, one), default=[])
    return block, _top(scaled, block) if block else -np.inf


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


def _top_at(flow: Flow, z: np.ndarray, block: list[int], lr: float) -> float:
    """The largest eigenvalue of a block at another lr."""
    d, out = flow.n_weights, flow.rule("edge")(z, parameter_vector({**flow.params, "lr": lr}.values(), flow.spec.data))
    return _top(out[: d * d].reshape(d, d) / np.sqrt(np.outer(out[d * d :], out[d * d :])), block)


def lr_at_edge(lr: float, top: Callable[[float], float]) -> float:
    """The lr, iterated from that of a flow, at which the largest eigenvalue ``top`` of a block is at the edge; NaN if none."""
    for _ in range(100):
        now = top(lr) if 0 < lr < np.inf else np.nan
        if np.isnan(now) or abs(now - 2.0) <= 2 * SAME:
            return float(lr) if now > 0 else np.nan
        lr *= 2.0 / now
    return np.nan


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
