"""`Exports`: a record for other programs: columns for pandas, arrays for xarray, CSV and LaTeX."""

import base64
import csv
import dataclasses
import html
import importlib
import io
import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cfdyn.errors import CfdynError, UsageError, unknown
from cfdyn.records.axes import dimensions, entries_of, named, placed
from cfdyn.records.files import as_path, written_whole

_NUMBER = r"(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-](?:inf|nan))"
_NUMBERS = re.compile(rf"{_NUMBER}(?:, {_NUMBER})*")
WIDEST = 64  # columns of one array in a table
SPECIAL = str.maketrans({c: f"\\{c}" for c in "#$%&_{}"}
                        | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"})  # fmt: skip
ROWS, COLUMNS = 6, 8  # of a table that is shown


class Exports:
    """Base of records: a table, if the record has rows, and arrays with named dimensions."""

    def table(self) -> dict[str, list[Any]]:
        """Columns of equal length, by name: the arrays that have one entry for each row; None if a row has no value.

        Raises
        ------
        UsageError : a record that is not a table
        """
        arrays = {name: (letters, array) for name, (letters, array) in dimensions(self).items() if letters and array.ndim <= 2}
        rows = Counter(letters[0] for letters, _ in arrays.values() if not letters[0].endswith("_")).most_common(1)
        if not rows:
            raise UsageError(f"a {type(self).__name__} is not a table; to_json() has all of it")
        columns: dict[str, list[Any]] = {}
        for name, (letters, array) in arrays.items():
            if letters[0] == rows[0][0] and array.ndim == 1:
                columns[name] = array.tolist()
            elif letters[0] == rows[0][0] and array.shape[1] <= WIDEST:
                heads = named(self, letters[1], array.shape[1]) or [f"{name}{k + 1}" for k in range(array.shape[1])]
                for head, column in zip(heads, array.T, strict=True):
                    columns[head if head not in columns else f"{name}.{head}"] = column.tolist()
        return columns

    def to_csv(self, path: str | os.PathLike) -> Path:
        """Write the table with a header line to a file, completely or not at all; return the path.

        Numbers are written with all their digits, decimals with a point; a cell without a number is empty. A text that a
        spreadsheet would read as a formula, such as "=1+1" or "-x", is prefixed by an apostrophe.

        Raises
        ------
        UsageError : a record that is not a table, or a folder that does not exist or cannot be written
        NumericsError : the disk is full

        Examples
        --------
        >>> import cfdyn as cf, tempfile
        >>> from pathlib import Path
        >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 2.5})
        >>> branch = cf.analysis.continue_cycle(step, [0.6], "r", (2.4, 2.6), functions=["x = 0.6"])
        >>> print(branch.to_csv(Path(tempfile.mkdtemp(), "branch.csv")).read_text().splitlines()[0])
        row,point,r,x,mu1,stable,coefficient,x = 0.6
        >>> print(cf.iterate(step, [0.5], 2).to_csv(Path(tempfile.mkdtemp(), "orbit.csv")).read_text().split())
        ['x', '0.5', '0.625', '0.5859375']
        """
        return write_columns(path, self.table())

    def to_pandas(self) -> Any:
        """The table as a ``pandas.DataFrame``; a UsageError if pandas is not installed or there is no table."""
        return library("pandas").DataFrame(self.table())

    def to_xarray(self) -> Any:
        """All arrays as an ``xarray.Dataset``; numbers, texts and the provenance are its attributes.

        Dimensions have names: a parameter or a start that varies along a dimension is its name and its coordinate, and entries of
        a state have their own names. A UsageError if xarray is not installed.

        Examples
        --------
        >>> import cfdyn as cf
        >>> step = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=0.5))
        >>> grid = cf.analysis.regimes(step, [("lr", [0.5, 1.1]), ("a", [1.0, 1.5])], [0.5])
        >>> grid.to_xarray().labels.sel(lr=1.1, a=1.0).item()
        2
        """
        arrays, varied = placed(self)
        letters = {letter for dims, _ in arrays.values() for letter in dims}
        coordinates = {letter: (letter, axes) for letter in letters
                       if (axes := named(self, letter, _length(arrays, letter)) or entries_of(self, letter, arrays))}  # fmt: skip
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if not f.name.startswith("_")}  # type: ignore
        scalars = {name: value for name, value in plain.items() if isinstance(value, bool | int | float | str)}
        scalars["provenance"] = json.dumps(plain.get("provenance", {}), default=str)
        return library("xarray").Dataset(arrays, coordinates | {name: (name, values) for name, values in varied.items()}, scalars)

    def to_latex(self, columns: Sequence[str] | None = None, digits: int = 6, rows: int = 40) -> str:
        """The table in LaTeX, with the rules of the package booktabs: at most ``rows`` rows, numbers with ``digits`` digits.

        Raises
        ------
        UsageError : a record that is not a table, or has no column of that name

        Examples
        --------
        >>> import cfdyn as cf
        >>> print(cf.iterate(cf.Map.from_text("r*x*(1-x)", params={"r": 2.5}), [0.5], 2).to_latex(digits=3))
        \\begin{tabular}{r}
        \\toprule
        x \\\\
        \\midrule
        0.5 \\\\
        0.625 \\\\
        0.586 \\\\
        \\bottomrule
        \\end{tabular}
        """
        table = self.table()
        for name in columns or ():
            if name not in table:
                raise unknown("column", name, table)
        kept = {name: table[name] for name in columns or table}
        size = len(next(iter(kept.values()), []))
        lines = [" & ".join(_latex(value, digits) for value in row) + r" \\" for row in zip(*kept.values(), strict=True)][:rows]
        left = [rf"\multicolumn{{{len(kept)}}}{{l}}{{\ldots\ {size - rows} more rows}} \\"] if size > rows else []
        head = " & ".join(inert(name).translate(SPECIAL) for name in kept) + r" \\"
        kinds = "".join("l" if any(isinstance(value, str) for value in column) else "r" for column in kept.values())
        return "\n".join([rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", head, r"\midrule", *lines, *left, r"\bottomrule",
                          r"\end{tabular}"])  # fmt: skip


