"""Files that are written whole or not at all."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cfdyn.errors import CfdynError, NumericsError, UsageError
from cfdyn.machine import unfinished

FULL = (errno.ENOSPC, errno.EDQUOT)  # of an error of the system: the disk is full, or what this user may have of it
_STREAMS = ("/dev/fd/", "/dev/std", "/proc/")  # names of open files, which must be written into and not replaced


def as_path(path: Any) -> Path:
    """The path that a user named; a UsageError for anything else."""
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise UsageError(f"a file is named by its path, not by {path!r:.60}")
    return Path(path)


@contextmanager
def written_whole(path: str | os.PathLike) -> Iterator[str]:
    """A temporary file that takes the place of ``path`` once the block has ended well, and else is gone; errors: `not_written`.

    A link is followed. A file that is there keeps its mode; a new one gets what the umask allows. Into a device or a pipe
    the content is written.

    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "words.txt"
    >>> with written_whole(path) as temporary:
    ...     _ = Path(temporary).write_text("whole")
    >>> path.read_text()
    'whole'
    """
    path = as_path(path)
    try:
        there = _status(path)
        with _poured(path) if _is_stream(path, there) else _replacing(path, there) as temporary:
            yield temporary
    except OSError as error:
        raise not_written(path, error) from None


@contextmanager
def _replacing(path: Path, there: os.stat_result | None) -> Iterator[str]:
    target = Path(os.path.realpath(path))
    if there and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is protected against writing")
    handle, temporary = unfinished.temporary(target.parent, path.suffix.lower(), 0o600 if there else 0o666)
    os.close(handle)
    try:
        yield temporary
        if there:
            with suppress(OSError, AttributeError):  # another user's, for whom only root can write
                os.chown(temporary, there.st_uid, there.st_gid)
            os.chmod(temporary, stat.S_IMODE(there.st_mode))
        os.replace(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        unfinished.finish(temporary)


@contextmanager
def _poured(path: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        temporary = os.path.join(folder, f"whole{path.suffix.lower()}")
        Path(temporary).touch()
        yield temporary
        with open(temporary, "rb") as content, open(os.open(path, os.O_WRONLY | os.O_TRUNC), "wb") as stream:
            shutil.copyfileobj(content, stream)


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _is_stream(path: Path, there: os.stat_result | None) -> bool:
    return there is not None and (not stat.S_ISREG(there.st_mode) or str(path).startswith(_STREAMS))


def can_write(path: Path) -> bool:
    """True if `written_whole` can write there, as far as one can tell before."""
    try:
        there = _status(path)
    except OSError:
        return False
    if there and (stat.S_ISDIR(there.st_mode) or not os.access(path, os.W_OK)):
        return False
    folder = Path(os.path.realpath(path)).parent
    return _is_stream(path, there) or folder.is_dir() and os.access(folder, os.W_OK)


def not_written(where: str | Path, error: OSError, advice: str = "") -> CfdynError:
    """A NumericsError where the disk is full, so that the same command may do later; else a UsageError, with the advice.

    >>> [not_written("x.npz", OSError(code, os.strerror(code))) for code in (errno.ENOSPC, errno.EACCES)]
    [NumericsError('cannot write x.npz: No space left on device'), UsageError('cannot write x.npz: Permission denied')]
    """
    words = f"cannot write {where}: {error.strerror or error}"
    return NumericsError(words) if error.errno in FULL else UsageError(f"{words}{advice}")


def folder_for_writing(folder: Path, advice: str = "") -> Path:
    """The folder, made if need be; `not_written` with the advice if it cannot be made or written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise not_written(f"to the folder {folder}", error, advice) from None
