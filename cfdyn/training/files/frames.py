"""The files of a run's arrays, looked at before Zarr reads them: regular ones, with chunks no larger than a run writes."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cfdyn import outside

MOST_CHUNK = 2**20  # numbers: some times what a run puts into a file
MOST_DIRECTIONS = 3  # of an array
PACKED = 100  # bytes of an array for each one on disk, where it is larger than any file may be
ZSTD = 0xFD2FB528  # the number with which a frame begins
CODECS = (["bytes", "zstd"], ["bytes", "zstd", "crc32c"])  # of earlier versions, and of this one


def check(folder: Path, rows: int | None) -> None:
    """An array's folder; an `outside.Unfit` or an OSError where reading its first rows would take what no run has."""
    shape, chunk = _told(outside.parsed_json(outside.content(folder / "zarr.json", outside.MOST_TOML)))
    if not 0 < math.prod(chunk) <= MOST_CHUNK or len(chunk) != len(shape) or len(shape) > MOST_DIRECTIONS:
        raise outside.Unfit(f"has chunks of the shape {chunk} in an array of the shape {shape}")
    on_disk = 0
    for path in _files(folder / "c", len(shape)):
        with outside.opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            unpacked = frame_size(file.read(18))
        if unpacked is None or unpacked > 8 * math.prod(chunk) or size > 9 * math.prod(chunk) + 1024:
            raise outside.Unfit(f"has a chunk {path.name} that is none of this array")
        on_disk += size
    size = 8 * math.prod([min(shape[0], shape[0] if rows is None else rows), *shape[1:]])
    if size > max(outside.MOST_ARRAYS, PACKED * on_disk):
        raise outside.Unfit(f"would need {size / 2**30:.1f} GiB of memory, and {on_disk / 2**20:.1f} MiB are there")


def _told(columns: Any) -> tuple[list[int], list[int]]:
    """The shapes of the array and of a chunk."""
    try:
        codecs = [codec["name"] for codec in columns["codecs"]]
        shape, chunk = columns["shape"], columns["chunk_grid"]["configuration"]["chunk_shape"]
        plain = columns["data_type"] == "float64" and not columns.get("storage_transformers")
        if codecs in CODECS and plain and all(type(n) is int and 0 <= n < 2**40 for n in [*shape, *chunk]) and shape:
            return shape, chunk
    except (KeyError, TypeError, AttributeError):
        pass
    raise outside.Unfit("is no array as a run writes them")


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """Those of the chunks, c/1/0/0; links to folders are not followed."""
    if not os.path.isdir(folder) or os.path.islink(folder):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                raise outside.Unfit(f"has a link, {entry.name}, where a file belongs")
            if entry.name.startswith(".") or not entry.name.isdecimal():
                continue  # what is being written
            if depth > 1:
                yield from _files(Path(entry.path), depth - 1)
            else:
                yield Path(entry.path)


def frame_size(head: bytes) -> int | None:
    """How much a frame of zstd unpacks to, as its first bytes say (RFC 8878, 3.1.1.1); None where they do not."""
    if len(head) < 6 or int.from_bytes(head[:4], "little") != ZSTD:
        return None
    flag, single, dictionary = head[4] >> 6, head[4] >> 5 & 1, (0, 1, 2, 4)[head[4] & 3]
    length = (single, 2, 4, 8)[flag]
    start = 5 + (1 - single) + dictionary
    if not length or len(head) < start + length:
        return None
    return int.from_bytes(head[start : start + length], "little") + (256 if length == 2 else 0)
