"""`regimes`: the regime of the orbit of one start, over two parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.parameters._former import two_pairs
from cfdyn.analysis.parameters._over_grids import MAX_PERIOD, NAMES, OverGrid, gone_through, said, start_of, transient_of
from cfdyn.arguments import whole_number
from cfdyn.ensembles.grids import Grid
from cfdyn.ensembles.labels import quick_labels
from cfdyn.kernels.orbits import UNSETTLED
from cfdyn.records.record import Record
from cfdyn.settling.irregular import SMALLEST_EXPONENT
from cfdyn.settling.regime import regime
from cfdyn.settling.samples import KINDS, UNRESOLVED
from cfdyn.signatures import checked, formerly
from cfdyn.systems.map import Map, require_step
from cfdyn.systems.matrix_free.map import MatrixFreeMap

STEPS = 16  # times the transient: of a cell whose map has no code


@dataclass(frozen=True)
class RegimeMap(OverGrid, Record):
    """The regime of the orbit of one start, over a grid of two parameters.

    ``names`` of the parameters and their values ``first`` (n,) and ``second`` (m,); ``labels`` (m, n): the period, −1 chaotic,
    −2 undecided, −3 divergent, −4 quasi-periodic, −5 not computed before Ctrl-C; ``lyapunov`` (m, n): the largest exponent per
    step, NaN where it was not needed. ``note``: why labels were withdrawn, or empty. ``looked`` (m, n): the cells whose orbit
    was computed, not all with ``coarse``.
    """

    names: tuple[str, str]
    first: Annotated[np.ndarray, "n"]
    second: Annotated[np.ndarray, "m"]
    labels: Annotated[np.ndarray, "m n"]
    lyapunov: Annotated[np.ndarray, "m n"]
    note: str = ""
    looked: Annotated[np.ndarray, "* *"] = field(default_factory=lambda: np.empty((0, 0), bool))
    _step: Any = field(default=None, repr=False)

    @property
    def kind(self) -> np.ndarray:
        """ "fixed point", "cycle", "chaotic", "quasi-periodic", "divergent" or "undecided", (m, n)."""
        known = {label: NAMES.get(label, "cycle") for label in np.unique(self.labels).tolist()}
        return np.vectorize(known.__getitem__, otypes=[object])(self.labels).astype(str)

    @property
    def undecided(self) -> dict[str, int]:
        """The numbers of undecided cells by the sign of the exponent per step, where it was needed."""
        exponents = self.lyapunov[self.labels == UNSETTLED]
        small = SMALLEST_EXPONENT
        parts = {f"below {-small:g}: a cycle of a longer period than is searched for, or slow convergence": exponents < -small,
                 f"within {small:g} of 0": np.abs(exponents) <= small,
                 f"above {small:g}, within its error, or not with perturbations of both sizes": exponents > small,
                 "unknown: it left the domain, or needed further analysis": np.isnan(exponents)}  # fmt: skip
        return {words: int(where.sum()) for words, where in parts.items() if where.any()}

    @checked
    def extended(self, threads: int | None = None, progress: Callable[[int], None] | None = None) -> RegimeMap:
        """The map with the cells that Ctrl-C left open, also for a record that was saved and loaded.

        UsageError: the map of a loaded record cannot be made again from what was saved
        """
        return _run(self.grid(threads), self, progress)


@formerly(two_pairs)
def regimes(
    step: Map | MatrixFreeMap, vary: Sequence[tuple[str, Any]], z0: Any = None, *, max_period: int = MAX_PERIOD,
    transient: int | None = None, coarse: int = 1, threads: int | None = None, progress: Callable[[int], None] | None = None,
) -> RegimeMap:  # fmt: skip
    """The regime of the orbit of one start, over a grid of two parameters.

    Each orbit runs through a transient, and through 15 more if it does not return to within 10⁻¹⁰ of its size. If it returns on
    a cycle that attracts (spectral radius below 1 − 10⁻⁵), the label is its period. Otherwise it is chaotic or quasi-periodic,
    by its Lyapunov exponent with its error and by weighted averages, with the thresholds of `classify`. Chaos must persist for
    200,000 steps, ten times as many if a step divides by an average; a longer transient counts as chaos, though `classify` may
    see its end. Near a bifurcation a slowly converging orbit has the period of the cycle that Newton's method finds, if that
    attracts as above and the orbit approaches it. Undecided are other slowly converging orbits, cycles longer than
    ``max_period``, and orbits that start on a repelling set. If an optimizer with averages, such as Adam, comes to rest only
    because of round-off, its orbit is perturbed with two sizes, as by `classify`. An orbit that overflows is divergent.
    `classify` checks a few cells that escape, come to rest or seem quasi-periodic; if it disagrees at one, all cells of this
    kind become undecided, and ``note`` says so. The result is floating-point evidence, not a proof, and bit by bit the same for
    any number of threads.

    Parameters
    ----------
    step : the map. For a map without code, such as cf.poincare_map(…), `classify` examines each cell with at most 16 transients
        of steps: choose few cells and a short transient
    vary : two pairs (name of a parameter or of an entry of the start, values), the columns and the rows; the values increase, or
        are a tuple (lo, hi, count) for the centres of so many equal cells
    z0 : start, the d weights or the full state (D,); by default 0.1 for each weight or variable
    max_period : longest period that is detected
    transient : discarded steps: 1000 by default, 100 where a step integrates a flow
    coarse : above 1, orbits are computed first in one of this many cells along each side, then where neighbouring labels
        differ, and the other cells are filled. Details in between may be missed: 500 filled cells are checked, and ``note``
        says how many were wrong
    threads : by default the number of processors
    progress : called at times with the number of cells done

    Raises
    ------
    UsageError : unknown parameters, the same one twice, values that do not increase, or a map too large for memory

    Examples
    --------
    >>> import numpy as np
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.heavy_ball(lr=0.5, momentum=0.5))
    >>> grid = cf.analysis.regimes(step, [("lr", [0.5, 1.6, 2.5]), ("momentum", [0.0, 0.5])], [1.1])
    >>> grid.kind.tolist()
    [['fixed point', 'chaotic', 'divergent'], ['fixed point', 'cycle', 'divergent']]
    >>> grid.period[1].tolist(), {name: round(part, 2) for name, part in grid.fractions.items()}
    ([1, 2, 0], {'divergent': 0.33, 'fixed point': 0.33, 'chaotic': 0.17, 'period 2': 0.17})
    """
    start, longest = start_of(require_step(step), z0), whole_number("max_period", max_period, 1)
    grid, transient = Grid(step, vary, start, threads), transient_of(step, transient)
    begun = RegimeMap(grid.names, grid.axes[0], grid.axes[1], np.full(grid.shape, UNRESOLVED), np.full(grid.shape, np.nan),
                      "", np.zeros(grid.shape, bool), step,
                      provenance=said(grid, max_period=longest, transient=transient, coarse=coarse))  # fmt: skip
    return _run(grid, begun, progress)


def _run(grid: Grid, begun: RegimeMap, progress: Callable[[int], None] | None) -> RegimeMap:
    """Compute the cells that are still open."""
    settings = begun.provenance["settings"]
    labels, exponents, looked = begun.labels.copy(), begun.lyapunov.copy(), begun.looked.copy()

    def take(cells: np.ndarray) -> None:
        if grid.step.compiled is None:
            for cell in cells.tolist():
                here, start, _ = grid.at(cell)
                one = regime(here, start, settings["max_period"], STEPS * settings["transient"])
                labels.ravel()[cell], exponents.ravel()[cell] = one.period or KINDS[one.kind], one.lyapunov
            return
        quick = quick_labels(grid.orbits(cells), settings["transient"], settings["max_period"])
        labels.ravel()[cells], exponents.ravel()[cells] = quick

    def made(note: str) -> RegimeMap:
        return replace(begun, labels=labels, lyapunov=exponents, looked=looked, note=note)

    return gone_through(grid, labels, looked, take, made, settings["coarse"], progress)
