"""Where one regime ends and the next begins: at a bifurcation of the cycle beside, or between two samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cfdyn.analysis.classify import classify
from cfdyn.analysis.continue_cycle import continue_cycle
from cfdyn.analysis.edge import edge
from cfdyn.errors import CfdynError
from cfdyn.systems.map import Map

# So many boundaries, of the widest bands, are looked into; and cycles up to this length.
MOST, LONGEST = 16, 32
# An orbit converges slowly near a bifurcation: it may lie so many distances of samples beside.
BESIDE = 4.0
NEUTRAL = 1e-9  # of a multiplier from 1
LOSSES = ("flip", "fold", "neimark-sacker", "branch point", "border collision")


def bounded(
    step: Map, parameter: str, z0: np.ndarray, values: np.ndarray, labels: np.ndarray, names: Mapping[int, str]
) -> list[tuple[float, float, str]]:
    """Runs of equal labels as (lo, hi, name)."""
    cuts = np.flatnonzero(labels[1:] != labels[:-1])
    edges = [float(values[0]), *((values[cuts] + values[cuts + 1]) / 2).tolist(), float(values[-1])]
    kinds = [int(labels[0]), *labels[cuts + 1].tolist()]
    width = [min(edges[k + 1] - edges[k], edges[k + 2] - edges[k + 1]) for k in range(len(cuts))]
    for k in sorted(range(len(cuts)), key=lambda k: -width[k])[:MOST]:
        # The bifurcation may not lie beyond the middle of either band.
        lo, hi = (edges[k] + edges[k + 1]) / 2, (edges[k + 1] + edges[k + 2]) / 2
        at = _bifurcation(step, parameter, z0, (int(cuts[k]), int(cuts[k]) + 1), values, labels, (lo, hi))
        if at is not None:
            edges[k + 1] = at
    return [(edges[i], edges[i + 1], names.get(k, f"period {k}")) for i, k in enumerate(kinds)]


def _bifurcation(
    step: Map,
    parameter: str,
    z0: np.ndarray,
    beside: tuple[int, int],
    values: np.ndarray,
    labels: np.ndarray,
    within: tuple[float, float],
) -> float | None:
    """Where the cycle on one side loses its stability near the boundary between two samples, the shorter cycle first."""
    apart = BESIDE * float(values[beside[1]] - values[beside[0]])
    lo, hi = max(within[0], float(values[beside[0]]) - apart), min(within[1], float(values[beside[1]]) + apart)
    for i in sorted(beside, key=lambda i: labels[i] if labels[i] > 0 else LONGEST + 1):
        if not 0 < labels[i] <= LONGEST:
            continue
        inner = lo if i == beside[0] else hi
        found = _loss(step.at(**{parameter: inner}), parameter, z0, int(labels[i]), (lo, hi))
        if found is not None:
            return found
    return None


def _loss(step: Map, parameter: str, z0: np.ndarray, period: int, bounds: tuple[float, float]) -> float | None:
    """The nearest parameter within the bounds at which the orbit's stable cycle bifurcates; None if it does not."""
    regime = classify(step, z0)
    if regime.period != period or not abs(regime.multipliers[0]) <= 1 + NEUTRAL:
        return None
    try:
        if period == 1 and abs(regime.multipliers[0] - 1) < NEUTRAL:
            # On a continuum of fixed points that stay, the edge of this one.
            value = edge(step, regime.points[0], step.params[parameter], parameter).value
            return value if bounds[0] <= value <= bounds[1] else None
        branch = continue_cycle(step, regime.points, parameter, bounds)
    except CfdynError:
        return None
    start = step.params[parameter]
    found = [b.parameter for b in branch.bifurcations if b.kind in LOSSES and bounds[0] <= b.parameter <= bounds[1]]
    return float(min(found, key=lambda value: abs(value - start))) if found else None
