"""Requirements on what is to be followed: bounds, steps, and that it fits into memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cfdyn.arguments import number, whole_number
from cfdyn.errors import UsageError, shown
from cfdyn.systems.map import Map, require_parameter

MOST_BYTES = 2**31  # of all rows of a branch or curve
WIDEST = 1e100  # so that squares of lengths can be formed


def check_steps(max_steps: int, max_step: float) -> None:
    """Refuse what is no number of steps, or no length of one."""
    whole_number("`max_steps`", max_steps, 1)
    if not 0 < number("`max_step`", max_step) <= 1:
        raise UsageError(f"`max_step` is a number in (0, 1], not {max_step!r}")


def check_memory(row: int, most_steps: int, what: str) -> None:
    """Refuse rows of so many numbers where they would not fit."""
    size = min(8 * most_steps * row, 2**90)
    if size > MOST_BYTES:
        fits = int(MOST_BYTES // (8 * row))
        advice = f"`max_steps={fits}`, or a shorter period" if fits else "a shorter period"
        raise UsageError(f"{most_steps} {what} need up to {size / 2**30:.1f} GiB; the limit is {MOST_BYTES // 2**30} GiB: "
                         f"ask for {advice}")  # fmt: skip


def checked_bounds(step: Map, parameter: str, bounds: Sequence[float]) -> tuple[float, float]:
    """The interval of a parameter that exists, checked."""
    require_parameter(step, parameter)
    try:
        lo, hi = np.asarray(bounds, dtype=float).reshape(2).tolist()
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"bounds are two numbers (lo, hi) of {parameter}, not {shown(bounds)}") from None
    if not (np.isfinite([lo, hi]).all() and lo < hi):
        raise UsageError(f"bounds of {parameter} are finite with lo < hi, not {lo:g} to {hi:g}")
    if hi - lo > WIDEST:
        raise UsageError(f"bounds of {parameter} are at most {WIDEST:g} apart, not {lo:g} to {hi:g}")
    for inside in (lo + 1e-9 * (hi - lo), hi - 1e-9 * (hi - lo)):
        # A value that the optimizer does not allow, such as a negative learning rate, is refused here.
        step.at(**{parameter: inside})
    return lo, hi
