"""``cfdyn orbit``: the iterates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import DIGITS, INJECT, STEPS
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.output.document import moving_edge
from cfdyn.cli.output.screen import MOST_ROWS, Say, Screen, remark, vector
from cfdyn.errors import UsageError, unknown
from cfdyn.symbolic.text.settings import value

if TYPE_CHECKING:
    import numpy as np

    from cfdyn.systems.orbit import Orbit

HEADS = {"preconditioned_sharpness": "λ₁(P⁻¹H)", "theta": "θ"}
AVERAGES = ("last_two", "midpoints", "polyak")


@command("loss optimizer steps start inject settings variables map digits out plot csv average batch order seed periodic "
         "json", group="Orbits", place=20)  # fmt: skip
def orbit(
    subject: Subject,
    say: Say,
    steps: STEPS = 100,
    digits: DIGITS = None,
    inject: INJECT = 0.0,
    average: Annotated[str | None, Option("--average", help="Also print an average: last_two, midpoints, polyak or ema=DECAY.", metavar="NAME")] = None,  # noqa: E501
) -> Answer:
    """Iterate the optimizer: weights, loss and sharpness at each step.

    States whether the sharpness hovers at the optimizer's edge of stability. --map iterates any map.

    $ cfdyn orbit double_well --optimizer gd:lr=1.1 --steps 20
    $ cfdyn orbit --map "r*x*(1-x)" --set r=3.83 --start 0.4
    """
    from cfdyn.analysis.training.hovering import hovering_or_why

    step, z0, chosen = subject.map_and_state()
    orbit = cfdyn.iterate(step, z0, steps, digits=digits, inject=inject, progress=lambda k: say(f"{k} of {steps} steps"))
    series = {"loss": orbit.loss, "sharpness": orbit.sharpness} if step.has_loss else {}
    held, why = hovering_or_why(orbit) if step.has_loss else (None, "")
    if held is not None:
        series |= {"preconditioned_sharpness": orbit.preconditioned_sharpness, "theta": orbit.theta}
    if average is not None:
        series["average"] = _average(orbit, average)
    return Answer(
        lambda: {"z": orbit.z, **series, "names": step.names, "status": orbit.status, **moving_edge(held, why), "chosen": chosen},
        lambda screen: _print(screen, f"{step.title}{remark(chosen, 'lr')}", orbit, series, held.meaning if held else why),
        record=orbit, columns=lambda: _columns(orbit, series),
    )  # fmt: skip


def _columns(orbit: Orbit, series: dict[str, np.ndarray]) -> dict[str, list[Any]]:
    """Steps, states and all series; an average of pairs begins one row later."""
    import numpy as np

    n, columns = len(orbit.z), {"step": list(range(len(orbit.z))), **orbit.table()}
    for name, values in series.items():
        for k, column in enumerate(np.reshape(values, (len(values), -1)).T.tolist(), 1):
            first = int(len(values) == n - 2)
            head = name if np.ndim(values) == 1 or np.shape(values)[1] == 1 else f"{name}{k}"
            columns[head] = ([None] * first + column + [None] * n)[:n]
    return columns


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
            return ["…", *["…"] * (len(orbit.names) + len(series))]
        values = [str(v) if orbit.z.dtype == object else f"{v:.10g}" for v in orbit.z[k]]
        return [str(k), *values, *(_cell(column, k, n) for column in series.values())]

    heads, table = ["step", *orbit.names, *(HEADS.get(name, name) for name in series)], [cells(k) for k in rows]
    kept = _kept(heads, table, len(orbit.names), screen.width)
    shown = [k for k in range(len(heads)) if k <= kept or k > len(orbit.names)]
    screen.table([heads[k] for k in shown], table, lambda row: [row[k] for k in shown], most=None)
    screen.left_out(n - len(rows) + 1 if n > 2 * MOST_ROWS else 0)
    if kept < len(orbit.names):
        count = f"{len(orbit.names) - kept} of {len(orbit.names)} entries of the state"
        screen.print(f"{count} are omitted; a wider screen, --json or the record shows them")
    screen.note(orbit.status, "status")
    if edge:
        screen.note(edge, "edge")


def _kept(heads: list[str], rows: list[list[str]], entries: int, width: int) -> int:
    """The number of entries of the state, columns 1 to ``entries``, that fit on a screen with the other columns; at least 1."""
    needed = [2 + max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    room = width - sum(needed) + sum(needed[1 : entries + 1])
    kept = 0
    while kept < entries and sum(needed[1 : kept + 2]) <= room:
        kept += 1
    return max(kept, 1)


def _cell(column: np.ndarray, k: int, n: int) -> str:
    """A number or a vector of row k; midpoints begin one row later."""
    at = k - (len(column) == n - 2)
    if not 0 <= at < len(column):
        return "–"
    return vector(column[at]) if column.ndim > 1 else f"{column[at]:.6g}"
