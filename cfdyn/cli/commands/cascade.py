"""``cfdyn cascade``: period doublings, one after the other."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated

from typer import Option

from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import FIRST_BOX, FIRST_PERIOD, MOST_STEPS, VARY
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import given, varied
from cfdyn.cli.output.screen import Say, Screen, remark

if TYPE_CHECKING:
    from cfdyn.analysis.parameters.cascade import Cascade


@command("loss vary levels steps period optimizer start box settings variables map out plot seed csv json periodic",
         group="Cycles and bifurcations", place=43)  # fmt: skip
def cascade(
    subject: Subject,
    say: Say,
    vary: VARY = "",
    levels: Annotated[int, Option("--levels", min=1, help="Number of period doublings.")] = 10,
    steps: MOST_STEPS = None,
    period: FIRST_PERIOD = 1,
    box: FIRST_BOX = None,
) -> Answer:
    """A period-doubling cascade and its accumulation point.

    With estimates of Feigenbaum's constants from the flips.

    $ cfdyn cascade --map "r*x*(1-x)" --vary r=2.9:4 --levels 8
    $ cfdyn cascade double_well --vary lr=0.9:1.6
    """
    from cfdyn.studies.branch_starts import first_cascade

    name, bounds = varied(vary)
    say("searching for an initial cycle")
    starts = subject.branch_starts(name, bounds, period, box)
    options = {"progress": lambda k: say(f"{k} of {levels} flips"), **given(max_steps=steps)}
    cascade = first_cascade(starts, name, bounds, levels, **options)
    title, chosen = starts.step.title, {"start": starts.chosen}
    return Answer(
        lambda: {**{k: v for k, v in cascade.to_json().items() if k != "provenance"}, "map": title, "chosen": chosen},
        lambda screen: _print(screen, f"{title}{remark(chosen, 'start')}", cascade), record=cascade,
    )  # fmt: skip


def _print(screen: Screen, title: str, cascade: Cascade) -> None:
    """The flips and their limit."""
    screen.print(title)
    flips, ratios = (f"{flip:.15g}" for flip in cascade.flips), ["", *(f"{ratio:.9g}" for ratio in cascade.ratios)]
    rows = [*zip_longest(map(str, cascade.periods), flips, ratios[: len(cascade.flips)], fillvalue="")]
    screen.table(("period", f"flips at {cascade.name}", "ratio"), rows, most=None)
    for what in ("accumulation", "delta", "alpha"):
        value, error = getattr(cascade, what), getattr(cascade, f"{what}_error")
        if value is not None:
            screen.print(f"{what:<14}{value:.15g}  (about ±{error:.1g})")
    screen.print(cascade.reason, style="dim")
