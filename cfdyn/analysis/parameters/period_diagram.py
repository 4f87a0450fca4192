"""`period_diagram`: the period of the cycle on which the orbit of one start ends, over two parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.parameters._former import two_pairs
from cfdyn.analysis.parameters._over_grids import MAX_PERIOD, OverGrid, gone_through, said, start_of, transient_of
from cfdyn.arguments import whole_number
from cfdyn.ensembles.grids import Grid
from cfdyn.ensembles.labels import quick_labels
from cfdyn.kernels.orbits import CHAOTIC
from cfdyn.records.record import Record
from cfdyn.settling.samples import QUASI_PERIODIC, UNRESOLVED
from cfdyn.signatures import checked, formerly
from cfdyn.systems.map import Map, require_map

NO_PERIOD = 0


@dataclass(frozen=True)
class PeriodDiagram(OverGrid, Record):
    """The period of the attractor of one start, over a grid of two parameters: an isoperiodic diagram.

    ``names`` of the parameters and their values ``first`` (n,) and ``second`` (m,); ``labels`` (m, n): the period, 0 without
    one (chaotic or quasi-periodic), −2 undecided, −3 divergent, −5 not computed before Ctrl-C; ``period`` (m, n) is 0 for all
    of these. ``note``: why labels were withdrawn, and how many filled cells were wrong. ``looked`` (m, n): the cells whose
    orbit was computed, not all with ``coarse``.
    """

    names: tuple[str, str]
    first: Annotated[np.ndarray, "n"]
    second: Annotated[np.ndarray, "m"]
    labels: Annotated[np.ndarray, "m n"]
    note: str = ""
    looked: Annotated[np.ndarray, "* *"] = field(default_factory=lambda: np.empty((0, 0), bool))
    _step: Map | None = field(default=None, repr=False)

    def called(self, label: int) -> str:
        """A label in words."""
        return "no period" if label == NO_PERIOD else super().called(label)

    @checked
    def extended(self, threads: int | None = None, progress: Callable[[int], None] | None = None) -> PeriodDiagram:
        """The diagram with the cells that Ctrl-C left open, also for a record that was saved and loaded.

        UsageError: the map of a loaded record cannot be made again from what was saved
        """
        return _run(self.grid(threads), self, progress)


@formerly(two_pairs)
def period_diagram(
    step: Map, vary: Sequence[tuple[str, Any]], z0: Any = None, *, max_period: int = MAX_PERIOD, transient: int | None = None,
    coarse: int = 1, threads: int | None = None, progress: Callable[[int], None] | None = None,
) -> PeriodDiagram:  # fmt: skip
    """The period of the orbit of one start, over a grid of two parameters.

    Labels are computed as by `regimes`: by returns and the multipliers of the cycle, near bifurcations by Newton's method, and
    by Lyapunov exponents and averages if there is no return. One slow test is omitted: that an orbit without a period stays
    without one for 200,000 more steps, so "no period" may be a long transient. Up to round-off, cells near a bifurcation have
    the right period or are undecided; cycles longer than ``max_period`` are undecided. A float orbit is evidence, not a proof.

    Parameters
    ----------
    step : the map
    vary : two pairs (name of a parameter or of an entry of the start, values), the columns and the rows; the values increase, or
        are a tuple (lo, hi, count) for the centres of so many equal cells
    z0 : start, the d weights or the full state (D,); by default 0.1 for each weight or variable
    max_period : longest period that is detected
    transient : discarded steps, 1000 by default
    coarse : as for `regimes`: with 8, say, orbits are computed where neighbouring labels differ, and in few other cells
    threads : by default the number of processors
    progress : called at times with the number of cells whose orbit was computed

    Raises
    ------
    UsageError : unknown parameters, the same one twice, values that do not increase, or a diagram too large for memory
    Interrupted : Ctrl-C; its ``record`` has the finished part, and `extended`

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
    >>> diagram = cf.analysis.period_diagram(step, [("a", [0.3, 0.9, 1.25, 1.4, 2.5]), ("b", [0.0, 0.3])])
    >>> diagram.period.tolist()
    [[1, 2, 0, 32, 0], [1, 2, 7, 0, 0]]
    >>> diagram.labels.tolist()  # at a = 5/4 and b = 0 the 2-cycle flips
    [[1, 2, -2, 32, -3], [1, 2, 7, 0, -3]]

    References
    ----------
    Gallas, Structure of the parameter space of the Hénon map, Physical Review Letters 70 (1993) 2714–2717.
    """
    longest = whole_number("max_period", max_period, 1)
    grid, transient = Grid(require_map(step), vary, start_of(step, z0), threads), transient_of(step, transient)
    begun = PeriodDiagram(grid.names, grid.axes[0], grid.axes[1], np.full(grid.shape, UNRESOLVED), "",
                          np.zeros(grid.shape, bool), step,
                          provenance=said(grid, max_period=longest, transient=transient, coarse=coarse))  # fmt: skip
    return _run(grid, begun, progress)


def _run(grid: Grid, begun: PeriodDiagram, progress: Callable[[int], None] | None) -> PeriodDiagram:
    """Compute the cells that are still open."""
    settings, labels, looked = begun.provenance["settings"], begun.labels.copy(), begun.looked.copy()

    def take(cells: np.ndarray) -> None:
        quick = quick_labels(grid.orbits(cells), settings["transient"], settings["max_period"], roughly=True)[0]
        labels.ravel()[cells] = np.where(np.isin(quick, (CHAOTIC, QUASI_PERIODIC)), NO_PERIOD, quick)

    def made(note: str) -> PeriodDiagram:
        return replace(begun, labels=labels, looked=looked, note=note)

    return gone_through(grid, labels, looked, take, made, settings["coarse"], progress)
