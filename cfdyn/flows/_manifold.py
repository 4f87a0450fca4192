"""Manifolds of minima: how to reach one, and flows along it that lower the sharpness."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.symbolic.maps import LossMap
from cfdyn.symbolic.programs.model import ModelNodes, ModelSpec, Part, rise
from cfdyn.systems.fields import Kernel
from cfdyn.systems.flow import Flow
from cfdyn.systems.loss import Loss
from cfdyn.tape.derivatives import hessian
from cfdyn.tape.program import Node

# What counts as 0 of λ₁, and of λ₁(1 + |w|) for a gradient; how far a test moves along a manifold, of 1 + |w|.
FLAT, REST, APART = 1e-7, 1e-10, 1e-2
MOST, FAR = 100_000, 1e8  # gradients on the way down; a state, relative to the start, that has run away


def sharpness_reduction(
    name: str, made: LossMap, share: Fraction, check: Callable[[Loss, np.ndarray], None] | None = None
) -> Flow:
    """dw/dt = −share·η²P∇ log λ₁ − η²H⁺g for steps on the loss; the rank of H is the state behind the weights.

    Weights alone are first moved onto the manifold of minima. ``check`` may refuse that point; if it is given, the steps
    are those on the root of the loss, and ∇λ₁ replaces ∇ log λ₁.
    """
    from cfdyn.flows._kernels import sharpness_reduction as kernel

    d = made.n_weights
    parts = {"curvature": Part(_curvature, d + d * d), "reduce": Part(partial(_reduce, share), d, d)}
    own = Kernel(kernel.reduce_sharpness, kernel.SharpnessReduction, ("curvature", "reduce"), d, {"relative": int(check is None)})
    spec = ModelSpec(name, made, parts, ("rank",), follows=check is None, work=1 + 2 * d + 5)
    return Flow(spec, lift=partial(_lift, made, check), kernel=own)


def _lift(made: LossMap, check: Callable[[Loss, np.ndarray], None] | None, flow: Flow, w: np.ndarray) -> np.ndarray:
    loss = Loss.from_spec(made.loss)
    point, rank = onto_minima(loss, w)
    if check is not None:
        check(loss, point)
    return np.append(point, rank)


def _curvature(nodes: ModelNodes) -> list[Node]:
    """η²g, then H row by row."""
    square = nodes.tape.ipow(nodes.lr, 2)
    return nodes.times(square, nodes.gradient) + sum(hessian(nodes.tape, nodes.value, nodes.w), [])


def _reduce(share: Fraction, nodes: ModelNodes) -> list[Node]:
    """−share·η²T[u, u]."""
    return nodes.times(nodes.tape.mul(nodes.tape.const(-share), nodes.lr), rise(nodes))


def onto_minima(loss: Loss, start: np.ndarray) -> tuple[np.ndarray, int]:
    """The end of the gradient flow from a start on a manifold of minima, and the rank of H there; else a NumericsError."""
    with np.errstate(all="ignore"):
        w = start if _at_rest(loss, start) else _down(loss, start)
        values = np.linalg.eigvalsh(loss.hessian(w))
        rank = int((values > FLAT * values[-1]).sum())
        w = _across(loss, w, rank)
        values, vectors = np.linalg.eigh(loss.hessian(w))
        if not _at_rest(loss, w) or not values[-1] > 0 or values[0] < -FLAT * values[-1]:
            raise NumericsError(f"the gradient flow from the start does not end at a minimum with curvature{_place(w)}; "
                                "start elsewhere")  # fmt: skip
        flat = vectors[:, : loss.dim - rank].T
        beside = [_across(loss, w + APART * (1 + np.abs(w).max()) * u, rank) for u in flat]
        if not beside or not all(_at_rest(loss, point) for point in beside):
            why = "its flat directions leave the set of minima" if beside else "the Hessian has full rank"
            raise NumericsError(f"the minimum{_place(w)} is no point of a manifold of minima to slide along: {why}; "
                                "start elsewhere, or take a loss with more weights than constraints")  # fmt: skip
    return w, rank


def _place(w: np.ndarray) -> str:
    return f" at {', '.join(f'{x:.4g}' for x in w)}" if len(w) <= 8 else ""


def _at_rest(loss: Loss, w: np.ndarray) -> bool:
    """True if the gradient vanishes."""
    matrix = loss.hessian(w)
    scale = np.abs(np.linalg.eigvalsh(matrix)).max() if np.isfinite(matrix).all() else np.nan
    return bool(np.linalg.norm(loss.gradient(w)) <= REST * scale * (1 + np.abs(w).max()))


def _across(loss: Loss, w: np.ndarray, rank: int) -> np.ndarray:
    """Newton's method in the directions of the largest eigenvalues."""
    for _ in range(30):
        matrix = loss.hessian(w)
        if not np.isfinite(matrix).all() or rank == 0:
            break
        values, vectors = np.linalg.eigh(matrix)
        steep = vectors[:, -rank:]
        move = steep @ (steep.T @ loss.gradient(w) / values[-rank:])
        w = w - move
        if not np.abs(move).max() > 1e-15 * (1 + np.abs(w).max()):
            break
    return w


def _down(loss: Loss, start: np.ndarray) -> np.ndarray:
    """The gradient flow from a start until the gradient has fallen by a factor of 1e9."""
    from scipy.integrate import solve_ivp

    scale = float(np.abs(loss.hessian(start)).max()) or 1.0
    first, calls = float(np.linalg.norm(loss.gradient(start))), 0

    def slope(_: float, w: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls > MOST or not np.abs(w).max() < FAR * (1 + np.abs(start).max()):
            raise ArithmeticError
        return -loss.gradient(w) / scale

    def fallen(_: float, w: np.ndarray) -> float:
        return float(np.linalg.norm(loss.gradient(w))) - 1e-9 * first

    fallen.terminal = True  # type: ignore[attr-defined]
    try:
        run = solve_ivp(slope, (0, 1e12), start, "Radau", rtol=1e-10, atol=1e-12, events=fallen,
                        jac=lambda _, w: -loss.hessian(w) / scale)  # fmt: skip
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        raise NumericsError("the gradient flow from the start diverges or cannot be integrated, so no minimum was found; "
                            "start elsewhere") from None  # fmt: skip
    return run.y[:, -1]
