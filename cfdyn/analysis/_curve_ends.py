"""Where a curve of bifurcations ends although solutions go on, and Newton's method fails: interpolated from both sides.

At a double multiplier ±1 on a Neimark–Sacker curve where a symmetry holds branches together, where the points of the cycle
merge in groups (beyond that the curve is followed back, with the points in another order), and at a bound near such a point.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cfdyn.analysis._continuation import Solved, Traced
from cfdyn.analysis._curve_place import Place, Spectrum
from cfdyn.analysis._curve_system import CurveTracer
from cfdyn.analysis._homological import Forms
from cfdyn.analysis._merge import merges
from cfdyn.analysis._special import crossing_of, row_of
from cfdyn.kernels.continuation import Curve
from cfdyn.kernels.critical import CONDITION, PAIR

AROUND = 0.05  # lengths: from so far on an end is looked for
CRITICAL = 1e-4  # of a multiplier to ±1 or the unit circle, where two of them may be together


class End(NamedTuple):
    """What vanishes at an end: ⟨normal, z⟩ − value, and its name; ``period`` that of the shorter cycle where points merge."""

    name: str
    normal: np.ndarray
    value: float
    period: int = 0


def merging(tracer: CurveTracer, piece: Curve) -> tuple[int, str] | None:
    """The rows up to where the points of the cycle merge in groups."""
    if tracer.n == 1 or tracer.form == CONDITION:
        return None
    rows = merges(tracer, piece.points)
    return (rows[0][0] + 1, "merged") if rows else None


def completed(tracer: CurveTracer, piece: Traced) -> Traced:
    """The piece up to the nearest such end ahead, if there is one."""
    if piece.end not in ("limit", "stalled", "merged") or _landed(tracer, piece.points[-1]):
        return piece
    best: tuple[float, Solved, End] | None = None
    for end in _ends(tracer, piece):
        found = _met(tracer, piece, end)
        away = np.inf if found is None else tracer.length(found.z - piece.points[-1])
        if found is not None and (best is None or away < best[0]):
            best = away, found, end
    if best is None:
        return piece
    _, found, end = best
    # Rows close to it have lost digits.
    gaps = np.sqrt((piece.points - found.z) ** 2 @ tracer.weights)
    kept = np.arange(len(gaps)) <= max(0, int(np.flatnonzero(gaps > AROUND / 100)[-1]) if (gaps > AROUND / 100).any() else 0)
    rows = [np.concatenate([part[kept], last[None]]) for part, last in zip(piece[:3], found, strict=True)]
    return Traced(rows[0], rows[1], rows[2], end.name)


def _landed(tracer: CurveTracer, z: np.ndarray) -> bool:
    """Whether a row is on a limit."""
    return bool((z == tracer.limits[0]).any() or (z == tracer.limits[1]).any())


def _ends(tracer: CurveTracer, piece: Traced) -> list[End]:
    """Those that may lie ahead of the last row."""
    axes, z, tangent = np.eye(tracer.m), piece.points[-1], piece.tangents[-1]
    limited = [-3] if tracer.form == PAIR else []
    limited += [-2, -1] if piece.end == "limit" else []
    found = [End("limit", axes[k], float(tracer.limits[int(tangent[k] > 0), k])) for k in limited]
    if tracer.form == CONDITION:
        return found
    points = tracer.points(z)
    for q in (q for q in range(1, tracer.n) if tracer.n % q == 0):
        gap = points - np.roll(points, -q, axis=0)
        normal = np.zeros(tracer.m)
        blocks = normal[: tracer.n * tracer.stride].reshape(tracer.n, tracer.stride)
        blocks[:, : tracer.d] = gap - np.roll(gap, q, axis=0)
        found.append(End("merged", normal, 0.0, q))
    return found


def _met(tracer: CurveTracer, piece: Traced, end: End) -> Solved | None:
    """The solution at an end that is near, within the bounds."""
    with np.errstate(all="ignore"):
        ahead = (end.value - piece.points @ end.normal) / (piece.tangents @ end.normal)
    far = np.flatnonzero(ahead >= AROUND)
    k = int(far[-1]) if len(far) else 0
    if not (0 < ahead[k] < 2 * AROUND and (ahead[k:] > -AROUND).all()):
        return None
    last = row_of(piece, k)
    found = crossing_of(lambda t: tracer.solve(last.z + t * last.tangent, tracer.weights * last.tangent),
                        lambda s: float(s.z @ end.normal) - end.value, 0.0, 2 * float(ahead[k]))  # fmt: skip
    if found is None:
        return None
    if end.period:
        _group(tracer, found.z, end.period)
    else:
        found.z[end.normal == 1] = end.value
    inside = (found.z >= tracer.limits[0]) & (found.z <= tracer.limits[1])
    return found if inside[-2:].all() and Place(tracer, found.z).holds() else None


def _group(tracer: CurveTracer, z: np.ndarray, q: int) -> None:
    """All points of a group put on their mean, in place."""
    blocks = z[: tracer.n * tracer.stride].reshape(-1, q, tracer.stride)
    blocks[:, :, : tracer.d] = blocks[:, :, : tracer.d].mean(axis=0)


def shorter(tracer: CurveTracer, z: np.ndarray) -> tuple[str, np.ndarray, np.ndarray]:
    """(kind, points (q, D), multipliers) of the shorter cycle onto which the points have merged."""
    points = tracer.points(z)
    q = next(q for q in range(1, tracer.n + 1) if tracer.n % q == 0 and (points == np.roll(points, -q, axis=0)).all())
    spectrum = Spectrum(Forms(tracer.map_at(z), points[:q].copy()).matrices)
    mu, times = spectrum.multipliers, tracer.n // q
    if times > 2:
        return f"resonance 1:{times}", points[:q], mu
    if (np.abs(mu + 1) < CRITICAL).sum() > 1:
        return "double flip" if spectrum.split(-1.0) else "resonance 1:2", points[:q], mu
    if (np.abs(mu - 1) < CRITICAL).any():
        return f"{tracer.meeting(z, points[:q])}-flip", points[:q], mu
    if ((np.abs(np.abs(mu) - 1) < CRITICAL) & (np.abs(np.imag(mu)) > CRITICAL)).any():
        return "flip-neimark-sacker", points[:q], mu
    return "generalized flip" if tracer.kind == "fold" else "flip", points[:q], mu
