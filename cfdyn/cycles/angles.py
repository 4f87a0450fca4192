"""Angles: where a circle is cut open, points with their angles in [0, P), and what is smooth on a circle."""

import math
from collections.abc import Iterable

import numpy as np

from cfdyn.cycles.result import SearchResult
from cfdyn.cycles.same import from_smallest
from cfdyn.systems.any_map import AnyMap
from cfdyn.systems.map import Map

# Where a circle is cut open, as parts of its period: at no place that a formula would single out; a second one if a cycle
# passes through the first.
CUTS = (-0.0954915, 0.2637321)
TRIED = 257  # places of a cut, evenly spaced, of which the one farthest from some angles is taken
BESIDE = 1e-3  # of a period: so near to a cut Newton's method meets it
ROUND_OFF = 1e-12  # of the width of a box: so near to its ends a point counts as inside


def _circles(step: AnyMap) -> list[tuple[int, float]]:
    """The entries that are angles, and their periods."""
    return [(step.names.index(name), period) for name, period in step.periodic.items()]


def opened(step: Map) -> Iterable[Map]:
    """The map with its circles cut open, at one place and then at another; the map itself where it has no angles."""
    return map(step.cut_at, CUTS) if step.periodic else (step,)


def opened_away(step: Map, points: np.ndarray) -> tuple[Map, np.ndarray]:
    """The map with its circles cut open as far as can be from the angles of some points (n, D), and the points there."""
    if not step.periodic:
        return step, points
    parts = np.stack([points[:, k] / period for k, period in _circles(step)], axis=1)
    cuts = np.linspace(CUTS[0], CUTS[0] + 1, TRIED)[:-1]
    apart = np.abs((parts[None] - cuts[:, None, None] + 0.5) % 1.0 - 0.5).min(axis=(1, 2))
    cut = float(cuts[int(np.argmax(apart))])
    moved = points.copy()
    for k, period in _circles(step):
        moved[:, k] = cut * period + np.mod(points[:, k] - cut * period, period)
    return step.cut_at(cut), moved


def at_cut(step: Map, points: np.ndarray) -> bool:
    """True if an angle of one of the points (n, D) is where its circle is cut open."""
    parts = [points[:, k] / period - step.cut for k, period in _circles(step)]
    return any(bool((np.abs((part + 0.5) % 1.0 - 0.5) < BESIDE).any()) for part in parts)


def closed(step: Map, points: np.ndarray) -> np.ndarray:
    """Points (…, D) with their angles in [0, P)."""
    result = np.array(points, dtype=float)
    for k, period in _circles(step):
        turned = np.mod(result[..., k], period)
        # What is 0 to round-off is 0, not P.
        result[..., k] = np.where(period - turned <= 1e-13 * period, 0.0, turned)
    return result


def cut_open(step: Map, region: np.ndarray) -> tuple[Map, np.ndarray]:
    """The map with its circles cut open, and a region (D, 2) that holds all of them."""
    if not step.periodic:
        return step, region
    cell = region.copy()
    for k, period in _circles(step):
        cell[k] = CUTS[0] * period, CUTS[0] * period + period
    return step.cut_at(CUTS[0]), cell


def in_box(step: Map, result: SearchResult, region: np.ndarray) -> SearchResult:
    """Those cycles with a point in the box, modulo the periods; their angles in [0, P)."""
    if not step.periodic:
        return result
    inside = np.ones(result.points.shape[:2], dtype=bool)
    for k, name in enumerate(step.names):
        (lo, hi), x = region[k].tolist(), result.points[..., k]
        slack = ROUND_OFF * (hi - lo) if np.isfinite(hi - lo) else 0.0
        if name in step.periodic and np.isfinite(lo):
            x = lo - slack + np.mod(x - lo + slack, step.periodic[name])
        inside &= (x >= lo - slack) & (x <= hi + slack)
    kept = inside.any(axis=1)
    cycles = [from_smallest(cycle) for cycle in closed(step, result.points[kept])]
    result.points, result.multipliers = np.array(cycles).reshape(-1, *result.points.shape[1:]), result.multipliers[kept]
    result.undecided = np.stack([closed(step, result.undecided[..., 0])] * 2, axis=-1) + [0, 1] * np.diff(result.undecided)
    if not step.switching:
        # The map jumps where the circle was cut open only.
        result.reason = "; ".join(words for words in result.reason.split("; ") if not words.startswith("the map jumps"))
    return result


def smooth(step: AnyMap, orbit: np.ndarray) -> np.ndarray:
    """Smooth functions of the state, (n, …): its entries, cosine and sine in place of angles."""
    if not step.periodic:
        return orbit
    circles, columns = dict(_circles(step)), list[np.ndarray]()
    for k, column in enumerate(orbit.T):
        turned = 2 * math.pi / circles[k] * column if k in circles else column
        columns += [np.cos(turned), np.sin(turned)] if k in circles else [column]
    return np.stack(columns, axis=1)
