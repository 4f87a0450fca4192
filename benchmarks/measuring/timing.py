"""Times that can be compared: medians of processor time after a warm-up, competitors in turn."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

REPEATS = 7  # rounds: enough for a median that one slow moment does not move
SHORTEST = 2e-3  # seconds: a shorter call is timed in a loop, since the clock counts in microseconds
UNITS = {"s": 1.0, "ms": 1e3, "µs": 1e6, "ns": 1e9}

Call = Callable[[], object]
Name = TypeVar("Name", bound=Hashable)


class BenchmarkError(Exception):
    """A benchmark could not be measured, or its competitors do not do the same work."""


class TooSlow(BenchmarkError):
    """A fresh process was stopped before it had ended."""


@dataclass(frozen=True)
class Timing:
    """Processor seconds for one call: the median of ``repeats``, the fastest and the slowest."""

    median: float
    least: float
    most: float
    repeats: int


def measure(call: Call, repeats: int = REPEATS) -> Timing:
    """Time one function alone."""
    timing = interleaved({"": call}, repeats)[""]
    assert timing is not None
    return timing


def interleaved(calls: Mapping[Name, Call | None], repeats: int = REPEATS) -> dict[Name, Timing | None]:
    """Time competitors round by round, so that a slow moment of the machine meets all of them.

    Each is called once before (compiled, its caches filled). None stands for one that was not found.
    """
    found = {name: call for name, call in calls.items() if call is not None}
    loops = {name: _loops(call) for name, call in found.items()}
    samples: dict[Name, list[float]] = {name: [] for name in found}
    for _ in range(repeats):
        for name, call in found.items():
            if loops[name] > 1:
                call()  # the one before has left the processor's caches full of its own
            samples[name].append(_seconds(call, loops[name]))
    return {name: _summary(samples[name]) if name in samples else None for name in calls}


def _summary(samples: list[float]) -> Timing:
    return Timing(statistics.median(samples), min(samples), max(samples), len(samples))


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
    times = interleaved(calls, repeats)
    spent = {name: None if timing is None else timing.median * UNITS[unit] / work / (less or {}).get(name, 1.0)
             for name, timing in times.items()}  # fmt: skip
    cells: dict[str, Any] = {label.format(name=name, unit=unit): value for name, value in spent.items()}
    return cells | {f"{name} ÷ cfdyn": ratio(value, spent["cfdyn"]) for name, value in spent.items() if name != "cfdyn"}


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The slope of the straight line through the points in the log-log plot (1 is linear, 0 does not grow)."""
    return statistics.linear_regression([math.log(n) for n in sizes], [math.log(s) for s in seconds]).slope
