"""When the share of the edge will be 1: an order of magnitude, or nothing."""

from __future__ import annotations

import math

import numpy as np

FEWEST, MOST = 4, 6  # measurements through which a line is drawn
SURE = 3.0  # standard errors of the slope above 0
FARTHEST = 2.0  # times the steps that the measurements span


def forecast(steps: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """``forecast/steps`` from now, in one digit, by the line through the last 6 measurements; {} if the share is above 1 or not
    positive, does not rise by 3 standard errors, or needs more than twice the steps that the measurements span.

    Networks of 7,690 weights needed a quarter to all of what the line said: sharpening accelerates.

    >>> steps = np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
    >>> forecast(steps, 0.5 + 0.008 * (steps - 10) + 0.003 * np.array([1, -1, 1, -1, 1, -1]))
    {'forecast/steps': 10.0}
    >>> forecast(steps, np.full(6, 0.5)), forecast(steps, 0.1 + 0.001 * steps)
    ({}, {})
    """
    steps, shares = steps[-MOST:], shares[-MOST:]
    if len(steps) < FEWEST or not 0 < shares[-1] < 1:
        return {}
    t = steps - steps.mean()
    slope = float(t @ shares) / float(t @ t)
    residual = shares - shares.mean() - slope * t
    error = math.sqrt(float(residual @ residual) / (len(t) - 2) / float(t @ t))
    at_end = float(shares.mean() + slope * t[-1])
    if not slope > SURE * error or at_end >= 1:
        return {}
    left = (1 - at_end) / slope
    return {"forecast/steps": float(f"{left:.0e}")} if left <= FARTHEST * (steps[-1] - steps[0]) else {}
