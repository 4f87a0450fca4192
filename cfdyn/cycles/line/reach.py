"""The interval that contains the cycles of a map of one variable, and its laps; both are cached for each map."""

from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from cfdyn.arguments import table
from cfdyn.cycles.line._kernels.laps import HUGE
from cfdyn.cycles.line.laps import Laps, laps_on
from cfdyn.cycles.result import Interval
from cfdyn.cycles.shooting import images
from cfdyn.errors import UsageError
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.systems.map import Map

ROUNDS = 64  # images of an interval that are looked at; it grows faster at last
UNSEEN = 1e3  # where an infinite interval is cut off if nothing is known far out
TAME = 1e2  # times the size of the box: if images stay within that, nothing needs to be known far out
DECADES, CELLS, NEAREST = 153, 32, 1e-3  # far out: from there on so many powers of ten, with so many cells in two of them
FINEST, LITTLE = 1e-16, 1e-12  # of an interval: to what its laps are known; by what ends or slopes differ by round-off

# Of each map, by start, limit and period; None stands for every period, where the laps hold all images too.
_kept: WeakKeyDictionary[Map, dict[tuple, Laps]] = WeakKeyDictionary()
_far_out: WeakKeyDictionary[Map, tuple[Interval | None, Interval | None]] = WeakKeyDictionary()


def bounded_orbits(step: Map, interval: Any, asked: str) -> Interval:
    """An interval that a user gave to the function ``asked``, checked; infinite ends are moved to where bounded orbits are."""
    if step.dim != 1 or step.periodic:
        what = f"this one has {step.dim}" if step.dim > 1 else "not an angle"
        raise UsageError(f"{asked} is for maps of one variable on an interval; {what}")
    ends = table("an interval", interval, 1, "two numbers (lo, hi)")
    if ends.shape != (2,) or not ends[0] < ends[1]:
        raise UsageError(f"an interval is (lo, hi) with lo < hi, not {interval!r}")
    if np.isfinite(ends).all():
        return float(ends[0]), float(ends[1])
    laps = laps_for(step, ROUNDS, -np.inf, np.inf)
    if laps.cut or laps.open or not len(laps.ends):
        raise UsageError("bounds of the map do not say where its bounded orbits are: give an interval with finite ends")
    low, high = float(laps.ends[0, 0]), float(laps.ends[-1, 1])
    lo, hi = max(float(ends[0]), low), min(float(ends[1]), high)
    if not lo < hi:
        raise UsageError(f"no orbit stays in the interval {interval!r}: bounded orbits end in the interval from {low:g} "
                         f"to {high:g}")
    return lo, hi


def laps_for(step: Map, period: int, lo: float, hi: float) -> Laps:
    """The laps of an interval that holds every cycle of this period with a point in [lo, hi]."""
    if max(-lo, hi) > HUGE:
        core, limit = core_and_limit(step)
        if core is None:
            laps = laps_on(step, max(lo, -UNSEEN), min(hi, UNSEEN), FINEST)
            return laps.with_open([(-np.inf, -UNSEEN), (UNSEEN, np.inf)])
        if limit is not None:
            return _laps_with_images(step, 1, limit, limit, FINEST)
        return _laps_with_images(step, period, core, (-HUGE, HUGE), FINEST)
    tame, floor = TAME * max(abs(lo), abs(hi), hi - lo), FINEST * min(hi - lo, 1.0)
    laps = _laps_with_images(step, period, (lo, hi), (-tame, tame), floor)
    if not laps.cut:
        return laps
    core, limit = core_and_limit(step)
    if limit is not None:
        return _laps_with_images(step, period, (lo, hi), limit, floor)
    if core is not None:
        return _laps_with_images(step, period, core, (-HUGE, HUGE), floor)
    return laps.with_open([(-np.inf, -tame), (tame, np.inf)])


