"""Columns of numbers and of texts, with gaps, as inputs and a target."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cfdyn.errors import UsageError, unknown
from cfdyn.records.tables import MISSING, is_number, read_cells
from cfdyn.words import how_many

WAYS = ("refuse", "drop", "mean")  # what becomes of gaps
MOST_TEXTS = 20  # different ones in an input; more are names, each of one row
GAPS = MISSING | {"nan"}


class Rows(NamedTuple):
    """``inputs`` (n, columns) and the cells of the column ``target``, which are ``texts`` or numbers."""

    inputs: np.ndarray
    wanted: list[str]
    target: str
    texts: bool

    def classes(self) -> np.ndarray:
        """The place of each cell among the different ones: texts by the alphabet, numbers by their size."""
        different = sorted(set(self.wanted)) if self.texts else np.unique(np.array(self.wanted, dtype=float)).tolist()
        if len(different) < 2:
            raise UsageError(f"csv: column {self.target!r} holds one class only, {different[0]}")
        place = {value: k for k, value in enumerate(different)}
        return np.array([place[cell if self.texts else float(cell)] for cell in self.wanted])


class Columns:
    """The cells of a file, with what is done about gaps."""

    def __init__(self, file: str, missing: str):
        if missing not in WAYS:
            raise UsageError(f"csv: missing is {', '.join(WAYS[:-1])} or {WAYS[-1]}, not {missing!r}")
        self.names, self.cells, self.lines, self.source = read_cells(file)
        self.missing = missing

    def table(self, target: str, without: str) -> Rows:
        """Inputs and the target; a UsageError for a gap that may not be, a column that is not there, or one of both kinds."""
        aim = self._place(target) if target else len(self.names) - 1
        left_out = {self._place(name.strip()) for name in without.split(";") if name.strip()} | {aim}
        inputs = [j for j in range(len(self.names)) if j not in left_out]
        if not inputs:
            raise UsageError(f"csv: {self.source} has no column for an input beside the target {self.names[aim]!r}")
        self._drop([aim] if self.missing == "mean" else [*inputs, aim])
        if len(self.cells) < 2:
            raise UsageError(f"csv: {self.source} has {how_many(len(self.cells), 'row')} without gaps; two are the least"
                             + ("; missing=mean keeps rows with gaps" if self.missing == "drop" else ""))  # fmt: skip
        return Rows(np.column_stack([self._input(j) for j in inputs]), [row[aim] for row in self.cells],
                    self.names[aim], self._texts(aim))  # fmt: skip

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise unknown(f"column of {self.source}:", name, self.names)
        return self.names.index(name)

    def _drop(self, columns: list[int]) -> None:
        """Leave out rows with a gap in these columns, or say where the first one is."""
        whole = [k for k, row in enumerate(self.cells) if not any(_gap(row[j]) for j in columns)]
        if len(whole) < len(self.cells) and self.missing == "refuse":
            k = next(k for k in range(len(self.cells)) if k not in whole[: k + 1])
            j = next(j for j in columns if _gap(self.cells[k][j]))
            gaps = f"{len(self.cells) - len(whole)} of {how_many(len(self.cells), 'row')}"
            raise UsageError(f"a value is missing in column {self.names[j]!r}, line {self.lines[k]} of {self.source}; gaps "
                             f"are in {gaps}: missing=drop leaves them out, missing=mean fills in the column's mean")  # fmt: skip
        self.cells, self.lines = [self.cells[k] for k in whole], [self.lines[k] for k in whole]

    def _texts(self, j: int) -> bool:
        """Whether a column has texts; a UsageError where it has finite numbers too, or infinite ones."""
        filled = [(row[j], line) for row, line in zip(self.cells, self.lines, strict=True) if not _gap(row[j])]
        where = f"column {self.names[j]!r} of {self.source}"
        if not filled:
            raise UsageError(f"{where} is empty; leave it out: without={self.names[j]}")
        odd = [(cell, line) for cell, line in filled if not is_number(cell)]
        if odd and len(odd) < len(filled):
            cell, line = odd[0]
            raise UsageError(f"{where} has numbers and texts, such as {cell[:40]!r} in line {line}: mend that, or leave the "
                             f"column out: without={self.names[j]}")  # fmt: skip
        if not odd and not np.isfinite([float(cell) for cell, _ in filled]).all():
            raise UsageError(f"{where} has a number that is not finite")
        return bool(odd)

    def _input(self, j: int) -> np.ndarray:
        """The inputs of one column, (n,) or (n, texts)."""
        column = [row[j] for row in self.cells]
        if not self._texts(j):
            numbers = np.array([np.nan if _gap(cell) else float(cell) for cell in column])
            return np.where(np.isnan(numbers), np.nanmean(numbers), numbers)
        different = sorted({cell for cell in column if not _gap(cell)})
        if len(different) > MOST_TEXTS:
            raise UsageError(f"column {self.names[j]!r} of {self.source} has {len(different)} different texts, and an input for "
                             f"each of at most {MOST_TEXTS} is made; leave it out: without={self.names[j]}")  # fmt: skip
        return np.equal.outer(np.array(column), np.array(different)).astype(float)


def _gap(cell: str) -> bool:
    return cell.lower() in GAPS
