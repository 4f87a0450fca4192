"""The laps of a map of one variable, and the interval that holds its cycles."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import numpy as np

from cfdyn.analysis._cycles_edges import sharp
from cfdyn.analysis._shooting import images, jacobians
from cfdyn.kernels.laps import UNDEFINED, cells
from cfdyn.kernels.orbits import evaluate_rows
from cfdyn.systems import Map

HUGE = 1e150  # stands for infinity: squares are still finite
DIVISIONS = 200_000
ROWS = 20_000
ROUNDS = 64
UNSEEN = 1e3  # where an infinite interval is cut off if nothing is known far out
SAMPLES = 1024  # of the derivative where its sign stays open
DECADES = 153

# Of each map, by start, limit and period; None stands for every period, where the laps hold all images too.
_kept: WeakKeyDictionary[Map, dict[tuple, Laps]] = WeakKeyDictionary()
_far_out: WeakKeyDictionary[Map, tuple] = WeakKeyDictionary()


@dataclass
class Laps:
    """Intervals on which the map is monotone: ``ends`` (K, 2) in order, ``inner`` (K, 2) the same without the kinks,
    ``values`` (K, 2) at the ends, ``rising`` (K,) ±1.

    ``open`` are the intervals of which this is not certain; ``places`` lie between laps, numbers in each (see `sharp`), where
    the map jumps, ends or has no bounded slope; ``notes`` what a reader should know; ``cut``: whether images
    that matter lie outside.
    """

    ends: np.ndarray
    inner: np.ndarray
    values: np.ndarray
    rising: np.ndarray
    open: list[tuple[float, float]] = field(default_factory=list)
    places: list[np.ndarray] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cut: bool = False

    def copy(self) -> Laps:
        """One whose lists may be added to."""
        return replace(self, open=[*self.open], places=[*self.places], notes=[*self.notes])

    def with_open(self, parts: list[tuple[float, float]]) -> Laps:
        """The same, nothing being known about these parts."""
        self.open.extend(parts)
        return self

    def table(self) -> np.ndarray:
        """All of it in rows, (K, 7)."""
        return np.concatenate([self.ends, self.inner, self.values, self.rising[:, None]], axis=1)

    def none(self) -> Laps:
        """No lap at all, for a period that cannot be."""
        return Laps(self.ends[:0], self.inner[:0], self.values[:0], self.rising[:0], self.open, self.places, self.notes)


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
        self.places: list[np.ndarray] = []
        self.undefined = 0
        self.breaks: list[float] = []
        self.joined = False

    def add(self, lo: float, hi: float, sign: int) -> None:
        """A part with this sign of the derivative; a part of the lap before it if nothing lies between."""
        if sign == UNDEFINED:
            self.undefined += 1
            self.joined = False
        elif self.joined and self.pieces and self.pieces[-1][2] == sign:
            self.pieces[-1][1] = self.pieces[-1][4] = hi
        else:
            self.pieces.append([lo, hi, sign, lo, hi])
        self.joined = sign != UNDEFINED

    def uncertain(self, lo: float, hi: float, after: int) -> None:
        """A part where the sign stayed open, before one of sign ``after`` (0 at the end of all)."""
        before = self.pieces[-1][2] if self.joined else 0
        if hi - lo > 1e-5 * self.width:
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
        centre, kink = (lo + hi) / 2, not np.isfinite(bounds).all()
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
        """Whether the map is the same at all of these numbers, but for a little."""
        values = images(self.step, x[:, None])[:, 0]
        size = np.abs(values).max()
        return bool(np.ptp(values) <= 1e-9 * (size + min(self.width, 1.0)))

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
        notes = []
        if self.undefined:
            notes.append("the map has no value on a part of the box, which was left out")
        if self.breaks:
            places = ", ".join(f"{x:.6g}" for x in self.breaks[:4]) + (", …" if len(self.breaks) > 4 else "")
            notes.append(f"the map jumps, has a pole or no bounded slope at {places}, where the box was divided")
        inner = np.clip(pieces[usable, 3:], ends[usable, :1], ends[usable, 1:])
        return Laps(ends[usable], inner, values[usable], pieces[usable, 2].astype(np.int64), self.open, self.places, notes)


def laps_for(step: Map, period: int, lo: float, hi: float) -> Laps:
    """The laps of an interval that holds every cycle of this period with a point in [lo, hi]."""
    if max(-lo, hi) > HUGE:
        core, limit = escape(step)
        if core is None:
            found = laps_on(step, max(lo, -UNSEEN), min(hi, UNSEEN), 1e-16)
            return found.with_open([(-np.inf, -UNSEEN), (UNSEEN, np.inf)])
        if limit is not None:
            return _spread(step, 1, limit, limit, 1e-16)
        return _spread(step, period, core, (-HUGE, HUGE), 1e-16)
    tame, floor = 1e2 * max(abs(lo), abs(hi), hi - lo), 1e-16 * min(hi - lo, 1.0)
    found = _spread(step, period, (lo, hi), (-tame, tame), floor)
    if not found.cut:
        return found
    core, limit = escape(step)
    if limit is not None:
        return _spread(step, period, (lo, hi), limit, floor)
    if core is not None:
        return _spread(step, period, core, (-HUGE, HUGE), floor)
    return found.with_open([(-np.inf, -tame), (tame, np.inf)])


def _spread(step: Map, period: int, start: tuple[float, float], limit: tuple[float, float], floor: float) -> Laps:
    """The laps of an interval with its first period − 1 images, as far as the limit."""
    kept = _kept.setdefault(step, {})
    for known in ((start, limit, None), (start, limit, period)):
        if known in kept:
            return kept[known].copy()
    (lo, hi), cut, settled = np.clip(start, *limit).tolist(), False, False
    for turn in range(min(period, ROUNDS)):
        found = laps_on(step, lo, hi, floor)
        if not len(found.ends):
            break
        low, high = min(lo, np.min(found.values)), max(hi, np.max(found.values))
        if turn == ROUNDS - 2:
            low, high = min(low, 2 * low - lo, limit[0]), max(high, 2 * high - hi, limit[1])
        beyond = low < limit[0] or high > limit[1]
        low, high = max(low, limit[0]), min(high, limit[1])
        settled = max(lo - low, high - hi) <= 1e-12 * (hi - lo) and not (beyond and turn == period - 1)
        if settled or turn == period - 1:
            cut = cut or (settled and beyond)
            break
        cut, lo, hi = cut or beyond, low, high
    found.cut = cut
    kept[start, limit, None if settled else period] = found.copy()
    return found


def escape(step: Map) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """`_escape`, kept for each map."""
    if step not in _far_out:
        _far_out[step] = _escape(step)
    return _far_out[step]


def _escape(step: Map) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Intervals (core, limit) from bounds of the map far out: every cycle has a point in the core and all in the limit.

    Far out each side is moved outward on its own side (no cycle gets there), outward but across, or inward. Where no side
    goes inward nothing beyond is on a cycle. Where one does, and none across, what is on a cycle beyond are images of what
    lies between. Where one goes inward and the other across, a cycle comes through the middle if nothing leaps over it.
    """
    sides = [_far(step, sign) for sign in (-1.0, 1.0)]
    kinds, reach = [side[0] for side in sides], max(side[1] for side in sides)
    if "unknown" in kinds:
        return None, None
    core = (-reach, reach)
    if "inward" not in kinds:
        return core, core
    if "across" in kinds:
        lowest = sides[kinds.index("inward")][2]
        return (core if lowest >= -reach else None), None
    values = laps_on(step, *core, 1e-16 * reach).values
    far = max(reach, float(np.abs(values).max(initial=0.0)))
    if not far < HUGE:
        return core, None
    return core, tuple(s * (far if kind == "inward" else reach) for s, kind in zip((-1, 1), kinds, strict=True))  # type: ignore[return-value]


