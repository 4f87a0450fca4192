"""Half-written files and helping processes, which must not outlive a process that ends at once."""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import subprocess

PATIENCE = 0.25  # seconds for helpers to remove files of their own
_files: dict[str, bool] = {}
_ended: list[bool] = []
_helpers: list[subprocess.Popen[Any]] = []
_said: WeakKeyDictionary[subprocess.Popen[Any], _Said] = WeakKeyDictionary()
LAST = 4096  # bytes that are kept of what a helper says


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


class _Said(threading.Thread):
    """Reads what a helper writes to stderr, and keeps the end of it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._source, self.target = os.pipe()
        self.last = b""

    def run(self) -> None:
        with open(self._source, "rb", buffering=0) as source:
            while part := source.read(LAST):
                self.last = (self.last + part)[-LAST:]


def helper(module: str, *arguments: str, **streams: Any) -> subprocess.Popen[Any]:
    """A process that runs a module of this package, with a pipe to its stdin, or an OSError; it ends when that is closed.

    No other process of Python is started here: it imports nothing from the folder where the user is.
    """
    import subprocess

    said = _Said()
    said.start()
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments], stdin=subprocess.PIPE, stderr=said.target, env=_environment(),
            **streams,
        )  # fmt: skip
    finally:
        os.close(said.target)
    _said[process] = said
    _helpers[:] = [other for other in _helpers if other.returncode is None] + [process]
    return process


def _environment() -> dict[str, str]:
    """Of a helper and of what it starts: they find this package, and what PYTHONPATH names but for the folder where we are."""
    import site

    root = str(Path(__file__).resolve().parents[2])
    # An empty entry, as in PYTHONPATH=$PYTHONPATH:/more where there was none, is the folder where we are.
    named = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.normpath(entry) != os.curdir]
    path = [os.path.abspath(entry) for entry in named]
    if root not in (*site.getsitepackages(), site.getusersitepackages()):  # those come after the standard library
        path.insert(0, root)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONSAFEPATH": "1"}


def last_words(process: Any) -> str:
    """The last line that a helper which has ended wrote to stderr, such as the message of an exception; "" if there is none."""
    said = _said.get(process)
    if said is None:
        return ""
    said.join(PATIENCE)  # not forever: what it has started may hold its stderr
    return next(filter(None, map(str.strip, reversed(said.last.decode(errors="replace").splitlines()))), "")


def how_it_ended(process: Any) -> str:
    """The status of a helper that has ended, and its last words."""
    return f"ended with status {process.wait()}" + (f": {words}" if (words := last_words(process)) else "")


def warn_of(process: Any) -> None:
    """Say that a helper which makes this one faster has ended, and why."""
    warnings.warn(f"a worker process {how_it_ended(process)}; this process continues without it", RuntimeWarning, stacklevel=3)


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
