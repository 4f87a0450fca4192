"""`read_csv`: tables of numbers as users have them, and what is wrong with them in one sentence."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cfdyn.errors import UsageError, unknown
from cfdyn.records.files import regular

MEGABYTE = 1_000_000
LARGEST = 256 * MEGABYTE
MISSING = frozenset(("", "na", "n/a", "null", "none", "?", "-"))
# The bytes of which a text is made, in UTF-8 or Latin 1.
TEXT = bytes([*b"\t\n\r", *range(32, 256)])


@dataclass(frozen=True)
class Table:
    """Finite numbers in named columns: ``values`` (rows, columns), from the file ``source``."""

    names: tuple[str, ...]
    values: np.ndarray
    source: str

    def target(self, name: str = "") -> int:
        """The index of the column of that name, of the last one if there is no name.

        Raises
        ------
        UsageError : no such column, with the nearest one
        """
        if name and name not in self.names:
            raise unknown(f"column of {self.source}:", name, self.names)
        return self.names.index(name) if name else len(self.names) - 1

    def standardized(self, columns: Iterable[int]) -> np.ndarray:
        """Some columns, shifted and scaled to mean 0 and variance 1 (the mean of squares), (rows, len(columns)).

        Raises
        ------
        UsageError : a column that is constant or too large for it
        """
        picked = []
        for i in columns:
            column, title = self.values[:, i], f"column {self.names[i]!r} of {self.source}"
            if column.min() == column.max():
                raise UsageError(f"{title} is constant, {column[0]:g} in each row, and cannot be standardised")
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                spread = column.std()
                scaled = (column - column.mean()) / spread
            if not 0 < spread < np.inf:
                raise UsageError(f"the numbers in {title} are too large or too small to be standardised")
            picked.append(scaled)
        return np.column_stack(picked)


def read_csv(path: str | os.PathLike[str]) -> Table:
    """Numbers separated by commas, semicolons or tabs, below a line of names if there is one.

    The separator is the tab if the first line has one, else the semicolon, else the comma. The first line
    holds names if something in it is no number; without names the columns are c1, c2, …. Empty lines
    do not count. Decimals are written with a point.

    Parameters
    ----------
    path : a file of at most 256 MB, in UTF-8 or Latin 1

    Raises
    ------
    UsageError : no such file, or what in it is not as it should be, with line and column

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "two.csv")
    >>> _ = file.write_text("a;b\\n1;2\\n3;4.5\\n")
    >>> read_csv(file).names, read_csv(file).values.tolist()
    (('a', 'b'), [[1.0, 2.0], [3.0, 4.5]])
    """
    text, source = _text(os.path.expanduser(path)), " ".join(os.fspath(path).split())
    lines = _cells(text, source)
    number, first = next(lines, (0, []))
    if not number:
        raise UsageError(f"{source} is empty")
    _, second = next(lines, (0, []))
    named = _has_names(first, second)
    names = _names(first, named, source)
    values = _fast(text, number if named else number - 1, len(names))
    if values is None or not np.isfinite(values).all():
        raise _complaint(text, names, number if named else number - 1, source)
    if len(values) < 2:
        raise UsageError(f"{source} has {len(values)} row{'' if len(values) else 's'} of numbers; two are the least")
    return Table(names, values, source)


def _text(path: str) -> str:
    """What the file says, if it is a text of a size that one can read."""
    source = " ".join(path.split())
    try:
        with regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > LARGEST:
                size //= MEGABYTE
                raise UsageError(f"{source} has {size} MB, and at most {LARGEST // MEGABYTE} MB are read: take some of its rows")
            raw = file.read(LARGEST)
    except UsageError:  # which is a ValueError
        raise
    except IsADirectoryError:
        raise UsageError(f"{source} is a folder, not a CSV file") from None
    except FileNotFoundError:
        raise UsageError(f"there is no file {source!r}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{source!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if raw.translate(None, TEXT):
        raise UsageError(f"{source} is not a text in UTF-8 or Latin 1, as a CSV file is")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _separator(line: str) -> str:
    unquoted = "".join(line.split('"')[::2])
    return next((mark for mark in "\t;" if mark in unquoted), ",")


def _first_line(text: str) -> str:
    return next((line for line in io.StringIO(text) if line.strip()), "")


def _cells(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line that is not empty."""
    mark = _separator(_first_line(text))
    for number, line in enumerate(io.StringIO(text), 1):
        if not line.strip():
            continue
        try:
            cells = next(csv.reader([line], delimiter=mark, skipinitialspace=True, strict=True))
        except csv.Error as error:
            raise UsageError(f"line {number} of {source} cannot be taken apart: {error}") from None
        yield number, [cell.strip() for cell in cells]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _has_names(first: Sequence[str], second: Sequence[str]) -> bool:
    """Something in the first line is a text, and it is not a column of texts among others of numbers."""
    texts = [i for i, cell in enumerate(first) if not _is_number(cell) and cell.lower() not in MISSING]
    some_numbers = any(_is_number(cell) for cell in first)
    below = [i for i in texts if i < len(second) and not _is_number(second[i])]
    return bool(texts) and not (some_numbers and len(below) == len(texts))


def _names(first: Sequence[str], named: bool, source: str) -> tuple[str, ...]:
    names = tuple((named and cell.lstrip("# ")) or f"c{i}" for i, cell in enumerate(first, 1))
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UsageError(f"two columns of {source} are called {name!r}")
        seen.add(name)
    return names


def _fast(text: str, skipped: int, columns: int) -> np.ndarray | None:
    """All numbers below the first lines, or None if there is something else, or not in each line."""
    mark = _separator(_first_line(text))
    body = io.StringIO(text)
    for _ in range(skipped):
        body.readline()
    start = body.tell()
    if not any(line.strip() for line in body):
        return np.empty((0, columns))
    body.seek(start)
    try:
        values = np.loadtxt((line for line in body if line.strip()), delimiter=mark, ndmin=2, comments=None, quotechar='"')
    except ValueError:
        return None
    return values if values.shape[1] == columns else None


def _complaint(text: str, names: Sequence[str], skipped: int, source: str) -> UsageError:
    """What is wrong, found line by line: the fast reader does not say it well."""
    for number, cells in _cells(text, source):
        if number <= skipped:
            continue
        if len(cells) != len(names):
            return UsageError(f"line {number} of {source} has {len(cells)} entries, and the first line has {len(names)}")
        for name, cell in zip(names, cells, strict=True):
            where = f"in column {name!r}, line {number} of {source}"
            if cell.lower() in MISSING:
                return UsageError(f"a number is missing {where}" + (f": {cell!r}" if cell else ""))
            if not _is_number(cell):
                hint = " (decimals take a point)" if _is_number(cell.replace(",", ".")) else ""
                return UsageError(f"{_shown(cell)} {where} is not a number{hint}")
            if not np.isfinite(float(cell)):
                return UsageError(f"{_shown(cell)} {where} is not a finite number")
    return UsageError(f"{source} is not a table of numbers")


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")