def _far(step: Map, sign: float) -> tuple[str, float, float]:
    """How the map moves points far out on one side, from where on it surely does, and how far across it takes any of them."""
    x = np.geomspace(1e-3, HUGE, 32 * DECADES)
    near, far = x[:-1], x[1:]
    cell = np.stack([near, far] if sign > 0 else [-far, -near], axis=1)
    value, slope = np.empty_like(cell), np.empty_like(cell)
    evaluate_rows(step.rule("interval:step").compiled, cell, step.p, value)
    evaluate_rows(step.rule("interval:jacobian").compiled, cell, step.p, slope)
    here = images(step, sign * near[:, None])[:, 0] * sign
    # Where the formula overflows it says nothing; taken to go on as before.
    some = int(np.argmin(np.isfinite(here))) or len(here) if not np.isfinite(here).all() else len(here)
    value, slope, here, near, far = (part[:some] for part in (np.sort(sign * value, axis=1), slope, here, near, far))
    little = 1e-12
    with np.errstate(invalid="ignore", over="ignore"):
        lowest = np.fmax(value[:, 0], here + np.minimum(slope[:, 0], 0.0) * (far - near))
        outward = (value[:, 0] > far) | ((slope[:, 0] >= 1 - little) & (here >= near))
        across = (value[:, 1] < -far) | ((slope[:, 1] <= -1 + little) & (here <= -near))
        inward = (value[:, 1] < near) | ((slope[:, 1] <= 1 + little) & (here <= near))
        inward &= (value[:, 0] > -near) | ((slope[:, 0] >= -1 - little) & (here >= -near))
    # To round-off, f(x) = x far out; what counts is the sign nearer in.
    strict = {"outward": here > near, "across": here < -near, "inward": np.abs(here) < near}
    for kind, holds in (("outward", outward), ("across", across), ("inward", inward)):
        start = len(holds) - int(np.argmin(holds[::-1])) if not holds.all() else 0
        if start < len(holds) and strict[kind][start:].any():
            start += int(np.argmax(strict[kind][start:]))
            return kind, float(near[start]), float(lowest[start:].min())
    return "unknown", 0.0, 0.0
