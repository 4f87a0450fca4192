"""`Tabular`: records that are tables too, of columns for pandas and of files that every program reads."""

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

from cfdyn.records.files import as_path, written_whole


class Tabular:
    """A record with a table."""

    def table(self) -> dict[str, list[Any]]:
        """Columns of one length by name; None where there is no value. ``pandas.DataFrame(record.table())`` takes it."""
        raise NotImplementedError

    def to_csv(self, path: str | os.PathLike) -> Path:
        """Write the table to a file, whole or not at all, with a line of names; returns the path.

        Numbers are written with all their digits, decimals with a point; where there is no number the cell is empty.

        Raises
        ------
        UsageError : the folder does not exist or cannot be written

        Examples
        --------
        >>> import cfdyn as cf, tempfile
        >>> from pathlib import Path
        >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
        >>> branch = cf.analysis.continue_cycle(step, [0.6], "r", (2.4, 2.6), functions=["x = 0.6"])
        >>> print(branch.to_csv(Path(tempfile.mkdtemp(), "branch.csv")).read_text().splitlines()[0])
        row,point,r,x,mu1,stable,coefficient,x = 0.6
        """
        path, columns = as_path(path), self.table()
        with written_whole(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(map(cell, row) for row in zip(*columns.values(), strict=True))
        return path


def cell(value: Any) -> Any:
    """As it is written: the shortest text of a float that gives it again, nothing for None and NaN.

    >>> [cell(x) for x in (0.1, 3, True, None, float("nan"), "flip")]
    ['0.1', 3, True, '', '', 'flip']
    """
    if isinstance(value, float | np.floating):
        return "" if value != value else repr(float(value))
    return "" if value is None else value


def stacked(tables: list[dict[str, list[Any]]]) -> dict[str, list[Any]]:
    """Tables one below the other, None where one lacks a column, in the order of the widest."""
    names = list(dict.fromkeys(name for table in sorted(tables, key=len, reverse=True) for name in table))
    sizes = [len(next(iter(table.values()))) for table in tables]
    pairs = list(zip(tables, sizes, strict=True))
    return {name: [x for table, size in pairs for x in table.get(name, [None] * size)] for name in names}
