"""``cfdyn studies``: a study of each loss and optimizer in a table."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import FOLDER, OUT, SEED
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import intervals
from cfdyn.cli.messages import QUOTED
from cfdyn.cli.output.screen import Say, Screen, cell
from cfdyn.errors import UsageError, unknown
from cfdyn.words import called

if TYPE_CHECKING:
    from cfdyn.studies.collection import Studies

ARGUMENTS = {"params": "set", "z0": "start", "w0": "start", "names": "variables", "bounds": "lr_range"}  # their columns
COLUMNS = ("loss", "optimizer", "start", "set", "variables", "box", "lr_range")


@command("table jobs keep seed out plot csv brief json", group="Study", place=11, keeps=True)
def studies(
    say: Say,
    table: Annotated[Path, Argument(metavar="FILE.csv", help="A row for each study; columns loss, optimizer, start, set, variables, box, lr_range.", show_default=False)],  # noqa: E501
    jobs: Annotated[int | None, Option("--jobs", min=1, max=1024, help="Number of simultaneous studies (one for each processor if not given).", show_default=False)] = None,  # noqa: E501
    keep: Annotated[Path | None, Option("--keep", help="Folder of finished studies, from which the next call resumes (studies in --out if not given).", metavar="DIR", show_default=False)] = None,  # noqa: E501
    seed: SEED = 0,
    out: OUT = FOLDER,
) -> Answer:  # fmt: skip
    """A study of each loss and optimizer in a table.

    The column loss is required; the others are optional and mean what the options of 'cfdyn study' mean. Put cells with commas
    in quotes. Finished studies are kept, and the same call resumes from them. --plot draws all studies in one figure.

    $ cfdyn studies examples/studies.csv --csv found.csv --plot found.pdf
    """
    studies = in_columns(cfdyn.study_many(_asked(table, seed), jobs, keep or out / "studies", progress=say))
    return Answer(lambda: _document(studies), lambda screen: _print(screen, studies), headline=studies.verdict, record=studies,
                  columns=studies.table, status=1 if len(studies.failures) == len(studies) else 0)  # fmt: skip


def _asked(table: Path, seed: int) -> list[tuple[Any, ...]]:
    """The arguments of a study for each row; the first invalid row is an error."""
    rows = []
    for line, row in _rows(table):
        try:
            rows.append(_arguments(row, seed))
        except UsageError as problem:
            raise UsageError(f"line {line} of {table}: {problem}") from None
    return rows


def _rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    """The line number and the nonempty cells of each row."""
    from cfdyn.records.tables import lines_of, text_of

    (_, names), *below = [*lines_of(text_of(table).split("\n"), str(table))] or [(0, [])]
    rows = [(line, {name: cell for name, cell in zip_longest(names, cells, fillvalue="") if cell}) for line, cells in below]
    for name in names:
        if name not in COLUMNS:
            raise unknown(f"column of {table}:", name, COLUMNS)
        if names.count(name) > 1:
            raise UsageError(f"{table} has two columns {name}")
    if not rows or "loss" not in names:
        raise UsageError(f"{table} has no rows below a line of names, of which one is loss, such as: loss,optimizer")
    return rows


def _arguments(row: dict[str, str], seed: int) -> tuple[Any, ...]:
    if "" in row:
        raise UsageError("there are more cells than column names; put a cell with commas in quotes")
    if "loss" not in row:
        raise UsageError("there is no loss")
    settings = [part.strip() for part in row.get("set", "").split(";") if part.strip()]
    subject = Subject(row["loss"], row.get("optimizer", "gd"), row.get("start"), settings, row.get("variables"))
    loss, optimizer, open_lr = subject.loss_and_optimizer()
    box = intervals(row["box"], "box") if "box" in row else None
    over = intervals(row["lr_range"], "lr_range")[0] if "lr_range" in row else None
    return loss, optimizer, subject.given_start(), box, over, seed, open_lr


def in_columns(studies: Studies) -> Studies:
    """Failures whose messages name columns of the table in place of arguments of Python."""
    import numpy as np

    def column(quoted: re.Match[str]) -> str:
        name = ARGUMENTS.get(quoted[1], quoted[1])
        return f"column {name}" if name in COLUMNS else quoted[0]

    return replace(studies, failure=np.array([QUOTED.sub(column, str(why)) for why in studies.failure]))


def _document(studies: Studies) -> dict[str, Any]:
    from cfdyn.records.exports import by_rows

    return {"verdict": studies.verdict, "complete": studies.complete, "studies": by_rows(studies.table())}


def _print(screen: Screen, studies: Studies) -> None:
    """The first of them, and what failed."""
    screen.print(studies.verdict)
    screen.print()
    failed = bool(studies.failures)
    columns = ("loss", "optimizer", "ends on", "|multiplier|", "edge", *["failure"] * failed)
    screen.table(columns, range(len(studies)),
                 lambda k: (studies.title[k], studies.optimizer[k], _regime(studies, k), cell(studies.multiplier[k]),
                            cell(studies.edge[k]), *[studies.failure[k]] * failed))  # fmt: skip
    screen.print()


def _regime(studies: Studies, k: int) -> str:
    return called(int(studies.period[k])) if studies.period[k] else str(studies.regime[k])
