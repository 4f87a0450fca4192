"""`minima`: the local minima of a loss, by many starts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.machine.jit import address
from cfdyn.records.record import Record, provenance
from cfdyn.systems._kernels.descent import descend
from cfdyn.systems.loss import Loss

FLAT = 1e-7  # of the largest curvature: the root of round-off, at which a curvature counts as none
LOWEST = -1e12  # a descent that comes here runs away to −∞
FARTHEST = 1e100  # beyond it products overflow
FALLS, SLOPES, FIRST, PACE, FAR = 1e-12, 400, 2e-3, 1e-6, 1e8  # a fall that is not round-off; steps, the least, how far


@dataclass(frozen=True)
class Minimum(Record):
    """A local minimum: ``w`` (d,), ``loss``, ``sharpness`` λ₁ and the edge 2/λ₁ of gradient descent.

    ``kind``: "isolated"; "continuum" (with flat directions: the flattest point represents all);
    "degenerate" (no curvature, or one that vanishes along a valley: the edge is ∞); "kink" (the gradient
    or the curvature jumps there: sharpness and edge are undefined, NaN).
    """

    w: Annotated[np.ndarray, "d"]
    loss: float
    sharpness: float
    edge: float
    kind: str


def minima(
    loss: Loss, box: Sequence[tuple[float, float]] | None = None, starts: int = 0, seed: int = 0,
    progress: Callable[[int, int], object] | None = None,
) -> list[Minimum]:  # fmt: skip
    """Local minima, the lowest first, from quasi-Newton descents of many starts followed by Newton's method.

    Parameters
    ----------
    loss : the loss
    box : one (lo, hi) for each weight; default: the loss's own box, or starts of several sizes around 0
    starts : number of starts; 0: 32 for each weight, at most 256
    seed : of the random starts
    progress : called with the number of starts done and the number of all

    Returns
    -------
    list of Minimum; empty if every start diverges to −∞ or to infinity, follows a valley that does not end within 10⁸, or
    stops on its slope. This is a search, not a proof: minima with small basins can be missed. A tail along which
    the loss falls by less than 10⁻¹², such as that of exp(−w) from w = 28 on, counts as flat.

    Raises
    ------
    UsageError : a box of the wrong length or with an empty interval

    Examples
    --------
    >>> import cfdyn as cf
    >>> [(m.w.round(6).tolist(), m.edge) for m in cf.minima(cf.losses.double_well())]
    [([1.0], 1.0), ([-1.0], 1.0)]
    """
    if starts < 0 or seed < 0:
        raise UsageError("minima needs no negative number of starts and no negative seed")
    box = loss.spec.box if box is None else box
    points = _starts(loss.dim, box, starts or min(32 * loss.dim, 256), np.random.default_rng(seed))
    minima: list[Minimum] = []
    for k, start in enumerate(points):
        if progress:
            progress(k, len(points))
        w = _descend(loss, start)
        minimum = None if w is None else _describe(loss, w)
        if minimum is not None:
            minima.append(minimum)
    minima = [_flattest(loss, m) if m.kind == "continuum" else m for m in _distinct(loss, sorted(minima, key=_rank))]
    return sorted(minima, key=_rank)


def _rank(m: Minimum) -> tuple:
    """The lowest first; on a continuum the flattest; then the one with the larger weights."""
    return (round(m.loss, 9), m.sharpness if m.kind == "continuum" else 0.0, *(-m.w.round(6)))


def _flattest(loss: Loss, m: Minimum) -> Minimum:
    """Slide along a continuum of minima towards lower sharpness until it is least, or 200 steps are done."""
    w, best, pace = m.w, m.sharpness, 0.1
    for _ in range(200):
        values, vectors = np.linalg.eigh(loss.hessian(w))
        flat = vectors[:, np.abs(values) <= FLAT * values[-1]]
        slope = flat @ (flat.T @ loss.curvature_gradient(w, vectors[:, -1], vectors[:, -1]))
        moved = _newton(loss, w - pace * slope)
        if loss.sharpness(moved) < best and abs(loss.value(moved) - m.loss) <= 1e-9 * (1 + abs(m.loss)):
            w, best, pace = moved, loss.sharpness(moved), 1.5 * pace
        else:
            pace /= 4
        if pace * np.abs(slope).max() <= 1e-12:
            break
    flattest = _describe(loss, w) or m
    if flattest.sharpness <= 1e-4 * m.sharpness:
        # The curvature fades away along the valley: no point of it has a sharpness to speak of.
        return replace(flattest, kind="degenerate", edge=np.inf)
    return flattest


def _starts(d: int, box: Sequence[tuple[float, float]] | None, count: int, rng: np.random.Generator) -> np.ndarray:
    if box is not None:
        bounds = np.array(box, dtype=float)
        if bounds.shape != (d, 2) or not (np.abs(bounds) <= FARTHEST).all() or not (bounds[:, 0] < bounds[:, 1]).all():
            raise UsageError(f"the box needs {d} finite interval{'s' * (d > 1)} lo < hi within ±{FARTHEST:g}, not {list(box)}")
        return rng.uniform(bounds[:, 0], bounds[:, 1], (count, d))
    sizes = np.resize([0.3, 1.0, 3.0, 10.0], count)
    return rng.normal(size=(count, d)) * sizes[:, None]


def _descend(loss: Loss, start: np.ndarray) -> np.ndarray | None:
    """The end of one descent, or None if it runs away or leaves the domain."""
    if not np.isfinite(loss.value(start)):
        return None
    w, limit = start.copy(), 1e8 * (1 + np.abs(start).max())
    rules = address(loss.rule("value").compiled), address(loss.rule("gradient").compiled)
    return _newton(loss, w) if descend(*rules, loss.p, w, limit, LOWEST) else None


def _newton(loss: Loss, w: np.ndarray) -> np.ndarray:
    """Newton steps as long as they shrink the gradient and go down; flat directions are left alone."""
    g, f = loss.gradient(w), loss.value(w)
    for _ in range(30):
        matrix = loss.hessian(w)
        if not np.isfinite(matrix).all() or not g.any():
            break
        moved = w - np.linalg.lstsq(matrix, g, rcond=1e-9)[0]
        g_moved = loss.gradient(moved)
        f_moved = loss.value(moved)
        # Up means across a kink, or to a saddle.
        if not np.abs(g_moved).max() < np.abs(g).max() or not f_moved <= f + 1e-12 * (1 + abs(f)):
            break
        w, g, f = moved, g_moved, min(f, f_moved)
    # 8e-17 beside 1 is a 0 that round-off hides.
    clean = np.where(np.abs(w) <= 1e-15 * (1 + np.abs(w).max()), 0.0, w)
    as_good = np.abs(loss.gradient(clean)).max() <= np.abs(g).max() and loss.value(clean) <= f + 1e-15 * (1 + abs(f))
    return clean if as_good else w


def _describe(loss: Loss, w: np.ndarray) -> Minimum | None:
    """The minimum at w, or None if w is no minimum."""
    value, g, matrix = loss.value(w), loss.gradient(w), loss.hessian(w)
    if not np.isfinite(value) or not _lowest_nearby(loss, w, value):
        return None
    settings = provenance(loss=loss.spec.title, params=loss.params)
    if loss.spec.switching and _has_corner(loss, w):
        return Minimum(w, value, np.nan, np.nan, "kink", provenance=settings)
    if not (np.isfinite(g).all() and np.isfinite(matrix).all()):
        return None
    values = np.linalg.eigvalsh(matrix)
    scale, rise = max(np.abs(values).max(), 1e-300), _rise(loss, w, value)
    if np.abs(g).max() > 1e-7 * max(scale * (1 + np.abs(w).max()), 1e-12) or values[0] < -FLAT * scale:
        return None
    if values[-1] <= 1e-8 * rise and rise > 0:
        return Minimum(w, value, max(float(values[-1]), 0.0), np.inf, "degenerate", provenance=settings)
    if values[-1] <= 0 or rise <= 0:
        # Flat as far as one can see: the plateau of a loss that has its minimum elsewhere, or nowhere.
        return None
    kind = "isolated"
    if values[0] <= FLAT * scale:
        end = _end_of_slope(loss, w)
        if end is not w:
            return None if end is None else _describe(loss, end)
        kind = "continuum" if _slides(loss, w, value) else "isolated"
    return Minimum(w, value, float(values[-1]), float(2 / values[-1]), kind, provenance=settings)


def _has_corner(loss: Loss, w: np.ndarray) -> bool:
    """True if gradient or curvature jumps at w: they differ between a small and a smaller distance, or across."""
    size = 1 + np.abs(w).max()
    shifts = np.concatenate([np.eye(len(w)), -np.eye(len(w))]) * size
    matrices = np.array([loss.hessian(w + s * e) for e in (1e-4, 1e-6) for s in shifts])
    slopes = np.array([loss.gradient(w + s * 1e-6) for s in shifts])
    if not (np.isfinite(matrices).all() and np.isfinite(slopes).all()):
        return True
    curvature = np.abs(matrices).max()
    jump = np.ptp(slopes, axis=0).max() > 10 * 1e-6 * size * (1 + curvature)
    return bool(jump or np.ptp(matrices, axis=0).max() > 0.05 * curvature > 0)


def _flat_and_stiff(loss: Loss, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh(loss.hessian(w))
    flat = np.abs(values) <= FLAT * values[-1]
    return vectors[:, flat], vectors[:, ~flat]


def _slides(loss: Loss, w: np.ndarray, value: float) -> bool:
    """True if a flat direction leads to other minima of the same loss: a step along it stays there."""
    flat, stiff = _flat_and_stiff(loss, w)
    ends = [_floor(loss, w + 0.05 * (1 + np.abs(w).max()) * direction, stiff) for direction in flat.T]
    return any(abs(loss.value(end) - value) <= 1e-9 * (1 + abs(value)) for end in ends)


def _end_of_slope(loss: Loss, w: np.ndarray) -> np.ndarray | None:
    """Down a valley on whose slope Newton's method rests, as it takes its floor for flat: the lowest point, which is w itself
    where the floor does not fall; None where it falls as far as one can see and rises nowhere, or round-off hides where."""
    pace, value, moved, rises = 0.05, loss.value(w), False, False
    for _ in range(SLOPES):
        flat, stiff = _flat_and_stiff(loss, w)
        slope, size = flat @ (flat.T @ loss.gradient(w)), 1 + np.abs(w).max()
        if not slope.any() or pace < (PACE if moved else FIRST) or size > FAR:
            break
        end = _floor(loss, w - pace * size * slope / np.linalg.norm(slope), stiff)
        gain, seen = value - loss.value(end), FALLS * (1 + abs(value))
        if gain > seen:
            w, value, pace, moved = end, value - gain, 2 * pace, True
        else:
            rises, pace = rises or gain < -seen, pace / 4
    if not moved:
        return w
    return w if rises and pace < PACE and _rounding(loss, w) <= 1e-9 * (1 + abs(value)) else None


def _rounding(loss: Loss, w: np.ndarray) -> float:
    """How much of a loss is round-off: what the last digit of each weight makes of it."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(8, len(w)))
    return float(np.abs([loss.value(w + np.spacing(w) * row) - loss.value(w) for row in signs]).max())


