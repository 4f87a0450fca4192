"""Cycles through single points where a map of one variable jumps, ends, or has no bounded slope.

The laps leave these points out: their orbits, which are few, are followed one by one.
"""

from __future__ import annotations

import math

import numpy as np

from cfdyn.analysis._shooting import images, jacobians
from cfdyn.systems import Map

PARTS = 64
LEAST = 1e-300  # what is smaller is 0
JUMP = 1e-6
UNIT = 4e-15  # error of one evaluation, relative to what it adds up
BESIDE = 4e-16  # of its size: a point so near to a place is in it
GROWS = 0.02  # exponent of h, from where on a power of it counts as one
FAR = -np.arange(20.0, 151.0, 10.0)[::-1]  # decades of h at 0
DOUBLINGS = 2.0 ** np.arange(0, 27, 2)  # of one unit in the last place elsewhere


def sharp(step: Map, lo: float, hi: float) -> np.ndarray:
    """Numbers of a place [lo, hi], the ends among them, that surround where the map changes most; 0 if it lies there."""
    first, last, x = lo, hi, np.linspace(lo, hi, PARTS + 1)
    if lo <= 0.0 <= hi:
        x = np.unique(np.clip([lo, -LEAST, 0.0, LEAST, hi], lo, hi))
        k, much = _change(step, x)
        if not much or abs(x[k] + x[k + 1]) <= LEAST:
            return np.unique([lo, 0.0, hi])
        x = np.linspace(x[k], x[k + 1], PARTS + 1)
    while True:
        x = np.unique(x)
        k, _ = _change(step, x)
        if len(x) <= PARTS:
            return np.unique([first, *x[max(k - 1, 0) : k + 3], last])
        x = np.linspace(x[k], x[k + 1], PARTS + 1)


def _change(step: Map, x: np.ndarray) -> tuple[int, bool]:
    """Between which two of these numbers the map changes most, and whether it jumps or ends there, or nearly so."""
    values = images(step, x[:, None])[:, 0]
    known = np.isfinite(values)
    change = np.where(known[1:] != known[:-1], np.inf, np.where(known[1:], np.abs(np.diff(values)), 0.0))
    k = int(np.argmax(change))
    return k, bool(change[k] > JUMP * (1.0 + np.abs(values[k : k + 2]).sum()) or change[k] == np.inf)


def with_edges(
    step: Map, n: int, places: list[np.ndarray], points: np.ndarray, mu: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Cycles (m, n) and multipliers (m,) with those through the places, and points of places where round-off decides.

    What was found right beside a place is one of these or, with a limit of the map in place of its value, none.
    """
    starts = np.concatenate(places)
    off, room = _returns(step, n, starts)
    found, doubtful, beside = list[np.ndarray](), list[float](), np.zeros(len(points), dtype=bool)
    end = 0
    for place in places:
        own = slice(end, end := end + len(place))
        slack = BESIDE * np.abs(place).max()
        touching = ((points >= place[0] - slack) & (points <= place[-1] + slack)).any(axis=1)
        beside |= touching
        closing = [x for x in place[off[own] == 0.0] if _is_border(step, x, place)]
        if closing:
            found.append(_orbit(step, n, closing[0]))
        elif touching.any() or (np.isfinite(off[own]) & (off[own] <= room[own])).any():
            doubtful.append(float(place[len(place) // 2]))
    rows = [np.roll(row, -int(np.argmin(row))) for row in found]
    rows = [row for k, row in enumerate(rows) if not any(np.array_equal(row, other) for other in rows[:k])]
    new = np.array(rows).reshape(-1, n)
    slopes = np.array([_multiplier(step, row, places) for row in new])
    return np.concatenate([points[~beside], new]), np.concatenate([mu[~beside], slopes]), doubtful


def _is_border(step: Map, x: float, place: np.ndarray) -> bool:
    """Whether it is at x that the map ends, changes its branch or has no slope, not at a neighbour on one side of that."""
    k, known = int(np.searchsorted(place, x)), np.isfinite(images(step, place[:, None])[:, 0])
    if not known[max(k - 1, 0) : k + 2].all() or not np.isfinite(jacobians(step, np.array([[x]]))).all():
        return True
    return step.switches > 0 and bool((step.rule("switching")(np.array([x]), step.p) == 0.0).any())


def _returns(step: Map, n: int, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """|fⁿ(x) − x| of starts (k,), infinite where x does not return or returns before, and what round-off makes of it."""
    x, room, off = starts.copy(), np.zeros(len(starts)), np.full(len(starts), np.inf)
    alive, kept, until = np.ones(len(starts), dtype=bool), x.copy(), 1
    for k in range(1, n + 1):
        slope, before = np.abs(jacobians(step, x[:, None])[:, 0, 0]), np.abs(x)
        x = images(step, x[:, None])[:, 0]
        room = np.where(np.isfinite(slope), slope, 0.0) * room + UNIT * (np.abs(x) + before)
        alive &= np.isfinite(x)
        if k < n:
            alive &= (x != kept) & (np.abs(x - starts) > (room if n % k == 0 else 0.0))
        if k == until:
            kept, until = x.copy(), 2 * until
        if not alive.any():
            return off, room
    off[alive] = np.abs(x - starts)[alive]
    return off, room


def _orbit(step: Map, n: int, start: float) -> np.ndarray:
    x = np.full(n, start)
    for k in range(1, n):
        x[k] = images(step, x[k - 1 : k, None])[0, 0]
    return x


def _multiplier(step: Map, points: np.ndarray, places: list[np.ndarray]) -> float:
    """The product of the slopes, of limits from where the map exists at the places; NaN where they differ or it jumps."""
    slopes = jacobians(step, points[:, None])[:, 0, 0]
    for k, x in enumerate(points.tolist()):
        if not math.isfinite(slopes[k]) or any(place[0] <= x <= place[-1] for place in places):
            slopes[k] = _limit(step, x, slopes[k])
    return float(np.prod(slopes))


def _limit(step: Map, x: float, slope: float) -> float:
    """The limit of f′ at x from the sides on which the map exists: ±∞ where it grows like a power, NaN if f jumps there."""
    h = 10.0**FAR if x == 0.0 else DOUBLINGS * np.spacing(abs(x))
    here, limits = images(step, np.array([[x]]))[0, 0], list[float]()
    for side in (-1.0, 1.0):
        beside = (x + side * h)[:, None]
        rise, slopes = np.abs(images(step, beside)[:, 0] - here), jacobians(step, beside)[:, 0, 0]
        if not np.isfinite(rise[0]):
            continue
        if not (rise[0] <= 0.5 * rise[-1] or rise[-1] <= 1e-13 * abs(here)):
            return math.nan
        limits.append(_power(h, slopes))
    if not limits:
        return math.nan
    if all(abs(limit - slope) <= 1e-6 * (1 + abs(slope)) for limit in limits):
        return slope
    if all(limit == limits[0] or abs(limit - limits[0]) <= 1e-6 * abs(limits[0]) < math.inf for limit in limits):
        return limits[0]
    return math.inf if all(math.isinf(limit) for limit in limits) else math.nan


def _power(h: np.ndarray, slopes: np.ndarray) -> float:
    """The limit of slopes c hᵃ as h shrinks."""
    first, last = slopes[0], slopes[-1]
    if first == 0.0 or last == 0.0 or not np.isfinite([first, last]).all():
        return float(first)
    exponent = math.log(abs(first / last)) / math.log(h[0] / h[-1])
    return math.copysign(math.inf, first) if exponent < -GROWS else 0.0 if exponent > GROWS else float(first)
