"""All cycles of a map of one variable, by the laps of fⁿ."""

import math

import numpy as np

from cfdyn.cycles.line._kernels.closing import DIGITS
from cfdyn.cycles.line.itineraries import LapWords, refuse_endless
from cfdyn.cycles.line.multiple_zeros import with_multiple
from cfdyn.cycles.line.one_sided import multiplier, on_borders
from cfdyn.cycles.line.reach import laps_for
from cfdyn.cycles.line.sampling import sampled
from cfdyn.cycles.line.single_points import at_kinks, with_edges, without_specks
from cfdyn.cycles.line.undecided import everywhere, reasons, seen, undecided, without_level
from cfdyn.cycles.result import Interval, Say, SearchResult
from cfdyn.cycles.same import AROUND_ZERO, blur, distinct
from cfdyn.cycles.shooting import images, jacobians
from cfdyn.errors import NumericsError, UsageError
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.systems.map import Map

BUDGET = 40_000_000  # evaluations of the map, some seconds
LONG = 16  # a longer period is worth an estimate of its laps first, and too long for sampling
MOST_BYTES = 2**30
WORDS_AT_ONCE, BYTES = 64, 8  # of rows that a search holds, n numbers each
CLOSE = 1e-3  # of a cycle's size: wider bounds of the map at a point say nothing about whether the cycle closes there
UNIT = 1e-15  # of a point: round-off in it
NEAR = 1e4  # times the round-off of the box: what Newton's method moves by no more closes
CONTINUA = "fⁿ(x) = x to round-off on the whole box, n = {}: a continuum of cycles, or nearly so"
LOST = "floating point does not resolve cycles with points of very different sizes, or at a pole"
MONOTONE = "the map is monotone: its cycles have period 1, or 2 if it decreases"

Cycles = tuple[np.ndarray, np.ndarray]  # points (m, n), each row from the smallest on, and multipliers (m,)


@np.errstate(all="ignore")  # infinities are values here
def by_laps(step: Map, period: int, region: np.ndarray, budget: int | None, say: Say) -> SearchResult:
    """Itineraries of laps in turn; on each, the zeros of fⁿ(x) − x by signs and bounds of (fⁿ)′, polished by Newton."""
    try:
        step.rule("interval:jacobian")
    except UsageError as error:
        points, mu = sampled(step, period, *region[0].tolist())
        reason = f"{error}: no bounds of the slope, only samples"
        return SearchResult(points[:, :, None], mu[:, None], False, "samples", reason, region[None])
    row = BYTES * WORDS_AT_ONCE
    if period * row > MOST_BYTES:
        raise UsageError(f"a cycle of period {period} would need {period * row / 2**30:.1f} GiB during the search: "
                         f"ask for a period up to {MOST_BYTES // row}")  # fmt: skip
    return _by_words(step, period, region, BUDGET if budget is None else budget, say)


def _by_words(step: Map, period: int, region: np.ndarray, most: int, say: Say) -> SearchResult:
    lo, hi = box = tuple(region[0].tolist())
    extent = min(hi - lo, 1.0)
    slack = AROUND_ZERO * extent
    laps = laps_for(step, period, lo, hi)
    walked = LapWords(step, period, laps, extent if math.isinf(hi - lo) else hi - lo)
    monotone = len(laps.ends) == 1 and not laps.open and period > (1 if laps.rising[0] > 0 else 2)
    if monotone:
        walked.laps = laps.none()
    elif period > LONG:
        refuse_endless(step, period, laps, most)
    finished = walked.run(most, region, say)
    odd = walked.odd
    rows = np.concatenate(walked.found)
    points, mu = _once(np.concatenate([rows, _mirror_images(rows)]) if odd else rows, extent)
    opened = [*walked.open, *((-b, -a) for a, b in walked.open if odd)]
    lost = points[:0]
    if walked.words.vague:  # it is not clear at a glance that all close
        closed = _close(step, points, NEAR * slack)
        points, mu, lost = points[closed], mu[closed], points[~closed]
    if laps.open or not finished:
        points, mu = _with_samples(step, period, box, points, mu)
    points, mu, opened, doubtful = _with_singular(step, period, laps.places, opened, points, mu)
    points, mu, level = without_level(step, period, opened, points, mu)
    if level and not len(points) and everywhere(step, period, box):
        raise NumericsError(CONTINUA.format(period))
    lost, through = lost[_inside(lost, lo - slack, hi + slack)], seen(step, period, doubtful, box)
    said = {MONOTONE: monotone, **dict.fromkeys(reasons(laps, box, opened, level, through), True),
            f"stopped after {most} evaluations of the map; more are found with `budget={10 * most}`": not finished,
            "a word of laps took more work than one may": walked.words.tired > 0, LOST: len(lost) > 0,
            odd.sentence(step.names, "mirror images of itineraries were omitted") if odd else "": odd is not None}  # fmt: skip
    complete = finished and not laps.open and not opened and not len(lost) and not through
    places = undecided(laps, box, opened, lost, through) if finished else region[None]
    inside = _inside(points, lo - slack, hi + slack)
    reason = "; ".join(sentence for sentence, so in said.items() if so)
    return SearchResult(points[inside, :, None], mu[inside, None], complete, "laps", reason, places,
                        {"laps": len(laps.ends), "budget": most})  # fmt: skip


