"""`Tail`: a log of JSON Lines that is read while it grows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from cfdyn import outside
from cfdyn.errors import UsageError
from cfdyn.records.logs import Columns, aligned, timed
from cfdyn.records.tables import LARGEST
from cfdyn.words import how_many

LONGEST = 2**20  # bytes of a line


class Tail:
    """The rows of a growing file; `read` reads what was added since, and all of it if the file is another or has shrunk.

    A last line that is cut off waits for its rest. Later lines that are no JSON objects, as a run leaves one that is killed, are
    left out; the notes count them. ``gone``: whether the file was missing at the last look.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path, self.source = Path(os.path.expanduser(path)), " ".join(os.fspath(path).split())
        self.gone = False
        self._begin(None)

    def _begin(self, inode: int | None) -> None:
        self._inode, self._offset, self._rest, self._broken = inode, 0, b"", 0
        self._names: list[str] = []
        self._table = np.empty((0, 0))

    @property
    def rows(self) -> int:
        """The number of lines with a JSON object."""
        return len(self._table)

    def read(self) -> bool:
        """Take what is new; True if there are other rows than before.

        UsageError: no such file (at the first look; later it may come back), or what is in it is no JSON Lines
        """
        try:
            with outside.opened(self.path) as file:
                about = os.fstat(file.fileno())
                anew = about.st_ino != self._inode or about.st_size < self._offset
                if anew:
                    self._begin(about.st_ino)
                if about.st_size > LARGEST:
                    raise UsageError(f"{self.source} has {outside.shown_size(about.st_size)}; at most "
                                     f"{outside.shown_size(LARGEST)} are read")  # fmt: skip
                file.seek(self._offset)
                added = file.read(about.st_size - self._offset)
        except FileNotFoundError:
            if self._inode is None:
                raise UsageError(f"there is no file {self.source!r}") from None
            self.gone = True
            return False
        except OSError as error:
            raise UsageError(f"{self.source!r} {outside.why(error)}") from None
        self.gone, self._offset = False, self._offset + len(added)
        return self._take(added) or anew

    def _take(self, added: bytes) -> bool:
        """Keep the rows of the lines that are whole: no beginning of a JSON object is one itself."""
        *lines, self._rest = (self._rest + added).split(b"\n")
        rows = []
        for line in lines:
            if (row := _row(line)) is not None:
                rows.append(row)
            elif line.strip():
                self._refuse(len(self._table) + len(rows))
        if (row := _row(self._rest)) is not None:
            rows.append(row)
            self._rest = b""
        elif len(self._rest) > LONGEST or self._rest.strip()[:1] not in (b"", b"{"):
            self._refuse(len(self._table) + len(rows))
            self._rest = b""
        if rows:
            self._append(*aligned(rows), len(rows))
        return bool(rows)

    def _refuse(self, rows: int) -> None:
        """What has no row yet is no JSON Lines at all."""
        self._broken += 1
        if not rows:
            raise UsageError(f"{self.source} is no JSON Lines, a JSON object in each line, as cf.watch writes them with out=")

    def _append(self, names: list[str], table: np.ndarray, count: int) -> None:
        known = list(dict.fromkeys([*self._names, *names]))
        whole = np.full((len(self._table) + count, len(known)), np.nan)
        whole[: len(self._table), : len(self._names)] = self._table
        whole[len(self._table) :, [known.index(name) for name in names]] = table
        self._names, self._table = known, whole

    @property
    def columns(self) -> Columns:
        """All rows until now, with the clock that counts their steps."""
        found = timed(self._names, self._table)
        if not self._broken:
            return found
        left_out = f"{how_many(self._broken, 'line')} of no JSON object left out"
        return Columns(found.names, found.table, found.clock, found.at, (*found.notes, left_out))


def _row(line: bytes) -> dict | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
