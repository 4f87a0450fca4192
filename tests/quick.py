"""What a change is held against while one works on it: ``python -m tests.quick [ROOM …]``, a minute of tests.

Style, layers, types, then the tests of the rooms named, or of those with files touched since the last commit: first the files
that share their name with one that was touched. What the minute has no time for is told.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MOST = 60.0  # seconds of processor time of the tests, with that of processes that have ended
ELSEWHERE = {"data": "contract", "losses": "contract", "optimizers": "contract", "numerics": "continuation", "series": "analysis"}
CHECKS = (
    ("-m", "ruff", "check"),
    ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-logo"),
    ("-m", "pytest", "-q", "tests/test_layers.py", "-k", "circle or rooms_inside"),
    ("-m", "mypy"),
)


def used() -> float:
    """Seconds of processor time so far, of this process and of its children."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def touched() -> list[Path]:
    """Files that differ from the last commit, new ones too; of a clean tree those of the last commit."""
    def told(command: str) -> list[str]:
        return subprocess.run(command.split(), cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    names = told("git diff --name-only HEAD") + told("git ls-files --others --exclude-standard")
    return [Path(name) for name in names or told("git diff --name-only HEAD~1")]


def tests_of(files: list[Path], rooms: list[str]) -> list[str]:
    """Test files of the rooms, those named like a file that was touched first."""
    rooms = rooms or [file.parts[1] for file in files if len(file.parts) > 2 and file.parts[0] in ("cfdyn", "tests")]
    rooms = sorted({ELSEWHERE.get(room, room) for room in rooms})
    stems = {file.stem.removeprefix("test_") for file in files}
    found = [path for room in rooms for path in sorted((ROOT / "tests" / room).rglob("test_*.py"))]
    own = [str(file) for file in files if file.parts[0] == "tests" and file.name.startswith("test_") and (ROOT / file).exists()]
    near = sorted(found, key=lambda path: not any(stem in path.stem for stem in stems))
    return list(dict.fromkeys([*own, *(str(path.relative_to(ROOT)) for path in near)]))


class Minute:
    """Of pytest: the tests that are begun before the processor time is used up."""

    def __init__(self) -> None:
        self.done = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.session, self.all, self.end = session, len(session.items), used() + MOST

    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        if used() > self.end:
            item.session.shouldstop = f"the minute is over: {self.done} of {self.all} tests were run"
        else:
            self.done += 1

    @property
    def status(self) -> int:
        """1 where a test failed; that the minute was over is no failure."""
        return int(self.session.testsfailed > 0)


def main(rooms: list[str]) -> int:
    unknown = [room for room in rooms if not (ROOT / "tests" / ELSEWHERE.get(room, room)).is_dir()]
    if unknown:
        print(f"there is no room {unknown[0]}: ARCHITECTURE.md names them", file=sys.stderr)
        return 2
    os.chdir(ROOT)
    for arguments in CHECKS:
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
        if done.returncode:
            print(done.stdout, done.stderr, sep="\n")
            return 1
    print(f"style, layers and types are as they should be ({used():.0f} s of processor time)")
    files = tests_of(touched(), rooms)
    if not files:
        print("no room was touched: name one (make quick ROOM=certify)")
        return 0
    minute = Minute()
    status = pytest.main(["-q", "--failed-first", "--assert=plain", *files], plugins=[minute])
    return minute.status if status in (pytest.ExitCode.OK, pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED) else int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
