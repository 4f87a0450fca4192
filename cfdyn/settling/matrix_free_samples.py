"""The regime of one orbit of a matrix-free map at many values of a parameter, each examined in full."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cfdyn.kernels.orbits import UNSETTLED
from cfdyn.settling.orbit import later, orbit_of
from cfdyn.settling.regime import regime
from cfdyn.settling.samples import KINDS, MAX_PERIOD, Samples, runs_of
from cfdyn.settling.settled import FIRST_STEPS, Settled
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.map import require_parameter

MOST = 60  # samples at first: each takes up to 20,000 steps


def samples_of(step: AnyMap, parameter: str, start: np.ndarray, progress: Callable[[int, int], None] | None) -> Samples:
    """Samples of the regimes along a parameter, none yet; of a compiled map they are scanned."""
    if step.compiled is None:
        return MatrixFreeSamples(step, parameter, start, progress)
    return Samples(step.compiled, parameter, start, progress)


class MatrixFreeSamples(Samples):
    """Samples as those of a compiled map, each by `regime`; nothing is run on for longer."""

    def __init__(self, step: AnyMap, parameter: str, start: np.ndarray, progress: Callable[[int, int], None] | None):
        require_parameter(step, parameter)
        self.any_step, self.parameter, self.start, self.progress = step, parameter, start, progress
        self.most, self.perturbed, self.injected, self.transient = MOST, False, False, 0
        self.values, self.labels, self.exponents = np.empty(0), np.empty(0, dtype=np.int64), np.empty(0)
        self.tails = np.empty((0, 2 * MAX_PERIOD))

    def _scan(self, values: np.ndarray, transient: int) -> tuple[np.ndarray, ...]:
        """Labels, exponents and tails, one after the other."""
        labels, exponents, tails = np.empty(len(values), np.int64), np.empty(len(values)), np.empty((len(values), 2 * MAX_PERIOD))
        for i, value in enumerate(values.tolist()):
            step = self.any_step.at(**{self.parameter: value})
            settled = regime(step, self.start, MAX_PERIOD)
            labels[i], exponents[i], tails[i] = settled.period or KINDS[settled.kind], settled.lyapunov, self._tail(step, settled)
            self._tell(i + 1, len(values))
        return labels, exponents, tails

    def _tail(self, step: AnyMap, settled: Settled) -> np.ndarray:
        """The first entry over the last steps, NaN where the orbit escapes."""
        if settled.period:
            return np.resize(settled.points[:, 0], 2 * MAX_PERIOD)
        z = later(step, self.start, FIRST_STEPS)
        orbit = None if z is None else orbit_of(step, z, 2 * MAX_PERIOD)
        return np.full(2 * MAX_PERIOD, np.nan) if orbit is None else orbit[:, 0]

    def run_longer(self) -> None:
        """Each look was a full one."""

    def look_closer(self, spacing: float) -> None:
        """Drop what is undecided and narrower than the distance of two samples: it converges slowly beside a bifurcation."""
        narrow = [run for run in runs_of(self.labels) if self.labels[run[0]] == UNSETTLED and self._width(run) < spacing]
        dropped = [i for first, last in narrow for i in range(first, last + 1)]
        self._drop(dropped if len(dropped) < len(self.labels) else [])
