"""`invariant_density`: the invariant density of a random map."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.ensembles.stochastic.random_map import RandomMap
from cfdyn.ensembles.stochastic.random_runs import counted, visited
from cfdyn.errors import NumericsError, UsageError, unknown
from cfdyn.kernels.orbits import DONE
from cfdyn.records.record import Record, provenance
from cfdyn.systems.orbit import MAX_BYTES

PILOT = 200  # steps that determine the range of a grid if it is not given
MARGIN = 0.15  # of their range, on either side


@dataclass(frozen=True)
class InvariantDensity(Record):
    """A histogram of one entry of the state, ``name``, over ``steps`` of each of ``runs``.

    ``edges`` (n+1,) of a uniform grid; ``density`` (n,): its integral is 1 − ``beyond``, the fraction of states off the grid;
    ``errors`` (n,): its standard errors, from the runs. ``mean``, ``variance`` and their standard errors: over all states, also
    those off the grid. ``drift``: the difference of the means of the first and the second half of the runs, in standard errors;
    a value of several means that the runs have not forgotten their start. ``status``: the number of runs by outcome; runs that
    ended early do not count.
    """

    name: str
    edges: Annotated[np.ndarray, "*"]
    density: Annotated[np.ndarray, "n"]
    errors: Annotated[np.ndarray, "n"]
    beyond: float
    mean: float
    mean_error: float
    variance: float
    variance_error: float
    drift: float
    steps: int
    runs: int
    status: dict[str, int]

    @property
    def centres(self) -> np.ndarray:
        """The centres of the cells, (n,)."""
        return (self.edges[1:] + self.edges[:-1]) / 2


def invariant_density(
    step: RandomMap, z0: Any, coordinate: str | None = None, bins: int = 200, limits: tuple[float, float] | None = None,
    steps: int = 5000, runs: int = 64, transient: int = 1000, threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> InvariantDensity:  # fmt: skip
    """The invariant density of a random map along one entry of its state: a histogram on a uniform grid, with standard errors.

    ρ(x) dx is the fraction of time spent in dx, averaged over independent runs from one start. Successive states of a run are
    dependent, so errors come from the runs: s/√R, s the standard deviation of their histograms. If the runs do not mix in the
    given time (two minima separated by a high barrier), the result depends on the start and is not the invariant density;
    ``drift`` warns if the distribution still changes.

    Parameters
    ----------
    step : a random map, see `cf.random_map`
    z0 : start of all runs, weights (d,) or the full state (D,)
    coordinate : the name of an entry of the state; by default the first one
    bins : number of cells, n
    limits : of the grid; by default from the states of the runs after the transient
    steps : number of steps counted in each run
    runs : number of runs, 2 or more
    transient : number of steps before
    threads : by default the number of processors
    progress : called at times with the number of steps done

    Raises
    ------
    NumericsError : fewer than two runs stay bounded
    UsageError : a map without randomness, an unknown entry, or numbers out of range

    Examples
    --------
    Gradient descent on w²/2 with noise of variance 1 on its gradient has the variance η²/(1 − (1 − η)²), here 1/3:

    >>> import cfdyn as cf
    >>> step = cf.random_map(cf.Loss("w**2/2"), cf.optimizers.gd(lr=0.5), noise=1.0)
    >>> density = cf.analysis.invariant_density(step, [0.0])
    >>> bool(abs(density.variance - 1 / 3) < 4 * density.variance_error), round(density.variance_error, 3)
    (True, 0.001)
    """
    z = step.step.state(z0)
    names = step.step.names
    if coordinate is not None and coordinate not in names:
        raise unknown("entry of the state", coordinate, names)
    place = 0 if coordinate is None else names.index(coordinate)
    if not step.random:
        raise UsageError("this map has no randomness, so all runs are the same: "
                         "give noise or a batch, or take cf.analysis.orbit_diagram")  # fmt: skip
    bins, steps = whole_number("bins", bins, 1, 10**6), whole_number("steps", steps, 2)
    runs, transient = whole_number("runs", runs, 2, 2**32 - 1), whole_number("transient", transient, 0)
    if 16 * runs * bins > MAX_BYTES:
        raise UsageError(f"histograms of {runs} runs need {16 * runs * bins / 2**30:.1f} GiB; the limit is {MAX_BYTES >> 30} GiB")
    low, high = _limits(step, z, place, runs, transient, threads) if limits is None else limits
    if not low < high or not np.isfinite([low, high]).all():
        raise UsageError(f"a grid goes from a number to a larger one, not from {low:g} to {high:g}")
    counter = _Counter(low, high, bins, runs, place, steps)
    following = visited(step, z, runs, transient, steps, threads, progress, counter.look)
    settings = provenance(**step.settings, start=z, transient=transient)
    return _record(names[place], np.linspace(low, high, bins + 1), counter, following.codes, settings)


def _limits(step: RandomMap, z: np.ndarray, place: int, runs: int, transient: int, threads: int | None) -> tuple[float, float]:
    """The range of the runs after the transient, with a margin."""
    seen: list[np.ndarray] = []
    visited(step, z, min(runs, 100), transient, PILOT, threads, None, lambda now: seen.append(now[:, :, place]))
    x = np.concatenate(seen)
    x = x[np.isfinite(x)]
    if not len(x):
        raise NumericsError("no run stays bounded, so there is no density")
    low, high = float(x.min()), float(x.max())
    pad = MARGIN * (high - low) or 0.5 * max(1.0, abs(low))
    return low - pad, high + pad


class _Counter:
    """Counts (R, bins), and sums of x and x² over both halves of the runs, (2, R) each, x relative to the centre of the
    grid."""

    def __init__(self, low: float, high: float, bins: int, runs: int, place: int, steps: int):
        self.low, self.width, self.bins, self.place, self.steps = low, (high - low) / bins, bins, place, steps
        self.middle, self.rows = (low + high) / 2, 0
        self.counts = np.zeros((runs, bins), np.int64)
        self.sums, self.squares = np.zeros((2, runs)), np.zeros((2, runs))

    def look(self, now: np.ndarray) -> None:
        """Count states (rows, R, D)."""
        x = now[:, :, self.place]
        with np.errstate(invalid="ignore"):
            cell = np.floor((x - self.low) / self.width)
        inside = (cell >= 0) & (cell < self.bins)
        flat = np.where(inside, cell, 0).astype(np.int64) + np.arange(x.shape[1]) * self.bins
        self.counts += np.bincount(flat[inside], minlength=self.counts.size).reshape(self.counts.shape)
        # Row by row: the order of addition must not depend on the batch size.
        for row in x - self.middle:
            half = int(self.rows >= self.steps // 2)
            self.sums[half] += row
            self.squares[half] += row * row
            self.rows += 1


def _record(
    name: str, edges: np.ndarray, counter: _Counter, codes: np.ndarray, settings: dict
) -> InvariantDensity:
    """Means over the runs that stay bounded, and their errors."""
    going, steps = codes == DONE, counter.steps
    runs = int(going.sum())
    if runs < 2:
        raise NumericsError(f"{runs} of {len(going)} runs stay bounded: error estimates need two")
    shares = counter.counts[going] / (steps * counter.width)
    sums, squares = counter.sums[:, going], counter.squares[:, going].sum(axis=0) / steps
    means = sums.sum(axis=0) / steps
    mean = means.mean()
    # About the mean of all runs, so that each run's spread counts in full.
    variances = squares - 2 * mean * means + mean * mean
    halves = sums[1] / (steps - steps // 2) - sums[0] / (steps // 2)
    error = _error(halves)
    return InvariantDensity(
        name, edges, shares.mean(axis=0), _error(shares), float(1 - counter.counts[going].sum() / (runs * steps)),
        float(mean + counter.middle), float(_error(means)), float(variances.mean()), float(_error(variances)),
        float(abs(halves.mean()) / error) if error > 0 else 0.0, steps, runs, counted(codes), provenance=settings,
    )  # fmt: skip


def _error(values: np.ndarray) -> Any:
    """The standard error of the mean over the first axis."""
    return values.std(axis=0, ddof=1) / np.sqrt(len(values))
