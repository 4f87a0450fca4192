"""``cfdyn oscillation``: the period of a user's own log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Screen, number
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.oscillation import Oscillation

KEYS = "kind period bands since until amplitude evidence directions leading reason"
MOST_RETURNS = 12  # of the return differences that are printed: one line


@command("file column max_period out plot json", group="Orbits", place=23)
def oscillation(
    file: Annotated[Path, Argument(help="A CSV file of numbers, one row for each step.", metavar="FILE.csv")],
    column: Annotated[str | None, Option("--column", help="Look at this column only.", metavar="NAME")] = None,
    max_period: Annotated[int, Option("--max-period", min=2, help="Longest period that is looked for.")] = 32,
) -> Answer:
    """The period of the oscillation in a training log of your own.

    The fast oscillation of each column beside its slow drift, with the evidence for its period.

    $ cfdyn oscillation examples/training-log.csv
    $ cfdyn oscillation examples/training-log.csv --column loss
    """
    from cfdyn.records.tables import read_csv

    table = read_csv(file)
    names, values = list(table.names), table.values
    if column is not None:
        k = table.target(column)
        names, values = [names[k]], values[:, k : k + 1]
    try:
        found = cfdyn.analysis.oscillation(values, max_period=max_period, names=names)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None
    title = f"{file}, {len(values)} rows: {_words(found)}"
    return Answer(lambda: {**fields(found, KEYS), "rows": len(values)}, lambda screen: _print(screen, title, found), record=found)


def _print(screen: Screen, title: str, found: Oscillation) -> None:
    """The answer, one row for each direction, and the leading one's evidence."""
    screen.print(title)
    screen.print(f"{found.leading}: {found.reason}")
    columns = ("direction", "kind", "period", "since", "until", "amplitude", "frequency", "share", "p-value")
    screen.table(columns, found.directions, _row)
    evidence = found.evidence
    screen.print(f"alternation {_number(evidence['alternation'])}, determinism {_number(evidence['determinism'])}")
    returns = ", ".join(f"{value:.2g}" for value in evidence["returns"][:MOST_RETURNS])
    screen.print(f"return differences at lags 1, 2, …: {returns}")


def _row(direction: dict[str, Any]) -> list[str]:
    steps = ("–" if direction[key] is None else str(direction[key]) for key in ("period", "since", "until"))
    amplitude = _number(direction["amplitude"]) if direction["kind"] != "none" else "–"
    numbers = (_number(direction["evidence"][key]) for key in ("frequency", "share", "p_value"))
    return [direction["name"], direction["kind"], *steps, amplitude, *numbers]


def _words(found: Oscillation) -> str:
    if found.kind == "none":
        return "no oscillation"
    what = f"period {found.period}" if found.kind == "periodic" else "irregular"
    bands = f" in {found.bands} bands" if (found.bands or 1) > 1 else ""
    return f"{what}{bands}, steps {found.since} to {found.until}, amplitude {number(found.amplitude)}"


def _number(value: float) -> str:
    return f"{value:.3g}" if value == value else "–"
