"""`Dynamics`: the oscillation of a run's iterates about their midpoints, its periods, and Lyapunov exponents."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.analysis.invariants.lyapunov_spectrum import PARTS, LyapunovSpectrum, averaged_exponents
from cfdyn.analysis.training.oscillation import FEWEST_ROWS, Oscillation, oscillation
from cfdyn.arguments import whole_number
from cfdyn.errors import UsageError
from cfdyn.records.record import provenance
from cfdyn.series.slow_cycles import VISIBLE, slow_cycles
from cfdyn.training.config import Config
from cfdyn.training.periods import LONGEST, Periods, periods_of

LINE, SMOOTH = 0.9, 0.5  # cosines between neighbouring swings: at least, of one that keeps to a line; at most, of any


class Dynamics:
    """From the arrays of a `Run`, which has them."""

    config: Config
    steps: Any
    n_state: int
    t: Any
    turn: Any
    swing: Any
    average_swing: Any
    coordinates: Any
    exponents: Any
    _settings: Any

    @cached_property
    def signed_swing(self) -> np.ndarray:
        """±‖w − midpoint‖, (n+1,): the sign changes if the oscillation turns by more than a right angle in a step."""
        turned = np.where(np.isfinite(self.turn) & (self.turn < 0), -1.0, 1.0)
        return np.sqrt(self.swing) * np.cumprod(turned)

    @cached_property
    def swings(self) -> tuple[int, int] | None:
        """The steps [first, last) of the longest interval, after the warm start, in which the oscillation is at least a
        hundredth of its maximum; None if that is fewer than 16 steps."""
        size = np.where(np.isfinite(self.average_swing), self.average_swing, 0.0)
        size[: self.config.warm_start] = 0.0
        wide = np.concatenate([[False], (size > VISIBLE * size.max(initial=0.0)) & (size > 0), [False]])
        edges = np.flatnonzero(np.diff(wide.astype(int))).reshape(-1, 2)
        lengths = edges[:, 1] - edges[:, 0]
        if not len(lengths) or lengths.max() < FEWEST_ROWS:
            return None
        first, last = edges[np.argmax(lengths)].tolist()
        return first, last

    @cached_property
    def on_a_line(self) -> bool:
        """Whether the oscillation keeps its direction, up to sign. Noise does not: in many weights its ``turn`` is −½."""
        first, last = self.swings or (0, 0)
        return bool(np.nanmedian(np.abs(self.turn[first:last])) > LINE) if last else False

    @cached_property
    def oscillation(self) -> Oscillation | None:
        """The oscillation of the signed swing in that interval, or, if it does not keep to a line, along the sharpest
        direction; None if the iterates do not oscillate there but move smoothly, or for less than 16 steps."""
        turn = self.turn[slice(*(self.swings or (0, 0)))]
        if not np.isfinite(turn).any() or np.nanmedian(turn) > SMOOTH:
            return None
        series = self.signed_swing if self.on_a_line else self.coordinates[:, 0]
        values = series[slice(*(self.swings or (0, 0)))]
        return oscillation(values) if np.isfinite(values).all() else None

    @property
    def since(self) -> int | None:
        """The first step of that oscillation."""
        oscillation = self.oscillation
        return (
            None
            if oscillation is None or oscillation.since is None or self.swings is None
            else self.swings[0] + oscillation.since
        )

    def periods(self, width: int | None = None, max_period: int = LONGEST, level: float = 0.01) -> Periods:
        """The period of the oscillation along each of the sharpest directions, in windows along the run, each by `oscillation`.

        Parameters
        ----------
        width : number of steps in a window; successive windows overlap by half. By default the largest of 96, eight of the
            longest periods, and a 12th of the run
        max_period : longest period that is detected, in steps; a longer one is irregular
        level : probability of a false alarm, over all windows and directions together

        Raises
        ------
        UsageError : windows shorter than eight periods or 16 steps, a max_period below 2, a level outside (0, 0.5)

        Examples
        --------
        >>> import cfdyn as cf, tempfile
        >>> settings = {"data": "digits:classes=2,n=40", "optimizer": "gd:lr=0.6", "runs": "discrete", "steps": 150}
        >>> run = cf.train(settings, network="mlp:widths=2", out=tempfile.mkdtemp())
        >>> run.periods().labels.shape
        (2, 2)
        """
        every, begin = int(self.config.every or 1), self.config.warm_start
        return periods_of(self.coordinates, every, begin, self._settings, width, max_period, level)

    @cached_property
    def usual_periods(self) -> Periods:
        """The result of `periods()`, cached."""
        return self.periods()

    @cached_property
    def later_lyapunov(self) -> LyapunovSpectrum | None:
        """The result of `lyapunov()`; None if exponents were not requested, or the run is too short."""
        later = self.t - float(self.config.every or 1) >= self.steps // 2
        return self.lyapunov() if self.exponents[later].size else None

    def lyapunov(self, since: int | None = None) -> LyapunovSpectrum:
        """Lyapunov exponents per step with their errors: means of `exponents` after a step, by default the middle of the run.

        The errors are those of 20 segments, as in `cf.analysis.lyapunov_spectrum`: they do not account for slow changes, nor
        for the initial tangent vectors, whose growth separates two exponents only over more steps than 1/their difference.

        Raises
        ------
        UsageError : no exponents were requested, or there is no measurement after that step
        """
        if not self.exponents.shape[1]:
            raise UsageError("this run has no Lyapunov exponents: cf.train(…, exponents=2) measures the two largest")
        since = self.steps // 2 if since is None else whole_number("`since`", since)
        every = int(self.config.every or 1)
        sums = self.exponents[self.t - every >= since] * every
        if not len(sums):
            raise UsageError(f"after step {since} nothing was measured; the last measurement is at {self.t[-1:]}")
        return _parted(sums, every, self.n_state, {**self._settings, "since": since})

    @cached_property
    def slow_cycles(self) -> list[tuple[int, int]]:
        """Steps (first, last) between maxima of the oscillation, after the models started: each a whole slow cycle; none for
        mini-batches, where the oscillation is noise, too."""
        if self.config.batch is not None:
            return []
        first = self.config.warm_start
        size = np.where(np.isfinite(self.average_swing), self.average_swing, 0.0)[first:]
        return [(first + a, first + b) for a, b in slow_cycles(size)]


def _parted(sums: np.ndarray, every: int, dim: int, settings: dict[str, Any]) -> LyapunovSpectrum:
    """From the sums of logarithms (m, k) in m windows of so many steps, in 20 parts or fewer."""
    ends = np.unique(np.linspace(0, len(sums), PARTS + 1).astype(int))
    parts = np.add.reduceat(sums, ends[:-1], axis=0)
    return averaged_exponents(parts, np.diff(ends) * every, len(sums) * every, dim, provenance(**settings))