def _floor(loss: Loss, w: np.ndarray, stiff: np.ndarray) -> np.ndarray:
    """Back onto a valley's floor, across it only: along it the Hessian says nothing."""
    for _ in range(20):
        inner = stiff.T @ loss.hessian(w) @ stiff
        if not np.isfinite(inner).all():
            break
        move = stiff @ np.linalg.lstsq(inner, stiff.T @ loss.gradient(w), rcond=None)[0]
        w = w - move
        if np.abs(move).max() <= 1e-15 * np.abs(w).max():
            break
    return w


def _neighbours(w: np.ndarray, size: float) -> np.ndarray:
    """Points a step away along the axes and in a few other directions, (k, d)."""
    d = len(w)
    other = np.random.default_rng(0).normal(size=(2 * d if d > 1 else 0, d))
    other /= np.linalg.norm(other, axis=1, keepdims=True) if len(other) else 1.0
    return w + size * (1 + np.abs(w).max()) * np.concatenate([np.eye(d), -np.eye(d), other])


def _rise(loss: Loss, w: np.ndarray, value: float) -> float:
    """The curvature that a parabola through the values a tenth of a unit away would have."""
    values = np.array([loss.value(p) for p in _neighbours(w, 0.1)])
    values = values[np.isfinite(values)]
    return 2 * float(np.max(values - value, initial=0.0)) / (0.1 * (1 + np.abs(w).max())) ** 2


