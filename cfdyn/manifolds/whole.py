"""Both halves of a manifold at all points of its cycle, and why they end and what else belongs to the set, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.cycles.shooting import jacobians
from cfdyn.errors import UsageError
from cfdyn.manifolds._kernels import growth
from cfdyn.manifolds.arm import Arm, Limits
from cfdyn.manifolds.series import STABLE, UNSTABLE, Series, series_at
from cfdyn.systems.map import Map
from cfdyn.words import named

KINDS = (UNSTABLE, STABLE)
MOST = 200_000  # points of each half
LENGTHS = 10.0  # of the box's widths, as far as a manifold is grown if nothing is said
PROBES = 4096  # points of the box and of the curve at which det Df is looked at
FOLDED = 1e-3  # of the usual size of det Df: beside the end of a branch of the inverse
BIG = 1e150


@dataclass(frozen=True)
class Grown:
    """The halves of a manifold, in the order of the cycle's points, the side of increasing s first.

    ``tables``: rows s, x of each; ``ends``: why each ends, in words; ``beyond``: what else belongs to the set, in words.
    """

    series: Series
    arms: list[Arm]
    tables: list[np.ndarray]
    ends: list[str]
    beyond: str


def limits_of(step: Map, box: Any, length: Any, most: int = MOST) -> Limits:
    """How far to grow: a box [(lo, hi), …], a length in it, or both.

    UsageError: neither of them, or one that is none
    """
    if step.periodic:
        raise UsageError("manifolds of maps with angles are not computed; omit `periodic`, and the curve is drawn unrolled")
    if step.dim < 2:
        raise UsageError("in one variable a manifold is an interval: `crises` follows critical orbits instead")
    if box is None and length is None:
        raise UsageError("a manifold is grown to a length or in a box: give `length`, `box` or both")
    region = np.tile([-np.inf, np.inf], (step.dim, 1)) if box is None else _box(step, box)
    if length is None:
        length = LENGTHS * float((region[:, 1] - region[:, 0]).sum())
    if not number("a length", length, finite=True) > 0:
        raise UsageError(f"a length is a positive number, not {length:g}")
    most = whole_number("the number of points", most, 10, 20_000_000)
    return Limits(region, float(length), most)


def _box(step: Map, box: Sequence[tuple[float, float]]) -> np.ndarray:
    try:
        region = np.array(box, dtype=float)
    except (TypeError, ValueError):
        region = np.empty(0)
    if region.shape != (step.dim, 2) or not np.isfinite(region).all() or not (region[:, 0] < region[:, 1]).all():
        raise UsageError(
            f"a box is a list of finite intervals (lo, hi), lo < hi, one for each of {', '.join(step.names)}, not {box!r}"
        )
    return region


def grown(step: Map, cycle: np.ndarray, kind: str, limits: Limits, told: Callable[[], None] = lambda: None) -> Grown:
    """The stable or the unstable manifold of a cycle (n, D); ``told`` is called after each half.

    NumericsError: see `series_at`
    """
    series = series_at(step, cycle, kind)
    arms = [Arm(series, place, side, limits.unit) for place in range(len(series.points)) for side in (1, -1)]
    tables, ends = [], []
    for arm in arms:
        table, status = arm.grown(limits)
        tables.append(table)
        ends.append(_end(step, kind, table, status, limits))
        told()
    return Grown(series, arms, tables, ends, _beyond(step, kind, tables, limits))


def _end(step: Map, kind: str, table: np.ndarray, status: int, limits: Limits) -> str:
    """Why a half ends, in words."""
    at = named(step.names, table[-1, 1:], 4)
    if status == growth.LONG_ENOUGH:
        return f"length {limits.length:g} reached"
    if status == growth.FULL:
        return f"{limits.most} points used up"
    if status == growth.AWAY:
        return f"moves away from the box by more than {limits.far:g} times its width"
    if status == growth.SETTLED:
        return f"{'ends on' if kind == UNSTABLE else 'comes from'} a cycle at {at}"
    if kind == STABLE and _folded(step, table):
        return f"the branch of the inverse ends at {at}: det Df = 0 there"
    if np.abs(table[-1, 1:]).max() > BIG:
        return "goes to infinity"
    return f"cannot be followed beyond {at}: the map jumps or ends there, or the curve turns within round-off"


def _folded(step: Map, table: np.ndarray) -> bool:
    """Whether an orbit from near the end of a half comes by a zero of det Df."""
    z, sizes = table[-1, 1:], np.abs(_determinants(step, table[:: max(1, len(table) // PROBES), 1:]))
    for _ in range(200):
        if abs(_determinants(step, z[None])[0]) <= FOLDED * np.nanmedian(sizes):
            return True
        z = step.rule("step")(z, step.p)
        if not np.isfinite(z).all() or np.abs(z).max() > BIG:
            break
    return False


def _determinants(step: Map, points: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.linalg.det(jacobians(step, np.ascontiguousarray(points)))


def _beyond(step: Map, kind: str, tables: list[np.ndarray], limits: Limits) -> str:
    """What belongs to a stable set besides the curve: where det Df changes its sign, points have several preimages."""
    if kind == UNSTABLE:
        return ""
    points = np.concatenate([table[:: max(1, len(table) // PROBES), 1:] for table in tables])
    if np.isfinite(limits.box).all():
        share = np.random.default_rng(0).random((PROBES, step.dim))
        points = np.concatenate([points, limits.box[:, 0] + share * (limits.box[:, 1] - limits.box[:, 0])])
    signs = np.sign(_determinants(step, points))
    if (signs > 0).any() and (signs < 0).any():
        return (
            "the map is not invertible (det Df changes its sign): only the piece connected to the cycle is drawn; there "
            "are more preimages"
        )
    return ""
