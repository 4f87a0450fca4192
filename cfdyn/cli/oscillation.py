"""``cfdyn oscillation``: the period of a user's own log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cfdyn
from cfdyn.cli import output
from cfdyn.cli.written import Files
from cfdyn.errors import UsageError

KEYS = ("kind", "period", "bands", "since", "until", "amplitude", "evidence", "directions", "leading", "reason")
MOST_RETURNS = 12


def show(file: Path, column: str | None, max_period: int, out: Path, plot: Path | None, json: bool) -> None:
    """``cfdyn oscillation``.

    Raises
    ------
    UsageError : a file that is no table of numbers, an unknown column, or a log too short
    """
    from cfdyn.records.tables import read_csv

    files = Files(out, plot)
    table = read_csv(file)
    names, values = list(table.names), table.values
    if column is not None:
        k = table.target(column)
        names, values = [names[k]], values[:, k : k + 1]
    try:
        found = cfdyn.analysis.oscillation(values, max_period=max_period, names=names)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None
    with output.progress() as say:
        files.write(found, "oscillation", say)
    if json:
        summary = {key: getattr(found, key) for key in KEYS}
        output.print_json({**summary, "rows": len(values), **files.json})
    else:
        print_oscillation(found, str(file), len(values))
        files.print()


def print_oscillation(found: Any, file: str, rows: int) -> None:
    """The answer, one row for each direction, and the leading one's evidence."""
    out = output.console()
    out.print(f"{file}, {rows} rows: {_words(found)}", soft_wrap=True)
    out.print(f"{found.leading}: {found.reason}")
    table = output._table("direction", "kind", "period", "since", "until", "amplitude", "frequency", "share", "p-value")
    for one in found.directions[: output.MOST_ROWS]:
        evidence = one["evidence"]
        cells = (_number(evidence[key]) for key in ("frequency", "share", "p_value"))
        amplitude = _number(one["amplitude"]) if one["kind"] != "none" else "–"
        table.add_row(one["name"], one["kind"], *(_step(one[key]) for key in ("period", "since", "until")), amplitude, *cells)
    out.print(table)
    if len(found.directions) > output.MOST_ROWS:
        out.print(f"… and {len(found.directions) - output.MOST_ROWS} more (all of them with --json)")
    returns = found.evidence["returns"][:MOST_RETURNS]
    out.print(f"alternation {_number(found.evidence['alternation'])}, determinism {_number(found.evidence['determinism'])}")
    out.print("return differences at lags 1, 2, …: " + ", ".join(f"{value:.2g}" for value in returns))


def _words(found: Any) -> str:
    if found.kind == "none":
        return "no oscillation"
    what = f"period {found.period}" if found.kind == "periodic" else "irregular"
    bands = f" in {found.bands} bands" if found.kind == "irregular" and found.bands > 1 else ""
    return f"{what}{bands}, steps {found.since} to {found.until}, amplitude {output.number(found.amplitude)}"


def _number(value: float) -> str:
    return f"{value:.3g}" if value == value else "–"


def _step(value: int | None) -> str:
    return "–" if value is None else str(value)
