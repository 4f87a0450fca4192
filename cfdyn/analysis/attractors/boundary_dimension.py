"""`boundary_dimension`: the uncertainty exponent and the fractal dimension of the boundary of basins or regimes."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.attractors.basins import Basins
from cfdyn.analysis.parameters._over_grids import OverGrid
from cfdyn.arguments import table
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import UNSETTLED
from cfdyn.records.record import Record, provenance
from cfdyn.settling.samples import UNRESOLVED

STRIPS = 12  # parts of the grid, omitted one after the other
LARGEST = 24  # distances go up to this part of a side
FEWEST = 4  # distances to which a line is fitted
DRIFT = 0.03  # of the prefactor over the fitted sizes: at z² − 1 slopes of up to 3000² starts are too low by so much
CROWDED, FULL = 0.25, 0.999  # over that of independent labels: uncertain fraction above which slopes look flat, without meaning
FLAT = 0.75  # of what independent labels give: from there on both are flat


@dataclass(frozen=True)
class BoundaryDimension(Record):
    """The uncertainty exponent α: the fraction f(ε) of starts whose label changes at a distance ε scales as εᵅ.

    ``sizes`` (k,): ε relative to a side of the box; ``uncertain`` (k,): f, with ``errors`` (k,); ``exponent`` α with ``error``,
    and ``dimension`` D − α of the boundary in D coordinates; ``factor`` c of the fit c εᵅ.
    """

    sizes: Annotated[np.ndarray, "k"]
    uncertain: Annotated[np.ndarray, "k"]
    errors: Annotated[np.ndarray, "k"]
    exponent: float
    error: float
    dimension: float
    factor: float


def boundary_dimension(found: Any) -> BoundaryDimension:
    """The uncertainty exponent and the dimension of the boundary of basins or regimes, from their labels on a grid.

    A start is uncertain at ε if a start at distance ε along a coordinate has another label. Undecided starts, and those that
    Ctrl-C left open, are excluded. ε is 1, 2, 4, … cells, up to 1/24 of a side. α is the slope of the unweighted linear fit of
    log f over log ε. Its error combines four parts: the jackknife error over 12 strips of the grid; half of the difference
    between the slopes of the smaller and of the larger sizes, which measures curvature; the effect of a prefactor that changes
    by 3 % over the fitted sizes, as on Julia sets; and, if even adjacent starts differ nearly as often as random labels would,
    the possible bias of the slope: such a boundary is too dense for the grid, unless the fit is much straighter than random
    labels would make it. A smooth boundary has α = 1, a fractal one α < 1: halving the uncertain fraction requires starts known
    2^(1/α) times as precisely.

    Parameters
    ----------
    found : the result of `basins`, `regimes`, `period_diagram` or `settling_times`, or integer labels (n,) or (m, n) on a grid,
        with −2 for undecided

    Raises
    ------
    UsageError : no labels, a grid too coarse for four distances, or one without a boundary

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text(["(x + x/(x**2 + y**2))/2", "(y - y/(x**2 + y**2))/2"], "x y")  # Newton's, for z² = 1
    >>> scaling = cf.analysis.boundary_dimension(cf.analysis.basins(step, [("x", (-1, 1, 200)), ("y", (-1, 1, 200))]))
    >>> round(scaling.exponent, 2), round(scaling.dimension, 2), scaling.uncertain.round(2)
    (1.0, 1.0, array([0.01, 0.02, 0.04, 0.08]))

    References
    ----------
    McDonald, Grebogi, Ott & Yorke, Fractal basin boundaries, Physica D 17 (1985) 125–153.
    """
    labels, settings = _labels(found)
    sides = [n for n in labels.shape if n > 1]
    steps = 2 ** np.arange(max(0, int(np.log2(max(min(sides, default=1) // LARGEST, 1))) + 1))
    if len(steps) < FEWEST:
        least = LARGEST * 2 ** (FEWEST - 1)
        raise UsageError(f"a boundary needs a grid with {least} starts along each side, not {min(sides, default=1)}")
    counts = np.array([_uncertain(labels, int(step)) for step in steps])  # (k, strips, 2)
    total = counts.sum(axis=1)
    if not total[:, 0].all():
        raise UsageError("there is no boundary: all that is decided has one label")
    parts = total[:, 0] / total[:, 1]
    sizes = steps / float(np.prod(sides)) ** (1 / len(sides))
    left_out = total[:, None] - counts
    with np.errstate(divide="ignore", invalid="ignore"):
        fractions = left_out[..., 0] / left_out[..., 1]
    errors = np.sqrt((STRIPS - 1) / STRIPS * ((fractions - fractions.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    slopes = np.array([_slope(sizes, one)[0] for one in fractions.T if one.all()])
    spread = np.sqrt((STRIPS - 1) / STRIPS * ((slopes - slopes.mean()) ** 2).sum()) if len(slopes) == STRIPS else np.inf
    exponent, factor = _slope(sizes, parts)
    bent, crowded = _bend(sizes, parts), _crowded(sizes, parts, labels)
    drift = np.log1p(DRIFT) / np.log(sizes[-1] / sizes[0])
    error = float(np.sqrt(spread**2 + bent**2 + drift**2 + crowded**2))
    return BoundaryDimension(sizes, parts, errors, exponent, error, len(sides) - exponent, factor,
                             provenance=settings)  # fmt: skip


def _crowded(sizes: np.ndarray, parts: np.ndarray, labels: np.ndarray) -> float:
    """The possible underestimate of the slope if the boundary is so dense that adjacent labels are nearly independent.

    Independent labels give f = F = 1 − Σ p³ at any distance; near saturation f = F (1 − e^(−x)), and x should be fitted.
    """
    counts = np.unique(labels[labels != UNSETTLED], return_counts=True)[1]
    most = 1 - float(np.sum((counts / counts.sum()) ** 3))
    if parts[0] < CROWDED * most:
        return 0.0
    hidden = -np.log1p(-np.minimum(parts / most, FULL))
    slope, factor = _slope(sizes, hidden)
    # Random flattening bends the line by this much: a far straighter line contradicts it.
    bends, seen = _bend(sizes, -most * np.expm1(-factor * sizes**slope)), _bend(sizes, parts)
    share = min(1.0, abs(seen / bends)) if bends and parts[0] < FLAT * most else 1.0
    return (slope - _slope(sizes, parts)[0]) * share


def _bend(sizes: np.ndarray, parts: np.ndarray) -> float:
    """Half of the difference between the slopes of the smaller and the larger sizes."""
    half = len(sizes) // 2
    return (_slope(sizes[: half + 1], parts[: half + 1])[0] - _slope(sizes[half:], parts[half:])[0]) / 2


def _labels(result: Any) -> tuple[np.ndarray, dict]:
    """Labels as (m, n), and their provenance."""
    if isinstance(result, Basins | OverGrid):
        labels = np.where(result.labels == UNRESOLVED, UNSETTLED, result.labels)
        about = {"box": result.box} if isinstance(result, Basins) else {"varied": result.names}
        return labels, provenance(**result.provenance.get("settings", {}), **about)
    flags = np.asarray(result)
    given = flags.astype(int) if flags.dtype == bool else result
    labels = table("a grid of labels", given, 1 if np.ndim(given) == 1 else 2)
    if not np.array_equal(labels, np.floor(labels)):
        raise UsageError("labels on a grid are whole numbers")
    return np.atleast_2d(labels), provenance(map="labels on a grid", params={})


def _uncertain(labels: np.ndarray, step: int) -> np.ndarray:
    """The numbers of uncertain starts, and of decided starts with both neighbours at that distance, by strip, (STRIPS, 2)."""
    uncertain, whole = np.zeros((2, *labels.shape), bool)
    for axis in (0, 1):
        if labels.shape[axis] == 1:
            continue
        along = np.moveaxis(labels, axis, 0)
        here, left, right = along[step:-step], along[: -2 * step], along[2 * step :]
        decided = (here != UNSETTLED) & (left != UNSETTLED) & (right != UNSETTLED)
        np.moveaxis(uncertain, axis, 0)[step:-step] |= decided & ((here != left) | (here != right))
        np.moveaxis(whole, axis, 0)[step:-step] |= decided
    longer = int(np.argmax(labels.shape))
    cells = zip(*(np.array_split(table, STRIPS, axis=longer) for table in (uncertain, whole)), strict=True)
    return np.array([(a.sum(), b.sum()) for a, b in cells], float)


def _slope(sizes: np.ndarray, parts: np.ndarray) -> tuple[float, float]:
    """α and c of the line log f = log c + α log ε."""
    slope, start = np.polyfit(np.log(sizes), np.log(parts), 1)
    return float(slope), float(np.exp(start))
