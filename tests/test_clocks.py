"""No test looks at a clock on the wall, or gives a process a time of its own: all of that is in `tests.processes`.

Nor does one count or compare all that a process said on stderr, where a slow one says how far it is: but its `sentences`.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.processes import sentences

HERE = Path(__file__).parent
CLOCK = re.compile(r"\b(?:perf_counter|monotonic)(?:_ns)?\(|\btime\.time(?:_ns)?\(|\bdatetime\.now\(|\btimeout *=|\.(?:wait|join)\(\d")
WHOLE = re.compile(r"(?<!sentences\()\b\w+\.stderr(?:[,)]* *==|\.(?:count|split|splitlines)\(|(?:, \w+(?:\.\w+)*)*\) ==)")


def lines_with(what, *free):
    """The lines of all tests in which this is found, but for some files."""
    return [f"{path.relative_to(HERE)}:{number}: {line.strip()}"
            for path in sorted(HERE.rglob("*.py")) if path.name not in ("test_clocks.py", *free)
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if what.search(line)]  # fmt: skip


def test_only_one_file_looks_at_the_clock():
    found = lines_with(CLOCK, "processes.py")
    assert not found, "\n".join(found)


def test_no_test_takes_progress_for_what_was_said():
    found = lines_with(WHOLE, "test_progress.py")  # which is about these lines
    assert not found, "\n".join(found)


def test_what_takes_progress_for_what_was_said_is_seen():
    for line in ('done.stderr == ""', "done.stderr.count(b'x')", '(done.returncode, done.stderr) == (0, "")',
                 "done.stderr.splitlines()[-1]", "(a.stdout, a.stderr, a.returncode) == b"):  # fmt: skip
        assert WHOLE.search(line), line
    for line in ('sentences(done.stderr) == ""', "(0, sentences(done.stderr)) == b", "'x' in done.stderr", "assert a == 0, done.stderr"):
        assert not WHOLE.search(line), line


def test_sentences_are_what_is_no_progress():
    said = "[2 s] list: preparing\n[1 min 2 s, about 3 s of this stage left] [0, 1]\ncfdyn: [1] no\n[x] y\n"
    assert sentences(said) == "cfdyn: [1] no\n[x] y\n" and sentences(b"[2 s] a\n\xff\n") == b"\xff\n"


def test_what_reads_a_clock_is_seen():
    for line in ("begin = time.monotonic()", "perf_counter()", "run(command, timeout=5)", "worker.wait(20)", "time.time() - 1"):
        assert CLOCK.search(line), line
    for line in ("time.process_time()", "monotone(x)", "time.sleep(1)", "timeouts", "thread.join()"):
        assert not CLOCK.search(line), line
