"""Fresh processes: how long they take, cold and warm, and how much memory they need."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from measuring.peers import scratch
from measuring.timing import BenchmarkError, TooSlow

PATIENCE = 300  # seconds for one process: the longest, a first flow, takes a sixth of it
COLD, COLD_CPU, WARM, WARM_CPU = "cold (s)", "cold, processor (s)", "warm (s)", "warm, processor (s)"
MEMORY = "peak memory (MB)"

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


@dataclass(frozen=True)
class Process:
    """A process that ended well: wall time, processor time (user and system) in seconds, and its stderr."""

    seconds: float
    cpu: float
    errors: str


class Caches:
    """Folders for all that is kept between runs, empty at first, the environment that points to them, and one for results."""

    def __init__(self) -> None:
        self.out = tempfile.mkdtemp(dir=scratch())
        self.environment = self.empty()

    def empty(self) -> dict[str, str]:
        """New, empty folders from now on; returns the environment."""
        folder = Path(tempfile.mkdtemp(dir=scratch()))
        self.environment = {"CFDYN_CACHE_DIR": str(folder / "code"), "MPLCONFIGDIR": str(folder / "fonts"), "MPLBACKEND": "Agg"}
        return self.environment


def fresh(arguments: Sequence[str], environment: Mapping[str, str] | None = None, patience: float | None = None) -> Process:
    """Run a new Python process with these arguments; environment entries are added to ours.

    Raises
    ------
    BenchmarkError : it failed, or (TooSlow) took more than ``patience`` seconds
    """
    patience = patience or PATIENCE
    start, cpu = time.perf_counter(), _children_cpu()
    try:
        done = subprocess.run([sys.executable, *arguments], env={**os.environ, **(environment or {})}, capture_output=True,
                              text=True, timeout=patience)  # fmt: skip
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


def medians(ended: Iterable[Process]) -> tuple[float, float]:
    """(wall seconds, processor seconds) of some processes."""
    found = list(ended)
    return statistics.median(p.seconds for p in found), statistics.median(p.cpu for p in found)


def process_cells(
    arguments: Sequence[str], warm: int, caches: Caches | None = None, cold: int = 0, memory: bool = True, emptied: bool = True
) -> dict[str, Any]:  # fmt: skip
    """The cells of fresh processes: ``cold`` ones and ``warm`` ones, after one that is not counted, and the peak of memory.

    Parameters
    ----------
    arguments : what Python is called with, ``-c CODE`` or ``-m MODULE …``
    caches : where they keep what they have compiled; ours if None
    emptied : the caches are emptied before each cold process
    """
    cells: dict[str, Any] = {}
    if caches and cold:
        ends = [fresh(arguments, caches.empty() if emptied else caches.environment) for _ in range(cold)]
        cells[COLD], cells[COLD_CPU] = medians(ends)
    environment = caches.environment if caches else None
    fresh(arguments, environment)
    cells[WARM], cells[WARM_CPU] = medians(fresh(arguments, environment) for _ in range(warm))
    if memory:
        code = arguments[1] if arguments[0] == "-c" else command_line(arguments[1:])
        cells[MEMORY] = peak_memory(code, environment)
    return cells


def command_line(arguments: Sequence[str]) -> str:
    """Code that does what ``python -m`` with these arguments does, and then goes on."""
    return (
        f"import runpy, sys\nsys.argv = {list(arguments)!r}\n"
        f"try:\n    runpy.run_module({arguments[0]!r}, run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end:\n    assert not end.code, end.code"
    )


def peak_memory(code: str, environment: Mapping[str, str] | None = None) -> float:
    """MB that a fresh process running ``code`` needs at most, beyond a bare interpreter."""
    return _peak(code, environment) - _bare_peak()


def _peak(code: str, environment: Mapping[str, str] | None) -> float:
    errors = fresh(["-c", code + "\n" + _EPILOGUE], environment).errors
    return int(errors.rsplit("peak ", 1)[1]) / 1e6


@cache
def _bare_peak() -> float:
    return _peak("pass", None)