def _with_singular(
    step: Map, n: int, places: list[np.ndarray], opened: list[Interval], points: np.ndarray, mu: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[Interval], list[float]]:
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


def _once(rows: np.ndarray, extent: float) -> Cycles:
    """Each cycle once, of rows of points and a multiplier."""
    points, multipliers = distinct(rows[:, :-1, None], rows[:, -1:], extent)
    return points[:, :, 0], multipliers[:, 0]


def _mirror_images(rows: np.ndarray) -> np.ndarray:
    """The images under x → −x of cycles, rows of points and a multiplier, from their smallest point on, where they are others."""
    points, mu = rows[:, :-1], rows[:, -1:]
    n = points.shape[1]
    half = np.roll(points, n // 2, axis=1) if n % 2 == 0 or n == 1 else np.full_like(points, np.inf)
    others = np.abs(points + half).max(axis=1) > blur(mu) * np.abs(points).max(axis=1)
    first = points.argmax(axis=1)[:, None] + np.arange(n)
    return np.column_stack([-np.take_along_axis(points, first % n, axis=1), mu])[others]


def _inside(points: np.ndarray, lo: float, hi: float) -> np.ndarray | slice:
    """The rows with a point in [lo, hi]; quickly where the first points, the smallest, lie there."""
    if len(points) and lo <= points[:, 0].min() and points[:, 0].max() <= hi:
        return slice(None)
    return np.asarray(((points >= lo) & (points <= hi)).any(axis=1))


def _close(step: Map, points: np.ndarray, near: float) -> np.ndarray:
    """Which of the cycles (m, n) close, (m,): each point to six digits, or as bounds of the map at the one before it say.

    Or Newton's method would move none of their points by more than ``near``: a fixed point at 0 has no digits.
    """
    after = np.concatenate([points[:, 1:], points[:, :1]], axis=1)
    defect = images(step, points.reshape(-1, 1)).reshape(points.shape) - after
    closed = np.asarray((np.abs(defect) <= DIGITS * np.abs(after)).all(axis=1))
    rest = np.flatnonzero(~closed)
    if len(rest):
        points, after, defect = points[rest], after[rest], defect[rest]
        cells = points.reshape(-1, 1) + np.abs(points.reshape(-1, 1)) * np.array([[-UNIT, UNIT]])
        bounds = evaluate_rows(step.rule("interval:step"), cells, step.p)
        low, high = bounds.reshape(*points.shape, 2).transpose(2, 0, 1)
        sharp = high - low <= CLOSE * np.abs(points).max(axis=1, keepdims=True)
        bounded = ((low <= after) & (after <= high) & sharp).all(axis=1)
        closed[rest] = bounded | (_longest_newton_step(step, points, defect) <= near)
    return closed


def _longest_newton_step(step: Map, points: np.ndarray, defect: np.ndarray) -> np.ndarray:
    """How far Newton's method would move a point of each cycle (m, n) at most: d_{i+1} = f′(x_i) d_i + defect_i, (m,)."""
    slopes = jacobians(step, points.reshape(-1, 1)).reshape(points.shape)
    carried, mu = np.zeros(len(points)), np.ones(len(points))
    for slope, off in zip(slopes.T, defect.T, strict=True):
        carried, mu = slope * carried + off, mu * slope
    move = carried / (1 - mu)
    longest = np.abs(move)
    for slope, off in zip(slopes.T, defect.T, strict=True):
        move = slope * move + off
        longest = np.maximum(longest, np.abs(move))
    return longest


def _with_samples(step: Map, period: int, box: Interval, points: np.ndarray, mu: np.ndarray) -> Cycles:
    """Points (m, n) and multipliers (m,) with the cycles that sampling finds besides: an incomplete list is never shorter."""
    lo, hi = box
    if not math.isfinite(hi - lo) or period > LONG:
        return points, mu
    try:
        others, slopes = sampled(step, period, lo, hi, points)
    except NumericsError:
        return points, mu
    rows = np.concatenate([np.column_stack([points, mu]), np.column_stack([others, slopes])])
    return _once(rows, min(hi - lo, 1.0))
