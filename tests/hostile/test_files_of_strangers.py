"""Whatever is in a file, opening it gives what it holds, "not valid" or the package's own error, within limits, and changes nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.files import KINDS
from tests.processes import finished

ROOT = Path(__file__).resolve().parents[2]
LONGEST = {"certificate": 120.0}  # seconds of the processor for one file; of the others 20
MOST = 800  # MB that one file may add
ERRORS = ("UsageError", "RecordError", "NumericsError", "FormulaError")

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the limits are those of Linux")


def opened(kind: str, folder: Path, *seeds: int) -> list[tuple[str, str, float, int]]:
    """What became of each file in a process of its own, in a folder where nothing may change."""
    home, files = folder / "home", folder / "files"
    home.mkdir(), files.mkdir()
    (home / "kept.txt").write_text("kept")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home)}
    done: subprocess.CompletedProcess[str] = finished([sys.executable, "-m", "tests.hostile.child", kind, files, *seeds], cwd=home, env=environment)
    assert done.returncode == 0 and "Traceback" not in done.stderr, (done.returncode, done.stderr[-2000:], done.stdout[-500:])
    assert {p.name for p in home.iterdir()} <= {"kept.txt", ".cache"} and (home / "kept.txt").read_text() == "kept"
    assert {p.name for p in folder.iterdir()} == {"home", "files"}
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def kept_within_limits(kind: str, found: list[tuple[str, str, float, int]]) -> None:
    for name, what, seconds, more in found:
        assert what in ("good", "not valid", *ERRORS), (kind, name, what)
        assert seconds < LONGEST.get(kind, 20.0) and more < MOST, (kind, name, what, seconds, more)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_made_to_harm_and_some_nearly_good_files(kind, tmp_path):
    """What the arrays of a run say is written anew where it goes on; nothing else that is made to harm is good."""
    found = opened(kind, tmp_path, 0, 12)
    kept_within_limits(kind, found)
    good = {name for name, what, *_ in found if what == "good" and not name.isdigit()}
    assert len(found) > 16 and (not good or kind == "resume" and len(good) < 20), good


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_many_nearly_good_files(kind, part, tmp_path):
    found = opened(kind, tmp_path, 1000 * part + 12, 1000 * part + 12 + (60 if kind in ("run", "resume") else 250))
    kept_within_limits(kind, found)
    assert len({what for _, what, *_ in found}) > 1, "all came out alike"
