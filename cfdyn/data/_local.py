"""Data sets that are too large to come with a package: files of their publishers in a folder of the user."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cfdyn import outside
from cfdyn.errors import UsageError

VARIABLE = "CFDYN_DATA_DIR"
PARTS = ("train", "test")
MOST = 2**28  # bytes of a file, unpacked: four times the published size
HEAD = 16  # bytes of a file of pictures before these
PICTURES, LABELS = 0x803, 0x801  # magic numbers of IDX: unsigned bytes in three dimensions, in one


def folder(name: str, path: str | None) -> Path:
    """``path``, else the data set's folder in $CFDYN_DATA_DIR, else in the user's data folder."""
    if path is not None:
        return Path(path).expanduser()
    chosen = os.environ.get(VARIABLE)
    if not chosen:
        from platformdirs import user_data_dir

        chosen = user_data_dir("cfdyn", appauthor=False)
    return Path(chosen).expanduser() / name


def read(what: str, path: str | None, most: int | Callable[[bytes], int], *names: str) -> bytes:
    """The content of the first existing one of these files, unpacked if it ends in .gz; a UsageError that says where to put one.

    Reads at most ``most`` bytes, or as many as its first bytes declare, and one more if the file is too long; a UsageError above
    `MOST`."""
    home = folder(what, path)
    files = [home / f"{name}{end}" for name in names for end in ("", ".gz")]
    first = next((file for file in files if file.is_file()), None)
    if first is None:
        raise UsageError(f"{what}: there is no {names[0]} (or {names[0]}.gz) in {home}; put the file of {what} there, or name "
                         f"its folder: path=FOLDER, or {VARIABLE} for one that has the folder {what}")  # fmt: skip
    try:
        with outside.unpacked(first) as file:
            content = file.read(HEAD)
            limit = min(most(content) if callable(most) else most, MOST)
            content += file.read(max(limit + 1 - len(content), 0))
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{what}: {first} {outside.why(error)}") from None
    if len(content) > MOST:
        raise UsageError(f"{what}: {first} is larger than any file of {what}")
    return content


def part_of(what: str, part: str) -> str:
    """train or test."""
    if part not in PARTS:
        raise UsageError(f"{what}: part is train or test, not {part!r}")
    return part


def idx(content: bytes, magic: int, what: str, name: str) -> np.ndarray:
    """The bytes of an IDX file in their shape; a UsageError for another magic number and for a truncated file."""
    if len(content) < 4:
        raise UsageError(f"{what}: {name} is not an IDX file: it has {len(content)} bytes")
    count, dimensions = int.from_bytes(content[:4], "big"), magic & 0xFF
    if count != magic:
        raise UsageError(f"{what}: {name} begins with the magic number {count}, not {magic}: it is not an IDX file of "
                         f"{'pictures' if magic == PICTURES else 'labels'}")  # fmt: skip
    head, expected = 4 + 4 * dimensions, idx_size(content)
    if len(content) < max(head, expected):
        raise UsageError(f"{what}: {name} is cut off: it has {len(content)} bytes, not {max(head, expected)}")
    if len(content) > expected:
        raise UsageError(f"{what}: {name} is too long: it has more than {expected} bytes")
    return np.frombuffer(content, dtype=np.uint8, offset=head).reshape(idx_shape(content))


def idx_shape(content: bytes) -> list[int]:
    """The lengths that an IDX file of unsigned bytes declares, as far as its first bytes are present."""
    head = 4 + 4 * min(int.from_bytes(content[3:4], "big"), 3)
    return [int.from_bytes(content[k : k + 4], "big") for k in range(4, min(head, len(content)), 4)]


def idx_size(content: bytes) -> int:
    """The number of bytes of an IDX file, according to its header."""
    return 4 + 4 * min(int.from_bytes(content[3:4], "big"), 3) + math.prod(idx_shape(content))


def idx_pictures(what: str, path: str | None, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, 1, height, width) and labels (n,) of a data set in the format of MNIST."""
    start = "train" if part_of(what, part) == "train" else "t10k"
    content = read(what, path, idx_size, f"{start}-images-idx3-ubyte", f"{start}-images.idx3-ubyte")
    pictures = idx(content, PICTURES, what, f"{start}-images")
    content = read(what, path, idx_size, f"{start}-labels-idx1-ubyte", f"{start}-labels.idx1-ubyte")
    labels = idx(content, LABELS, what, f"{start}-labels")
    if len(pictures) != len(labels) or not len(labels):
        raise UsageError(f"{what}: {start}-images has {len(pictures)} pictures, and {start}-labels has {len(labels)} labels")
    return pictures[:, None], checked_labels(what, labels, 10)


def checked_labels(what: str, labels: np.ndarray, classes: int) -> np.ndarray:
    """Labels 0 … classes − 1 as whole numbers."""
    if labels.max() >= classes:
        raise UsageError(f"{what}: a label is {labels.max()}, where they go from 0 to {classes - 1}")
    return labels.astype(np.int64)
