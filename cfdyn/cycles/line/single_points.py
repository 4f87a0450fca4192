"""Cycles through single points where a map of one variable jumps, ends, or has no bounded slope.

The laps leave these points out: their orbits, which are few, are followed one by one.
"""

import numpy as np

from cfdyn.cycles.line.one_sided import BESIDE, PARTS, SAME, multiplier, on_borders
from cfdyn.cycles.result import Interval
from cfdyn.cycles.shooting import images, jacobians
from cfdyn.systems.map import Map

LEAST = 1e-300  # what is smaller is 0
JUMP = 1e-6  # of the values beside it, or 1: a map that changes by more between neighbours jumps, or nearly so
WITHIN = 1e-14  # of its size: a cycle so near to a place is one through it, or none
SPECK, NOTHING = 1e-12, 1e-50  # an undecided interval no wider, relative to its size or at 0, is hardly more than a number
UNIT = 4e-15  # error of one evaluation, relative to what it adds up


def sharp(step: Map, lo: float, hi: float) -> np.ndarray:
    """Numbers of a place [lo, hi], the ends among them, that surround where the map changes most; 0 if it lies there."""
    first, last, x = lo, hi, np.linspace(lo, hi, PARTS + 1)
    if lo <= 0.0 <= hi:
        x = np.unique(np.clip([lo, -LEAST, 0.0, LEAST, hi], lo, hi))
        k, much = _change(step, x)
        if not much or abs(x[k] + x[k + 1]) <= LEAST:
            return x
        x = np.linspace(x[k], x[k + 1], PARTS + 1)
    while True:
        x = np.unique(x)
        k, _ = _change(step, x)
        if len(x) <= PARTS:
            return np.unique([first, *x[max(k - 1, 0) : k + 3], last])
        x = np.linspace(x[k], x[k + 1], PARTS + 1)


def _change(step: Map, x: np.ndarray) -> tuple[int, bool]:
    """The number k after which the map changes most, to the next one, and True if it jumps or ends there, or nearly so."""
    values = images(step, x[:, None])[:, 0]
    known = np.isfinite(values)
    change = np.where(known[1:] != known[:-1], np.inf, np.where(known[1:], np.abs(np.diff(values)), 0.0))
    k = int(np.argmax(change))
    return k, bool(change[k] > JUMP * (1.0 + np.abs(values[k : k + 2]).sum()) or change[k] == np.inf)


def at_kinks(step: Map, n: int, opened: list[Interval]) -> list[np.ndarray]:
    """Places on the orbits from undecided intervals that are hardly more than a number, where the map changes its branch."""
    places: list[np.ndarray] = []
    for lo, hi in opened:
        if step.switches and hi - lo <= SPECK * abs(lo) + NOTHING:
            orbit = orbit_from(step, n, 0.0 if lo <= 0.0 <= hi else (lo + hi) / 2)
            for x in orbit[on_borders(step, orbit)].tolist():
                places.append(x + np.spacing(abs(x)) * np.arange(-4, 5) if abs(x) > NOTHING else np.array([-LEAST, 0.0, LEAST]))
    return places


def without_specks(opened: list[Interval], points: np.ndarray, mu: np.ndarray) -> list[Interval]:
    """The undecided intervals but for those that are hardly more than a number, on a cycle known not to have the multiplier 1."""
    known = points[np.abs(mu - 1) > SAME].ravel()
    return [(lo, hi) for lo, hi in opened
            if hi - lo > SPECK * abs(lo) + NOTHING or not (np.abs(known - lo) <= SPECK * abs(lo) + NOTHING).any()]  # fmt: skip


def with_edges(
    step: Map, n: int, places: list[np.ndarray], kinks: list[np.ndarray], points: np.ndarray, mu: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Cycles (m, n) and multipliers (m,) with those through places and kinks, and points of places where round-off decides.

    What comes out right beside a place is one of these or, with a limit of the map in place of its value, none.
    """
    every, rows, doubtful, beside = [*places, *kinks], list[np.ndarray](), list[float](), np.zeros(len(points), dtype=bool)
    nearest = _places_of(points, every)
    touched = set(np.unique(nearest).tolist())
    gap, room, alive = returns(step, n, np.concatenate(every))
    clear = np.where(np.abs(gap) > room, gap, 0.0)
    end = 0
    for number, place in enumerate(every):
        own = slice(end, end := end + len(place))
        closing = [x for x in place[alive[own] & (gap[own] == 0.0)] if _is_border(step, x, place)]
        if closing:
            row = orbit_from(step, n, closing[0])
            rows.append(np.roll(row, -int(np.argmin(row))))
        elif number < len(places):
            near = number in touched or (alive[own] & (np.abs(gap[own]) <= room[own])).any()
            doubtful += [0.0 if 0.0 in place else float(place[len(place) // 2])] if near or _between(place, clear[own]) else []
        if number in touched and (closing or number < len(places)):
            beside |= (nearest == number).any(axis=1)
    new = np.array([row for k, row in enumerate(rows) if not any(np.array_equal(row, o) for o in rows[:k])]).reshape(-1, n)
    rough = on_borders(step, new)
    for place in every:
        rough |= (new >= place[0]) & (new <= place[-1])
    slopes = np.array([multiplier(step, row, uneven) for row, uneven in zip(new, rough, strict=True)])
    return np.concatenate([points[~beside], new]), np.concatenate([mu[~beside], slopes]), doubtful


def _places_of(points: np.ndarray, places: list[np.ndarray]) -> np.ndarray:
    """The number of the place at which points (m, n) are to round-off, or −1."""
    lowest, highest = np.array([(place[0], place[-1]) for place in places]).T
    order = np.argsort(lowest)
    slack = WITHIN * np.abs(points) + BESIDE * np.abs(points).max(axis=1, initial=0.0, keepdims=True)
    last = order[np.maximum(np.searchsorted(lowest[order], points + slack, side="right") - 1, 0)]
    there = (points + slack >= lowest[last]) & (points - slack <= highest[last])
    return np.asarray(np.where(there, last, -1))


def _between(place: np.ndarray, gap: np.ndarray) -> bool:
    """True if the gap fⁿ(x) − x changes its sign between numbers of a place that have others between them, on one side of 0."""
    apart = (np.nextafter(place[:-1], np.inf) < place[1:]) & (place[:-1] != 0.0) & (place[1:] != 0.0)
    return bool((apart & (gap[:-1] * gap[1:] < 0.0)).any())


def _is_border(step: Map, x: float, place: np.ndarray) -> bool:
    """True if it is at x that the map ends, changes its branch or has no slope, not at a neighbour on one side of that."""
    k, known = int(np.searchsorted(place, x)), np.isfinite(images(step, place[:, None])[:, 0])
    if not known[max(k - 1, 0) : k + 2].all() or not np.isfinite(jacobians(step, np.array([[x]]))).all():
        return True
    return step.switches > 0 and bool((step.rule("switching")(np.array([x]), step.p) == 0.0).any())


def returns(step: Map, n: int, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """fⁿ(x) − x of starts (k,), what round-off makes of it, and True where x has not returned before, (k,) each."""
    x, room, alive = starts.copy(), np.zeros(len(starts)), np.ones(len(starts), dtype=bool)
    kept, until = x.copy(), 1
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
            break
    return x - starts, room, alive


def orbit_from(step: Map, n: int, start: float) -> np.ndarray:
    """The first n states of the orbit of a map of one variable, (n,)."""
    x = np.full(n, start)
    for k in range(1, n):
        x[k] = images(step, x[k - 1 : k, None])[0, 0]
    return x
