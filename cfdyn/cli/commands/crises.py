"""``cfdyn crises``: where a chaotic attractor of one variable vanishes, grows or merges its bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import REGION, VARY
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import box as as_box
from cfdyn.cli.input.values import varied
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen, number
from cfdyn.words import called, how_many

if TYPE_CHECKING:
    from cfdyn.analysis.saddles.crises import Crises

KEYS = "parameter kind critical steps period points multiplier meaning"

DEFAULT = ", the default box: --box LO:HI takes another"


@command("loss vary periods box samples grid optimizer settings variables map out plot seed csv json",
         group="Maps and chaos", place=37)  # fmt: skip
def crises(
    subject: Subject,
    say: Say,
    vary: VARY = "",
    periods: Annotated[
        int, Option("--periods", min=1, max=12, help="Longest period of the cycles on which critical orbits land.")
    ] = 3,  # noqa: E501
    box: REGION = None,
    samples: Annotated[
        int, Option("--samples", min=2, max=10_000, help="Number of values of the parameter at which all cycles are found.")
    ] = 24,
    grid: Annotated[
        int, Option("--grid", min=3, max=100_000, help="Number of values between which to search for landings.")
    ] = 400,  # noqa: E501
) -> Answer:
    """Crises and band mergings of a map of one variable.

    Boundary and interior crises, located where critical orbits land on cycles.

    $ cfdyn crises --map "r*x*(1-x)" --vary r=3.6:4 --box 0:1
    """
    from cfdyn.studies.branch_starts import inside
    from cfdyn.studies.defaults import usual_box

    name, bounds = varied(vary)
    subject = subject.with_values({name: inside(bounds)})
    step, loss, _, chosen = subject.map_and_loss(inside(bounds) if name == "lr" else None)
    region = usual_box(step, loss) if box is None else as_box(box)
    result = cfdyn.analysis.crises(step, name, bounds, region, periods, samples, grid, progress=say)
    return Answer(
        lambda: {"crises": [fields(c, KEYS) for c in result], **fields(result, "name bounds landings undecided longest reason"),
                 "map": step.title, "chosen": chosen},
        lambda screen: _print(screen, result, step.title, "" if box else DEFAULT), record=result,
    )  # fmt: skip


def _print(screen: Screen, crises: Crises, title: str, default: str) -> None:
    """A table of them."""
    screen.print(title)
    lo, hi = crises.bounds
    screen.print(f"{len(crises) or 'no'} cris{'is' if len(crises) == 1 else 'es'} found for {crises.name} from {lo:g} to {hi:g}, "
                 f"of {crises.landings} landings of critical orbits on cycles up to period {crises.longest}")  # fmt: skip
    ends = crises.provenance["settings"]["box"]
    screen.print(f"cycles and critical points were searched for from {ends[0]:g} to {ends[1]:g}{default}", style="dim")
    if len(crises):
        screen.table((crises.name, "kind", "critical point", "lands after", "on the", "multiplier", "beside it"), [*crises],
                     lambda c: (f"{c.parameter:.14g}", c.kind, number(c.critical), f"{c.steps} steps", called(c.period),
                                number(c.multiplier), c.meaning))  # fmt: skip
    if len(crises.undecided):
        screen.print(f"{how_many(len(crises.undecided), 'landing')} undecided: orbits show no change there", style="dim")
    if crises.reason:
        screen.print(f"not examined: {crises.reason}", style="dim")
