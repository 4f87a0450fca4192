"""The laps of a map of one variable, the intervals on which it is monotone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

import numpy as np

from cfdyn.cycles.line._kernels.laps import HUGE, LEVEL, UNDEFINED, cells
from cfdyn.cycles.line.one_sided import border
from cfdyn.cycles.line.single_points import sharp
from cfdyn.cycles.result import Interval
from cfdyn.cycles.shooting import images, jacobians
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.systems.map import Map

DIVISIONS, ROWS = 200_000, 20_000  # of an interval in two, at most; parts that are left
FINE, COARSE, ROUNDS = 1024, 8, 4  # parts of an interval without values, parts of each that is left, and how often
BORDER = 8  # fine parts beside the ends of an interval, which an end of the domain makes unclear
MOST_HIDDEN = 1000  # cells without values of which bounds do not say so: with more they are of no use
LITTLE = 1e-9  # of the values of a map, and of its width or 1: by no more it jumps
WIDE = 1e-5  # of the interval: a wider part where the sign of the slope stays open is sampled
PLATEAU = 1e4  # times the floor
NARROW = 1e-9  # of its distance from 0: where the slope is 0 to round-off on no more than this the map turns
SAMPLES = 1024  # of the derivative where its sign stays open


@dataclass(frozen=True)
class Laps:
    """Intervals on which the map is monotone: ``ends`` (K, 2) in order, ``inner`` (K, 2) the same without the kinks,
    ``values`` (K, 2) at the ends, ``rising`` (K,) ±1.

    ``open`` are the intervals of which this is not certain; ``places`` lie between laps, numbers in each (see `sharp`), where
    the map jumps, ends or has no bounded slope; ``breaks`` are points in them where it was divided, ``gaps`` parts without
    values; ``cut``: images that matter lie outside.
    """

    ends: np.ndarray
    inner: np.ndarray
    values: np.ndarray
    rising: np.ndarray
    open: list[Interval] = field(default_factory=list)
    places: list[np.ndarray] = field(default_factory=list)
    breaks: list[float] = field(default_factory=list)
    gaps: list[Interval] = field(default_factory=list)
    cut: bool = False

    def with_open(self, parts: list[Interval]) -> Laps:
        """The same, nothing being known about these parts."""
        return replace(self, open=[*self.open, *parts])

    def table(self) -> np.ndarray:
        """All of it in rows, (K, 7)."""
        return np.concatenate([self.ends, self.inner, self.values, self.rising[:, None]], axis=1)

    def none(self) -> Laps:
        """No lap at all, for a period that cannot be."""
        return replace(self, ends=self.ends[:0], inner=self.inner[:0], values=self.values[:0], rising=self.rising[:0])


def laps_on(step: Map, lo: float, hi: float, floor: float) -> Laps:
    """Divide [lo, hi] at turning points, kinks, jumps and poles, each known to ``floor`` or round-off."""
    stack, rows, work = np.empty((2200, 2)), np.empty((ROWS, 3)), np.empty(6)
    stack[0] = lo, hi
    rules = step.rule("interval:jacobian").compiled, step.rule("step").compiled
    count, _ = cells(*rules, step.p, floor, (hi - lo) / SAMPLES, DIVISIONS, stack, work, rows)
    pieces = _Pieces(step, hi - lo)
    parts = _together(rows[:count], floor)
    for (low, high, sign), (_, _, after) in pairwise([*parts, (hi, hi, 0)]):
        if sign == 0:
            pieces.uncertain(low, high, after)
        else:
            pieces.add(low, high, sign)
    return pieces.laps()


def _together(rows: np.ndarray, floor: float) -> list[tuple[float, float, int]]:
    """Parts (lo, hi, sign): what is level is a turning point if it is narrow, with what is open beside it; else a plateau."""
    parts: list[tuple[float, float, int]] = []
    for vague, run in groupby(rows.tolist(), lambda row: row[2] in (0, LEVEL, -LEVEL)):
        some = list(run)
        lo, hi = some[0][0], some[-1][1]
        if vague and hi - lo <= max(PLATEAU * floor, NARROW * max(abs(lo), abs(hi))):
            parts.append((lo, hi, 0))
        else:
            parts += [(low, high, int(sign) if abs(sign) != LEVEL else 1 if sign > 0 else -1) for low, high, sign in some]
    return parts


def _hidden(step: Map, lo: float, hi: float) -> list[Interval]:
    """Parts of an interval without values but HUGE ones, as samples say, of which bounds do not say so; but for its ends."""
    cells = np.array([[lo, hi]])
    for parts in (FINE, *[COARSE] * ROUNDS):
        x = cells[:, :1] + np.diff(cells) * np.linspace(0, 1, parts + 1)
        cells = np.stack([x[:, :-1].ravel(), x[:, 1:].ravel()], axis=1)
        bounds = evaluate_rows(step.rule("interval:step"), cells, step.p)
        cells = cells[~((bounds[:, 0] > bounds[:, 1]) | (bounds[:, 0] > HUGE) | (bounds[:, 1] < -HUGE))]
        width = (hi - lo) / FINE
        cells = cells[(cells[:, 0] > lo + BORDER * width) & (cells[:, 1] < hi - BORDER * width)]
        if not 0 < len(cells) <= MOST_HIDDEN:
            return []
    return [(float(cells[0, 0]), float(cells[-1, 1]))]


class _Pieces:
    """Laps as they are put together from left to right."""

    def __init__(self, step: Map, width: float):
        self.step, self.width = step, width
        self.pieces: list[list[float]] = []
        self.open: list[Interval] = []
        self.places: list[np.ndarray] = []
        self.gaps: list[Interval] = []
        self.breaks: list[float] = []
        self.joined = False

    def add(self, lo: float, hi: float, sign: int) -> None:
        """A part with this sign of the derivative; a part of the lap before it if nothing lies between."""
        if sign == UNDEFINED:
            self.gaps.append((lo, hi))
            self.open += _hidden(self.step, lo, hi)
            self.joined = False
        elif self.joined and self.pieces and self.pieces[-1][2] == sign:
            self.pieces[-1][1] = self.pieces[-1][4] = hi
        else:
            self.pieces.append([lo, hi, sign, lo, hi])
        self.joined = sign != UNDEFINED

    def uncertain(self, lo: float, hi: float, after: int) -> None:
        """A part where the sign stayed open, before one of sign ``after`` (0 at the end of all)."""
        before = self.pieces[-1][2] if self.joined else 0
        if hi - lo > WIDE * self.width:
            self.sample(lo, hi)
            return
        bounds = self.step.rule("interval:jacobian")(np.array([lo, hi]), self.step.p)
        whole = self.whole(np.array([lo, hi])) and (np.isfinite(bounds).all() or self.whole(sharp(self.step, lo, hi)))
        if not whole:
            self.places.append(sharp(self.step, lo, hi))
        if not whole and before and after in (1, -1):
            self.breaks.append(0.0 if lo <= 0.0 <= hi else (lo + hi) / 2)
            self.pieces[-1][1] = self.pieces[-1][4] = lo
            self.joined = False
            return
        centre, kink = border(self.step, lo, hi), not np.isfinite(bounds).all()
        if before and after in (1, -1) and (kink or before != after):
            self.pieces[-1][1] = centre
            self.pieces.append([centre, hi, after, hi if kink else centre, hi])
            self.pieces[-2][4] = lo if kink else centre
        elif before and whole:
            self.pieces[-1][1] = self.pieces[-1][4] = hi
        elif after in (1, -1) and whole:
            self.pieces.append([lo, hi, after, lo, hi])
            self.joined = True

    def whole(self, x: np.ndarray) -> bool:
        """True if the map has the same value at all of these numbers, but for a little."""
        values = images(self.step, x[:, None])[:, 0]
        size = np.abs(values).max()
        return bool(np.ptp(values) <= LITTLE * (size + min(self.width, 1.0)))

    def inside(self, x: float, toward: float) -> float:
        """The nearest number at which the map is finite."""
        for _ in range(8):
            if np.isfinite(images(self.step, np.array([[x]]))[0, 0]):
                break
            x = float(np.nextafter(x, toward))
        return x

    def sample(self, lo: float, hi: float) -> None:
        """Signs of the derivative at many points, in place of bounds."""
        self.open.append((lo, hi))
        x = np.linspace(lo, hi, SAMPLES + 1)
        slopes = jacobians(self.step, x[:, None])[:, 0, 0]
        for k in range(SAMPLES):
            a, b = slopes[k], slopes[k + 1]
            if np.isnan(a) or np.isnan(b):
                self.add(x[k], x[k + 1], UNDEFINED)
            elif np.sign(a) * np.sign(b) >= 0:
                self.add(x[k], x[k + 1], 1 if a + b >= 0 else -1)
            else:
                turn = x[k] + (x[k + 1] - x[k]) * a / (a - b)
                self.add(x[k], turn, 1 if a > 0 else -1)
                self.add(turn, x[k + 1], 1 if b > 0 else -1)

    def laps(self) -> Laps:
        """All of them, with the values at their ends."""
        pieces = np.array(self.pieces).reshape(-1, 5)
        ends = np.ascontiguousarray(pieces[:, :2])
        values = images(self.step, ends.reshape(-1, 1)).reshape(-1, 2)
        if not np.isfinite(values).all():
            for end in ends:
                end[0], end[1] = self.inside(end[0], np.inf), self.inside(end[1], -np.inf)
            values = images(self.step, ends.reshape(-1, 1)).reshape(-1, 2)
        usable = ~np.isnan(values).any(axis=1) & (ends[:, 0] <= ends[:, 1])
        self.open += [(lo, hi) for lo, hi in ends[~usable].tolist() if lo < hi]
        inner = np.clip(pieces[usable, 3:], ends[usable, :1], ends[usable, 1:])
        return Laps(ends[usable], inner, values[usable], pieces[usable, 2].astype(np.int64), self.open, self.places,
                    self.breaks, self.gaps)  # fmt: skip