def _length(arrays: dict[str, tuple[tuple[str, ...], np.ndarray]], letter: str) -> int:
    return next(array.shape[dims.index(letter)] for dims, array in arrays.values() if letter in dims)


def library(name: str) -> Any:
    """pandas or xarray; a UsageError that says how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UsageError(f"this needs {name}: pip install 'cfdyn[tables]'") from None


def _latex(value: Any, digits: int) -> str:
    if isinstance(value, complex):
        return f"${value.real:.{digits}g} {value.imag:+.{digits}g}i$"
    if isinstance(value, float):
        return "" if value != value else _power(f"{value:.{digits}g}")
    return "" if value is None else inert(str(value)).translate(SPECIAL)


def _power(text: str) -> str:
    """1e-05 as a power of ten; a minus sign in place of a hyphen."""
    number, _, exponent = text.partition("e")
    if exponent:
        return rf"${number} \cdot 10^{{{int(exponent)}}}$"
    return f"${text}$" if text.startswith("-") else text


def cell(value: Any) -> Any:
    """The text of a cell: the shortest text that reproduces a float, an empty text for None and NaN.

    >>> [cell(x) for x in (0.1, 3, True, None, float("nan"), "flip")]
    ['0.1', 3, True, '', '', 'flip']
    """
    if isinstance(value, float | np.floating):
        return "" if value != value else repr(float(value))
    return "" if value is None else inert(value) if isinstance(value, str) else value


def inert(text: str) -> str:
    """A text that no spreadsheet reads as a formula: with an apostrophe if it begins as one and is not a list of numbers.

    >>> [inert(text) for text in ("=cmd|'/c calc'!A0", "@SUM(A1)", "-x", "-1.5", "-1.5, 0.6", "x = 0.6")]
    ["'=cmd|'/c calc'!A0", "'@SUM(A1)", "'-x", '-1.5', '-1.5, 0.6', 'x = 0.6']
    """
    text = text.replace("\r", " ")  # which a spreadsheet takes for the end of a row, and the csv module does not
    begins = text.lstrip(" ")[:1] in tuple("=+-@\t\n＝＋－＠")
    return f"'{text}" if begins and not _NUMBERS.fullmatch(text) else text


def by_rows(table: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """A dict for each row.

    >>> by_rows({"a": [1, 2], "b": [3, 4]})
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 4}]
    """
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def write_columns(path: str | os.PathLike, columns: Mapping[str, Sequence[Any]]) -> Path:
    """Write columns of equal length as CSV with a header line, completely or not at all; return the path."""
    path = as_path(path)
    with written_whole(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(inert, columns))
        writer.writerows(map(cell, row) for row in zip(*columns.values(), strict=True))
    return path


def stacked(tables: list[dict[str, list[Any]]]) -> dict[str, list[Any]]:
    """Tables one below the other, None for missing columns, in the order of the widest table."""
    names = list(dict.fromkeys(name for table in sorted(tables, key=len, reverse=True) for name in table))
    sizes = [len(next(iter(table.values()))) for table in tables]
    pairs = list(zip(tables, sizes, strict=True))
    return {name: [x for table, size in pairs for x in table.get(name, [None] * size)] for name in names}


def by_cells(
    names: Sequence[str], axes: Sequence[np.ndarray], columns: Mapping[str, np.ndarray]
) -> dict[str, list[Any]]:  # fmt: skip
    """A table with one row for each cell of a grid, row by row: the values of its axes, the columns' first, then its entries.

    >>> by_cells(["lr", "a"], [np.array([1.0, 2.0]), np.array([5.0])], {"period": np.array([[3, 4]])})
    {'lr': [1.0, 2.0], 'a': [5.0, 5.0], 'period': [3, 4]}
    """
    places = np.meshgrid(*axes)
    table = {name: place.ravel().tolist() for name, place in zip(names, places, strict=True)}
    return table | {name if name not in table else f"its {name}": values.ravel().tolist() for name, values in columns.items()}


def padded(values: np.ndarray, width: int) -> np.ndarray:
    """An array (n, k), extended by columns of NaN to a given number of columns."""
    return values if values.ndim == 1 else np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=np.nan)


def shown(record: Any) -> str:
    """The HTML of a record for a notebook."""
    plain = f"<pre>{html.escape(repr(record))}</pre>"
    words = getattr(record, "verdict", "")
    if not (isinstance(words, str) and words):
        return f"<div>{plain}{_table(record)}{_figure(record)}</div>"
    return (f"<div>{_verdict(words)}{_figure(record)}"
            f"<details><summary>the record</summary>{plain}{_table(record)}</details></div>")  # fmt: skip


def _verdict(words: str) -> str:
    """Its first line, the headline, and a list of the others, which may begin with a bullet.

    >>> _verdict("Stable 2-cycle.\\n• The flip is supercritical.\\n• Proved.")
    '<p><strong>Stable 2-cycle.</strong></p><ul><li>The flip is supercritical.</li><li>Proved.</li></ul>'
    """
    headline, *others = (html.escape(line) for line in words.splitlines())
    items = "".join(f"<li>{line.removeprefix('• ')}</li>" for line in others)
    return f"<p><strong>{headline}</strong></p>" + (f"<ul>{items}</ul>" if items else "")


def _table(record: Any) -> str:
    """Its first rows and columns, and the number of the others."""
    try:
        columns = record.table()
    except CfdynError:
        return ""
    rows = list(zip(*columns.values(), strict=True))
    names = list(columns)[:COLUMNS]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td>{html.escape(_cell(value))}</td>' for value in row[:COLUMNS])}</tr>" for row in rows[:ROWS]
    )
    left = [f"{len(rows) - ROWS} more rows"] * (len(rows) > ROWS) + [f"{len(columns) - COLUMNS} more columns"] * (
        len(columns) > COLUMNS
    )
    more = f"<caption style='caption-side: bottom'>{', '.join(left)}: to_pandas()</caption>" if left else ""
    return f"<table>{more}<tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)


def _figure(record: Any) -> str:
    """The figure drawn by `cf.plot`, if there is one; records are a layer below figures, and refer to them by name only."""
    plotting = importlib.import_module("cfdyn.plotting")
    if type(record).__name__ not in plotting.figure_files():
        return ""
    picture = io.BytesIO()
    try:
        plotting.plot(record).savefig(picture, format="png", dpi=110)
    except CfdynError as error:
        return f"<p>{html.escape(str(error))}</p>"
    return f"<img alt='' src='data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}'/>"
