"""``cfdyn oscillation``: the period of the oscillation in a user's log."""

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
    from cfdyn.analysis.training.oscillation import Oscillation
    from cfdyn.records.logs import Log

KEYS = "kind period bands since until amplitude evidence directions leading reason"
MOST_RETURNS = 12  # of the return differences that are printed: one line


@command("file column max_period out plot csv json", group="Orbits", place=23)
def oscillation(
    file: Annotated[Path, Argument(help="A CSV file with a row for each step, or a trainer_state.json.", metavar="FILE")],
    column: Annotated[str | None, Option("--column", help="Analyse only this column.", metavar="NAME")] = None,
    max_period: Annotated[int, Option("--max-period", min=2, help="Longest period to search for.")] = 32,
) -> Answer:
    """The period of the oscillation in a training log of your own.

    The fast oscillation of each column, separated from its slow drift, with the evidence for its period. Gaps in a column are
    skipped. A column called step, iteration or epoch counts the steps; __MIN and __MAX of Weights & Biases are skipped.

    $ cfdyn oscillation examples/training-log.csv
    $ cfdyn oscillation examples/training-log.csv --column loss
    """
    from cfdyn.records.logs import read_log

    log = read_log(file, column)
    try:
        result = cfdyn.analysis.oscillation(log.values, max_period=max_period, names=log.names)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None
    rows, steps = len(log.values), _steps(result, log)
    counted = _counted(steps, log.at[0])
    title = f"{file}, {rows} rows: {_words(result, 'rows' if counted else 'steps')}{counted}"
    return Answer(lambda: {**fields(result, KEYS), "rows": rows, "steps": steps},
                  lambda screen: _print(screen, [title, *log.notes], result), record=result)  # fmt: skip


def _steps(oscillation: Oscillation, log: Log) -> dict[str, Any]:
    """The period and the episode in steps of the log's own column, or in rows if it has none."""
    since, until = (None if row is None else float(log.at[row]) for row in (oscillation.since, oscillation.until))
    period = None if oscillation.period is None or log.every is None else oscillation.period * log.every
    return {"column": log.clock, "every": log.every, "period": period, "since": since, "until": until}


def _counted(steps: dict[str, Any], first: float) -> str:
    """The same in words, if rows are not the steps."""
    clock, every = steps["column"], steps["every"]
    if not clock or every == 1 and first == 0:
        return ""
    if every is None:
        return f" (counted in rows, which are not equally far apart in {clock})"
    parts = [f"in {clock}, {number(every)} a row"]
    parts += [f"period {number(steps['period'])}"] if steps["period"] is not None else []
    parts += [f"{number(steps['since'])} to {number(steps['until'])}"] if steps["since"] is not None else []
    return f" ({'; '.join(parts)})"


def _print(screen: Screen, title: list[str], oscillation: Oscillation) -> None:
    """The answer, one row for each direction, and the leading one's evidence."""
    for line in title:
        screen.print(line)
    screen.print(f"{oscillation.leading}: {oscillation.reason}")
    columns = ("direction", "kind", "period", "since", "until", "amplitude", "frequency", "share", "p-value")
    screen.table(columns, oscillation.directions, _row)
    evidence = oscillation.evidence
    screen.print(f"alternation {_number(evidence['alternation'])}, determinism {_number(evidence['determinism'])}")
    returns = ", ".join(f"{value:.2g}" for value in evidence["returns"][:MOST_RETURNS])
    screen.print(f"return differences at lags 1, 2, …: {returns}")


def _row(direction: dict[str, Any]) -> list[str]:
    steps = ("–" if direction[key] is None else str(direction[key]) for key in ("period", "since", "until"))
    amplitude = _number(direction["amplitude"]) if direction["kind"] != "none" else "–"
    numbers = (_number(direction["evidence"][key]) for key in ("frequency", "share", "p_value"))
    return [direction["name"], direction["kind"], *steps, amplitude, *numbers]


def _words(oscillation: Oscillation, unit: str) -> str:
    if oscillation.kind == "none":
        return "no oscillation"
    what = f"period {oscillation.period}" if oscillation.kind == "periodic" else "irregular"
    bands = f" in {oscillation.bands} bands" if (oscillation.bands or 1) > 1 else ""
    return f"{what}{bands}, {unit} {oscillation.since} to {oscillation.until}, amplitude {number(oscillation.amplitude)}"


def _number(value: float) -> str:
    return f"{value:.3g}" if value == value else "–"
