"""Many orbits of a map made of a flow, by compiled steps in threads, with the interface of `cfdyn.ensembles.orbits`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.ensembles.orbits import PARTS, Progress
from cfdyn.integrate._kernels.steppers.map_steps import Many
from cfdyn.integrate.maps.course import of_orbits
from cfdyn.integrate.maps.flow_map import FlowMap
from cfdyn.kernels.orbits import least_return
from cfdyn.machine.threads import Team
from cfdyn.machine.workers import processors

PIECE = 1000  # steps of one orbit between two looks at Ctrl-C, a tenth of a second
SMALL = 1e-3  # of the largest start: an orbit that is nearer to 0 has this size


class FlowOrbits:
    """``states`` (N, D), ``ended``, ``codes`` (N,), ``parameters`` (N, n_p): those of `Orbits`, and the orbits of `iterate`."""

    def __init__(
        self, step: FlowMap, states: np.ndarray, parameters: np.ndarray, escape: float, threads: int | None = None,
        progress: Progress | None = None, team: Team | None = None, maps: list[Any] | None = None, which: Any = None,
    ):  # fmt: skip
        self.step, self.escape, self.progress = step, escape, progress
        self.threads = processors() if threads is None else whole_number("threads", threads, 1)
        self.team, self.states, self.parameters = team or Team(self.threads), np.array(states, float, order="C"), parameters
        self.ended, self.codes = np.zeros(len(states), np.int64), np.zeros(len(states), np.int64)
        if maps is None:
            rows, which = np.unique(parameters.reshape(len(states), -1), axis=0, return_inverse=True)
            maps = [step.at(**dict(zip(step.params, row.tolist(), strict=True))) for row in rows]
        self.maps, self.which, self.extent = maps, which, SMALL * float(np.abs(self.states).max(initial=0.0))

    def advance(self, steps: int) -> None:
        """So many steps of all that have not left."""
        self._take(steps, of_orbits(self.states))

    def approach(self, steps: int, points: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """The same, but those end that come near one of the points: its place, (N,), or −1; see `Orbits.approach`."""
        many = of_orbits(self.states, near=(points, reach))
        self._take(steps, many)
        return many.near

    def keep(self, steps: int, coordinate: int = 0, room: np.ndarray | None = None) -> np.ndarray:
        """A coordinate of the next states, (N, steps), also in ``room`` (steps, N); NaN from where an orbit leaves."""
        many = of_orbits(self.states, keep=steps)
        self._take(steps, many, coordinate)
        if room is not None:
            room[:] = many.kept.T
        return many.kept

    def exponents(self, steps: int, turning: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """(λ, its standard error) of the largest Lyapunov exponent, each (N,), per step; NaN where an orbit leaves."""
        tangents = np.full((len(self.states), 1, self.step.dim), self.step.dim**-0.5)
        means, each = np.full((len(self.states), PARTS), np.nan), max(1, steps // PARTS)
        self._take(turning, of_orbits(self.states, tangents), k=1)
        for part in range(PARTS):
            many = of_orbits(self.states, tangents)
            self._take(each, many, k=1)
            means[:, part] = np.where(self.ended == 0, many.sums[:, 0] / each, np.nan)
        with np.errstate(invalid="ignore"):
            return means.mean(axis=1), means.std(axis=1, ddof=1) / np.sqrt(PARTS)

    def periods(self, longest: int, tolerance: float) -> np.ndarray:
        """The period of each, (N,), up to ``longest``, by returns over twice as many steps; 0 where there is none."""
        periods, orbit = np.zeros(len(self.states), np.int64), np.empty((2 * longest, self.step.dim))
        rows = np.stack([self.some(np.arange(len(periods))).keep(2 * longest, entry) for entry in range(self.step.dim)], axis=2)
        self.advance(2 * longest)
        for i in np.flatnonzero(self.ended == 0).tolist():
            orbit[:] = rows[i]
            periods[i] = least_return(orbit, longest, tolerance, max(self.extent, 1e-290))
        return periods

    def turned(self, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each is after so many steps (N,), (N, D), and their Jacobian, (N, D, D); the orbits stay where they are."""
        ends, matrices = self.states.copy(), np.tile(np.eye(self.step.dim), (len(self.states), 1, 1))
        for i, count in enumerate(turns.tolist()):
            course, z, tangents = self.maps[self.which[i]].course(self.step.dim), self.states[i], np.eye(self.step.dim)
            for _ in range(count):
                z, tangents, *_ = course.one(z, tangents)
            ends[i], matrices[i] = z, tangents.T
        return ends, matrices

    def radii(self, turns: np.ndarray) -> np.ndarray:
        """The spectral radius of that Jacobian, (N,); ∞ where it is not finite, and where there are no steps."""
        radii, matrices = np.full(len(self.states), np.inf), self.turned(turns)[1]
        known = np.isfinite(matrices).all(axis=(1, 2)) & (turns > 0)
        radii[known] = np.abs(np.linalg.eigvals(matrices[known])).max(axis=1, initial=0.0)
        return radii

    def some(self, which: np.ndarray) -> FlowOrbits:
        """Those orbits by themselves; what becomes of them is not seen here."""
        part = FlowOrbits(self.step, self.states[which], self.parameters[which], self.escape, self.threads, self.progress,
                          self.team, self.maps, self.which[which])  # fmt: skip
        part.extent = self.extent
        part.ended[:], part.codes[:] = self.ended[which], self.codes[which]
        return part

    def _take(self, steps: int, many: Many, coordinate: int = 0, k: int = 0) -> None:
        order = np.argsort(self.which, kind="stable")
        many.ended[:], many.codes[:] = self.ended, self.codes

        def take(first: int, last: int) -> None:
            cells = order[first:last]
            course = self.maps[self.which[cells[0]]].course(k, turned=k > 0)
            for begun in range(0, steps, PIECE):
                some = np.flatnonzero((many.ended[cells] == 0) & (many.near[cells] < 0))
                course.take(many, cells[some], min(PIECE, steps - begun), self.escape, coordinate, begun)

        if len(order):
            self.step.course(k, turned=k > 0).take(many, order[:0], 1, self.escape)  # compiled by the thread Ctrl-C goes to
            self.team.share(pairwise(self._cuts(self.which[order])), take, self.progress)
        self.ended[:], self.codes[:] = many.ended, many.codes

    def _cuts(self, which: np.ndarray) -> Iterator[int]:
        """Where blocks begin and end: each of one map, several for each thread."""
        most, begin = max(1, min(64, len(which) // (4 * self.threads))), 0
        yield 0
        while begin < len(which):
            same = int(np.searchsorted(which, which[begin], "right"))
            begin = min(begin + most, same)
            yield begin
