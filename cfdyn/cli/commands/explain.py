"""``cfdyn explain``: what the log of a training run tells."""

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
    from cfdyn.analysis.training.explain import Explanation

KEYS = "loss spikes period oscillation drift drift_error plateaus end headline bullets advice"
MOST = 12  # spikes that are printed


@command("run column out plot csv json", group="Orbits", place=24)
def explain(
    run: Annotated[
        Path, Argument(help="CSV, JSON Lines, trainer_state.json, or a file or folder of TensorBoard.", metavar="RUN")
    ],
    column: Annotated[str | None, Option("--column", help="The loss; by default the column called so.", metavar="NAME")] = None,
) -> Answer:
    """What the log of a training run tells: spikes, period, drift, plateaus.

    Reads tables of Weights & Biases too. A loss alone leaves most causes undecided; the answer says what to log next.

    $ cfdyn explain examples/training-log.csv
    $ cfdyn explain runs/ --column train/loss --plot run.png
    """
    try:
        found = cfdyn.analysis.explain(run, column)
    except UsageError as error:
        raise UsageError(f"{error}" if str(run) in str(error) else f"{run}: {error}") from None
    return Answer(lambda: {**fields(found, KEYS), "rows": len(found.steps)}, lambda screen: _print(screen, found), record=found)


def _print(screen: Screen, found: Explanation) -> None:
    for line in found.verdict.splitlines():
        screen.print(line)
    if found.spikes:
        shown = sorted(found.spikes, key=lambda one: -(one["times"] or 0))[:MOST]
        if len(shown) < len(found.spikes):
            screen.print(f"The {MOST} largest of {len(found.spikes)} spikes:")
        screen.table(("since", "peak", "until", "× level", "rows", "× a step", "cause"), sorted(shown, key=_since), _row)


def _since(spike: dict[str, Any]) -> float:
    return float(spike["since"])


def _row(spike: dict[str, Any]) -> list[str]:
    until = "–" if spike["until"] is None else number(spike["until"])
    times, growth = ("–" if spike[key] is None else f"{spike[key]:.3g}" for key in ("times", "growth"))
    return [number(spike["since"]), number(spike["peak"]), until, times, str(spike["rows"]), growth, spike["cause"]]
