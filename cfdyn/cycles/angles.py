"""Angles in the analyses: where a circle is cut open, what is smooth on it, and angles that were not declared."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from cfdyn.cycles.found import Found
from cfdyn.systems.map import Map

# Where a circle is cut open, as parts of its period: at no place that a formula would single out; a second one if a cycle
# passes through the first.
CUTS = (-0.0954915, 0.2637321)
# Periods that angles usually have, and what they are called.
USUAL = {"1": 1.0, "2*pi": 2 * math.pi, "pi": math.pi, "360": 360.0}
SAME, FAR = 1e-9, 8.0
PLACES = (-1.6180340, -0.3819660, 0.1458980, 0.7639320)  # near 0, as parts of a period
BESIDE = 1e-3  # of a period: so near to a cut Newton's method meets it


def opened(step: Map) -> Iterable[Map]:
    """The map with its circles cut open, at one place and then at another; the map itself where it has no angles."""
    return map(step.cut_at, CUTS) if step.periodic else (step,)


def opened_away(step: Map, points: np.ndarray) -> tuple[Map, np.ndarray]:
    """The map with its circles cut open as far as can be from the angles of some points (n, D), and the points there."""
    if not step.periodic:
        return step, points
    parts = np.stack([points[:, step.names.index(name)] / period for name, period in step.periodic.items()], axis=1)
    cuts = np.linspace(CUTS[0], CUTS[0] + 1, 257)[:-1]
    apart = np.abs((parts[None] - cuts[:, None, None] + 0.5) % 1.0 - 0.5).min(axis=(1, 2))
    cut = float(cuts[int(np.argmax(apart))])
    moved = points.copy()
    for name, period in step.periodic.items():
        k = step.names.index(name)
        moved[:, k] = cut * period + np.mod(points[:, k] - cut * period, period)
    return step.cut_at(cut), moved


def at_cut(step: Map, points: np.ndarray) -> bool:
    """Whether the angle of one of the points is where its circle is cut open."""
    parts = [points[:, step.names.index(name)] / period - step.cut for name, period in step.periodic.items()]
    return any(bool((np.abs((part + 0.5) % 1.0 - 0.5) < BESIDE).any()) for part in parts)


def closed(step: Map, points: np.ndarray) -> np.ndarray:
    """Points (…, D) with their angles in [0, P)."""
    result = np.array(points, dtype=float)
    for name, period in step.periodic.items():
        k = step.names.index(name)
        turned = np.mod(result[..., k], period)
        # What is 0 to round-off is 0, not P.
        result[..., k] = np.where(period - turned <= 1e-13 * period, 0.0, turned)
    return result


def at_home(step: Map, found: Any) -> Any:
    """A record whose points are in [0, P)."""
    return replace(found, points=closed(step, found.points)) if step.periodic else found


def cut_open(step: Map, region: np.ndarray) -> tuple[Map, np.ndarray]:
    """The map with its circles cut open, and a region (D, 2) that holds all of them."""
    if not step.periodic:
        return step, region
    cell = region.copy()
    for name, period in step.periodic.items():
        cell[step.names.index(name)] = CUTS[0] * period, CUTS[0] * period + period
    return step.cut_at(CUTS[0]), cell


def in_box(step: Map, found: Found, region: np.ndarray) -> Found:
    """Those cycles with a point in the box, modulo the periods; their angles in [0, P)."""
    if not step.periodic:
        return found
    inside = np.ones(found.points.shape[:2], dtype=bool)
    for k, name in enumerate(step.names):
        (lo, hi), x = region[k].tolist(), found.points[..., k]
        slack = 1e-12 * (hi - lo) if np.isfinite(hi - lo) else 0.0
        if name in step.periodic and np.isfinite(lo):
            x = lo - slack + np.mod(x - lo + slack, step.periodic[name])
        inside &= (x >= lo - slack) & (x <= hi + slack)
    kept = inside.any(axis=1)
    points = [np.roll(c, -int(np.lexsort(c.T[::-1])[0]), axis=0) for c in closed(step, found.points[kept])]
    found.points, found.multipliers = np.array(points).reshape(-1, *found.points.shape[1:]), found.multipliers[kept]
    if found.undecided is not None:
        found.undecided = np.stack([closed(step, found.undecided[..., 0])] * 2, axis=-1) + [0, 1] * np.diff(found.undecided)
    if not step.switching:
        # The map jumps where the circle was cut open only.
        notes = found.reason.split("; ")
        found.reason = "; ".join(note for note in notes if not note.startswith("the map jumps"))
    return found


def smooth(step: Map, orbit: np.ndarray) -> np.ndarray:
    """Smooth functions of the state, (n, …): its entries, cosine and sine in place of angles."""
    if not step.periodic:
        return orbit
    columns = []
    for k, name in enumerate(step.names):
        if name in step.periodic:
            turns = 2 * math.pi / step.periodic[name] * orbit[:, k]
            columns += [np.cos(turns), np.sin(turns)]
        else:
            columns.append(orbit[:, k])
    return np.stack(columns, axis=1)


def hint(step: Map, z: np.ndarray) -> str:
    """What to do about an entry that seems to be an angle and was not declared as one; nothing where there is none.

    It has drifted off while the map repeats in it, or a map with branches comes back to the same value a period on.
    """
    for k, name in enumerate(step.names):
        for words, period in USUAL.items() if name not in step.periodic else ():
            turns = abs(z[k]) > FAR * period
            wraps = step.switching and abs(z[k]) <= period
            if (turns or wraps) and _repeats(step, z, k, period, float(turns)):
                what = f"{name} drifts, and the map repeats in it" if turns else f"the map brings {name} back"
                return (f"; {what} with the period {words}: declare it an angle, with "
                        f"`periodic={{{name!r}: {words}}}`")  # fmt: skip
    return ""


def _repeats(step: Map, z: np.ndarray, k: int, period: float, turns: float) -> bool:
    """Whether a period more in the entry k makes so many turns more of its image: here, and near 0.

    Far out many a map is almost a shift, such as x − 1/x, and repeats with any period.
    """
    for part in (z[k] / period, *PLACES):
        here, beyond = z.copy(), z.copy()
        here[k], beyond[k] = part * period, part * period + period
        moved = step(beyond) - step(here)
        moved[k] -= turns * period
        if not np.abs(moved).max() <= SAME * (1 + abs(here[k])):
            return False
    return True
