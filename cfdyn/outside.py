"""The door for files from outside: regular files only, with limits for size, depth, entries and what is unpacked from them.

Every reader of a file that others may have written begins here. What cannot be opened is an OSError; what can be, and is not
as it should be, an `Unfit`, whose text goes on from the file's name: "x.toml is nested more than 64 deep".
"""

from __future__ import annotations

import errno
import io
import json
import math
import os
import re
import stat
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import zipfile

    import numpy as np

MB = 1_000_000
MOST_TEXT = 20 * 2**20  # bytes of settings, of a header, of a certificate
MOST_PARTS = 4_000_000  # lists, objects and their entries in JSON
MOST_ARRAYS = 2**31  # bytes
MOST_HEADER = 2**24  # bytes of the text beside arrays: four for each character
DEEPEST, MOST_DOTS, MOST_VALUES, MOST_TOML = 64, 32, 20_000, 2**20  # of TOML: its parser takes depth × depth for a key with dots
_SLICE = 2**22  # bytes at once, as many as the list of what is in a zip file may have


class Unfit(ValueError):
    """What is wrong with a file, as a predicate."""


def opened(path: str | os.PathLike) -> BinaryIO:
    """The file for reading; an OSError for a folder, a device or a pipe (which may have no end or never begin) too.

    Only what was opened is looked at, so that nobody can change it in between.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError:  # a null byte, or what no file system can spell
        raise OSError(errno.EINVAL, "no such name is possible") from None
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return open(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    raise OSError(errno.ESPIPE, "it is a device or a pipe, not a file on disk")


def content(path: str | os.PathLike, most: int = MOST_TEXT) -> bytes:
    """All bytes of a file; an Unfit where there are more than ``most``."""
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(most + 1) if size <= most else b""
    if max(size, len(data)) > most:
        raise Unfit(f"has {shown_size(max(size, len(data)))}, and at most {shown_size(most)} are read")
    return data


def shown_size(size: int) -> str:
    """In MB, or in bytes where it is less than one.

    >>> shown_size(20 * 2**20), shown_size(500)
    ('20 MB', '500 bytes')
    """
    return f"{size // MB} MB" if size >= MB else f"{size} bytes"


def unpacked(path: str | os.PathLike) -> BinaryIO:
    """A file for reading; one that ends in .gz is unpacked while it is read, no further than is asked for."""
    file = opened(path)
    if Path(path).suffix != ".gz":
        return file
    import gzip

    return gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[return-value]


def why(error: Exception) -> str:
    """The predicate of an `Unfit` or an OSError.

    >>> why(Unfit("is no JSON")), why(IsADirectoryError(21, "it is a folder"))
    ('is no JSON', 'cannot be read: it is a folder')
    """
    return str(error) if isinstance(error, Unfit) else f"cannot be read: {getattr(error, 'strerror', None) or error}"


def parsed_json(data: bytes | str, **hooks: Any) -> Any:
    """What a text in JSON says; ``hooks`` are those of ``json.loads``. A key that stands twice is an Unfit too.

    >>> parsed_json('{"a": [1, 2]}')
    {'a': [1, 2]}
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        if text.count("[") + text.count("{") + text.count(",") > MOST_PARTS:
            raise Unfit(f"has more than {MOST_PARTS} entries")
        return json.loads(text, object_pairs_hook=_object, **hooks)
    except UnicodeDecodeError:
        raise Unfit("is no text in UTF-8") from None
    except json.JSONDecodeError as problem:
        raise Unfit(f"is no JSON, or cut off: {problem.msg} at line {problem.lineno}, column {problem.colno}") from None
    except RecursionError:
        raise Unfit("is nested too deeply") from None
    except Unfit:
        raise
    except ValueError:
        raise Unfit("has a number of too many digits") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise Unfit(f"has the key {ascii(twice)[:60]} twice")
    return fields


# Texts and comments as TOML has them, and the marks outside them.
_TOML = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}' r"|'''(?:[^']++|'(?!''))*+'{3,5}" r'|"(?:[^"\\\n]++|\\.)*+"' r"|'[^'\n]*+'"
    r"|#[^\n]*+|[\[\]{}.=,\n]",
    re.DOTALL,
)  # fmt: skip


