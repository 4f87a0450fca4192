"""Half-written files and helping processes, which must not outlive a process that ends at once."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

PATIENCE = 0.25  # seconds for helpers to remove files of their own
_files: dict[str, bool] = {}
_ended: list[bool] = []
_helpers: list[subprocess.Popen[Any]] = []


def temporary(folder: str | os.PathLike, suffix: str = "", mode: int = 0o600) -> tuple[int, str]:
    """A new file, open, and its path, else an OSError: gone with this process unless it is finished."""
    path = os.path.join(folder, f".{os.urandom(8).hex()}{suffix}")
    begin(path)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode), path


def begin(path: str | os.PathLike, keep: bool = False) -> None:
    """A file is about to be written; ``keep``: it goes only if it is empty."""
    _files[os.fspath(path)] = keep


def finish(path: str | os.PathLike) -> None:
    """It is whole, or gone."""
    _files.pop(os.fspath(path), None)


def ended() -> bool:
    """True once `drop` has begun: what another thread writes is taken away from it."""
    return bool(_ended)


def helper(module: str, *arguments: str, **streams: Any) -> subprocess.Popen[Any]:
    """A process that runs a module of this package, with a pipe to its stdin, or an OSError; it ends when that is closed."""
    import subprocess

    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path}, **streams,
    )  # fmt: skip
    _helpers[:] = [other for other in _helpers if other.returncode is None] + [process]
    return process


def drop() -> None:
    """End the helpers and remove the files: the last thing that a process does."""
    _ended.append(True)
    running = [process for process in _helpers if process.returncode is None]
    for process in running:
        with suppress(OSError, ValueError):
            if process.stdin is not None:
                os.close(process.stdin.fileno())  # without its lock, which another thread may hold
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last and any(process.poll() is None for process in running):
        time.sleep(0.01)
    for process in running:
        with suppress(OSError):
            process.kill()
    for path, keep in [*_files.items()]:
        with suppress(OSError):
            if not keep or os.path.getsize(path) == 0:
                os.unlink(path)
