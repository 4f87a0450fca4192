"""Where the derivatives of the equations in the points and in the parameter vanish together: solutions are blurred there."""

from __future__ import annotations

import numpy as np

from cfdyn.continuation.branch.system import MOST_DENSE, CycleTracer
from cfdyn.continuation.tracer import Traced

RESOLVED = 1e-5  # the least singular value, in lengths, with which rounding leaves a solution and its tangent their digits
NEAR = 0.1  # a length: farther along a branch that is blurred, it is one of a continuum


def resolved(tracer: CycleTracer, piece: Traced) -> Traced:
    """A piece that stalls at a singular point, without the rows that rounding scatters around that point."""
    if piece.end not in ("stalled", "corner") or tracer.switches or tracer.m > MOST_DENSE:
        return piece
    away = np.sqrt((piece.points - piece.points[-1]) ** 2 @ tracer.weights)
    first = int(np.flatnonzero(away > NEAR)[-1]) + 1 if (away > NEAR).any() else 0
    regular = [regular_by(tracer, z) >= RESOLVED for z in piece.points[first:]]
    # Blurred as far as that, it is one of a continuum; steps that slip across to another branch change the sign.
    changed = [*(piece.values[first + 1 :, 0] * piece.values[first:-1, 0] < 0), False]
    sound = [r and not c for r, c in zip(regular, changed, strict=True)]
    if regular[-1] or not regular[0]:
        return piece
    cut = sound.index(False)
    count = first + cut + regular[cut]
    scattered = piece.points[count:, -1]
    value = 0.0 if np.abs(scattered).min() <= np.ptp(scattered) else float(scattered[-1])
    end = (f"a singular point near {tracer.parameter} = {value:.6g}: the derivatives of f(x) − x in the points and in "
           f"{tracer.parameter} vanish together there, and what follows is not resolved")  # fmt: skip
    return Traced(piece.points[:count], piece.tangents[:count], piece.values[:count], end)


def regular_by(tracer: CycleTracer, z: np.ndarray) -> float:
    """The least singular value of the whole Jacobian, points and equations in lengths of the points."""
    lengths = tracer.weights**-0.5
    return float(np.linalg.svd(tracer.jacobian(z) * lengths / lengths[:-1, None], compute_uv=False)[-1])
