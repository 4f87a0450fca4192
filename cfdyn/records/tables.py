"""`read_csv`: tables of numbers in common formats, and their errors in one sentence."""

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from cfdyn import outside
from cfdyn.errors import UsageError, unknown
from cfdyn.words import how_many

LARGEST = 256 * outside.MB  # as text and numbers together it takes a few times as much
MISSING = frozenset(("", "na", "n/a", "null", "none", "?", "-"))
NOT_FINITE = frozenset(("nan", "inf", "-inf", "+inf", "infinity", "-infinity"))
GAPS = MISSING | {"nan"}


@dataclass(frozen=True)
class Table:
    """Finite numbers in named columns: ``values`` (rows, columns), from the file ``source``."""

    names: tuple[str, ...]
    values: np.ndarray
    source: str

    def target(self, name: str = "") -> int:
        """The index of the named column (default: the last); a UsageError with the closest name if it does not exist."""
        if name and name not in self.names:
            raise unknown(f"column of {self.source}:", name, self.names)
        return self.names.index(name) if name else len(self.names) - 1

    def standardized(self, columns: Iterable[int]) -> np.ndarray:
        """Some columns, (rows, k), shifted and scaled to mean 0, mean square 1; a UsageError for one constant or too large."""
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


def read_csv(path: str | os.PathLike[str], gaps: bool = False) -> Table:
    """Numbers separated by commas, semicolons or tabs, possibly below a header line.

    The separator is the tab if the first line has one, otherwise the semicolon, otherwise the comma. The first line contains
    names if an entry in it is not a number; without names the columns are c1, c2, …. Empty lines are skipped. Decimals have a
    point.

    path : a file of at most 256 MB, in UTF-8 or Latin 1
    gaps : whether a cell may be empty or another sign of `MISSING`, which becomes NaN, or not finite, which becomes infinity

    UsageError: no such file, or an invalid entry, with its line and column

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "two.csv")
    >>> _ = file.write_text("a;b\\n1;2\\n3;4.5\\n")
    >>> read_csv(file).names, read_csv(file).values.tolist()
    (('a', 'b'), [[1.0, 2.0], [3.0, 4.5]])
    """
    source = " ".join(os.fspath(path).split())
    lines = text_of(path).split("\n")
    (number, first), (_, second) = [*islice(lines_of(lines, source), 2), (0, []), (0, [])][:2]
    if not number:
        raise UsageError(f"{source} is empty")
    named = _has_names(first, second)
    names = tuple((named and cell.lstrip("# ")) or f"c{i}" for i, cell in enumerate(first, 1))
    _different(names, source)
    skipped = number if named else number - 1
    filled = [line for line in lines[skipped:] if line.strip()]
    nothing = np.empty((0, len(names)))
    read = _number_or_gap if gaps else None
    try:
        values = np.loadtxt(filled, delimiter=_separator(lines), ndmin=2, comments=None, quotechar='"', converters=read,
                            encoding="utf-8") if filled else nothing  # fmt: skip
    except ValueError:
        values = nothing
    if values.shape != (len(filled), len(names)) or not (gaps or np.isfinite(values).all()):
        raise UsageError(_complaint(lines, names, skipped, source, MISSING | NOT_FINITE if gaps else frozenset()))
    if len(filled) < 2:
        raise UsageError(f"{source} has {len(filled)} row{'' if filled else 's'} of numbers; two are the least")
    return Table(names, values, source)


def read_cells(path: str | os.PathLike[str]) -> tuple[tuple[str, ...], list[list[str]], list[int], str]:
    """The names in the first line, the cells of each row below it and the numbers of their lines, and the file's name.

    As `read_csv`, but cells are texts, and the first line always contains names.

    UsageError: no such file, two columns of one name, a row with fewer or more cells than the first line
    """
    source = " ".join(os.fspath(path).split())
    rows = list(lines_of(text_of(path).split("\n"), source))
    if not rows:
        raise UsageError(f"{source} is empty")
    names = tuple(cell.lstrip("# ") or f"c{i}" for i, cell in enumerate(rows[0][1], 1))
    if not _has_names(rows[0][1], rows[1][1] if len(rows) > 1 else []):
        raise UsageError(f"the first line of {source} holds numbers, but column names belong there, which "
                         "are not numbers: put a line above it, or change the names")  # fmt: skip
    _different(names, source)
    for number, cells in rows[1:]:
        if len(cells) != len(names):
            raise UsageError(_wrong_length(number, cells, names, source))
    return names, [cells for _, cells in rows[1:]], [number for number, _ in rows[1:]], source


