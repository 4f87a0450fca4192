"""Records as HTML, for notebooks: the verdict or the first line, the beginning of the table, the figure."""

import base64
import html
import importlib
import io
from typing import Any

from cfdyn.errors import CfdynError

ROWS, COLUMNS = 6, 8  # of a table that is shown


def shown(record: Any) -> str:
    """What a notebook shows of a record."""
    words = getattr(record, "verdict", "")
    first = f"<p>{html.escape(words)}</p>" if isinstance(words, str) and words else ""
    return f"<div>{first}<pre>{html.escape(repr(record))}</pre>{_table(record)}{_figure(record)}</div>"


def _table(record: Any) -> str:
    """Its first rows and columns, and how many there are besides."""
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
    """Drawn by `cf.plot`, if there is a figure of such records; records are below figures, and know of them by name alone."""
    plotting = importlib.import_module("cfdyn.plotting")
    if type(record).__name__ not in plotting.figure_files():
        return ""
    picture = io.BytesIO()
    try:
        plotting.plot(record).savefig(picture, format="png", dpi=110)
    except CfdynError as error:
        return f"<p>{html.escape(str(error))}</p>"
    return f"<img alt='' src='data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}'/>"
