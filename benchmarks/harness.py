"""Measure fairly: medians after a warm-up, competitors in turn, fresh processes for cold starts and memory.

Nothing is installed. A peer or a compiler that is missing gives None, which the tables show as "not found".
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import importlib.util
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

REPEATS = 7
SHORTEST = 2e-3  # seconds: a shorter call is timed in a loop
FLAGS = ("-O3", "-march=native", "-ffp-contract=off")
PATIENCE = 300  # seconds for one fresh process

Call = Callable[[], object]


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


def summary(samples: list[float]) -> Timing:
    """The median and the extremes of a list of seconds."""
    return Timing(statistics.median(samples), min(samples), max(samples), len(samples))


def measure(call: Call, repeats: int = REPEATS) -> Timing:
    """Time one function alone."""
    timing = interleaved({"": call}, repeats)[""]
    assert timing is not None
    return timing


def interleaved(calls: Mapping[str, Call | None], repeats: int = REPEATS) -> dict[str, Timing | None]:
    """Time competitors round by round, so that a slow moment of the machine meets all of them.

    Each is called once before (compiled, its caches filled). None stands for one that was not found.
    """
    found = {name: call for name, call in calls.items() if call is not None}
    loops = {name: _loops(call) for name, call in found.items()}
    samples: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(repeats):
        for name, call in found.items():
            if loops[name] > 1:
                call()  # the one before has left the processor's caches full of its own
            samples[name].append(_seconds(call, loops[name]))
    return {name: summary(samples[name]) if name in samples else None for name in calls}


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


def per_step(timing: Timing | None, steps: int) -> float | None:
    """Nanoseconds per step, or None where the competitor was not found."""
    return None if timing is None else timing.median / steps * 1e9


def ratio(other: float | None, ours: float | None) -> float | None:
    """How many times faster than the other we are; None without one of them."""
    return None if other is None or ours is None else other / ours


# Fresh processes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Process:
    """A process that ended well: wall time, processor time (user and system) in seconds, and its stderr."""

    seconds: float
    cpu: float
    errors: str


def fresh(arguments: list[str], environment: Mapping[str, str] | None = None, patience: float = PATIENCE) -> Process:
    """Run a new Python process with these arguments; environment entries are added to ours.

    Raises
    ------
    BenchmarkError : it failed, or (TooSlow) took more than ``patience`` seconds
    """
    command = [sys.executable, *arguments]
    start, cpu = time.perf_counter(), _children_cpu()
    try:
        done = subprocess.run(
            command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, timeout=patience
        )
    except subprocess.TimeoutExpired:
        raise TooSlow(f"{' '.join(arguments)} took more than {patience:g} s") from None
    seconds, cpu = time.perf_counter() - start, _children_cpu() - cpu
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BenchmarkError(f"{' '.join(arguments)} ended with status {done.returncode}: {last}")
    return Process(seconds, cpu, done.stderr)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def fresh_timing(
    arguments: list[str], prepare: Callable[[], Mapping[str, str] | None], repeats: int
) -> tuple[float, float]:
    """Medians (wall seconds, processor seconds) of new processes, each in the environment that prepare() gives."""
    ends = [fresh(arguments, prepare()) for _ in range(repeats)]
    return statistics.median(end.seconds for end in ends), statistics.median(end.cpu for end in ends)


# ru_maxrss survives fork and exec on Linux: a child would report the size of its parent. VmHWM does not.
_EPILOGUE = """
import resource as _resource, sys as _sys
try:
    with open("/proc/self/status") as _file:
        _peak = next(int(_line.split()[1]) for _line in _file if _line.startswith("VmHWM")) * 1024
except (OSError, StopIteration):
    _peak = _resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss * (1 if _sys.platform == "darwin" else 1024)
_sys.stderr.write(f"\\npeak {_peak}\\n")
"""


def peak_memory(code: str, environment: Mapping[str, str] | None = None) -> float:
    """MB that a fresh process running ``code`` needs at most, beyond a bare interpreter."""
    return _peak(code, environment) - _bare_peak()


def _peak(code: str, environment: Mapping[str, str] | None) -> float:
    errors = fresh(["-c", code + "\n" + _EPILOGUE], environment).errors
    return int(errors.rsplit("peak ", 1)[1]) / 1e6


@cache
def _bare_peak() -> float:
    return _peak("pass", None)


def command_line(arguments: list[str]) -> str:
    """Code that does what ``python -m`` with these arguments does, and then goes on."""
    return (
        f"import runpy, sys\nsys.argv = {arguments!r}\n"
        f"try:\n    runpy.run_module({arguments[0]!r}, run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end:\n    assert not end.code, end.code"
    )


# Competitors ---------------------------------------------------------------------------------------------------


def peer(name: str) -> ModuleType | None:
    """A module to be measured against, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def installed(name: str) -> bool:
    """Whether a module can be imported, without importing it: for peers that get a process of their own."""
    return importlib.util.find_spec(name) is not None


def compiler() -> str | None:
    """The C compiler of this machine."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


@cache
def scratch() -> Path:
    """A folder that is gone when the process ends."""
    folder = tempfile.mkdtemp(prefix="cfdyn-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def compile_c(source: str) -> ctypes.CDLL | None:
    """A few lines of C, compiled now and loaded; None without a compiler.

    Raises
    ------
    BenchmarkError : there is a compiler and it refuses the source
    """
    program = compiler()
    if program is None:
        return None
    number = len(list(scratch().glob("*.c")))
    text, library = scratch() / f"code{number}.c", scratch() / f"code{number}.so"
    text.write_text(source, encoding="utf-8")
    command = [program, *FLAGS, "-shared", "-fPIC", str(text), "-o", str(library), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchmarkError(f"{' '.join(command)} failed: {done.stderr.strip()[:500]}")
    return ctypes.CDLL(str(library))


def c_function(library: ctypes.CDLL | None, name: str, result: Any, *arguments: Any) -> Callable | None:
    """A function of a compiled library with its types, or None without one."""
    if library is None:
        return None
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


def progress(text: str) -> None:
    """A line about what is going on, to stderr."""
    print(text, file=sys.stderr, flush=True)
