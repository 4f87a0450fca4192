"""``cfdyn regimes``: what the orbit of one start ends on, over two parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

from cfdyn.cli.command import Answer, command
from cfdyn.cli.screen import Say, Screen, remark, vector
from cfdyn.cli.subject import Subject
from cfdyn.cli.values import scanned
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.regimes import RegimeMap

PLANE = Annotated[
    list[str] | None, Option("--vary", help="A parameter, its range, and how many values; twice.", metavar="NAME=LO:HI[:COUNT]")
]  # noqa: E501
LONGEST = Annotated[int, Option("--max-period", min=1, help="The longest cycle that is named.")]
TRANSIENT = Annotated[int, Option("--transient", min=1, help="Steps before anything is looked at.")]
COUNT, MOST_VALUES = 250, 10**5


@command("loss vary optimizer start max_period transient settings variables map out plot figure seed json periodic", place=5)
def regimes(subject: Subject, say: Say, vary: PLANE = None, max_period: LONGEST = 32, transient: TRANSIENT = 1000) -> Answer:
    """A map of regimes over two parameters: fixed point, period, quasi-periodic, chaotic, divergent."""
    import numpy as np

    import cfdyn

    if len(vary or ()) != 2:
        raise UsageError("a map of regimes needs two parameters: --vary lr=0.1:4:250 --vary momentum=0:0.95:250")
    axes = []
    for text in vary or ():
        name, (lo, hi), count = scanned(text, COUNT)
        if not 2 <= count <= MOST_VALUES:
            raise UsageError(f"--vary {name}=LO:HI:COUNT needs 2 to {MOST_VALUES} values, not {count}")
        axes.append((name, np.linspace(lo, hi, count)))
    step, z0, chosen = subject.map_and_state()
    cells = len(axes[0][1]) * len(axes[1][1])
    found = cfdyn.analysis.regimes(step, axes[0], axes[1], z0, max_period, transient,
                                   progress=lambda done: say(f"{done} of {cells} cells"))  # fmt: skip
    about = {"map": step.title, "start": z0, "chosen": chosen, "fractions": found.fractions, "note": found.note}
    return Answer(
        lambda: {**about, "names": list(found.names), "first": found.first, "second": found.second, "period": found.period,
                 "kind": found.kind, "lyapunov": found.lyapunov},
        lambda screen: _print(screen, found, about), record=found,
    )  # fmt: skip


def _print(screen: Screen, found: RegimeMap, about: dict) -> None:
    """The settings and the fractions."""
    screen.facts(
        ("map", f"{about['map']}{remark(about['chosen'], 'lr')}"),
        ("start", f"{vector(about['start'])}{remark(about['chosen'], 'start')}"),
        *((name, f"{len(values)} values from {values[0]:g} to {values[-1]:g}")
          for name, values in zip(found.names, (found.first, found.second), strict=True)),
    )  # fmt: skip
    screen.print()
    screen.table(("regime", "cells"), [(name, f"{100 * part:.3g} %") for name, part in found.fractions.items()])
    if found.note:
        screen.print(found.note, style="dim")
