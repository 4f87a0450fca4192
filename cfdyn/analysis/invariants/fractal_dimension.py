"""`fractal_dimension`: the correlation or box dimension of a set of points, with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from cfdyn.arguments import check_finite, table, whole_number
from cfdyn.errors import UsageError, unknown
from cfdyn.records.record import Record, provenance
from cfdyn.systems.orbit import Orbit

KINDS = ("correlation", "box")
FEWEST_ROWS = 1000
LARGEST, HALVINGS = 0.1, 30  # of the set: the largest size; how often it is halved at most
PARTS, OFFSETS = 4, 4  # of the orbit; of the grid
FILLED = 0.9  # half of the points fill this fraction of the boxes: with less too many would be missed
UNSEEN = 0.2  # by which a prefactor of numbers of boxes may change over the fitted sizes without bending the line
FEWEST = 6  # sizes that a slope is fitted to


@dataclass(frozen=True)
class FractalDimension(Record):
    """``value`` ± ``error``, NaN if there is no range of sizes to fit (see ``reason``).

    ``kind``: "correlation" or "box". ``sizes`` (m,): distances, or sides of boxes, relative to the extent of the set;
    ``counts`` (m,): pairs within that distance, or boxes that contain points (extrapolated to infinitely many points);
    ``fitted`` (2,): the largest and the smallest size in the fit.
    """

    kind: str
    value: float
    error: float
    sizes: Annotated[np.ndarray, "m"]
    counts: Annotated[np.ndarray, "m"]
    fitted: Annotated[np.ndarray, "2"]
    reason: str


def fractal_dimension(points: Any, kind: str = "correlation", window: int = 10) -> FractalDimension:
    """The slope of ln(number of pairs within r) over ln r, or of −ln(number of boxes of size ε that contain a point) over ln ε.

    Each coordinate is scaled to its extent. The fit uses all sizes from a tenth of the extent down to where there are fewer
    pairs than points, or where half of the points fill less than 0.9 of the boxes. Aitken's extrapolation from a quarter, half
    and all of the points adds the boxes that no point has reached yet. The error combines the difference of the slopes over
    coarse, middle and fine sizes, which shows that there is no power law or not yet, with the scatter over four parts of the
    orbit or four grids; for boxes also with the effect of a prefactor that changes by a fifth over the fitted sizes: Hénon's
    attractor looks like 1.23 down to 1/500 of its extent, and like 1.26 to 1.29 only beyond.

    Limits. A singular density adds logarithms to the power law: at r = 4 the correlation dimension 1 of the logistic map is
    approached like 1/ln(1/r). Dimensions above about 3 need more points than are available in practice.

    Parameters
    ----------
    points : an Orbit, for its states, or (n,) or (n, D) numbers, at least 1000 rows; 10⁴ suffice for a correlation dimension,
        10⁵ to 10⁶ for a box dimension
    kind : "correlation" (Grassberger & Procaccia) or "box"
    window : pairs at most this many rows apart are excluded (Theiler)

    Examples
    --------
    >>> import cfdyn as cf
    >>> henon = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
    >>> orbit = cf.iterate(henon, [0.1, 0.1], 11_000).z[1000:]
    >>> dimension = cf.analysis.fractal_dimension(orbit)
    >>> abs(dimension.value - 1.22) < dimension.error < 0.1
    True

    References
    ----------
    Grassberger & Procaccia (1983), Physica D 9, 189. Theiler (1986), Phys. Rev. A 34, 2427. Unseen boxes: Grassberger (1983),
    Phys. Lett. A 97, 224.
    """
    if kind not in KINDS:
        raise unknown("kind", str(kind), KINDS)
    rows, near = _rows(points), whole_number("window", window)
    if not 0 <= near < len(rows) // (2 * PARTS):
        raise UsageError(f"a window is from 0 to an eighth of the rows, not {near}")
    extent = np.ptp(rows, axis=0)
    scaled = (rows - rows.min(axis=0))[:, extent > 0] / extent[extent > 0]
    settings = provenance(rows=len(rows), columns=rows.shape[1], window=near)
    if not scaled.shape[1]:
        return FractalDimension(
            kind, 0.0, 0.0, np.empty(0), np.empty(0), np.full(2, np.nan), "a single point", provenance=settings
        )
    sizes, counts, fit, scatter = (_correlation if kind == "correlation" else _box)(scaled, near)
    if fit is None:
        nothing = "too few points: no range of sizes in which they show a power law"
        return FractalDimension(kind, math.nan, math.nan, sizes, counts, np.full(2, np.nan), nothing, provenance=settings)
    ends = np.array([sizes[fit.first], sizes[fit.last - 1]])
    unseen = UNSEEN / math.log(ends[0] / ends[1]) if kind == "box" else 0.0
    error = math.hypot(fit.drift, scatter, unseen)
    return FractalDimension(kind, fit.value, error, sizes, counts, ends, "", provenance=settings)


def _rows(points: Any) -> np.ndarray:
    """The set as (n, D), checked to be finite."""
    given = points.z if isinstance(points, Orbit) else points
    rows = table("a set of points", given, 1 if np.ndim(given) == 1 else 2)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if len(rows) < FEWEST_ROWS or not rows.shape[1]:
        raise UsageError(f"fractal_dimension needs {FEWEST_ROWS} rows of finite numbers")
    check_finite("fractal_dimension needs", rows)
    return rows


def _correlation(points: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, Slope | None, float]:
    """(sizes, counts, fit, scatter over parts) of pairs."""
    sizes = LARGEST * 2.0 ** (-np.arange(2 * HALVINGS) / 2)
    counts = pairs_within(points, sizes, window)
    sizes, counts = sizes[counts > 0], counts[counts > 0]
    fit = slope(np.log(sizes), np.log(counts), counts > len(points)) if len(sizes) else None
    if fit is None:
        return sizes, counts, None, math.nan
    inside, own = slice(fit.first, fit.last), []
    for part in np.array_split(points, PARTS):
        some = pairs_within(part, sizes[inside], window)
        own.append(
            np.polyfit(np.log(sizes[inside][some > 0]), np.log(some[some > 0]), 1)[0] if (some > 0).sum() > 1 else math.nan
        )
    return sizes, counts, fit, float(np.std(own, ddof=1) / math.sqrt(PARTS))


def _box(points: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, Slope | None, float]:
    """(sizes, counts, fit, scatter over grids) of boxes; ``window`` is ignored."""
    rng, n = np.random.default_rng(0), len(points)
    levels = min(HALVINGS, 2 + int(math.log2(n)))
    sizes = LARGEST * 2.0 ** -np.arange(levels)
    every, usable = [], np.ones(levels, bool)
    for _ in range(OFFSETS):
        offset = rng.uniform(0, 2.0**levels, (points.shape[1],))
        quarter, half, whole = (boxes_filled(points[: n // k], LARGEST, levels, offset) for k in (4, 2, 1))
        usable &= half > FILLED * whole
        late, before = whole - half, half - quarter
        more = np.where(before > late, late**2 / np.maximum(before - late, 1.0), 0.0)
        every.append(whole + more)
    counts, x = np.mean(every, axis=0), -np.log(sizes)
    fit = slope(x, np.log(counts), usable)
    if fit is None:
        return sizes, counts, None, math.nan
    inside = slice(fit.first, fit.last)
    own = [np.polyfit(x[inside], np.log(each[inside]), 1)[0] for each in every]
    return sizes, counts, fit, float(np.std(own, ddof=1) / math.sqrt(OFFSETS))


class Slope(NamedTuple):
    """The slope of one logarithm over another, the spread of the slopes over thirds of its range [first, last), and the
    range."""

    value: float
    drift: float
    first: int
    last: int


def pairs_within(points: np.ndarray, radii: np.ndarray, window: int) -> np.ndarray:
    """The number of pairs at most r apart in the maximum norm, among those more than ``window`` rows apart."""
    # A tree of many equal points would not branch.
    different, weights = np.unique(points, axis=0, return_counts=True)
    tree = cKDTree(different)
    pairs = (tree.count_neighbors(tree, radii, p=np.inf, weights=(weights, weights)).astype(float) - len(points)) / 2
    for lag in range(1, window + 1):
        apart = np.abs(points[lag:] - points[:-lag]).max(axis=1)
        pairs -= np.searchsorted(np.sort(apart), radii, side="right")
    return pairs


def boxes_filled(points: np.ndarray, largest: float, levels: int, offset: np.ndarray) -> np.ndarray:
    """The number of boxes of size largest/2^k, k < levels, that contain a point; ``offset`` (D,) shifts the finest grid, in
    boxes."""
    cells = np.floor(points / (largest / 2.0 ** (levels - 1)) + offset).astype(np.int64)
    counts = np.empty(levels)
    for k in range(levels - 1, -1, -1):
        cells = _distinct(cells)
        counts[k] = len(cells)
        cells = cells // 2
    return counts


def _distinct(cells: np.ndarray) -> np.ndarray:
    """The distinct rows (n, D): columns are combined into one number while it stays below 2⁶³, then renumbered."""
    key, count = np.zeros(len(cells), np.int64), 1
    for column in cells.T:
        span = int(np.ptp(column)) + 1
        if count * span >= 2**62:
            key, count = np.unique(key, return_inverse=True)[1], len(cells)
        key, count = key * span + (column - column.min()), count * span
    return cells[np.unique(key, return_index=True)[1]]


def slope(x: np.ndarray, y: np.ndarray, usable: np.ndarray) -> Slope | None:
    """The least-squares slope over the first run of usable sizes; None if there are too few."""
    first = int(np.argmax(usable))
    last = first + (int(np.argmin(usable[first:])) or len(usable) - first)
    if not usable.any() or last - first < FEWEST:
        return None
    ends = np.linspace(first, last - 1, 4).astype(int).tolist()
    whole, *thirds = (
        float(np.polyfit(x[a : b + 1], y[a : b + 1], 1)[0])
        for a, b in ((first, last - 1), *zip(ends[:-1], ends[1:], strict=True))
    )
    return Slope(whole, max(thirds) - min(thirds), first, last)
