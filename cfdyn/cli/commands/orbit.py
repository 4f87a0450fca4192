"""``cfdyn orbit``: the iterates."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.document import moving_edge
from cfdyn.cli.options import DIGITS, INJECT, STEPS
from cfdyn.cli.screen import MOST_ROWS, Say, Screen, remark, vector
from cfdyn.cli.subject import Subject
from cfdyn.cli.values import value
from cfdyn.errors import UsageError, unknown

if TYPE_CHECKING:
    import numpy as np

    from cfdyn.systems.orbit import Orbit

HEADS = {"preconditioned_sharpness": "λ₁(P⁻¹H)", "theta": "θ"}
AVERAGES = ("last_two", "midpoints", "polyak")


@command("loss optimizer steps start inject settings variables map digits out plot average batch order seed periodic "
         "json", place=2)  # fmt: skip
def orbit(
    subject: Subject,
    say: Say,
    steps: STEPS = 100,
    digits: DIGITS = None,
    inject: INJECT = 0.0,
    average: Annotated[str | None, Option("--average", help="Print an average too: last_two, midpoints, polyak or ema=DECAY.", metavar="KIND")] = None,  # noqa: E501
) -> Answer:
    """Iterate the optimizer and print the orbit with its loss and sharpness, and whether that hovers at the optimizer's edge."""
    from cfdyn.analysis.hovering import hovering_or_why

    step, z0, chosen = subject.map_and_state()
    found = cfdyn.iterate(step, z0, steps, digits=digits, inject=inject, progress=lambda k: say(f"{k} of {steps} steps"))
    series = {"loss": found.loss, "sharpness": found.sharpness} if step.has_loss else {}
    held, why = hovering_or_why(found) if step.has_loss else (None, "")
    if held is not None:
        series |= {"preconditioned_sharpness": found.preconditioned_sharpness, "theta": found.theta}
    if average is not None:
        series["average"] = _average(found, average)
    return Answer(
        lambda: {"z": found.z, **series, "names": step.names, "status": found.status, **moving_edge(held, why), "chosen": chosen},
        lambda screen: _print(screen, f"{step.title}{remark(chosen, 'lr')}", found, series, held.meaning if held else why),
        record=found,
    )  # fmt: skip


def _average(orbit: Orbit, text: str) -> Any:
    """``--average``: one of the orbit's averages, (m, d)."""
    kind, equals, decay = text.partition("=")
    if kind == "ema":
        if not equals:
            raise UsageError("--average ema needs its decay, such as ema=0.9")
        return orbit.ema(value(decay, "float", "--average ema"))
    if text not in AVERAGES:
        raise unknown("average", text, [*AVERAGES, "ema=0.9"])
    return getattr(orbit, text)()


def _print(screen: Screen, title: str, orbit: Orbit, series: dict[str, np.ndarray], edge: str) -> None:
    """The first and last rows of an orbit, and a sentence on its edge."""
    screen.print(title)
    n = len(orbit.z)
    rows = range(n) if n <= 2 * MOST_ROWS else [*range(MOST_ROWS), -1, *range(n - MOST_ROWS, n)]

    def cells(k: int) -> list[str]:
        if k < 0:
            return ["…"]
        values = [str(v) if orbit.z.dtype == object else f"{v:.10g}" for v in orbit.z[k]]
        return [str(k), *values, *(_cell(column, k, n) for column in series.values())]

    heads = ("step", *orbit.names, *(HEADS.get(name, name) for name in series))
    shown = _room(screen.console.width, len(orbit.names), [heads, *(cells(k) for k in rows if k >= 0)])

    def fitting(row: Sequence[str]) -> list[str]:
        return [*row[: 1 + shown], *row[1 + len(orbit.names) :]]

    screen.table(fitting(heads), rows, lambda k: fitting(cells(k)), most=None)
    if shown < len(orbit.names):
        screen.print(f"… and {len(orbit.names) - shown} more entries of the state (all of them with --json)")
    screen.print(f"status  {orbit.status}")
    if edge:
        screen.print(f"edge    {edge}")


def _room(width: int, entries: int, table: Sequence[Sequence[str]]) -> int:
    """How many of the state's entries, behind the step, there is room for beside the series; 1 at least."""
    widths = [2 + max(map(len, column)) for column in zip(*table, strict=True)]
    room = width - widths[0] - sum(widths[1 + entries :])
    return max(1, sum(taken <= room for taken in accumulate(widths[1 : 1 + entries])))


def _cell(column: np.ndarray, k: int, n: int) -> str:
    """A number or a vector of row k; midpoints begin one row later."""
    at = k - (len(column) == n - 2)
    if not 0 <= at < len(column):
        return "–"
    return vector(column[at]) if column.ndim > 1 else f"{column[at]:.6g}"
