"""`settling_times`: the number of steps until orbits settle or escape, over two quantities, and the boundary of
trainability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np

from cfdyn.analysis.parameters._over_grids import OverGrid, gone_through, said
from cfdyn.arguments import number, whole_number
from cfdyn.ensembles.grids import Grid
from cfdyn.ensembles.labels import quick_labels
from cfdyn.ensembles.orbits import Orbits
from cfdyn.errors import UsageError
from cfdyn.kernels.orbits import CHAOTIC, ESCAPED
from cfdyn.records.record import Record
from cfdyn.settling.samples import QUASI_PERIODIC, UNRESOLVED
from cfdyn.signatures import checked
from cfdyn.systems.map import Map, require_map
from cfdyn.systems.orbit import FAR

TRANSIENT, LATER, MAX_PERIOD, TOLERANCE = 1000, 16, 32, 1e-6
NO_PERIOD = 0
HELD = 128  # steps in which an orbit that has settled stays
PIECE = 64  # steps that are tested together


@dataclass(frozen=True)
class SettlingTimes(OverGrid, Record):
    """The number of steps until the orbit of one start settles or escapes, over a grid of two parameters or entries of the
    start.

    ``names`` and their values ``first`` (n,) and ``second`` (m,); ``labels`` (m, n): the period of the cycle on which it
    settles, 0 if it does not settle, −2 undecided, −3 divergent, −5 not computed before Ctrl-C; ``steps`` (m, n): until it has
    settled or escaped, 0 if it does neither within the steps that are run.
    """

    names: tuple[str, str]
    first: Annotated[np.ndarray, "n"]
    second: Annotated[np.ndarray, "m"]
    labels: Annotated[np.ndarray, "m n"]
    steps: Annotated[np.ndarray, "m n"]
    note: str = ""
    looked: Annotated[np.ndarray, "* *"] = field(default_factory=lambda: np.empty((0, 0), bool))
    _step: Map | None = field(default=None, repr=False)

    def called(self, label: int) -> str:
        """A label in words."""
        return "does not settle" if label == NO_PERIOD else super().called(label)

    @property
    def trainable(self) -> np.ndarray:
        """The cells whose orbit settles on a fixed point, (m, n)."""
        return self.labels == 1

    @property
    def boundary(self) -> np.ndarray:
        """The trainable cells next to one that is not, and the other way round, (m, n)."""
        inside = np.pad(self.trainable, 1, mode="edge")
        middle = inside[1:-1, 1:-1]
        sides = inside[:-2, 1:-1], inside[2:, 1:-1], inside[1:-1, :-2], inside[1:-1, 2:]
        return np.asarray(np.any([side != middle for side in sides], axis=0))

    @checked
    def extended(self, threads: int | None = None, progress: Callable[[int], None] | None = None) -> SettlingTimes:
        """The map with the cells that Ctrl-C left open, also for a record that was saved and loaded.

        UsageError: the map of a loaded record cannot be made again from what was saved
        """
        return _run(self.grid(threads), self, progress)


def settling_times(
    step: Map, vary: Sequence[tuple[str, Any]], z0: Any, tolerance: float = TOLERANCE, max_period: int = MAX_PERIOD,
    transient: int = TRANSIENT, threads: int | None = None, progress: Callable[[int], None] | None = None,
) -> SettlingTimes:  # fmt: skip
    """The number of steps until the orbit of one start settles on a fixed point or cycle, or escapes, over two quantities.

    An orbit with a period (as by `period_diagram`) has settled at the first step from which it stays within ``tolerance`` of
    its cycle for 128 steps, that is of the state of the same phase 16 transients later. A divergent orbit escapes at the step
    at which it leaves the range of floats. Training converges if the orbit settles on a fixed point; ``boundary`` marks the
    cells at which this ends.

    Parameters
    ----------
    step : the map
    vary : two pairs (name of a parameter or of an entry of the start, increasing values): the columns, then the rows
    z0 : start, the d weights or the full state (D,)
    tolerance : an orbit has settled if no entry differs by more
    max_period : longest period that is detected
    transient : a number of steps; orbits run for 16 times as many
    threads : by default the number of processors
    progress : called at times with the number of cells done

    Raises
    ------
    UsageError : unknown names, the same one twice, values that do not increase, an invalid tolerance, or a grid too large
    Interrupted : Ctrl-C; its ``record`` has the finished part, and `extended`

    Examples
    --------
    >>> import cfdyn as cf
    >>> step = cf.as_map(cf.Loss("a*w**2/2", params={"a": 1.0}), cf.optimizers.gd(lr=0.5))
    >>> times = cf.analysis.settling_times(step, [("lr", [0.5, 1.5, 2.5]), ("w", [1.0, 1e3])], [1.0], tolerance=1e-3)
    >>> times.labels.tolist(), times.steps.tolist()  # w halves in each step, changes its sign too, grows by 1.5 up to 10³⁰⁷
    ([[1, 1, -3], [1, 1, -3]], [[10, 10, 1744], [20, 20, 1727]])

    References
    ----------
    Sohl-Dickstein, The boundary of neural network trainability is fractal, arXiv:2402.06184 (2024).
    """
    longest, transient = whole_number("max_period", max_period, 1), whole_number("the transient", transient, 1)
    if not number("the tolerance", tolerance, finite=True) > 0:
        raise UsageError(f"the tolerance is a positive distance, not {tolerance}")
    grid = Grid(require_map(step), vary, step.state(z0), threads)
    settings = said(grid, max_period=longest, transient=transient, tolerance=tolerance)
    begun = SettlingTimes(grid.names, grid.axes[0], grid.axes[1], np.full(grid.shape, UNRESOLVED),
                          np.zeros(grid.shape, np.int64), "", np.zeros(grid.shape, bool), step, provenance=settings)  # fmt: skip
    return _run(grid, begun, progress)


def _run(grid: Grid, begun: SettlingTimes, progress: Callable[[int], None] | None) -> SettlingTimes:
    """Compute the cells that are still open."""
    settings = begun.provenance["settings"]
    labels, steps, looked = begun.labels.copy(), begun.steps.copy(), begun.looked.copy()
    longest, transient = settings["max_period"], settings["transient"]

    def take(cells: np.ndarray) -> None:
        quick = quick_labels(grid.orbits(cells), transient, longest, roughly=True)[0]
        times = settling_steps(grid.orbits(cells, FAR), np.maximum(quick, 0), LATER * transient, settings["tolerance"])
        times[(quick <= 0) & (quick != ESCAPED)] = 0
        labels.ravel()[cells] = np.where(np.isin(quick, (CHAOTIC, QUASI_PERIODIC)), NO_PERIOD, quick)
        steps.ravel()[cells] = times

    def made(note: str) -> SettlingTimes:
        steps[labels == UNRESOLVED] = 0
        return replace(begun, labels=labels, steps=steps, looked=looked, note=note)

    return gone_through(grid, labels, looked, take, made, 1, progress)


def settling_steps(orbits: Orbits, periods: np.ndarray, steps: int, tolerance: float) -> np.ndarray:
    """Steps (N,) until an orbit with a period (N,) stays near its cycle, or one without escapes; 0 if neither within ``steps``.

    The cycle consists of the states after all steps; near means within ``tolerance``, at the same phase.
    """
    late, times = orbits.some(np.arange(len(periods))), np.zeros(len(periods), np.int64)
    late.advance(steps)
    times[periods == 0] = late.ended[periods == 0]
    for period in np.unique(periods[(periods > 0) & (late.ended == 0)]).tolist():
        which = np.flatnonzero((periods == period) & (late.ended == 0))
        cycle = np.stack([late.some(which).keep(period, k) for k in range(orbits.states.shape[1])])  # (D, N, period)
        times[which] = _settled(orbits.some(which), cycle, steps, tolerance)
    return times


def _settled(orbits: Orbits, cycle: np.ndarray, steps: int, tolerance: float) -> np.ndarray:
    """The first step from which each orbit stays near its cycle (D, N, n), which begins with the state after all steps."""
    d, n, period = cycle.shape
    outside, times, left, done = np.full(n, -1), np.zeros(n, np.int64), np.arange(n), 0
    first = np.abs(orbits.states.T - cycle[:, :, (-steps - 1) % period]).max(axis=0) > tolerance
    outside[first] = 0
    while len(left) and done < steps:
        phases = (done - steps + np.arange(PIECE)) % period
        kept = [orbits.some(np.arange(len(left))).keep(PIECE, k) for k in range(d)]
        away = np.max([np.abs(kept[k] - cycle[k][left][:, phases]) for k in range(d)], axis=0) > tolerance
        last = np.where(away.any(axis=1), PIECE - np.argmax(away[:, ::-1], axis=1), 0)
        outside[left] = np.where(last > 0, done + last, outside[left])
        orbits.advance(PIECE)
        done += PIECE
        settled = done - outside[left] >= HELD
        times[left[settled]] = outside[left[settled]] + 1
        orbits, left = orbits.some(np.flatnonzero(~settled)), left[~settled]
    return times
