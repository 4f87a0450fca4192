"""Columns of numbers and of texts, possibly with gaps, as inputs and a target."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from cfdyn.errors import UsageError, unknown
from cfdyn.records.tables import GAPS, is_number, read_cells
from cfdyn.words import how_many

WAYS = ("refuse", "drop", "mean")  # what becomes of gaps
MOST_TEXTS, MOST_CLASSES = 20, 1000  # different ones in an input, in a target; more are names, each of one row
LEAST, LARGEST = 1e-150, 1e150  # standard deviations of which the squares are exact floats
WHOLE = 2.0**53  # whole numbers beyond it are no longer all floats
OTHER = re.compile(r"[\s,_'%$€£]")  # characters of numbers that `float` does not read


class Rows(NamedTuple):
    """``inputs`` (n, columns) and the cells of the column ``target``, which are ``texts`` or numbers."""

    inputs: np.ndarray
    wanted: list[str]
    target: str
    texts: bool

    def classes(self) -> np.ndarray:
        """The index of each cell among the distinct ones: texts in alphabetical order, numbers in increasing order."""
        different = sorted(set(self.wanted)) if self.texts else np.unique(np.array(self.wanted, dtype=float)).tolist()
        if not self.texts and max(map(abs, different)) >= WHOLE:
            raise UsageError(f"csv: column {self.target!r} has numbers beyond 2^53, which floats do not distinguish")
        if len(different) < 2:
            raise UsageError(f"csv: column {self.target!r} holds one class only, {self.wanted[0][:40]}")
        if len(different) > MOST_CLASSES:
            raise UsageError(f"csv: column {self.target!r} has {len(different)} different entries, and {MOST_CLASSES} classes "
                             "are the most: name another one, target=COLUMN")  # fmt: skip
        place = {value: k for k, value in enumerate(different)}
        return np.array([place[cell if self.texts else float(cell)] for cell in self.wanted])

    def numbers(self) -> np.ndarray:
        """The cells as numbers to predict, (n, 1); a UsageError if all are equal."""
        numbers = _numbers(self.wanted, f"column {self.target!r}")
        if numbers.min() == numbers.max():
            raise UsageError(f"csv: column {self.target!r} is constant, {numbers[0]:g} in each row: there is nothing to predict")
        return numbers[:, None]


class Columns:
    """The cells of a file, and the treatment of gaps."""

    def __init__(self, path: str, missing: str):
        if missing not in WAYS:
            raise UsageError(f"csv: missing is {', '.join(WAYS[:-1])} or {WAYS[-1]}, not {missing!r}")
        self.names, self.cells, self.lines, self.source = read_cells(path)
        self.missing = missing

    def table(self, target: str, without: str) -> Rows:
        """Inputs and the target; a UsageError for a gap that is not allowed, a missing column, or a column of both kinds."""
        aim = self._place(target.strip()) if target.strip() else len(self.names) - 1
        left_out = {self._place(name.strip()) for name in without.split(";") if name.strip()} | {aim}
        inputs = [j for j in range(len(self.names)) if j not in left_out]
        if not inputs:
            raise UsageError(f"csv: {self.source} has no column for an input beside the target {self.names[aim]!r}")
        if 0 in inputs and self._counted():
            raise UsageError(f"csv: the first column of {self.source} has no name and counts the rows; leave it out: without=c1")
        self._drop([aim] if self.missing == "mean" else [*inputs, aim])
        if len(self.cells) < 2:
            raise UsageError(f"csv: {self.source} has {how_many(len(self.cells), 'row')} without gaps; two are the least"
                             + ("; missing=mean keeps rows with gaps" if self.missing == "drop" else ""))  # fmt: skip
        return Rows(np.column_stack([self._input(j) for j in inputs]), [row[aim] for row in self.cells],
                    self.names[aim], self._texts(aim))  # fmt: skip

    def _counted(self) -> bool:
        """True if the first column has no name and contains the row numbers, as in files of pandas."""
        first = [row[0] for row in self.cells]
        return self.names[0] == "c1" and first in ([str(k + j) for k in range(len(first))] for j in (0, 1))

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise unknown(f"column of {self.source}:", name, self.names)
        return self.names.index(name)

    def _drop(self, columns: list[int]) -> None:
        """Drop rows with a gap in these columns, or report the first gap."""
        whole = [k for k, row in enumerate(self.cells) if not any(_gap(row[j]) for j in columns)]
        if len(whole) < len(self.cells) and self.missing == "refuse":
            k, j = next((k, j) for k, row in enumerate(self.cells) for j in columns if _gap(row[j]))
            gaps = f"{len(self.cells) - len(whole)} of {how_many(len(self.cells), 'row')}"
            raise UsageError(f"a value is missing in column {self.names[j]!r}, line {self.lines[k]} of {self.source}; gaps "
                             f"are in {gaps}: missing=drop leaves them out, missing=mean fills in the column's mean")  # fmt: skip
        self.cells, self.lines = [self.cells[k] for k in whole], [self.lines[k] for k in whole]

    def _texts(self, j: int) -> bool:
        """Whether a column contains texts; a UsageError if it also contains finite numbers, or infinite ones."""
        filled = [(row[j], line) for row, line in zip(self.cells, self.lines, strict=True) if not _gap(row[j])]
        where = f"column {self.names[j]!r} of {self.source}"
        if not filled:
            raise UsageError(f"{where} is empty; leave it out: without={self.names[j]}")
        odd = [(cell, line) for cell, line in filled if not is_number(cell)]
        if odd and all(_is_otherwise(cell) for cell, _ in odd):
            cell, line = odd[0]
            raise UsageError(f"{where} has numbers that are written otherwise, such as {cell[:40]!r} in line {line}: decimals "
                             "take a point, thousands and units no sign; correct that, or omit the column: "
                             f"without={self.names[j]}")  # fmt: skip
        if odd and len(odd) < len(filled):
            cell, line = odd[0]
            raise UsageError(f"{where} has numbers and texts, such as {cell[:40]!r} in line {line}: correct that, or omit the "
                             f"column: without={self.names[j]}")  # fmt: skip
        if not odd and not np.isfinite([float(cell) for cell, _ in filled]).all():
            raise UsageError(f"{where} has a number that is not finite")
        return bool(odd)

    def _input(self, j: int) -> np.ndarray:
        """The inputs of one column, (n,) or (n, texts)."""
        column, where = [row[j] for row in self.cells], f"column {self.names[j]!r} of {self.source}"
        if not self._texts(j):
            return _numbers(column, where)
        different = sorted({cell for cell in column if not _gap(cell)})
        if len(different) > MOST_TEXTS:
            raise UsageError(f"{where} has {len(different)} different texts, and an input for "
                             f"each of at most {MOST_TEXTS} is made; leave it out: without={self.names[j]}")  # fmt: skip
        place = {text: k for k, text in enumerate(different)}
        return np.eye(len(different) + 1, len(different))[[place.get(cell, len(different)) for cell in column]]


def _numbers(cells: list[str], where: str) -> np.ndarray:
    """The numbers with the mean in place of gaps, (n,); a UsageError if they have no standard deviation in floats."""
    numbers = np.array([np.nan if _gap(cell) else float(cell) for cell in cells])
    known = numbers[~np.isnan(numbers)]
    if known.min() == known.max():  # the mean of equal numbers is not always one of them
        return np.full(len(numbers), known[0])
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = known.mean(), known.std()
    if not (np.isfinite(mean) and LEAST < spread < LARGEST):
        raise UsageError(f"the numbers in {where} are too large or too small to be standardised; rescale them")
    return np.where(np.isnan(numbers), mean, numbers)


def _is_otherwise(cell: str) -> bool:
    """A number with a decimal comma, or signs between thousands or of a unit: "1,5", "12 000", "7 %"."""
    return any(letter.isdigit() for letter in cell) and is_number(OTHER.sub("", cell))


def _gap(cell: str) -> bool:
    return cell.lower() in GAPS
