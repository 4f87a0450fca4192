"""Times that can be compared: medians of processor time after a warm-up, competitors in turn."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

REPEATS = 7  # rounds: enough for a median that one slow moment does not move
SHORTEST = 2e-3  # seconds: a shorter call is timed in a loop, since the clock counts in microseconds
LONG = 1.0  # seconds: a call that takes as long is not made once more before it is timed
UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6, "ns": 1e9}

Call = Callable[[], object]


class BenchmarkError(Exception):
    """A benchmark could not be measured, or its competitors do not do the same work."""


class TooSlow(BenchmarkError):
    """A fresh process was stopped before it had ended."""


def measure(call: Call, repeats: int = REPEATS) -> float:
    """Processor seconds of one function alone, the median."""
    return interleaved({"": call}, repeats)[""]


def interleaved(calls: Mapping[Any, Call | None], repeats: int = REPEATS) -> dict[Any, Any]:
    """Median processor seconds of competitors, timed round by round, so that a slow moment of the machine meets all of them.

    Each is called once before (compiled), and, if that is short, each time (its caches filled, its memory at hand). One that
    was not found, None, has None.
    """
    found = {name: call for name, call in calls.items() if call is not None}
    loops = {name: _loops(call) for name, call in found.items()}
    samples: dict[Any, list[float]] = {name: [] for name in found}
    for _ in range(repeats):
        for name, call in found.items():
            if not samples[name] or samples[name][-1] < LONG:
                call()  # the one before has left caches, and memory to take again, as it needs them
            samples[name].append(_seconds(call, loops[name]))
    return {name: statistics.median(samples[name]) if name in samples else None for name in calls}


def least(calls: Mapping[str, Call], repeats: int) -> dict[str, float]:
    """The least processor seconds of competitors, timed in turn: what a machine that others use disturbs least."""
    spent = dict.fromkeys(calls, math.inf)
    for call in calls.values():
        call()
    for _ in range(repeats):
        for name, call in calls.items():
            spent[name] = min(spent[name], _seconds(call, 1))
    return spent


def _loops(call: Call) -> int:
    """Warm up, and say how many calls make one sample."""
    call()
    once = _seconds(call, 1)
    if once < SHORTEST:
        once = min(once, _seconds(call, 10))
    return 1 if once >= SHORTEST else int(SHORTEST / max(once, 1e-7)) + 1


def _seconds(call: Call, loops: int) -> float:
    """Processor time of all threads: unlike wall time, it does not count the turns of other processes."""
    start = time.process_time()
    for _ in range(loops):
        call()
    return (time.process_time() - start) / loops


def ratio(other: float | None, ours: float | None) -> float | None:
    """How many times faster than the other we are; None without one of them."""
    return None if other is None or ours is None else other / ours


def race(
    calls: Mapping[str, Call | None], repeats: int, unit: str, work: float = 1.0, less: Mapping[str, float] | None = None,
    label: str = "{name} ({unit})",
) -> dict[str, Any]:  # fmt: skip
    """The cells of competitors timed in turn: the time of each for one piece of work, and how many times that of cfdyn it is.

    Parameters
    ----------
    unit : one of `UNITS`
    work : pieces of work in one call (steps, problems)
    less : the part of them that slow competitors are given
    label : how the cells of times are called
    """
    spent = {name: seconds and seconds * UNITS[unit] / work / (less or {}).get(name, 1.0)
             for name, seconds in interleaved(calls, repeats).items()}  # fmt: skip
    cells: dict[str, Any] = {label.format(name=name, unit=unit): value for name, value in spent.items()}
    return cells | {f"{name} ÷ cfdyn": ratio(value, spent["cfdyn"]) for name, value in spent.items() if name != "cfdyn"}


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The slope of the straight line through the points in the log-log plot (1 is linear, 0 does not grow)."""
    return statistics.linear_regression([math.log(n) for n in sizes], [math.log(s) for s in seconds]).slope
