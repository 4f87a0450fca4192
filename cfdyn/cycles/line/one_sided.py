"""Multipliers of cycles of a map of one variable through points at which it has no derivative."""

import math

import numpy as np

from cfdyn.cycles.shooting import images, jacobians
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.numerics.stability import stability
from cfdyn.systems.map import Map

BESIDE, TINY = 4e-16, 1e-290  # of its size, and at 0: so near to a border a point is on it
GROWS = 0.02  # exponent of h, from where on a power of it counts as one
FAR = 10.0 ** np.arange(-150.0, -19.0, 10.0)  # distances from 0
NEAR = 2.0 ** np.arange(3, 28, 2)  # from other numbers, in units of the last place
SAME = 1e-6  # multipliers that differ by no more, relative to their size, are one
PARTS = 64  # of an interval that is narrowed down to neighbouring numbers


def on_borders(step: Map, points: np.ndarray) -> np.ndarray:
    """True at those of some points, of any shape, at which the map changes its branch."""
    if not step.switches:
        return np.zeros(points.shape, dtype=bool)
    x = points.ravel()
    left, right = (_signs(step, x + side * (BESIDE * np.abs(x) + TINY)) for side in (-1, 1))
    return np.asarray((left != right).any(axis=1)).reshape(points.shape)


def border(step: Map, lo: float, hi: float) -> float:
    """The number in [lo, hi] where a map turns: 0, or nearest to where it changes its branch, or the middle."""
    around = lo <= 0.0 <= hi
    usual, x = (0.0, np.clip([lo, -TINY, 0.0, TINY, hi], lo, hi)) if around else ((lo + hi) / 2, np.linspace(lo, hi, PARTS + 1))
    while step.switches:
        x = np.unique(x)
        signs = _signs(step, x)
        changes = (signs[1:] != signs[:-1]).any(axis=1)
        k = int(np.argmax(changes))
        if not changes[k] or (around and abs(x[k] + x[k + 1]) <= TINY):
            return usual
        if len(x) <= PARTS and not around:
            return float(x[k + 1] if (signs[k + 1] == 0).any() else x[k])
        around, x = False, np.linspace(x[k], x[k + 1], PARTS + 1)
    return usual


def _signs(step: Map, x: np.ndarray) -> np.ndarray:
    """The signs of the switching functions at points (m,), (m, s)."""
    return np.asarray(np.sign(evaluate_rows(step.rule("switching"), x[:, None], step.p)))


def multiplier(step: Map, points: np.ndarray, rough: np.ndarray) -> float:
    """(fⁿ)′ at a cycle (n,) of which some points are rough, (n,).

    If the limits from the two sides differ it is that nearer to 1 in modulus where both tell the same of stability; else
    NaN, as where the map jumps. From a side on which the map does not exist there is none.
    """
    slopes = jacobians(step, points[:, None])[:, 0, 0]
    limits = [x for x in (_along(step, points, slopes, rough, side) for side in (1.0, -1.0)) if x is not None]
    if not limits or any(map(math.isnan, limits)):
        return math.nan
    smooth, sizes = float(np.prod(slopes)), np.abs(limits)
    if all(abs(limit - smooth) <= SAME * (1 + abs(smooth)) for limit in limits):
        return smooth
    if {stability(limit) for limit in limits} in ({True}, {False}):
        return limits[int(np.argmin(np.abs(sizes - 1)))]
    return limits[0] if all(abs(limit - limits[0]) <= SAME * sizes[0] for limit in limits) else math.nan


def _along(step: Map, points: np.ndarray, slopes: np.ndarray, rough: np.ndarray, side: float) -> float | None:
    """The one-sided multiplier; the side on which an orbit is changes where the slope is negative."""
    product = 1.0
    for x, slope, uneven in zip(points.tolist(), slopes.tolist(), rough.tolist(), strict=True):
        beside = slope_beside(step, x, side) if uneven or not math.isfinite(slope) else slope
        if beside is None:
            return None
        product, side = product * beside, -side if beside < 0 else side
    return product


def slope_beside(step: Map, x: float, side: float) -> float | None:
    """The limit of f′ at x from a side: ±∞ where it grows like a power, NaN if f jumps, None if there is nothing."""
    h = FAR if x == 0.0 else NEAR * np.spacing(abs(x))
    beside = (x + side * h)[:, None]
    rise = np.abs(images(step, beside)[:, 0] - images(step, np.array([[x]]))[0, 0])
    if not np.isfinite(rise[0]):
        return None
    if not (rise[0] <= 0.5 * rise[-1] or rise[-1] <= 1e-13 * abs(images(step, np.array([[x]]))[0, 0])):
        return math.nan
    first, last = jacobians(step, beside)[[0, -1], 0, 0].tolist()
    if first == 0.0 or last == 0.0 or not (math.isfinite(first) and math.isfinite(last)):
        return float(first)
    exponent = math.log(abs(first / last)) / math.log(h[0] / h[-1])
    return math.copysign(math.inf, first) if exponent < -GROWS else 0.0 if exponent > GROWS else float(first)
