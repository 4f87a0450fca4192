"""Where a curve of bifurcations ends although solutions go on, and Newton's method fails: interpolated from both sides.

At a double multiplier ±1 on a Neimark–Sacker curve where a symmetry holds branches together, where the points of the cycle
merge in groups (beyond that the curve is followed back, with the points in another order), and at a bound near such a point.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cfdyn.continuation.between_rows import crossing_of, row_of
from cfdyn.continuation.branch.merging import merges
from cfdyn.continuation.curve.point import Place, Spectrum
from cfdyn.continuation.curve.system import CurveTracer
from cfdyn.continuation.tracer import Solved, Traced
from cfdyn.kernels.continuation.critical import BRANCH, CONDITION, PAIR
from cfdyn.kernels.continuation.driver import Curve
from cfdyn.normal_forms.homological import Forms

AROUND = 0.05  # lengths: from so far on an end is looked for
MERGED = 1e-3  # a length: where points are nearer to each other the direction of a branch, ~1/gap, runs off to infinity
STRAIGHT = 0.95  # of the way along two sides of a triangle to that along the third
WIDE = 0.5  # a length: from no farther away the gap is followed to 0
SHARES = np.cos(np.pi * (np.arange(5) + 0.5) / 10)
CRITICAL = 1e-4  # of a multiplier to ±1 or the unit circle, where two of them may be together


class End(NamedTuple):
    """What vanishes at an end: ⟨normal, z⟩ − value, and its name; ``period`` that of the shorter cycle where points merge."""

    name: str
    normal: np.ndarray
    value: float
    period: int = 0


def merging(tracer: CurveTracer, piece: Curve) -> tuple[int, str] | None:
    """The rows up to where the points of the cycle merge in groups: x_i and x_{i+q} pass each other in one straight line."""
    if tracer.n == 1 or tracer.form == CONDITION:
        return None
    rows = [k for k, q in merges(tracer, piece.points) if _straight(tracer, piece.points[k : k + 2], q)]
    if tracer.form == BRANCH:
        rows += [int(k) for q in _periods(tracer) for k in np.flatnonzero(_gaps(tracer, piece.points, q) < MERGED)[:1]]
    return (min(rows) + 1, "merged") if rows else None


def _straight(tracer: CurveTracer, rows: np.ndarray, q: int) -> bool:
    points = tracer.points(rows)
    before, after = points - np.roll(points, -q, axis=1)
    return bool(np.linalg.norm(after - before) >= STRAIGHT * (np.linalg.norm(before) + np.linalg.norm(after)))


def _periods(tracer: CurveTracer) -> list[int]:
    return [q for q in range(1, tracer.n) if tracer.n % q == 0]


def _gaps(tracer: CurveTracer, rows: np.ndarray, q: int) -> np.ndarray:
    """How far x_i and x_{i+q} are from each other in rows of unknowns, in lengths."""
    points = tracer.points(rows)
    weights = tracer.weights[: tracer.n * tracer.stride].reshape(tracer.n, tracer.stride)[:, : tracer.d]
    return np.sqrt(((points - np.roll(points, -q, axis=1)) ** 2 * weights).sum(axis=(1, 2)))


def completed(tracer: CurveTracer, piece: Traced) -> Traced:
    """The piece up to the nearest such end ahead, if there is one."""
    if piece.end not in ("limit", "stalled", "merged", "far") or _landed(tracer, piece.points[-1]):
        return piece
    best: tuple[float, Solved, End] | None = None
    for end in _ends(tracer, piece):
        found = _met(tracer, piece, end)
        away = np.inf if found is None else tracer.length(found.z - piece.points[-1])
        if found is not None and (best is None or away < best[0]):
            best = away, found, end
    if best is None:
        return piece._replace(end="close") if piece.end == "merged" else piece
    _, found, end = best
    if end.period and tracer.form == BRANCH:
        rows = [np.concatenate([part, last[None]]) for part, last in zip(piece[:3], found, strict=True)]
        return Traced(rows[0], rows[1], rows[2], end.name)
    # Rows close to it have lost digits.
    gaps = np.sqrt((piece.points - found.z) ** 2 @ tracer.weights)
    kept = np.arange(len(gaps)) <= max(np.flatnonzero(gaps > AROUND / 100), default=0)
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
    for q in _periods(tracer):
        gap = points - np.roll(points, -q, axis=0)
        normal = np.zeros(tracer.m)
        blocks = normal[: tracer.n * tracer.stride].reshape(tracer.n, tracer.stride)
        blocks[:, : tracer.d] = gap - np.roll(gap, q, axis=0)
        found.append(End("merged", normal, 0.0, q))
    return found


def _met(tracer: CurveTracer, piece: Traced, end: End) -> Solved | None:
    """The solution at an end that is near, within the bounds."""
    if end.period and tracer.form == BRANCH:
        return _mirrored(tracer, piece, end)
    with np.errstate(all="ignore"):
        ahead = (end.value - piece.points @ end.normal) / (piece.tangents @ end.normal)
    for reach in AROUND * np.array([1.0, 3.0, 8.0]):
        far = np.flatnonzero(ahead >= reach)
        k = int(far[-1]) if len(far) else 0
        found = _from(tracer, row_of(piece, k), end, float(ahead[k])) if 0 < ahead[k] < 2 * reach else None
        if found is not None:
            return found
    return None


def _from(tracer: CurveTracer, last: Solved, end: End, ahead: float) -> Solved | None:
    """The same from a row, about so far ahead along its tangent."""
    found = crossing_of(lambda t: tracer.solve(last.z + t * last.tangent, tracer.weights * last.tangent),
                        lambda s: float(s.z @ end.normal) - end.value, 0.0, 2 * ahead)  # fmt: skip
    if found is None:
        return None
    if end.period:
        _group(tracer, found.z, end.period)
    else:
        found.z[end.normal == 1] = end.value
    return _checked(tracer, found)


def _checked(tracer: CurveTracer, found: Solved) -> Solved | None:
    inside = (found.z >= tracer.limits[0]) & (found.z <= tracer.limits[1])
    return found if inside[-2:].all() and Place(tracer, found.z).holds() else None


def _mirrored(tracer: CurveTracer, piece: Traced, end: End) -> Solved | None:
    """Where pairs of points merge, by their gap, to whose other sign the same cycles belong with the points in another order."""
    from scipy.interpolate import BarycentricInterpolator

    gaps, half = _gaps(tracer, piece.points, end.period), tracer.n // 2
    far = np.flatnonzero(gaps * SHARES[-1] >= max(AROUND * SHARES[-1], gaps[-1]))
    k = int(far[-1]) if len(far) else 0
    if tracer.n != 2 * end.period or not gaps[-1] < gaps[k] < WIDE:
        return None
    along, nodes, rows = piece.points[k:] @ end.normal, list[float](), list[np.ndarray]()
    for share in SHARES:
        near = int(np.argmin(np.abs(along - share * along[0])))
        z = piece.points[k + near]
        nodes += [z @ end.normal, -(z @ end.normal)]
        points, values = tracer.points(z), z[-2:]
        rows += [np.append(points, values), np.append(np.roll(points, half, axis=0), values)]
    if len(set(nodes)) < len(nodes):
        return None
    met = np.asarray(BarycentricInterpolator(nodes, np.array(rows))(0.0))
    z = piece.points[-1].copy()
    z[: tracer.n * tracer.stride].reshape(tracer.n, tracer.stride)[:, : tracer.d] = met[:-2].reshape(tracer.n, tracer.d)
    z[-2:] = met[-2:]
    _group(tracer, z, end.period)
    return _checked(tracer, Solved(z, piece.tangents[-1], piece.values[-1]))


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
