"""`covering`: the covering relations among intervals, and the entropy and cycles that they imply."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from scipy.sparse import csr_matrix

from cfdyn.arguments import table
from cfdyn.cycles.line.laps import laps_on
from cfdyn.cycles.line.reach import FINEST
from cfdyn.errors import UsageError
from cfdyn.linalg.perron import perron_root
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map

ROUNDED = 1e-9  # relative to an interval's width: how far an image may miss an end that it should meet
MOST, LONGEST = 2000, 12  # intervals; periods of which cycles are counted


@dataclass(frozen=True)
class Covering(Record):
    """``matrix`` (n, n): entry (i, j) is the number of subintervals of interval i, disjoint up to ends, that the map takes onto
    interval j.

    ``entropy``: ln of its spectral radius, a lower bound of the topological entropy; ``returns`` (12,): tr Aᵏ for k = 1, …, 12,
    a lower bound of the number of solutions of fᵏ(x) = x, up to ends that intervals share.
    """

    intervals: Annotated[np.ndarray, "n 2"]
    matrix: Annotated[np.ndarray, "n n"]
    entropy: float
    returns: Annotated[np.ndarray, "*"]


def covering(step: Map, intervals: Any) -> Covering:
    """The covering relations among intervals of a continuous map of one variable, and their consequences.

    If f(I) ⊇ J, a part of I is mapped onto J. Every walk through the graph of coverings is therefore followed by an orbit, and
    every closed walk by a cycle (Bolzano). Computed in floating point, to 10⁻⁹ of an interval's width: evidence, not a proof.

    Parameters
    ----------
    step : a continuous map of one variable, without angles
    intervals : (n, 2), or n + 1 increasing ends of adjacent intervals, such as the points of a cycle

    Raises
    ------
    UsageError : several variables, ends that do not increase, overlapping intervals, or a map that jumps in one of them

    Examples
    --------
    >>> import cfdyn as cf
    >>> logistic = cf.Map.from_text("r*x*(1-x)", params={"r": 3.84})
    >>> cycle = cf.analysis.cycles(logistic, 3, [(0, 1)])[0]
    >>> graph = cf.analysis.covering(logistic, sorted(cycle.points[:, 0]))
    >>> graph.matrix.tolist(), round(graph.entropy, 9)  # ln((1 + √5)/2)
    ([[0, 1], [1, 1]], 0.481211825)
    >>> graph.returns[:6].astype(int).tolist()
    [1, 3, 4, 7, 11, 18]

    References
    ----------
    Block, Guckenheimer, Misiurewicz & Young (1980), Lecture Notes in Math. 819, 18.
    """
    if require_map(step).dim != 1 or step.periodic:
        raise UsageError("covering relations are those of intervals: this is for maps of one variable, without angles")
    parts = _intervals(intervals)
    matrix = np.zeros((len(parts), len(parts)), np.int64)
    tolerance = ROUNDED * (parts[:, 1] - parts[:, 0])
    for i, (lo, hi) in enumerate(parts.tolist()):
        laps = laps_on(step, lo, hi, FINEST * min(hi - lo, 1.0))
        if laps.places or laps.gaps or laps.open:
            raise UsageError(f"the map jumps, ends, or is not known well enough from {lo:g} to {hi:g}")
        turns = np.concatenate([laps.values[:1, 0], laps.values[:, 1]])
        sides = (turns[:, None] >= parts[:, 1] - tolerance).astype(int) - (turns[:, None] <= parts[:, 0] + tolerance)
        matrix[i] = [_crossings(column[column != 0]) for column in sides.T]
    power, returns = np.eye(len(parts)), np.empty(LONGEST)
    for k in range(LONGEST):
        power = power @ matrix
        returns[k] = np.trace(power)
    root = perron_root(csr_matrix(matrix))[0] if matrix.any() else 0.0
    return Covering(parts, matrix, float(np.log(max(root, 1.0))), returns,
                    provenance=provenance(map=step.title, params=step.params))  # fmt: skip


def _intervals(given: Any) -> np.ndarray:
    """The intervals as (n, 2), in increasing order."""
    ends = table("intervals", given, 1 if np.ndim(given) == 1 else 2)
    parts = np.stack([ends[:-1], ends[1:]], axis=1) if ends.ndim == 1 else ends
    if parts.shape[1:] != (2,) or not 1 <= len(parts) <= MOST or not np.isfinite(parts).all():
        raise UsageError(f"intervals are (n, 2) or n + 1 ends, finite, n from 1 to {MOST}")
    parts = parts[np.argsort(parts[:, 0], kind="stable")]
    if not (parts[:, 0] < parts[:, 1]).all() or not (parts[1:, 0] >= parts[:-1, 1]).all():
        raise UsageError("each interval has lo < hi, and no two of them overlap")
    return parts


def _crossings(sides: np.ndarray) -> int:
    """How often successive images of turning points lie on different sides of an interval."""
    return int((sides[1:] != sides[:-1]).sum())
