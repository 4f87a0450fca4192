"""``cfdyn averages``: averages of an optimizer's iterates, as estimators of the mean path and as optimizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import INJECT, offers
from cfdyn.cli.input.specs import flow_names, make_flows
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import numbers
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen, cell, number, remark, slow_cycles, vector

if TYPE_CHECKING:
    from cfdyn.analysis.training.averages import Average, Averages

KEYS = "rows cycles period fractions levels start_loss best_loss mean_loss status warnings"
AS_ESTIMATOR = "error swing_error max_error timed_error lag leaves left"
AS_OPTIMIZER = "final_loss median_loss predicted_loss final_sharpness"


@command("loss optimizer steps start decays models period inject settings variables out plot figure seed csv json",
         group="Flows", place=52)  # fmt: skip
def averages(
    subject: Subject,
    say: Say,
    steps: Annotated[int, Option("--steps", min=15, help="Number of steps.")] = 500,
    decays: Annotated[str, Option("--decays", help="Decays of the exponential averages, in [0, 1).", metavar="A,B,…")] = "0.5,0.9,0.99",  # noqa: E501
    models: Annotated[str | None, Option("--models", help="Names from 'cfdyn list flows', or none (gradient,central if not given).", metavar="NAME,…", autocompletion=offers("flows", others=("none",)), show_default=False)] = None,  # noqa: E501
    period: Annotated[int, Option("--period", min=2, help="Period of the fast oscillation.")] = 2,
    inject: INJECT = 0.0,
) -> Answer:
    """Averages of the iterates, compared with flows.

    Which average is closest to the mean path of the iterates, and which has the lowest loss.

    $ cfdyn averages double_well --optimizer gd:lr=1.1 --steps 300
    """
    subject.needs_loss("averages", "(1-x*y)**2/2")
    memory = numbers(decays, "--decays") if decays.strip() else []
    names = {} if (models or "").strip() == "none" else flow_names(models)
    loss, optimizer, start, chosen = subject.complete()
    flows = make_flows(names, loss, optimizer)
    result = cfdyn.averages(loss, optimizer, flows, start, steps, memory, period, inject, progress=say)

    def tables(screen: Screen) -> None:
        _print_settings(screen, result, start, chosen)
        _print_tables(screen, result)

    from cfdyn.records.exports import by_rows

    rows = by_rows(result.table())
    return Answer(lambda: {"averages": rows, **fields(result, KEYS), "steps": len(result.t) - 1, "chosen": chosen}, tables,
                  record=result)  # fmt: skip


def _print_settings(screen: Screen, averages: Averages, start: Any, chosen: dict[str, str]) -> None:
    """Print the optimizer, start, steps, mean path and losses of the averages."""
    settings = averages.provenance["settings"]["orbit"]
    screen.facts(
        ("optimizer", f"{settings['map']}{remark(chosen, 'lr')}"),
        ("start", f"{vector(start)}{remark(chosen, 'start')}"),
        ("steps", f"{settings['steps']}, {averages.status}"),
        ("mean path", _reference(averages)),
        ("loss", f"from {number(averages.start_loss)}; the lowest seen is {number(averages.best_loss)}; "
                 f"mean over the last tenth of the iterates {number(averages.mean_loss)}"),
    )  # fmt: skip
    screen.print()


def _print_tables(screen: Screen, averages: Averages) -> None:
    """The averages as estimators and as optimizers, and warnings."""

    def estimator(e: Average) -> list[str]:
        return [e.name + ("  (ended early)" if averages.ended_early(e) else ""), *map(cell, fields(e, AS_ESTIMATOR).values())]

    def optimizer(e: Average) -> list[str]:
        reached = ("–" if step is None else str(step) for step in e.reached)
        return [e.name, *map(cell, fields(e, AS_OPTIMIZER).values()), *reached]

    names = ("error", "in the swings", "largest", "lag allowed for", "lag", "rest of a 2-cycle", "measured")
    screen.table(("nearest first", *names), averages.ranking, estimator, most=None)
    screen.print("Distances to the mean path are root mean squares. The lag and the rest of a 2-cycle are computed from "
                 "formulas.", style="dim")
    screen.print()
    levels = (f"{100 * fraction:g} %" for fraction in averages.fractions)
    columns = ("as an optimizer", "loss at the end", "median, last tenth", "average predicted", "sharpness", *levels)
    ranked = sorted(averages.entries, key=lambda e: (averages.ended_early(e), e.median_loss != e.median_loss, e.median_loss))
    screen.table(columns, ranked, optimizer, most=None)
    screen.print("Per cent columns: the step after which at most that part of the way from the first to the lowest loss "
                 "remains.", style="dim")
    for words in averages.warnings:
        screen.note(words)


def _reference(averages: Averages) -> str:
    """How the time average was taken."""
    words, swings = f"centred average over the period {averages.period}", ""
    if averages.cycles:
        words += f" and {len(averages.cycles)} slow cycles of {slow_cycles(averages.cycles)} steps"
        swings = f", {int(averages.swinging.sum())} of them in the swings"
    return f"{words}; at {averages.rows} of {len(averages.t)} steps{swings}"