def parsed_toml(data: bytes) -> dict[str, Any]:
    """What a text in TOML says; its depth, dots and values are counted before it is parsed.

    >>> parsed_toml(b"steps = 3")
    {'steps': 3}
    """
    import tomllib

    try:
        text = data.decode("utf-8")
        _count_toml(text)
        return tomllib.loads(text)
    except UnicodeDecodeError:
        raise Unfit("is no text in UTF-8") from None
    except RecursionError:
        raise Unfit(f"is nested more than {DEEPEST} deep") from None
    except Unfit:
        raise
    except ValueError as error:
        raise Unfit(f"is no TOML file: {error}") from None


def _count_toml(text: str) -> None:
    depth = dots = values = 0
    for match in _TOML.finditer(text):
        mark = match[0]
        if mark == ".":
            dots += 1
        elif len(mark) == 1:
            dots = 0
            depth += (mark in "[{") - (mark in "]}")
            values += mark in "=,"
        if depth > DEEPEST:
            raise Unfit(f"is nested more than {DEEPEST} deep")
        if dots > MOST_DOTS:
            raise Unfit(f"has a key with more than {MOST_DOTS} dots")
        if values > MOST_VALUES:
            raise Unfit(f"has more than {MOST_VALUES} values")


class _Slices:
    """A file of which nobody reads more than a slice at once: a longer list of what is in a zip file is cut off there."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close

    def read(self, size: int = -1) -> bytes:
        """At most a slice."""
        return self._file.read(min(size, _SLICE) if size >= 0 else _SLICE)


def arrays(
    file: BinaryIO, most: int = MOST_ARRAYS, only: Collection[str] | None = None, packed: bool = True
) -> dict[str, np.ndarray]:
    """The arrays of numbers and text in an .npz file, read once it is known that they take at most ``most`` bytes.

    ``only``: these names alone. ``packed``: whether they may be compressed; if not, they are as large as the file. A pickle is
    never read. What zipfile, zlib and numpy make of a file that is cut off comes as it is.
    """
    import zipfile

    with zipfile.ZipFile(_Slices(file)) as archive:  # type: ignore[arg-type]
        entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        if len(entries) < len(archive.infolist()):
            raise Unfit("has two arrays of one name")
        chosen = {name: entry for name, entry in entries.items() if only is None or name in only}
        for name, entry in chosen.items():
            if not packed and entry.compress_type != zipfile.ZIP_STORED:
                raise Unfit("is compressed, and nothing that was written here is")
            if name == "header" and entry.file_size > MOST_HEADER + 1024:
                raise Unfit(f"has a header of {entry.file_size / 2**20:.0f} MiB; the limit is {MOST_HEADER >> 20} MiB")
        total = sum(entry.file_size for entry in chosen.values())
        if total > most:
            raise Unfit(f"would need {total / 2**30:.1f} GiB of memory; the limit is {most / 2**30:.2g} GiB")
        return {name: _array(archive, entry) for name, entry in chosen.items()}


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    """An array; refused before it is allocated where its header promises more than there is, or neither numbers nor text."""
    from numpy.lib import format as npy

    with archive.open(entry) as file:
        readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        shape, _, dtype = readers[npy.read_magic(file)](file)
        if dtype.kind not in "biufcU" or min(shape, default=0) < 0 or math.prod(shape) * max(dtype.itemsize, 1) > entry.file_size:
            raise Unfit("has an array that is shorter than its header says, or holds neither numbers nor text")
    with archive.open(entry) as file:
        array = npy.read_array(file, allow_pickle=False)
        if file.read(1):  # read to the end, where the checksum is compared
            raise Unfit("has an array that is longer than its header says")
        return array


def arrays_of(data: bytes, most: int = MOST_ARRAYS) -> dict[str, np.ndarray]:
    """As `arrays`, of the bytes of a file."""
    return arrays(io.BytesIO(data), most)
