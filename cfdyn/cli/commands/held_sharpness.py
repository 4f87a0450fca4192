"""``cfdyn held-sharpness``: the sharpness that noise or the edge holds, over learning rates and batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import COMPARED, REPLACE
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import spaced
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen, cell, number, remark, vector
from cfdyn.symbolic.text.settings import value

if TYPE_CHECKING:
    from cfdyn.studies.held_sharpness import HeldSharpness

KEYS = "lr batch flow runs at_mean edge damping opposed held notes"
HOLDS = {"edge": "the edge", "noise": "noise", "nothing": "nothing", "": "no flow"}


@command("loss optimizer rates batches steps start after runs replace settings variables out plot figure seed csv json",
         group="Stochastic gradients", place=63)  # fmt: skip
def held_sharpness(
    subject: Subject,
    say: Say,
    rates: Annotated[str | None, Option("--lr", help="Learning rates A,B,…, or N of them from A to B (4 from 1/4 to 2 × the optimizer's own if not given).", metavar="A:B:N", show_default=False)] = None,  # noqa: E501
    batches: Annotated[str, Option("--batch", help="Numbers of rows in a mini-batch.", metavar="A,B,…")] = "1,4,16,64",
    steps: COMPARED = 3000,
    after: Annotated[int, Option("--after", min=1, help="Step at which the flow begins, at the mean of the runs.")] = 300,
    runs: Annotated[int, Option("--runs", min=2, help="Number of stochastic runs in each cell.")] = 40,
    replace: REPLACE = True,
) -> Answer:
    """Where SGD's sharpness settles, over learning rates and batch sizes.

    Held by noise, by the edge of stability, or by nothing.

    $ cfdyn held-sharpness tanh_network --lr 0.1,0.2 --batch 1,4 --runs 20 --steps 1000
    """
    subject.needs_loss("held-sharpness", "tanh_network")
    sizes = [value(size.strip(), "int", "--batch") for size in batches.split(",")]
    given = None if rates is None else spaced(rates, "--lr")
    loss, optimizer, start, chosen = subject.complete(True)
    lr = optimizer.params["lr"]
    about = spaced(f"{lr / 4}:{2 * lr}:4", "--lr") if given is None else given
    result = cfdyn.held_sharpness(loss, optimizer, start, steps, about, sizes, after, runs, replace, subject.seed, say)
    chosen = {**chosen, **({"rates": "about the optimizer's own"} if rates is None else {})}
    return Answer(lambda: {**fields(result, KEYS), "loss": loss.spec.title, "start": list(start), "chosen": chosen},
                  lambda screen: _print(screen, result, start, chosen), record=result)  # fmt: skip


def _print(screen: Screen, hold: HeldSharpness, start: object, chosen: dict[str, str]) -> None:
    """One row for each cell."""
    settings = hold.provenance["settings"]
    screen.facts(
        ("optimizer", f"{hold.provenance['settings']['map']}, at each learning rate"),
        ("start", f"{vector(start)}{remark(chosen, 'start')}"),
        ("runs", f"{settings['runs']} of {settings['steps']} steps in each cell; the flow from step {settings['after']} on"),
    )
    screen.print()
    cells = [(i, k) for i in range(len(hold.batch)) for k in range(len(hold.lr))]
    heads = ("batch", "lr", "sharpness of the flow", "at the runs' mean", "their median", "edge", "held by")
    held, tables = hold.held, (hold.flow, hold.at_mean, hold.runs, hold.edge)
    screen.table(heads, cells, lambda c: [
        str(hold.batch[c[0]]), number(hold.lr[c[1]]), *(cell(table[c]) for table in tables), HOLDS[str(held[c])]],
        most=None)  # fmt: skip
    screen.print("Means over the last third of the time.", style="dim")
    for words in hold.notes:
        screen.note(words)
