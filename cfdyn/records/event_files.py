"""`read_events`: the scalars in TensorBoard's event files, a row for each step, without TensorBoard.

A file is a sequence of records: length (8 bytes, little-endian), its checksum (4), that many bytes, their checksum (4).
Each holds one ``Event`` of protocol buffers: step = 2, summary = 5; a summary's value = 1: tag = 1, simple_value = 2,
tensor = 8. The checksums are not verified; a record that is cut off ends the file, as while a run goes on.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from cfdyn.errors import UsageError
from cfdyn.records.tables import content_of

MARK = "tfevents"
VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5  # kinds of fields
STEP, SUMMARY, VALUE, TAG, SIMPLE, TENSOR = 2, 5, 1, 1, 2, 8
CONTENT, FLOATS, DOUBLES = 4, 5, 6  # of a tensor
DOUBLE = 2  # its type of 8 bytes; 1 has 4


def read_events(path: str | os.PathLike[str]) -> list[dict[str, float]]:
    """Rows of scalars by name, with ``step``, of an event file or of all in a folder; later values replace earlier ones.

    UsageError: no such file, or it is none of TensorBoard
    """
    path = Path(path).expanduser()
    files = sorted(path.glob(f"*{MARK}*")) if path.is_dir() else [path]
    if not files:
        inner = sorted({str(file.parent) for file in path.glob(f"*/*{MARK}*")})
        there = f"; there are some in {', '.join(inner[:3])}" if inner else ""
        raise UsageError(f"there is no event file of TensorBoard (*{MARK}*) in {path}{there}")
    rows: dict[int, dict[str, float]] = {}
    for file in files:
        content = content_of(file, str(file))
        try:
            for event in _records(content):
                _note(rows, event)
        except (IndexError, struct.error, UnicodeDecodeError, ValueError):
            raise UsageError(f"{file} is no event file of TensorBoard, or it is damaged") from None
    return [{"step": float(step), **rows[step]} for step in sorted(rows)]


def _records(content: bytes) -> Iterator[bytes]:
    place = 0
    while place + 12 <= len(content):
        (size,) = struct.unpack_from("<Q", content, place)
        if place + 16 + size > len(content):
            break
        yield content[place + 12 : place + 12 + size]
        place += 16 + size
    if content and not place:
        raise ValueError("not one record")


def _note(rows: dict[int, dict[str, float]], event: bytes) -> None:
    """The scalars of one event."""
    step, summaries = 0, []
    for number, value in _fields(event):
        if number == STEP and isinstance(value, int):
            step = value
        elif number == SUMMARY and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for number, value in _fields(summary):
            if number == VALUE and isinstance(value, bytes):
                parts = dict(_fields(value))
                found, tag = _number(parts), parts.get(TAG)
                if found is not None and isinstance(tag, bytes):
                    rows.setdefault(step, {})[tag.decode()] = found


def _number(parts: dict[int, int | bytes]) -> float | None:
    """A single number; None of images, histograms and texts."""
    if isinstance(simple := parts.get(SIMPLE), bytes):
        return float(struct.unpack("<f", simple)[0])
    if not isinstance(tensor := parts.get(TENSOR), bytes):
        return None
    inner = dict(_fields(tensor))
    for key, size in ((FLOATS, 4), (DOUBLES, 8), (CONTENT, 8 if inner.get(1) == DOUBLE else 4)):
        content = inner.get(key)
        if isinstance(content, bytes) and len(content) == size and inner.get(1) in (1, DOUBLE):
            return float(struct.unpack("<f" if size == 4 else "<d", content)[0])
    return None


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: numbers, or bytes as they are."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == BYTES:
            size, place = _varint(message, place)
        elif kind in (FOUR, EIGHT):
            size = 4 if kind == FOUR else 8
        else:
            raise ValueError(f"a field of kind {kind}")
        if place + size > len(message):
            raise IndexError("a field is cut off")
        yield number, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value, place = value | (byte & 127) << shift, place + 1
        if byte < 128:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
