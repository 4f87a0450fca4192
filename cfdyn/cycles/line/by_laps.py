"""Cycles of a map of one variable: by the laps of fⁿ, all of them."""

from __future__ import annotations

import math

import numpy as np

from cfdyn.cycles.found import Found
from cfdyn.cycles.line.itineraries import Search, foresee
from cfdyn.cycles.line.multiple_zeros import with_multiple
from cfdyn.cycles.line.one_sided import multiplier, on_borders
from cfdyn.cycles.line.reach import laps_for
from cfdyn.cycles.line.sampling import sampled
from cfdyn.cycles.line.single_points import at_kinks, with_edges, without_specks
from cfdyn.cycles.line.undecided import everywhere, reasons, seen, undecided, without_level
from cfdyn.cycles.shooting import images, jacobians
from cfdyn.errors import NumericsError, UsageError
from cfdyn.kernels.line.closing import DIGITS
from cfdyn.kernels.orbits import evaluate_rows
from cfdyn.systems.map import Map

BUDGET = 40_000_000  # evaluations of the map
LONG = 16  # a longer period is worth an estimate of its laps first
MOST_BYTES = 2**30
UNEVEN = 0.62
CLOSE, UNIT = 1e-3, 1e-15
NEAR = 1e4  # times what counts as round-off in the box
CONTINUA = "fⁿ(x) = x to round-off on the whole box, n = {}: a continuum of cycles, or nearly so"
LOST = "floating point does not tell where cycles with points of very different sizes, or at a pole, close"
MONOTONE = "the map is monotone: its cycles have period 1, or 2 if it falls"


def on_line(step: Map, period: int, region: np.ndarray, budget: int | None) -> Found:
    """Words of laps in turn; on each, the zeros of fⁿ(x) − x by signs and bounds of (fⁿ)′, polished by Newton."""
    lo, hi = region[0].tolist()
    try:
        step.rule("interval:jacobian")
    except UsageError as error:
        return _by_samples(step, period, region, f"{error}: no bounds of the slope, only samples")
    if period * 8 * 64 > MOST_BYTES:
        raise UsageError(f"a cycle of period {period} would need {period * 512 / 2**30:.1f} GiB while it is looked for: "
                         f"ask for a period up to {MOST_BYTES // 512}")  # fmt: skip
    with np.errstate(all="ignore"):  # infinities are values here
        return _by_laps(step, period, region, BUDGET if budget is None else budget)


def _by_laps(step: Map, period: int, region: np.ndarray, most: int) -> Found:
    lo, hi = region[0].tolist()
    laps = laps_for(step, period, lo, hi)
    search = Search(step, period, laps, min(hi - lo, 1.0) if math.isinf(hi - lo) else hi - lo)
    monotone = len(laps.ends) == 1 and not laps.open and period > (1 if laps.rising[0] > 0 else 2)
    if monotone:
        search.laps = laps.none()
    elif period > LONG:
        foresee(step, period, laps, most)
    finished = search.run(most, region)
    odd = search.odd
    rows = np.concatenate(search.found)
    points, mu = distinct(*_split(np.concatenate([rows, _images(rows)]) if odd else rows), _slack(lo, hi))
    opened = [*search.open, *((-b, -a) for a, b in search.open if odd)]
    lost = points[:0]
    if search.vague:
        closed = _closed(step, points, NEAR * _slack(lo, hi))
        points, mu, lost = points[closed], mu[closed], points[~closed]
    if laps.open or not finished:
        points, mu = _with_samples(step, period, region, points, mu)
    points, mu, opened, doubtful = _singular(step, period, laps.places, opened, points, mu)
    points, mu, level = without_level(step, period, opened, points, mu)
    if level and not len(points) and everywhere(step, period, (lo, hi)):
        raise NumericsError(CONTINUA.format(period))
    slack = _slack(lo, hi)
    lost, through = lost[_inside(lost, lo - slack, hi + slack)], seen(step, period, doubtful, (lo, hi))
    said = {MONOTONE: monotone, **dict.fromkeys(reasons(laps, (lo, hi), opened, level, through), True),
            f"stopped after {most} evaluations of the map; more are found with `budget={10 * most}`": not finished,
            "a word of laps took more work than one may": search.tired, LOST: len(lost) > 0,
            odd.sentence(step.names, "mirror images of words were left out") if odd else "": odd is not None}  # fmt: skip
    complete = finished and not laps.open and not opened and not len(lost) and not through
    places = undecided(laps, (lo, hi), opened, lost, through) if finished else region[None]
    inside = _inside(points, lo - slack, hi + slack)
    reason = "; ".join(words for words, so in said.items() if so)
    return Found(points[inside, :, None], mu[inside, None], complete, "laps", reason, places,
                 {"laps": len(laps.ends), "budget": most})  # fmt: skip


def _singular(
    step: Map, n: int, places: list[np.ndarray], opened: list[tuple[float, float]], points: np.ndarray, mu: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[tuple[float, float]], list[float]]:
    """Cycles, undecided intervals and doubtful points, after a look at places, kinks and multiple zeros."""
    doubtful, kinks = list[float](), at_kinks(step, n, opened) if opened else []
    if places or kinks:
        points, mu, doubtful = with_edges(step, n, places, kinks, points, mu)
    if len(points) and step.switches:
        rough = on_borders(step, points)
        for k in np.flatnonzero(rough.any(axis=1)):
            mu[k] = multiplier(step, points[k], rough[k])
    if opened:
        points, mu, opened = with_multiple(step, n, without_specks(opened, points, mu), points, mu)
    return points, mu, opened, doubtful


