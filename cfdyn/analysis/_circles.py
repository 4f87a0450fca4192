"""Angles in the analyses: where a circle is cut open, what is smooth on it, and angles that were not declared."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from cfdyn.systems import Map

# Where a circle is cut open, as parts of its period: at no place that a formula would single out; a second one if a cycle
# passes through the first.
CUTS = (-0.0954915, 0.2637321)
# Periods that angles usually have, and what they are called.
USUAL = {"1": 1.0, "2*pi": 2 * math.pi, "pi": math.pi, "360": 360.0}
SAME, FAR = 1e-9, 8.0


def opened(step: Map) -> Iterable[Map]:
    """The map with its circles cut open, at one place and then at another; the map itself where it has no angles."""
    return map(step.cut_at, CUTS) if step.periodic else (step,)


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
    """What to do about an entry that has drifted off while the map repeats in it; nothing where there is none."""
    here = step(z)
    for k, name in enumerate(step.names):
        for words, period in USUAL.items():
            shift = np.zeros(step.dim)
            shift[k] = period
            moved = step(z + shift) - here - shift
            other = np.abs(np.delete(moved, k)).max(initial=0.0)
            if abs(z[k]) > FAR * period and max(abs(moved[k]), other) <= SAME * (1 + abs(z[k])):
                return (f"; {name} drifts, and the map repeats in it with the period {words}: declare it an angle, with "
                        f"periodic={{{name!r}: {words}}} or --periodic {name}={words}")  # fmt: skip
    return ""