def _different(names: Sequence[str], source: str) -> None:
    if len(set(names)) < len(names):
        raise UsageError(f"two columns of {source} are called {Counter(names).most_common(1)[0][0]!r}")


def _wrong_length(number: int, cells: Sequence[str], names: Sequence[str], source: str) -> str:
    return f"line {number} of {source} has {how_many(len(cells), 'entry', 'entries')}, and the first line has {len(names)}"


def text_of(path: str | os.PathLike[str]) -> str:
    """A file's text, of at most 256 MB, in UTF-8 or Latin 1, with "\\n" at the ends of lines; a UsageError for another one."""
    return _text(os.path.expanduser(path), " ".join(os.fspath(path).split()))


def content_of(path: str | os.PathLike[str], source: str) -> bytes:
    """A file's bytes, at most 256 MB; a UsageError for another one."""
    try:
        return outside.content(path, LARGEST)
    except FileNotFoundError:
        raise UsageError(f"there is no file {source!r}") from None
    except outside.Unfit as error:
        raise UsageError(f"{source} {error}: take some of its rows") from None
    except OSError as error:
        raise UsageError(f"{source!r} {outside.why(error)}") from None


def _text(path: str, source: str) -> str:
    raw = content_of(path, source)
    if b"\0" in raw:
        raise UsageError(f"{source} is not a text in UTF-8 or Latin 1, as a CSV file is")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _separator(lines: Sequence[str]) -> str:
    first = next((line for line in lines if line.strip()), "")
    unquoted = "".join(first.split('"')[::2])
    return next((mark for mark in "\t;" if mark in unquoted), ",")


def lines_of(lines: Sequence[str], source: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line that is not empty."""
    mark = _separator(lines)
    for number, line in enumerate(lines, 1):
        if line.strip() and '"' not in line:
            yield number, [cell.strip() for cell in line.split(mark)]
        elif line.strip():
            try:
                (cells,) = csv.reader([line], delimiter=mark, skipinitialspace=True, strict=True)
            except csv.Error as error:
                why = "a quote is not closed in it" if "end of data" in str(error) else error
                raise UsageError(f"line {number} of {source} cannot be split into cells: {why}") from None
            yield number, [cell.strip() for cell in cells]


def is_number(cell: str) -> bool:
    """True for a text that `float` reads, except one with underscores."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _has_names(first: Sequence[str], second: Sequence[str]) -> bool:
    """True if the first line contains a text that is not in a column of texts among columns of numbers."""
    texts = [i for i, cell in enumerate(first) if not is_number(cell) and cell.lower() not in MISSING]
    numbers_beside = any(map(is_number, first))
    return bool(texts) and not (numbers_beside and all(i < len(second) and not is_number(second[i]) for i in texts))


def _number_or_gap(cell: str) -> float:
    """The number of a cell, NaN for a gap, infinity if it is not finite; a ValueError for other text."""
    cell = cell.strip().lower()
    if cell in MISSING or cell in NOT_FINITE:
        return np.nan if cell in MISSING else np.inf
    return float(cell if is_number(cell) else "no number")


def _complaint(
    lines: Sequence[str], names: Sequence[str], skipped: int, source: str, allowed: frozenset[str] = frozenset()
) -> str:
    """A sentence on the first invalid cell, with its row and column, which numpy does not name."""
    for number, cells in lines_of(lines, source):
        if number > skipped and len(cells) != len(names):
            return _wrong_length(number, cells, names, source)
        for name, cell in zip(names, cells if number > skipped else ()):
            where, shown = f"in column {name!r}, line {number} of {source}", repr(cell if len(cell) <= 40 else cell[:37] + "...")
            if cell.lower() in allowed:
                continue
            if cell.lower() in MISSING:
                return f"a number is missing {where}{f': {cell!r}' if cell else ''} (leave the row out, or fill it in)"
            if not is_number(cell):
                comma = is_number(cell.replace(",", "."))
                advice = "decimals take a point" if comma else "classes are numbers too, such as 0 and 1"
                return f"{shown} {where} is not a number ({advice})"
            if not np.isfinite(float(cell)):
                return f"{shown} {where} is not a finite number"
    return f"{source} is not a table of numbers"
