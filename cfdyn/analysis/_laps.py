"""The laps of a map of one variable, and the interval that holds its cycles."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cfdyn.analysis._shooting import images, jacobians
from cfdyn.kernels.laps import UNDEFINED, cells
from cfdyn.kernels.orbits import evaluate_rows
from cfdyn.systems import Map

HUGE = 1e150  # stands for infinity: squares are still finite
DIVISIONS = 200_000
ROWS = 20_000
ROUNDS = 64
SAMPLES = 1024  # of the derivative where its sign stays open
DECADES = 153


@dataclass
class Laps:
    """Intervals on which the map is monotone: ``ends`` (K, 2) in order, ``values`` (K, 2) there, ``rising`` (K,) ±1.

    ``open`` are the intervals of which this is not certain; ``notes`` what a reader should know.
    """

    ends: np.ndarray
    values: np.ndarray
    rising: np.ndarray
    open: list[tuple[float, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def laps_on(step: Map, lo: float, hi: float, floor: float) -> Laps:
    """Divide [lo, hi] at turning points, kinks, jumps and poles, each known to ``floor`` or round-off."""
    stack, rows, work = np.empty((2200, 2)), np.empty((ROWS, 3)), np.empty(6)
    stack[0] = lo, hi
    rules = step.rule("interval:jacobian").compiled, step.rule("step").compiled
    count, _ = cells(*rules, step.p, floor, (hi - lo) / SAMPLES, DIVISIONS, stack, work, rows)
    found = _Pieces(step, hi - lo)
    for k in range(count):
        low, high, sign = rows[k].tolist()
        if sign == 0:
            after = rows[k + 1, 2] if k + 1 < count else 0
            found.uncertain(low, high, int(after))
        else:
            found.add(low, high, int(sign))
    return found.laps()


class _Pieces:
    """Laps as they are put together from left to right."""

    def __init__(self, step: Map, width: float):
        self.step, self.width = step, width
        self.pieces: list[list[float]] = []
        self.open: list[tuple[float, float]] = []
        self.undefined = 0
        self.breaks: list[float] = []
        self.joined = False

    def add(self, lo: float, hi: float, sign: int) -> None:
        """A part with this sign of the derivative; a part of the lap before it if nothing lies between."""
        if sign == UNDEFINED:
            self.undefined += 1
            self.joined = False
        elif self.joined and self.pieces and self.pieces[-1][2] == sign:
            self.pieces[-1][1] = hi
        else:
            self.pieces.append([lo, hi, sign])
        self.joined = sign != UNDEFINED

    def uncertain(self, lo: float, hi: float, after: int) -> None:
        """A part where the sign stayed open, before one of sign ``after`` (0 at the end of all)."""
        before = self.pieces[-1][2] if self.joined else 0
        if hi - lo > 1e-5 * self.width:
            self.sample(lo, hi)
            return
        (left,), (right,) = images(self.step, np.array([[lo], [hi]]))
        whole = abs(right - left) <= 1e-9 * (abs(left) + abs(right)) + 1e-9 * self.width
        if not whole and before and after in (1, -1):
            self.breaks.append((lo + hi) / 2)
            self.pieces[-1][1] = lo = self.inside(lo, -np.inf)
            self.joined = False
            return
        bounds = self.step.rule("interval:jacobian")(np.array([lo, hi]), self.step.p)
        if before and after in (1, -1) and not np.isfinite(bounds).all():
            self.pieces[-1][1], self.joined = lo, False
        elif before and after in (1, -1) and before != after:
            self.pieces[-1][1] = (lo + hi) / 2
            self.pieces.append([(lo + hi) / 2, hi, after])
        elif before and whole:
            self.pieces[-1][1] = hi
        elif after in (1, -1) and whole:
            self.pieces.append([lo, hi, after])
            self.joined = True

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
            elif a * b >= 0:
                self.add(x[k], x[k + 1], 1 if a + b >= 0 else -1)
            else:
                turn = x[k] + (x[k + 1] - x[k]) * a / (a - b)
                self.add(x[k], turn, 1 if a > 0 else -1)
                self.add(turn, x[k + 1], 1 if b > 0 else -1)

    def laps(self) -> Laps:
        """All of them, with the values at their ends."""
        pieces = np.array(self.pieces).reshape(-1, 3)
        for piece in pieces:
            piece[0], piece[1] = self.inside(piece[0], np.inf), self.inside(piece[1], -np.inf)
        ends = np.ascontiguousarray(pieces[:, :2])
        values = images(self.step, ends.reshape(-1, 1)).reshape(-1, 2)
        usable = ~np.isnan(values).any(axis=1) & (ends[:, 0] <= ends[:, 1])
        notes = []
        if self.undefined:
            notes.append("the map has no value on a part of the box, which was left out")
        if self.breaks:
            places = ", ".join(f"{x:.6g}" for x in self.breaks[:4]) + (", …" if len(self.breaks) > 4 else "")
            notes.append(f"the map jumps or has a pole at {places}, where the box was divided")
        return Laps(ends[usable], values[usable], pieces[usable, 2].astype(np.int64), self.open, notes)


def laps_for(step: Map, period: int, lo: float, hi: float) -> Laps:
    """The laps of an interval that holds every cycle of this period with a point in [lo, hi]."""
    floor = 1e-16 * (hi - lo) if np.isfinite(hi - lo) else 1e-16
    if not np.isfinite(hi - lo):
        limit = escape(step) or (-HUGE, HUGE)
        return laps_on(step, *limit, floor)
    tame, limit = 1e3 * max(abs(lo), abs(hi)), None
    for turn in range(min(period, ROUNDS) + 1):
        found = laps_on(step, lo, hi, floor)
        if turn == period - 1 or not len(found.ends):
            return found
        low, high = min(lo, np.min(found.values)), max(hi, np.max(found.values))
        if limit is None and (max(-low, high) > tame or turn == ROUNDS - 1):
            limit = escape(step) or (-HUGE, HUGE)
        if limit is not None:
            low, high = max(low, limit[0]), min(high, limit[1])
        if turn == ROUNDS - 1 and limit is not None:
            low, high = limit
        if max(lo - low, high - hi) <= 1e-12 * (hi - lo) and min(low - lo, hi - high) <= 1e-12 * (hi - lo):
            return found
        lo, hi = low, high
    return found


def escape(step: Map) -> tuple[float, float] | None:
    """An interval that holds every cycle, if bounds of the map far out show one.

    Far out each side is moved outward on its own side (no cycle gets there), across and outward, or inward. Where all go
    outward, or all inward, nothing beyond is on a cycle but images of what lies between; and so if one side goes outward
    on its own side.
    """
    sides = [_far(step, sign) for sign in (-1.0, 1.0)]
    kinds, reaches = [kind for kind, _ in sides], max(reach for _, reach in sides)
    if "unknown" in kinds or ("across" in kinds and "inward" in kinds):
        return None
    if "inward" not in kinds:
        return -reaches, reaches
    values = laps_on(step, -reaches, reaches, 1e-16 * reaches).values
    far = max(reaches, float(np.abs(values).max(initial=0.0)))
    if not far < HUGE:
        return None
    return tuple(s * (far if kind == "inward" else reaches) for s, kind in zip((-1, 1), kinds))  # type: ignore[return-value]


def _far(step: Map, sign: float) -> tuple[str, float]:
    """How the map moves points far out on one side, and from where on it surely does."""
    x = np.geomspace(1e-3, HUGE, 32 * DECADES)
    near, far = x[:-1], x[1:]
    cell = np.stack([near, far] if sign > 0 else [-far, -near], axis=1)
    value, slope = np.empty_like(cell), np.empty_like(cell)
    evaluate_rows(step.rule("interval:step").compiled, cell, step.p, value)
    evaluate_rows(step.rule("interval:jacobian").compiled, cell, step.p, slope)
    here = images(step, sign * near[:, None])[:, 0] * sign
    value = np.sort(sign * value, axis=1)
    little = 1e-12
    below, above = slope[:, 1] <= 1 + little, slope[:, 0] >= 1 - little
    crossing, gentle = slope[:, 1] <= -1 + little, slope[:, 0] >= -1 - little
    with np.errstate(invalid="ignore"):
        outward = (value[:, 0] > far) | (above & (here >= near))
        across = (value[:, 1] < -far) | (crossing & (here <= -near))
        inward = ((value[:, 1] < near) | (below & (here <= near))) & ((value[:, 0] > -near) | (gentle & (here >= -near)))
    # To round-off, f(x) = x far out; what counts is the sign nearer in.
    strict = {"outward": here > near, "across": here < -near, "inward": np.abs(here) < near}
    for kind, holds in (("outward", outward), ("across", across), ("inward", inward)):
        start = len(holds) - int(np.argmin(holds[::-1])) if not holds.all() else 0
        sure = np.flatnonzero(strict[kind][start:])
        if start < len(holds) and len(sure):
            return kind, float(near[start + sure[0]])
    return "unknown", 0.0
