"""No test looks at a clock on the wall, or gives a process a time of its own: all of that is in `tests.processes`."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
CLOCK = re.compile(r"\b(?:perf_counter|monotonic)(?:_ns)?\(|\btime\.time(?:_ns)?\(|\bdatetime\.now\(|\btimeout *=|\.(?:wait|join)\(\d")


def test_only_one_file_looks_at_the_clock():
    found = [f"{path.relative_to(HERE)}:{number}: {line.strip()}"
             for path in sorted(HERE.rglob("*.py")) if path.name not in ("processes.py", "test_clocks.py")
             for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if CLOCK.search(line)]  # fmt: skip
    assert not found, "\n".join(found)


def test_what_reads_a_clock_is_seen():
    for line in ("begin = time.monotonic()", "perf_counter()", "run(command, timeout=5)", "worker.wait(20)", "time.time() - 1"):
        assert CLOCK.search(line), line
    for line in ("time.process_time()", "monotone(x)", "time.sleep(1)", "timeouts", "thread.join()"):
        assert not CLOCK.search(line), line