def _lowest_nearby(loss: Loss, w: np.ndarray, value: float) -> bool:
    """No lower value a small step away, measured by how much it rises there: no saddle of higher order, no slope."""
    values = np.array([loss.value(p) for p in _neighbours(w, 1e-3)])
    rise = np.max(values[np.isfinite(values)] - value, initial=0.0)
    return not (values < value - max(1e-3 * rise, 1e-14 * abs(value))).any()


def _distinct(loss: Loss, minima: list[Minimum]) -> list[Minimum]:
    """One entry for each minimum; one for all points of a continuum at the same loss."""
    kept: list[Minimum] = []
    for m in minima:
        if not any(_same(loss, m, k) for k in kept):
            kept.append(m)
    return kept


def _same(loss: Loss, m: Minimum, k: Minimum) -> bool:
    """Close together, on one continuum, or on the flat bottom of one minimum that curves less than quadratically."""
    level = abs(m.loss - k.loss) <= 1e-9 * (1 + abs(k.loss))
    if m.kind == k.kind and m.kind in ("continuum", "degenerate") and level:
        return True
    distance, size = np.abs(m.w - k.w).max(), 1 + np.abs(k.w).max()
    if distance <= (1e-2 if "kink" in (m.kind, k.kind) else 1e-5) * size:
        return True
    between = loss.value((m.w + k.w) / 2)
    return bool(level and distance <= 0.1 * size and between <= max(m.loss, k.loss) + 1e-9 * (1 + abs(k.loss)))
