"""Files that are written completely or not at all."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cfdyn.errors import CfdynError, NumericsError, RecordError, UsageError
from cfdyn.machine import unfinished

FULL = (errno.ENOSPC, errno.EDQUOT)  # of an error of the system: the disk is full, or what this user may have of it
_STREAMS = ("/dev/fd/", "/dev/std", "/proc/")  # names of open files, which must be written into and not replaced


def as_path(path: Any) -> Path:
    """The path that a user named; a UsageError for anything else."""
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise UsageError(f"a file is named by its path, not by {path!r:.60}")
    return Path(path)


@contextmanager
def written_whole(path: str | os.PathLike, follow: bool = True) -> Iterator[str]:
    """A temporary file that replaces ``path`` if the block succeeds, and is removed otherwise; errors: `not_written`.

    After the block the new content is on disk, even if the power fails; before, the old content is. A link is followed, and the
    content is written into a device or a pipe, unless ``follow`` is false: then a name that the user did not give, in a folder
    that may be a stranger's, is replaced. An existing file keeps its mode; a new one gets what the umask allows.

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
        there = _status(path, follow)
        if not follow:
            there = there if there and stat.S_ISREG(there.st_mode) else None
        with _poured(path) if follow and _is_stream(path, there) else _replacing(path, there, follow) as temporary:
            yield temporary
    except OSError as error:
        raise not_written(path, error) from None


@contextmanager
def _replacing(path: Path, there: os.stat_result | None, follow: bool) -> Iterator[str]:
    target = Path(os.path.realpath(path)) if follow else path
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
        settle(temporary)
        os.replace(temporary, target)
        settle(target.parent)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        unfinished.finish(temporary)


def settle(path: str | os.PathLike) -> None:
    """Make the content of a file, or the names in a folder, survive a power cut from here on; an OSError if that fails."""
    folder = os.path.isdir(path)
    if folder and os.name == "nt":  # where no program can
        return
    handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError as error:
        if not (folder and error.errno in (errno.EINVAL, errno.ENOTSUP)):  # a file system that knows no such thing of folders
            raise
    finally:
        os.close(handle)


@contextmanager
def _poured(path: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        temporary = os.path.join(folder, f"whole{path.suffix.lower()}")
        Path(temporary).touch()
        yield temporary
        with open(temporary, "rb") as content, open(os.open(path, os.O_WRONLY | os.O_TRUNC), "wb") as stream:
            shutil.copyfileobj(content, stream)


def _status(path: Path, follow: bool = True) -> os.stat_result | None:
    try:
        return os.stat(path, follow_symlinks=follow)
    except FileNotFoundError:
        return None


def _is_stream(path: Path, there: os.stat_result | None) -> bool:
    return there is not None and (not stat.S_ISREG(there.st_mode) or str(path).startswith(_STREAMS))


def can_write(path: Path) -> bool:
    """True if `written_whole` can write there, as far as that can be determined beforehand."""
    try:
        there = _status(path)
    except OSError:
        return False
    if there and (stat.S_ISDIR(there.st_mode) or not os.access(path, os.W_OK)):
        return False
    folder = Path(os.path.realpath(path)).parent
    return _is_stream(path, there) or folder.is_dir() and os.access(folder, os.W_OK)


def not_written(where: str | Path, error: OSError, advice: str = "") -> CfdynError:
    """A NumericsError if the disk is full, so that the same command may succeed later; otherwise a UsageError, with the advice.

    >>> [not_written("x.npz", OSError(code, os.strerror(code))) for code in (errno.ENOSPC, errno.EACCES)]
    [NumericsError('cannot write x.npz: No space left on device'), UsageError('cannot write x.npz: Permission denied')]
    """
    words = f"cannot write {where}: {error.strerror or error}"
    return NumericsError(words) if error.errno in FULL else UsageError(f"{words}{advice}")


def folder_for_writing(folder: Path, advice: str = "") -> Path:
    """The folder, created if necessary; `not_written` with the advice if it cannot be created or written."""
    try:
        made(folder)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise not_written(f"to the folder {folder}", error, advice) from None


def made(folder: Path) -> None:
    """Create the folder, and those above it, so that they survive a power cut; an OSError if that fails."""
    if not folder.is_dir():
        made(folder.parent)
        folder.mkdir(exist_ok=True)
        settle(folder.parent)


def check_leads_nowhere(folder: Path) -> None:
    """Raise RecordError if anything in a folder that a stranger may have made is a link, a device or a pipe."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    check_leads_nowhere(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False) and os.path.lexists(entry.path):
                    what = "a link" if entry.is_symlink() else "a device or a pipe"
                    raise RecordError(f"{entry.path} is {what}, which is not followed: a run's own files lie in its folder")
    except FileNotFoundError:  # the process that writes there has done away with it
        pass
    except OSError as error:
        raise RecordError(f"{folder} cannot be read: {error.strerror or error}") from None