def _images(rows: np.ndarray) -> np.ndarray:
    """The mirror images of cycles, rows of points and a multiplier, from their smallest point on, where they are others."""
    points, mu = _split(rows)
    n = points.shape[1]
    half = np.roll(points, n // 2, axis=1) if n % 2 == 0 or n == 1 else np.full_like(points, np.inf)
    others = np.abs(points + half).max(axis=1) > _blur(np.abs(1 - mu)) * np.abs(points).max(axis=1)
    first = points.argmax(axis=1)[:, None] + np.arange(n)
    return np.column_stack([-np.take_along_axis(points, first % n, axis=1), mu])[others]


def _blur(away: np.ndarray) -> np.ndarray:
    """How near to each other, relative to their size, cycles may be the same whose multiplier is as far from 1 as this."""
    return 1e-13 / np.minimum(np.maximum(away, 1e-7), 1e-2)


def _inside(points: np.ndarray, lo: float, hi: float) -> np.ndarray | slice:
    """The rows with a point in [lo, hi]; quickly where the first points, the smallest, lie there."""
    if len(points) and lo <= points[:, 0].min() and points[:, 0].max() <= hi:
        return slice(None)
    return np.asarray(((points >= lo) & (points <= hi)).any(axis=1))


def _closed(step: Map, points: np.ndarray, near: float) -> np.ndarray:
    """Whether the cycles (m, n) close: each point to six digits, or as well as bounds of the map at the one before it say.

    Or Newton's method would move none of their points by more than ``near``: a fixed point at 0 has no digits.
    """
    after = np.concatenate([points[:, 1:], points[:, :1]], axis=1)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        off = images(step, points.reshape(-1, 1)).reshape(points.shape) - after
        closed = np.asarray((np.abs(off) <= DIGITS * np.abs(after)).all(axis=1))
        rest = np.flatnonzero(~closed)
        if len(rest):
            points, after, off = points[rest], after[rest], off[rest]
            bounds = np.empty((points.size, 2))
            cells = points.reshape(-1, 1) + np.abs(points.reshape(-1, 1)) * np.array([[-UNIT, UNIT]])
            evaluate_rows(step.rule("interval:step").compiled, cells, step.p, bounds)
            low, high = bounds.reshape(*points.shape, 2).transpose(2, 0, 1)
            sharp = high - low <= CLOSE * np.abs(points).max(axis=1, keepdims=True)
            closed[rest] = ((low <= after) & (after <= high) & sharp).all(axis=1) | (_moves(step, points, off) <= near)
    return closed


def _moves(step: Map, points: np.ndarray, off: np.ndarray) -> np.ndarray:
    """By how much Newton's method would move a point of each cycle (m, n) at most: d_{i+1} = f′(x_i) d_i + off_i, (m,)."""
    slopes = jacobians(step, points.reshape(-1, 1)).reshape(points.shape)
    carried, mu = np.zeros(len(points)), np.ones(len(points))
    for slope, part in zip(slopes.T, off.T, strict=True):
        carried, mu = slope * carried + part, mu * slope
    move = carried / (1 - mu)
    most = np.abs(move)
    for slope, part in zip(slopes.T, off.T, strict=True):
        move = slope * move + part
        most = np.maximum(most, np.abs(move))
    return most


def _split(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return rows[:, :-1], rows[:, -1]


def _slack(lo: float, hi: float) -> float:
    return 1e-13 * min(hi - lo, 1.0)


def distinct(points: np.ndarray, mu: np.ndarray, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """Each cycle once: (m, n) rows that begin at their smallest point, and their multipliers (m,); ``floor``: round-off."""
    if len(points) < 2:
        return points, mu
    order = points[:, 0].argsort(kind="stable")
    points, mu = points[order], mu[order]
    first, largest, away = points[:, 0], max(points.max(), -points.min()), np.abs(1 - mu)
    if (first[1:] - first[:-1]).min() > 2 * (_blur(away.min()) * largest + floor):
        return points, mu
    # The same points in whatever order are the same cycle; near each other by a sum that mirror images do not share.
    blur, places = _blur(away) * np.abs(points).max(axis=1) + floor, np.sort(points, axis=1)
    order = np.argsort((places**2).sum(axis=1) / largest + UNEVEN * places.sum(axis=1), kind="stable")
    apart = np.abs(places[order[1:]] - places[order[:-1]]).max(axis=1)
    new = np.ones(len(points), dtype=bool)
    new[order[1:]] = apart > np.maximum(blur[order[1:]], blur[order[:-1]])
    return points[new], mu[new]


def _by_samples(step: Map, period: int, region: np.ndarray, reason: str) -> Found:
    points, mu = sampled(step, period, *region[0].tolist())
    return Found(points[:, :, None], mu[:, None], False, "samples", reason, region[None])


def _with_samples(
    step: Map, period: int, region: np.ndarray, points: np.ndarray, mu: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What sampling finds besides: an incomplete list is never shorter than that."""
    lo, hi = region[0].tolist()
    if not math.isfinite(hi - lo) or period > LONG:
        return points, mu
    try:
        others, slopes = sampled(step, period, lo, hi, points)
    except NumericsError:
        return points, mu
    return distinct(np.concatenate([points, others]), np.concatenate([mu, slopes]), _slack(lo, hi))
