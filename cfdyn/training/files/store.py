"""`Store`: the measurements of a run as Zarr arrays, which can be read while they grow."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from cfdyn import outside
from cfdyn.errors import CfdynError, NumericsError, RecordError, UsageError
from cfdyn.records.files import FULL
from cfdyn.training.config import FILE
from cfdyn.training.files import frames
from cfdyn.words import how_many

FOLDER, ROOMS = "run.zarr", ("steps", "rows")
CHECK = "crc32"  # among the attributes: of all others
CHUNK = 1024  # rows in a file
DIRECTIONS = 4  # columns at first, of what there is of each direction
PART, WAITING = 2**17, 2**23  # numbers in a file of vectors, and how many of an array wait to be written


def zarr() -> Any:
    """The module; a UsageError that says how to get it."""
    try:
        import zarr as library
    except ImportError:
        raise UsageError("training needs zarr: pip install 'cfdyn[networks]'") from None
    return library


class Store:
    """Arrays ``steps/NAME``, one entry for each step, and ``rows/NAME``, one for each measurement; NaN where nothing is.

    What is put stays in memory until `flush`, vectors until they are too many; the group's attributes say how far the arrays
    are filled, and in how many files each is: of one that is gone Zarr makes NaN.
    """

    def __init__(self, folder: Path):
        self.path = folder / FOLDER
        self._group: Any = None
        self._chunks: Any = None
        self._waiting: dict[str, list[tuple[int, Any]]] = {}
        self._files: dict[str, int] = {}

    def create(self, arrays: Mapping[str, Sequence[int]]) -> None:
        """New arrays, by their names: their shapes at first; of vectors a file has a part of one direction in some rows."""
        library = zarr()
        with said(self.path):
            self._group = library.open_group(self._place(), mode="w", zarr_format=3)
            for name, shape in arrays.items():
                rows, *others = shape
                pieces = [min(rows, CHUNK), *others]
                if len(shape) > 2:
                    pieces = [max(min(rows, PART // shape[2]), 1), 1, min(shape[2], PART)]
                self._group.create_array(name, shape=tuple(shape), chunks=tuple(pieces), dtype="float64", fill_value=np.nan,
                                         compressors=[library.codecs.ZstdCodec(), library.codecs.Crc32cCodec()])  # fmt: skip
            self._chunks.commit()

    def _place(self, read_only: bool = False) -> Any:
        from cfdyn.training.files.chunks import Chunks

        self._chunks = Chunks(self.path, read_only=read_only)
        return self._chunks

    def open(self, mode: str = "r+") -> None:
        """What is there; a RecordError where it is damaged, also if it is to be continued and a file is missing."""
        library = zarr()
        try:
            for place in (self.path, *(self.path / room for room in ROOMS)):
                outside.parsed_json(outside.content(place / "zarr.json"))
            self._group = library.open_group(
                self._place(mode == "r"), mode=mode, zarr_format=3, use_consolidated=False
            )
        except Exception as error:  # whatever zarr makes of files that are cut off
            why = error if isinstance(error, outside.Unfit) else type(error).__name__
            raise RecordError(f"the arrays in {self.path} cannot be read ({why})") from None
        if self.attributes().get(CHECK, told := checksum(self.attributes())) != told:
            raise RecordError(f"the arrays in {self.path} cannot be read (what they say of themselves was changed)")
        files = self.attributes().get("files")
        counts = files if isinstance(files, Mapping) else {}  # none in a run of an earlier version
        self._files = {name: count for name, count in counts.items() if isinstance(count, int)}
        if mode != "r":
            for name in {**self._files, **dict.fromkeys(self.names())}:
                self._check_files(name)

    def resize(self, lengths: Mapping[str, int]) -> None:
        """So many rows of the arrays ``steps/…`` and ``rows/…``."""
        with said(self.path):
            for room, length in lengths.items():
                for _, array in self._group[room].arrays():
                    array.resize((length, *array.shape[1:]))
            self._chunks.commit()
            self._count(self._files)

    def names(self) -> list[str]:
        """Of all arrays."""
        return [f"{room}/{path.parent.name}" for room in ROOMS for path in sorted((self.path / room).glob("*/zarr.json"))]

    def put(self, room: str, row: int, values: Mapping[str, Any]) -> None:
        """Values of a row: numbers, or a number or a vector for each direction."""
        for name, value in values.items():
            waiting = self._waiting.setdefault(f"{room}/{name}", [])
            waiting.append((row, value))
            if np.size(value) * len(waiting) > WAITING:
                with said(self.path):
                    self._write(self._group[f"{room}/{name}"], waiting)
                    self._chunks.commit()
                waiting.clear()

    def flush(self, **attributes: Any) -> None:
        """Write what waits, then how far that is."""
        with said(self.path):
            for name, entries in self._waiting.items():
                if entries:
                    self._write(self._group[name], entries)
            self._chunks.commit()
            self._count(self._waiting)
            self._waiting.clear()
            told = {**self.attributes(), **attributes, "files": self._files}
            self._group.update_attributes({**told, CHECK: checksum(told)})
            self._chunks.commit()

    @staticmethod
    def _write(array: Any, entries: list[tuple[int, Any]]) -> None:
        first, last = entries[0][0], entries[-1][0]
        if array.ndim > 1:
            widest = max(len(value) for _, value in entries)
            if widest > array.shape[1]:
                array.resize((array.shape[0], -(-widest // DIRECTIONS) * DIRECTIONS, *array.shape[2:]))
        block = np.full((last - first + 1, *array.shape[1:]), np.nan)
        for row, value in entries:
            block[(row - first, slice(0, len(value))) if array.ndim > 1 else row - first] = value
        array[first : last + 1] = block

    def attributes(self) -> dict[str, Any]:
        """How far the arrays are filled."""
        return dict(self._group.attrs)

    def read(self, name: str, rows: int | None = None) -> np.ndarray:
        """The first so many rows of an array, all if not given; a RecordError where it is damaged."""
        self._check_files(name, rows)
        try:
            array = np.asarray(self._group[name][:rows])
        except Exception as error:  # whatever zarr makes of files that are cut off
            raise self._damaged(name, type(error).__name__) from None
        if rows is not None and len(array) < rows:
            raise self._damaged(name, f"{how_many(len(array), 'row')} of {rows} are there")
        return array

    def _count(self, names: Iterable[str]) -> None:
        self._files |= {name: self._group[name].nchunks_initialized for name in names}

    def _check_files(self, name: str, rows: int | None = 0) -> None:
        """A RecordError where a file of an array is none of this run, or fewer are there than were written."""
        try:
            with suppress(FileNotFoundError):  # which Zarr tells
                frames.check(self.path / name, rows)
            there = self._group[name].nchunks_initialized
        except (OSError, outside.Unfit) as error:
            raise self._damaged(name, f"it {outside.why(error)}") from None
        except Exception as error:  # whatever zarr makes of an array that is gone or cut off
            raise self._damaged(name, type(error).__name__) from None
        if there < self._files.get(name, 0):
            raise self._damaged(name, f"{self._files[name] - there} of {how_many(self._files[name], 'file')} gone")

    def _damaged(self, name: str, how: str) -> RecordError:
        return RecordError(f"the array {name} in {self.path} is damaged ({how}), and its contents are lost; others can be read, "
                           f"and the settings to train again, in another folder, are in {self.path.parent / FILE}")  # fmt: skip


def checksum(attributes: Mapping[str, Any]) -> int:
    """Of all but itself."""
    return zlib.crc32(json.dumps({key: attributes[key] for key in attributes if key != CHECK}, sort_keys=True).encode())


class said:
    """A context in which a disk that is full or refuses, or a file that is damaged, ends in a sentence."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, OSError) and not isinstance(error, CfdynError):
            raise full(self.path.parent, error) from None
        if isinstance(error, Exception) and not isinstance(error, CfdynError):  # whatever zarr makes of files that are cut off
            raise RecordError(f"the arrays in {self.path} are damaged ({type(error).__name__}: {error}), so that the run cannot "
                              "go on; its checkpoints are left as they are") from None  # fmt: skip


def full(folder: Path, error: OSError) -> NumericsError:
    """The sentence for an error of the system while a run writes into its folder."""
    why = "the disk is full" if error.errno in FULL else f"the system refused: {error.strerror or error}"
    return NumericsError(f"{folder} cannot be written, {why}; what was written before is intact; resume with: "
                         f"cfdyn train --resume {folder}")  # fmt: skip
