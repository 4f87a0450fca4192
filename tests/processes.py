"""Other processes in tests, and the only place that looks at a clock on the wall: it ends what hangs, and says nothing else.

How long something takes is told in seconds of the processor, or in work that is counted: the machine may be busy.
"""

from __future__ import annotations

import re
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, AnyStr

from cfdyn.machine.shelf import directory

HANG = 900.0  # seconds
PROGRESS = re.compile(r"\[\d[\w ]*?(?:, about [\w ]+ left)?\] (?P<words>.*)")  # a line of it


def finished(command: Sequence[Any], **options: Any) -> subprocess.CompletedProcess[str]:
    """A command run to its end, with what it wrote."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=HANG, **options)


def sentences(stderr: AnyStr) -> AnyStr:
    """What a program said on stderr, without lines of progress: these come where it takes longer than two seconds."""
    text = stderr if isinstance(stderr, str) else stderr.decode("latin-1")
    kept = "".join(line for line in text.splitlines(keepends=True) if not PROGRESS.fullmatch(line.rstrip("\n")))
    return kept if isinstance(stderr, str) else kept.encode("latin-1")


def kernels_until_now(folder: Path) -> None:
    """A cache that begins with what was compiled in tests before: not with what another process is about to compile."""
    kept = directory()
    for entry in kept.glob("kernels-*/*.bin") if kept else ():
        (folder / entry.parent.name).mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(OSError):  # it was given up
            if content := entry.read_bytes():
                (folder / entry.parent.name / entry.name).write_bytes(content)
                (folder / entry.parent.name / entry.name).chmod(0o600)  # whatever the umask is


def ended(process: subprocess.Popen) -> tuple[Any, Any]:
    """What a process wrote until its end."""
    return process.communicate(timeout=HANG)


def status(process: subprocess.Popen) -> int:
    """Its status, once it has ended."""
    return process.wait(timeout=HANG)


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    last = time.monotonic() + HANG
    while not condition():
        assert time.monotonic() < last, "it never came"
        time.sleep(0.05)


def used() -> float:
    """Seconds of the processor of all processes begun here that have ended."""
    return float(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]))
