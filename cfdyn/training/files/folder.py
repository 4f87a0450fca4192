"""The folder of a run: who writes in it, and what is left of a process that was killed."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cfdyn.errors import RecordError, UsageError
from cfdyn.records.files import check_leads_nowhere, folder_for_writing, not_written, settle
from cfdyn.training.config import FILE

LOCK = ".lock"
_LEFT = re.compile(r"\.[0-9a-f]{16}(\.npz|\.toml)?")


def free_folder(parent: Path) -> Path:
    """``train-001`` or the first number that is free, made."""
    folder_for_writing(parent, "; choose another")
    number = 1
    while True:
        folder = parent / f"train-{number:03d}"
        try:
            folder.mkdir()
            settle(parent)
            return folder
        except FileExistsError:
            number += 1
        except OSError as error:
            raise not_written(f"to the folder {parent}", error, "; choose another") from None


def empty_folder(folder: Path) -> Path:
    """The folder, made if need be; a UsageError if it holds a run or anything else."""
    if (folder / FILE).exists():
        raise UsageError(f"{folder} holds a run already; resume it, or choose another folder")
    folder_for_writing(folder, "; choose another")
    if any(path.name != LOCK and not _LEFT.fullmatch(path.name) for path in folder.iterdir()):
        raise UsageError(f"{folder} is not empty; a run needs a folder of its own")
    return folder


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nobody else writes in the folder; a RecordError if someone does."""
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        raise UsageError("training needs filelock: pip install 'cfdyn[networks]'") from None
    check_leads_nowhere(folder)
    lock: Any = FileLock(str(folder / LOCK))
    try:
        if (folder / LOCK).exists() and (folder / LOCK).stat().st_nlink > 1:  # the lock is emptied when it is taken
            raise RecordError(f"{folder / LOCK} is another file, too, under another name; remove it, and nothing is lost")
        lock.acquire(timeout=0)
    except Timeout:
        raise RecordError(f"another process is writing the run in {folder}; wait for it, or end it first") from None
    except OSError as error:
        raise not_written(f"to the folder {folder}", error) from None
    try:
        for path in folder.iterdir():
            if _LEFT.fullmatch(path.name):  # half of a file, of a process that was killed
                with suppress(OSError):
                    path.unlink()
        yield
    finally:
        lock.release()


@contextmanager
def between_steps() -> Iterator[Callable[[], bool]]:
    """Ctrl-C waits for the end of a step: the function tells whether it came. A second one, or one in a thread, does not."""
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)
