"""`basin_entropy`: the uncertainty of the final state, as the entropy of the basin labels in small boxes."""

from dataclasses import dataclass

import numpy as np

from cfdyn.analysis.attractors._smooth_boundary import excess
from cfdyn.analysis.attractors.basins import Basins
from cfdyn.arguments import whole_number
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import UNSETTLED
from cfdyn.records.record import Record, provenance
from cfdyn.settling.samples import UNRESOLVED

CELLS = 5  # starts along a side of a box
GROUPS = 16  # of boxes in their order, whose means tell the errors
LEAST = 4 * GROUPS  # boxes


@dataclass(frozen=True)
class BasinEntropy(Record):
    """The mean Gibbs entropy of boxes of starts, in nats: ``entropy`` over all boxes, ``boundary_entropy`` over those with more
    than one label, each with its error; ``boxes`` in all, ``boundary`` of them with more than one label; ``cells`` along a
    side.

    ``fractal``: True if the boundary is not smooth down to the resolution of the grid, else None: the test is then
    inconclusive, since fractal boundaries may have the entropy of smooth ones. ``excess``: mean entropy of discs of cells on
    the boundary minus that at a straight line, extrapolated to radius 0; not significant below ``excess_error``; NaN if the
    grid is too small.
    """

    entropy: float
    entropy_error: float
    boundary_entropy: float
    boundary_error: float
    boxes: int
    boundary: int
    cells: int
    fractal: bool | None = None
    excess: float = float("nan")
    excess_error: float = float("nan")


def basin_entropy(found: Basins, cells: int = CELLS) -> BasinEntropy:
    """The basin entropy: the mean of S = −Σ p_k ln p_k over boxes with ``cells`` starts along a side, p_k the fraction of label
    k.

    Boxes with a start that is undecided, or that Ctrl-C left open, are excluded. The errors are standard errors over 16 groups
    of boxes, in their order.

    The test for a fractal boundary takes discs (or intervals) with radii of 16 and 32 cells, or 8 and 16, about each start. At
    a smooth boundary, with two labels or more, their mean entropy converges to that of a straight line as the radius goes to 0:
    0.4395 for a disc, slightly more for a disc of cells. If it is higher by more than three errors plus the variation of a
    line's entropy with its direction on the grid, the boundary is not smooth. Lower values also occur at islands of few cells.

    Parameters
    ----------
    found : the result of `basins`
    cells : starts along a side of a box

    Raises
    ------
    UsageError : fewer than 64 decided boxes, or boxes of a single start

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text(["(x + x/(x**2 + y**2))/2", "(y - y/(x**2 + y**2))/2"], "x y")  # Newton's, for z² = 1
    >>> entropy = cf.analysis.basin_entropy(cf.analysis.basins(step, [("x", (-1, 1.02, 110)), ("y", (-1, 1, 110))]))
    >>> entropy.boxes, entropy.boundary, round(entropy.boundary_entropy, 6), entropy.fractal  # of 22 boxes a fifth is on one side
    (484, 22, 0.500402, None)

    References
    ----------
    Daza, Wagemakers, Georgeot, Guéry-Odelin & Sanjuán, Basin entropy, Scientific Reports 6 (2016) 31416. Puy, Daza,
    Wagemakers & Sanjuán, A test for fractal boundaries based on the basin entropy, Commun. Nonlinear Sci. 95 (2021) 105588.
    """
    side, labels = whole_number("cells", cells, 2), found.labels
    rows = side if len(found.second) else 1
    m, n = labels.shape[0] // rows, labels.shape[1] // side
    blocks = labels[: m * rows, : n * side].reshape(m, rows, n, side).swapaxes(1, 2).reshape(m * n, rows * side)
    blocks = blocks[~np.isin(blocks, (UNSETTLED, UNRESOLVED)).any(axis=1)]
    if len(blocks) < LEAST:
        raise UsageError(f"a basin entropy needs {LEAST} boxes of {side} starts along a side, not {len(blocks)}")
    entropies = np.zeros(len(blocks))
    for label in np.unique(blocks):
        part = (blocks == label).mean(axis=1)
        entropies -= np.where(part > 0, part * np.log(np.where(part > 0, part, 1.0)), 0.0)
    on_boundary = (blocks != blocks[:, :1]).any(axis=1)
    whole, edge = _mean(entropies), _mean(entropies[on_boundary])
    beyond = excess(labels, ~np.isin(labels, (UNSETTLED, UNRESOLVED)))
    fractal = True if beyond and beyond[0] > beyond[1] else None
    return BasinEntropy(*whole, *edge, len(blocks), int(on_boundary.sum()), side, fractal, *(beyond or ()),
                        provenance=provenance(**found.provenance.get("settings", {}), box=found.box))  # fmt: skip


def _mean(values: np.ndarray) -> tuple[float, float]:
    """The mean and its error; (0, 0) without values, and an error of NaN for too few values."""
    if not len(values):
        return 0.0, 0.0
    means = [group.mean() for group in np.array_split(values, GROUPS)] if len(values) >= 2 * GROUPS else []
    return float(values.mean()), float(np.std(means, ddof=1) / np.sqrt(GROUPS)) if means else float("nan")
