"""One half of a one-dimensional manifold: any point of it, and the curve grown from the cycle."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cfdyn.machine.jit import address, apply
from cfdyn.manifolds._kernels.arm import Arm as Memory
from cfdyn.manifolds._kernels.arm import eliminate, place
from cfdyn.manifolds._kernels.growth import STUCK, Growth, grow
from cfdyn.manifolds.series import STABLE, Series
from cfdyn.systems.map import Map

DEEPEST = 4000  # steps of a chain
ANGLE, LONGEST, FLAT, FAR = 0.15, 1 / 200, 2e-7, 1e6
MOST_TURNS, MIRRORED = 200, 0.5  # from one branch of the inverse to another; how far off a mirror image may be, of its distance


@dataclass(frozen=True)
class Limits:
    """How far and how finely a manifold is grown; all but ``length`` in units of the box.

    ``box`` (D, 2); ``length``: of the curve inside the box, in units of the state; ``most``: points of each half;
    ``longest``: distance of two points, ``angle``: by which the tangent turns between them, ``flat``: error of a chord that
    excuses a larger turn, ``far``: distance from the box at which it is given up.
    """

    box: np.ndarray
    length: float
    most: int
    longest: float = LONGEST
    angle: float = ANGLE
    flat: float = FLAT
    far: float = FAR

    @property
    def unit(self) -> np.ndarray:
        """What counts as 1 in each entry."""
        width = self.box[:, 1] - self.box[:, 0]
        return np.where(np.isfinite(width), width, 1.0)


@dataclass(frozen=True)
class Arm:
    """The half ``side`` (±1) of the manifold at one point (``place``) of a cycle."""

    series: Series
    place: int
    side: int
    unit: np.ndarray

    @property
    def step(self) -> Map:
        """The map."""
        return self.series.step

    @cached_property
    def _memory(self) -> Memory:
        step, series, stable = self.step, self.series, self.series.kind == STABLE
        made = Memory.make(
            n=len(series.points), d=step.dim, order=series.coefficients.shape[1] - 1, inverse=int(stable),
            depth=DEEPEST if stable else 1, parameters=len(step.p), strict=1, p=step.p, unit=self.unit,
            growth=1 / series.multiplier if stable else series.multiplier, radius=series.radius[self.place],
            series=series.coefficients[self.place], step=step.rule("step").compiled,
            jacobian=step.rule("jacobian").compiled, taylor=step.rule("taylor:2").compiled, solve=eliminate.compiled,
        )  # fmt: skip
        return made

    def anchored(self, s: float, point: np.ndarray) -> Arm:
        """The same, its inverse being that near a point of it, which has this s."""
        memory = self._memory
        memory.links, memory.at = 0, s
        memory.chain[0], memory.slopes[0] = point, 0.0
        self.at(s)
        return self

    def beside(self, other: Arm) -> Arm:
        """The same, its inverse being near that of an arm at a parameter nearby."""
        mine, its = self._memory, other._memory
        mine.chain[: its.links + 1], mine.slopes[: its.links + 1] = its.chain[: its.links + 1], its.slopes[: its.links + 1]
        mine.links, mine.at = its.links, its.at
        return self

    def at(self, s: float) -> np.ndarray:
        """W(s), W′(s) and W″(s)/2 in rows, (3, D); NaN if there is none near the point that was asked for before."""
        memory = self._memory
        memory.strict, memory.s = 0, s
        apply(address(place.compiled), memory.memory, memory.p, memory.curve)
        if not memory.answer:
            return np.full((3, self.step.dim), np.nan)
        if memory.inverse:
            memory.links, memory.at = memory.tried, s
            memory.chain[: memory.tried + 1] = memory.trial[: memory.tried + 1]
            memory.slopes[: memory.tried + 1] = memory.tilts[: memory.tried + 1]
        return memory.curve.copy()

    def grown(self, limits: Limits) -> tuple[np.ndarray, int]:
        """Rows s, x (m, 1 + D) from the cycle on, and why they end: see `cfdyn.manifolds._kernels.growth`.

        Where det Df = 0 in the orbit of a point of a stable manifold two branches of the inverse meet: the curve goes on along
        the other one, with s coming back.
        """
        memory, first = self._memory, self.series.coefficients[self.place, :2]
        memory.strict, memory.links, memory.at, memory.least = 1, 0, 0.0, 0
        memory.chain[0], memory.slopes[0] = first
        old = np.vstack([first, np.zeros(self.step.dim)])
        how = {what: getattr(limits, what) for what in ("longest", "angle", "flat", "length", "far", "box")}
        plan = Growth.make(d=self.step.dim, place=place.compiled, first=self.side * memory.radius / 8, old=old, **how)
        table = np.empty((limits.most, 1 + self.step.dim))
        table[0, 0], table[0, 1:] = 0.0, first[0]
        count, status = grow(memory.memory, plan.memory, table)
        for _ in range(MOST_TURNS if memory.inverse else 0):
            if status != STUCK or count >= limits.most or not self._turn(table[:count], plan):
                break
            table[count, 0], table[count, 1:] = memory.at, memory.chain[0]
            more, status = grow(memory.memory, plan.memory, table[count:])
            count += more
        return table[:count], status

    def _turn(self, table: np.ndarray, plan: Growth) -> bool:
        """Go over to the other branch of the inverse at the end of a grown curve: the mirror image of a point before the end."""
        memory = self._memory
        end, tilts, links, last = memory.chain.copy(), memory.slopes.copy(), memory.links, memory.at
        back = _back(table, self.unit, plan.longest)
        if links == 0 or table[back, 0] == last:
            return False
        steep = np.linalg.norm(tilts[: links + 1] / self.unit, axis=1)
        row = int(np.argmax(steep[:-1] / steep[1:]))
        self.anchored(table[back, 0], table[back, 1:])
        if memory.links < links - memory.n or not memory.answer:
            return False
        before, rows = memory.chain.copy(), min(links, memory.links)
        memory.chain[: row + 1] = guess = 2 * end[: row + 1] - before[: row + 1]
        memory.slopes[: rows + 1] = 0.0
        memory.least = max(memory.least, rows // memory.n)
        point = self.at(table[back, 0])
        strayed = np.abs((memory.chain[row] - guess[row]) / self.unit).max()
        if not np.isfinite(point).all() or strayed > MIRRORED * np.abs((before[row] - end[row]) / self.unit).max():
            return False
        plan.old, memory.strict = point, 1
        plan.first = (table[back, 0] - last) / 8
        return True


def _back(table: np.ndarray, unit: np.ndarray, distance: float) -> int:
    """The last row that is so far from the end."""
    away = np.abs((table[:, 1:] - table[-1, 1:]) / unit).max(axis=1) >= distance
    return int(np.flatnonzero(away)[-1]) if away.any() else 0
