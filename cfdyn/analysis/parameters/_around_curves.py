"""Attractors between bifurcation curves: orbits from near the cycles of the nearest curves, and from random starts around
them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cfdyn.analysis.bifurcations._curve import BifurcationCurve
from cfdyn.cycles.shooting import polish
from cfdyn.errors import UsageError
from cfdyn.settling.attractors import attractors
from cfdyn.systems.map import Map

NO_MAP = "no such map"
NEAREST, RANDOM = 2, 6  # curves of each period whose cycles orbits start beside; starts in each of two boxes: for each sample
ASIDE, WIDER = 1e-3, 0.25  # of the size of the cycles: how far beside them; how much wider than them a box is, on each side
TINY, SMALL = 1e-6, 1.0  # of the size of the cycles; what is taken for it where it is less than that
MERGED = 1e-4  # relative to the size of a curve's cycles: closer points are identified


def attractors_near(
    step: Map, curves: Sequence[BifurcationCurve], box: np.ndarray, place: np.ndarray, generator: np.random.Generator
) -> list[str]:
    """The attractors, in words, at two values ``place`` of the parameters of curves within the bounds ``box`` (2, 2)."""
    try:
        step = step.at(**{name: float(value) for name, value in zip(curves[0].names, place, strict=True)})
    except UsageError:  # as for a momentum beyond 1
        return [NO_MAP]
    near = _nearest(curves, np.ptp(box, axis=1), place)
    cycles = [_there(step, curve, row) for curve, row in near]
    every, weights = np.concatenate([*cycles, *(curve.points[row] for curve, row in near)]), step.n_weights or step.dim
    low, high = every.min(axis=0), every.max(axis=0)
    size, most = high - low, float(np.abs(every).max())
    size[size <= TINY * most] = most if most > TINY else SMALL
    # A symmetry may have mirrored the cycles.
    starts = [way * cycle[0] + ASIDE * size * generator.uniform(-1, 1, step.dim) for cycle in cycles for way in (1, -1)]
    # Around them, and as far out on all sides of 0, where their mirror images are.
    far = (1 + WIDER) * np.maximum(np.maximum(np.abs(low), np.abs(high)), size)
    for bottom, top in RANDOM * ((low - WIDER * size, high + WIDER * size), (-far, far)):
        starts.append(step.state((bottom + (top - bottom) * generator.uniform(size=step.dim))[:weights]))
    return attractors(step, starts)


def _nearest(curves: Sequence[BifurcationCurve], widths: np.ndarray, place: np.ndarray) -> list[tuple[BifurcationCurve, int]]:
    """The nearest curves of each period, with their rows nearest to two values of the parameters."""
    nearest: dict[int, list[tuple[float, int, BifurcationCurve]]] = {}
    for curve in curves:
        away = np.linalg.norm((curve.parameters - place) / widths, axis=1)
        row = int(np.argmin(away))
        nearest.setdefault(curve.period, []).append((float(away[row]), row, curve))
    return [(curve, row) for near in nearest.values() for _, row, curve in sorted(near, key=lambda one: one[0])[:NEAREST]]


def _there(step: Map, curve: BifurcationCurve, row: int) -> np.ndarray:
    """The cycle (n, D) of a row, continued to the map's own parameters if it still exists there."""
    with np.errstate(all="ignore"):
        cycle = polish(step, curve.points[row])
    # For a cycle that bifurcates from a shorter one, Newton's method may find the latter.
    widths = [float(np.ptp(points, axis=0).max()) for points in (cycle, curve.points[row]) if points is not None]
    return curve.points[row] if cycle is None or widths[0] < MERGED * widths[1] else cycle
