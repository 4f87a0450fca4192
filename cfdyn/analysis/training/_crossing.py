"""Whether the step along the leading direction grew beyond the edge as the share predicts, and what took the share there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

SHARE, PREDICTED, STEP = "edge/share", "edge/growth", "bounce/step"  # of a watch
CURVATURE, SCALE = "edge/by_curvature", "edge/by_scale"
AS_PREDICTED = (0.5, 1.5)  # of the growth per step that the share predicts
ROWS, FEW, FOLD = 5, 3, 1.0  # steps of a growth; fewer are enough if it is predicted to be e-fold
LOOSE = 0.3  # a standard error of the part beyond which it says nothing
ROUGH = 0.25  # of a rise, that its parts may lack
RECENT = 50  # measurements, among which the lowest share is where the rise of the share began


class Growth(NamedTuple):
    """Of the step along the leading direction: ``part``, its growth over the predicted one, with its standard ``error``, in
    ``rows`` steps for which ln |ρ| adds up to ``predicted``."""

    part: float
    error: float
    rows: int
    predicted: float

    @property
    def as_predicted(self) -> bool:
        """0.5 to 1.5 of what the share predicts, in enough steps."""
        enough = self.rows >= (FEW if self.predicted >= FOLD else ROWS)
        return enough and self.error <= LOOSE and AS_PREDICTED[0] <= self.part <= AS_PREDICTED[1]


class Parts(NamedTuple):
    """Of the rise of the share from ``low`` to ``high``: ln(high/low) and what curvature and scale made of it."""

    low: float
    high: float
    steps: float
    curvature: float
    scale: float

    @property
    def total(self) -> float:
        """The logarithm of the factor."""
        return float(np.log(self.high / self.low))

    @property
    def add_up(self) -> bool:
        """Whether the two make the rise within a quarter; where the direction turned they do not."""
        return abs(self.curvature + self.scale - self.total) <= ROUGH * self.total


def held(series: np.ndarray) -> np.ndarray:
    """Each row with the last finite entry until then."""
    known = np.isfinite(series)
    last = np.maximum.accumulate(np.where(known, np.arange(len(series)), -1))
    return np.where(last >= 0, series[np.maximum(last, 0)], np.nan)


def beyond_since(share: np.ndarray, row: int) -> int | None:
    """The row since which the last measured share has been above 1, until ``row``; None if it is not."""
    over = held(share[: row + 1]) > 1
    if not len(over) or not over[-1]:
        return None
    below = np.flatnonzero(~over)
    return int(below[-1]) + 1 if len(below) else 0


def growth(at: np.ndarray, others: Mapping[str, np.ndarray], since: int, peak: int) -> Growth | None:
    """By regression of ln |b_t − b_{t−1}|, b the steps along the leading direction, on the sum of ln |ρ| until then.

    The difference of two steps has no part of a slow drift. Where the bounce was not followed a new line begins, with the same
    slope. None if no three rows are left.
    """
    if STEP not in others or PREDICTED not in others:
        return None
    step, rate = others[STEP], held(others[PREDICTED])
    rows = np.arange(since + 1, peak + 1)
    rows = rows[(rows > 0) & (at[rows] - at[rows - 1] == 1)]
    change = np.abs(step[rows] - step[rows - 1])
    kept = np.isfinite(change) & (change > 0) & np.isfinite(rate[rows - 1])
    if kept.sum() < FEW:
        return None
    rows, y = rows[kept], np.log(change[kept])
    end = int(np.argmax(y)) + 1
    rows, y = rows[:end], y[:end]
    x = np.cumsum(rate[rows - 1])
    line = np.cumsum(np.concatenate([[0], (np.diff(rows) > 1).astype(int)]))
    for one in range(line[-1] + 1):
        x[line == one] -= x[line == one].mean()
        y[line == one] -= y[line == one].mean()
    square, free = float(x @ x), len(x) - int(line[-1]) - 2
    if free < 1 or not square > 0:
        return None
    part = float(x @ y) / square
    error = float(np.sqrt(((y - part * x) ** 2).sum() / free / square))
    return Growth(part, error, len(x), float(rate[rows - 1].sum()))


def parts(at: np.ndarray, others: Mapping[str, np.ndarray], high: int, within: float | None = None) -> Parts | None:
    """What took the share to that of row ``high``, since its lowest of the last 50 measurements, or ``within`` so many steps."""
    if SHARE not in others or CURVATURE not in others or SCALE not in others:
        return None
    share = others[SHARE]
    measured = np.flatnonzero(np.isfinite(share[: high + 1]))[-RECENT:]
    if within is not None:
        measured = measured[at[measured] >= at[high] - within]
    if len(measured) < 2:
        return None
    low = int(measured[np.argmin(share[measured])])
    between = measured[measured > low]
    if not len(between) or not share[low] > 0:
        return None
    sums = [float(np.nansum(others[name][between])) for name in (CURVATURE, SCALE)]
    return Parts(float(share[low]), float(share[between[-1]]), float(at[between[-1]] - at[low]), *sums)
