"""Many orbits of a map without code, one after the other, with the interface of `cfdyn.ensembles.orbits.Orbits`."""

from typing import Any

import numpy as np

from cfdyn.ensembles.of_flows import FlowOrbits
from cfdyn.ensembles.orbits import PARTS, Orbits
from cfdyn.integrate.maps.flow_map import FlowMap
from cfdyn.kernels.orbits import DIVERGED
from cfdyn.systems.any_map import AnyMap


def orbits_of(step: AnyMap, *given: Any) -> Any:
    """Orbits of a map with code in lanes and threads, of one made of a flow in threads, of another one by one; see `Orbits`."""
    if isinstance(step, FlowMap):
        return FlowOrbits(step, *given)
    return OrbitsAlone(step, *given) if step.compiled is None else Orbits(step.compiled, *given)


class OrbitsAlone:
    """``states`` (N, D), ``ended``, ``codes`` (N,) and ``parameters`` (N, n_p), as those of `Orbits`."""

    def __init__(
        self, step: AnyMap, states: np.ndarray, parameters: np.ndarray, escape: float, threads: int | None = None
    ):  # fmt: skip
        self.states, self.escape = np.array(states, float, order="C"), escape
        self.maps = [step.at(**dict(zip(step.params, row.tolist(), strict=True))) for row in np.atleast_2d(parameters)]
        self.ended, self.codes = np.zeros(len(states), np.int64), np.zeros(len(states), np.int64)

    def advance(self, steps: int) -> None:
        """So many steps of all that have not left."""
        self.keep(steps)

    def keep(self, steps: int, coordinate: int = 0, room: np.ndarray | None = None) -> np.ndarray:
        """A coordinate of the next states, (N, steps), in ``room`` (steps, N) if there is one; NaN from where an orbit leaves."""
        kept = np.empty((len(self.states), steps)) if room is None else room.T
        kept[:] = np.nan
        for i in np.flatnonzero(self.ended == 0).tolist():
            for k in range(steps):
                image = self.maps[i].step(self.states[i])
                if not np.abs(image).max() <= self.escape:
                    self.ended[i], self.codes[i] = k + 1, DIVERGED
                    break
                self.states[i] = image
                kept[i, k] = image[coordinate]
        return kept

    def exponents(self, steps: int, turning: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """(λ, its standard error) of the largest Lyapunov exponent, each (N,), per step; NaN where an orbit leaves."""
        each, means = max(1, steps // PARTS), np.full((len(self.states), PARTS), np.nan)
        for i in np.flatnonzero(self.ended == 0).tolist():
            stretch, dim = self.maps[i].stretch, self.states.shape[1]
            q, z, sums = np.full((1, dim), dim**-0.5), self.states[i].copy(), np.zeros(1)
            done = stretch(z, turning, q, sums) == turning
            for part in range(PARTS if done else 0):
                sums = np.zeros(1)
                if stretch(z, each, q, sums) < each:
                    break
                means[i, part] = sums[0] / each
        with np.errstate(invalid="ignore"):
            return means.mean(axis=1), means.std(axis=1, ddof=1) / np.sqrt(PARTS)
