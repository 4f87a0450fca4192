"""`lyapunov_spectra`: Lyapunov exponents over one or two parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.invariants.lyapunov_spectrum import TURNING, kaplan_yorke
from cfdyn.arguments import whole_number
from cfdyn.ensembles.grids import Grid
from cfdyn.ensembles.orbits import PARTS
from cfdyn.errors import Interrupted, UsageError
from cfdyn.linalg.products import frame
from cfdyn.records.record import Record, provenance
from cfdyn.systems.map import Map, require_map
from cfdyn.words import how_many

MOST = 8  # exponents computed by default
AT_ONCE = 2**13  # cells in a block: Ctrl-C keeps whole blocks
CLEAR, SMALLEST = 3, 1e-4  # standard errors, and per step: less is 0 whatever its error


@dataclass(frozen=True)
class LyapunovSpectra(Record):
    """Lyapunov exponents over one or two quantities.

    ``names`` and their values ``first`` (n,) and ``second`` (m,); for one quantity ``second`` is empty and m = 1. ``exponents``
    (m, n, k): the k largest in each cell, in decreasing order, per step, −inf where a direction collapses, NaN if the orbit
    escapes; ``errors`` (m, n, k): their standard errors. ``looked`` (m, n): the cells whose orbit was computed; not all after
    Ctrl-C. ``dim``: D ≥ k.
    """

    names: tuple[str, ...]
    first: Annotated[np.ndarray, "n"]
    second: Annotated[np.ndarray, "*"]
    exponents: Annotated[np.ndarray, "m n k"]
    errors: Annotated[np.ndarray, "m n k"]
    looked: Annotated[np.ndarray, "m n"]
    dim: int

    @property
    def stretching(self) -> np.ndarray:
        """The number of exponents above 0 by 3 standard errors, (m, n): 0 without chaos, two or more in hyperchaos."""
        with np.errstate(invalid="ignore"):
            return (self.exponents > np.maximum(CLEAR * self.errors, SMALLEST)).sum(axis=2)

    @property
    def dimension(self) -> np.ndarray:
        """The Kaplan–Yorke dimension, (m, n); NaN if the orbit escapes or the k exponents do not suffice."""
        cells = self.exponents.reshape(-1, self.exponents.shape[2])
        dimensions = np.array([np.nan if np.isnan(row).any() else kaplan_yorke(row, self.dim) for row in cells])
        return dimensions.reshape(self.looked.shape)


def lyapunov_spectra(
    step: Map, vary: Sequence[tuple[str, Any]], z0: Any, count: int | None = None, n: int = 10_000, transient: int = 1000,
    threads: int | None = None, progress: Callable[[int], None] | None = None,
) -> LyapunovSpectra:  # fmt: skip
    """The largest ``count`` Lyapunov exponents of the orbit of one start, over one or two parameters.

    Exponents are computed as by `lyapunov_spectrum`, with errors from 16 segments, for many orbits at once. Tangent vectors are
    reorthonormalized every 8 steps, earlier if digits would be lost, and align during the second half of the transient, or 1000
    steps. The result is floating-point evidence: an orbit that leaves a chaotic saddle only after n steps appears chaotic.

    Parameters
    ----------
    step : the map
    vary : one or two pairs (name of a parameter or of an entry of the start, increasing values): the columns, then the rows
    z0 : start, the d weights or the full state (D,)
    count : number of exponents; by default all, at most 8
    n : number of steps averaged over, rounded down to a multiple of 16
    transient : number of steps before
    threads : by default the number of processors
    progress : called at times with the number of cells done

    Raises
    ------
    UsageError : unknown parameters, values that do not increase, fewer than 16 steps, more exponents than variables, or too
        many cells for memory
    Interrupted : Ctrl-C; its ``record`` has NaN in cells that were not computed

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
    >>> spectra = cf.analysis.lyapunov_spectra(step, [("a", [0.3, 0.8, 1.4, 2.0])], [0.1, 0.1])
    >>> spectra.exponents[0].round(1).tolist()  # fixed point, 2-cycle, chaos, escape
    [[-0.1, -1.1], [-0.4, -0.8], [0.4, -1.6], [nan, nan]]
    >>> spectra.stretching.tolist(), float(spectra.dimension[0, 2].round(2))
    ([[0, 0, 1, 0]], 1.26)

    References
    ----------
    Benettin, Galgani, Giorgilli & Strelcyn (1980), Meccanica 15.
    """
    start = require_map(step).state(z0)
    turned = min(step.dim, MOST) if count is None else whole_number("count", count, 1)
    steps, transient = whole_number("n", n, PARTS), whole_number("the transient", transient, 0)
    if turned > step.dim:
        raise UsageError(f"the map has {how_many(step.dim, 'exponent')}, not {turned}")
    grid = Grid(step, list(vary), start, threads, fewest=1, size=8 * (2 * turned + 1))
    exponents, errors = np.full((2, grid.count, turned), np.nan)
    looked = np.zeros(grid.count, bool)
    settings = provenance(map=step.title, params=step.params, start=start, transient=transient, steps=steps - steps % PARTS)

    def made() -> LyapunovSpectra:
        shape = (*grid.shape, turned)
        return LyapunovSpectra(grid.names, grid.axes[0], grid.axes[1] if len(grid.axes) > 1 else np.empty(0),
                               exponents.reshape(shape), errors.reshape(shape), looked.reshape(grid.shape), step.dim,
                               provenance=settings)  # fmt: skip

    try:
        for begin in range(0, grid.count, AT_ONCE):
            cells = np.arange(begin, min(begin + AT_ONCE, grid.count))
            exponents[cells], errors[cells] = _spectra(grid, cells, turned, steps, transient)
            looked[cells] = True
            if progress:
                progress(int(cells[-1]) + 1)
    except KeyboardInterrupt:
        if not looked.any():
            raise
        raise Interrupted(made()) from None
    return made()


def _spectra(grid: Grid, cells: np.ndarray, turned: int, steps: int, transient: int) -> tuple[np.ndarray, np.ndarray]:
    """Exponents and errors (N, k) of some cells, the largest exponent first."""
    orbits, d, turning = grid.orbits(cells), grid.step.dim, min(transient // 2, TURNING)
    if transient - turning:
        orbits.advance(transient - turning)
    tangents = np.tile(frame(d, turned), (len(cells), 1, 1))
    if d > 1 and turning < min(steps, TURNING):
        orbits.some(np.arange(len(cells))).stretching(tangents, 0, min(steps, TURNING))  # they align with later directions
    means = orbits.stretching(tangents, turning, steps)
    with np.errstate(invalid="ignore"):
        exponents, errors = means.mean(axis=1), means.std(axis=1, ddof=1) / np.sqrt(PARTS)
    order = np.argsort(-exponents, axis=1, kind="stable")
    return np.take_along_axis(exponents, order, axis=1), np.take_along_axis(errors, order, axis=1)
