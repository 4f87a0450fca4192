"""Files kept between runs: checksummed, in a private folder, written whole, never trusted when damaged.

Formulas (how they were read), rules (object code), kernels (what numba compiled) and first weights of networks each have a shelf.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import re
import stat
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cfdyn.errors import UsageError
from cfdyn.machine import unfinished

LIMIT = 500 * 2**20  # bytes that are kept, unless the user says otherwise
_SHELF = re.compile(r"([a-z]+)-[0-9a-f]{20}")
_AS_IT_IS = sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
_DAY = 86_400  # seconds; when an entry was of use is written no oftener, for each writing costs
PATIENCE = 60.0  # seconds to wait for another process


@functools.cache
def directory() -> Path | None:
    """The private folder, or None (with one warning) if there is none to be had.

    ``$CFDYN_CACHE_DIR``, else what the system has for it: ``$XDG_CACHE_HOME/cfdyn`` or ``~/.cache/cfdyn`` on Linux; mode 0700.
    Its files are executed when loaded, so a folder that others own or may write to is refused.
    """
    chosen = os.environ.get("CFDYN_CACHE_DIR")
    try:
        if not chosen:
            from platformdirs import user_cache_dir

            chosen = user_cache_dir("cfdyn", appauthor=False)
        path = Path(chosen).absolute()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
        if hasattr(os, "getuid") and status.st_uid != os.getuid():
            return refuse(f"{path} belongs to another user")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return refuse(f"others may write to {path}")
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"0" * 65536)
            probe.flush()
    except (OSError, RuntimeError) as error:
        return refuse(f"{path} cannot be written ({error})")
    return path


_said: list[str] = []


def refuse(reason: str) -> Path | None:
    """No folder; says once that compiled code is kept in memory only, and why."""
    if not _said and not unfinished.ended():
        _said.append(reason)
        warnings.warn(f"compiled code is not kept between runs: {reason}", RuntimeWarning, stacklevel=2)
    return None


class Shelf:
    """The entries of one kind and one version of what makes them, each a checksum and its content."""

    def __init__(self, kind: str, version: str):
        self.kind, self.version = kind, version

    def name(self, key: str, prefix: str = "") -> str:
        """Where an entry is in the folder of all shelves."""
        return f"{self.kind}-{self.version}/{prefix}{hashlib.sha256(_bytes(key)).hexdigest()[:32]}.bin"

    def _path(self, key: str, prefix: str) -> Path | None:
        folder = directory()
        return folder and folder / self.name(key, prefix)

    def read(self, key: str, prefix: str = "") -> bytes | None:
        """The content, or None where there is none, or it is damaged, or another user may have written it."""
        path = self._path(key, prefix)
        try:
            return opened(key, _own(path)) if path else None
        except OSError:
            return None

    def write(self, key: str, content: bytes, prefix: str = "") -> None:
        """Keep it: a whole file or none, with one warning where the disk refuses."""
        path = self._path(key, prefix)
        if path and _write_atomically(path, _seal(key, content) + content):
            _keep_the_limit()

    def _all(self, prefix: str) -> Iterator[Path]:
        folder = directory()
        return folder.glob(f"{self.kind}-{self.version}/{prefix}*.bin") if folder else iter(())

    def holds_some(self, prefix: str) -> bool:
        """True if there is any entry with that prefix."""
        return any(True for _ in self._all(prefix))

    def remove(self, prefix: str) -> None:
        """Forget all entries with that prefix."""
        for path in self._all(prefix):
            path.unlink(missing_ok=True)

    def claim(self, key: str, prefix: str = "") -> Claim:
        """The right to make an entry, once no other process is about to make it; look again then, it may be there."""
        return Claim(self._path(key, prefix))


# Not filelock's: a fork first stops its locks, then waits here for a thread that compiles, which waits for such a lock;
# and to import it early enough costs each start 16 ms.
class Claim:
    """A lock on the file of an entry, empty where there was none; it ends with `release` or with the process.

    After a minute of waiting, and where files cannot be locked, it is none.
    """

    def __init__(self, path: Path | None):
        self.path, self.handle = path, -1
        with suppress(ImportError, OSError):  # not on this system, or not in this folder
            import fcntl

            if path is None:
                return
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished.begin(path, keep=True)
            self.handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            last = time.monotonic() + PATIENCE
            while time.monotonic() < last:
                with suppress(BlockingIOError):
                    return fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                time.sleep(0.01)

    def release(self) -> None:
        """For others to go on; an entry that was not made leaves no file."""
        if self.handle < 0 or self.path is None:
            return
        with suppress(OSError):
            if os.fstat(self.handle).st_size == 0 and self.path.stat().st_size == 0:
                self.path.unlink()
            import fcntl

            fcntl.flock(self.handle, fcntl.LOCK_UN)  # a process that was forked meanwhile has the handle, too
        os.close(self.handle)
        self.handle = -1
        unfinished.finish(self.path)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _seal(key: str, content: bytes) -> bytes:
    """The checksum of an entry, which also tells it from one that was put in its place."""
    return hashlib.sha256(_bytes(key) + b"\0" + content).digest()


def opened(key: str, blob: bytes) -> bytes | None:
    """The content of a file of a shelf, or None if it is not whole or not this key's."""
    return blob[32:] if _seal(key, blob[32:]) == blob[:32] else None