def _laps_with_images(step: Map, period: int, start: Interval, limit: Interval, floor: float) -> Laps:
    """The laps of an interval with its first period − 1 images, as far as the limit."""
    kept = _kept.setdefault(step, {})
    for known in ((start, limit, None), (start, limit, period)):
        if known in kept:
            return kept[known]
    (lo, hi), cut, settled = np.clip(start, *limit).tolist(), False, False
    for turn in range(min(period, ROUNDS)):
        laps = laps_on(step, lo, hi, floor)
        if not len(laps.ends):
            break
        low, high = min(lo, np.min(laps.values)), max(hi, np.max(laps.values))
        if turn == ROUNDS - 2:
            low, high = min(low, 2 * low - lo, limit[0]), max(high, 2 * high - hi, limit[1])
        beyond = low < limit[0] or high > limit[1]
        low, high = max(low, limit[0]), min(high, limit[1])
        settled = max(lo - low, high - hi) <= LITTLE * (hi - lo) and not (beyond and turn == period - 1)
        if settled or turn == period - 1:
            cut = cut or (settled and beyond)
            break
        cut, lo, hi = cut or beyond, low, high
    laps = kept[start, limit, None if settled else period] = replace(laps, cut=cut)
    return laps


def core_and_limit(step: Map) -> tuple[Interval | None, Interval | None]:
    """Two intervals: every cycle has a point in the core, and all of them in the limit; None where bounds do not say it."""
    if step not in _far_out:
        _far_out[step] = _core_and_limit(step)
    return _far_out[step]


def _core_and_limit(step: Map) -> tuple[Interval | None, Interval | None]:
    """The same from bounds of the map far out.

    Far out each side is moved outward on its own side (no cycle gets there), outward but across, or inward. Where no side
    goes inward nothing beyond is on a cycle. Where one does, and none across, what is on a cycle beyond are images of what
    lies between. Where one goes inward and the other across, a cycle comes through the middle if nothing leaps over it.
    """
    sides = [_motion_far_out(step, sign) for sign in (-1.0, 1.0)]
    kinds, reach = [side[0] for side in sides], max(side[1] for side in sides)
    if "unknown" in kinds:
        return None, None
    core = (-reach, reach)
    if "inward" not in kinds:
        return core, core
    if "across" in kinds:
        lowest = sides[kinds.index("inward")][2]
        return (core if lowest >= -reach else None), None
    values = laps_on(step, *core, FINEST * reach).values
    far = max(reach, float(np.abs(values).max(initial=0.0)))
    left, right = (far if kind == "inward" else reach for kind in kinds)
    return core, ((-left, right) if far < HUGE else None)


def _motion_far_out(step: Map, sign: float) -> tuple[str, float, float]:
    """How the map moves points far out on one side, from where on it surely does, and how far across it takes any of them."""
    x = np.geomspace(NEAREST, HUGE, CELLS * DECADES)
    near, far = x[:-1], x[1:]
    cell = np.stack([near, far] if sign > 0 else [-far, -near], axis=1)
    value, slope = (evaluate_rows(step.rule(f"interval:{what}"), cell, step.p) for what in ("step", "jacobian"))
    here = images(step, sign * near[:, None])[:, 0] * sign
    # Where the formula overflows it says nothing; taken to go on as before.
    some = int(np.argmin(np.isfinite(here))) or len(here) if not np.isfinite(here).all() else len(here)
    value, slope, here, near, far = (part[:some] for part in (np.sort(sign * value, axis=1), slope, here, near, far))
    with np.errstate(invalid="ignore", over="ignore"):
        lowest = np.fmax(value[:, 0], here + np.minimum(slope[:, 0], 0.0) * (far - near))
        outward = (value[:, 0] > far) | ((slope[:, 0] >= 1 - LITTLE) & (here >= near))
        across = (value[:, 1] < -far) | ((slope[:, 1] <= -1 + LITTLE) & (here <= -near))
        inward = (value[:, 1] < near) | ((slope[:, 1] <= 1 + LITTLE) & (here <= near))
        inward &= (value[:, 0] > -near) | ((slope[:, 0] >= -1 - LITTLE) & (here >= -near))
    # To round-off, f(x) = x far out; what counts is the sign nearer in.
    strict = {"outward": here > near, "across": here < -near, "inward": np.abs(here) < near}
    for kind, holds in (("outward", outward), ("across", across), ("inward", inward)):
        start = len(holds) - int(np.argmin(holds[::-1])) if not holds.all() else 0
        if start < len(holds) and strict[kind][start:].any():
            start += int(np.argmax(strict[kind][start:]))
            return kind, float(near[start]), float(lowest[start:].min())
    return "unknown", 0.0, 0.0