def _own(path: Path) -> bytes:
    """What is in a file that nobody but this user can have written, for it may be executed; an OSError for any other."""
    with open(os.open(path, os.O_RDONLY | _AS_IT_IS), "rb") as file:
        status = os.fstat(file.fileno())
        others = hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))
        if others or not stat.S_ISREG(status.st_mode):
            raise PermissionError
        # When it was last of use, to the day: the limit drops what has not been for longest.
        if time.time() - status.st_mtime > _DAY:
            os.utime(path)
        return file.read()


# Without fsync: what a power cut leaves of an entry has another checksum, and is made again, like one that was dropped.
def _write_atomically(path: Path, blob: bytes) -> bool:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = unfinished.temporary(path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(blob)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        unfinished.finish(temporary)
    except OSError as error:
        refuse(f"{path.parent} cannot be written ({error})")
        return False
    return True


def entries() -> Iterator[tuple[str, Path, os.stat_result]]:
    """(kind, file, its status) of everything that is kept, also by other versions; strangers' files are none of it."""
    folder = directory()
    for path in sorted(folder.glob("*-*/*")) if folder else ():
        kind = _SHELF.fullmatch(path.parent.name)
        try:
            status = path.lstat()
        except OSError:  # another process has dropped it
            continue
        if kind and stat.S_ISREG(status.st_mode) and path.suffix == ".bin":
            yield kind[1], path, status


def usage() -> dict[str, tuple[int, int]]:
    """For each kind: how many entries, and their bytes."""
    sizes: dict[str, tuple[int, int]] = {}
    for kind, _, status in entries():
        count, size = sizes.get(kind, (0, 0))
        sizes[kind] = count + 1, size + status.st_size
    return sizes


def limit() -> int:
    """The most bytes that are kept: 500 MiB, or what `set_limit` said."""
    folder = directory()
    try:
        return int((folder / "limit").read_text()) if folder else LIMIT
    except (OSError, ValueError):
        return LIMIT


def set_limit(size: int) -> int:
    """Keep at most so many bytes from now on, else a UsageError: negative, or no folder; returns how many entries had to go."""
    folder = directory()
    if folder is None or size < 0:
        raise UsageError("nothing is kept here" if folder is None else f"a limit must not be negative, not {size}")
    if not _write_atomically(folder / "limit", str(size).encode()):
        raise UsageError(f"{folder} cannot be written")
    return drop(size)


def drop(size: int = 0) -> int:
    """Remove what was not used for longest until at most so many bytes are left; returns how many entries went."""
    oldest = sorted(entries(), key=lambda entry: entry[2].st_mtime)
    total, gone = sum(status.st_size for _, _, status in oldest), 0
    for _, path, status in oldest:
        if total <= size:
            break
        try:
            path.unlink(missing_ok=True)
        except OSError:
            continue
        total, gone = total - status.st_size, gone + 1
    return gone


_writes = itertools.count()


def _keep_the_limit() -> None:
    """Looked at with the first entry that a process writes, and with every 256th."""
    if next(_writes) % 256 == 0 and sum(status.st_size for _, _, status in entries()) > limit():
        drop(9 * limit() // 10)
