"""``cfdyn intermittency``: the lengths of laminar phases near the end of a cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.grids import at_first
from cfdyn.cli.input.options import offers
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import assignments, spaced
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen, cell, number, remark, vector
from cfdyn.errors import UsageError, unknown

if TYPE_CHECKING:
    from cfdyn.analysis.parameters.intermittency import Intermittency

SIDES = {"below": -1.0, "above": 1.0}
STEPS = 500_000
KEYS = "name critical period values distances lengths errors counts exponent error factor"


@command("loss critical side distances period near steps transient optimizer start settings variables map out plot seed csv json "
         "periodic", group="Maps and chaos", place=38)  # fmt: skip
def intermittency(
    subject: Subject,
    say: Say,
    critical: Annotated[str, Option("--critical", help="The parameter and its value at which the cycle is born or vanishes, such as lr=1.45044096449 (required).", metavar="NAME=VALUE")] = "",  # noqa: E501
    side: Annotated[str, Option("--side", help="Side of it on which to measure laminar phases: below or above.", autocompletion=offers(others=tuple(SIDES)))] = "below",  # noqa: E501
    distances: Annotated[str, Option("--distances", help="Distances from it, A,B,… or N of them from A to B.", metavar="A:B:N")] = "1e-6:1e-3:7",  # noqa: E501
    period: Annotated[int, Option("--period", min=1, help="Period of the cycle.")] = 1,
    near: Annotated[float, Option("--near", help="Distance within which an orbit has returned after a period, as a fraction of its extent.")] = 0.01,  # noqa: E501
    steps: Annotated[int, Option("--steps", min=1000, help="Number of steps at each distance.")] = STEPS,
    transient: Annotated[int, Option("--transient", min=0, help="Transient steps to discard.")] = 1000,
) -> Answer:  # fmt: skip
    """Intermittency: how the lengths of laminar phases scale.

    Near the parameter value at which a cycle is born or vanishes, with the exponent of the mean length as a function of the
    distance from it.

    $ cfdyn intermittency --map "r*x*(1-x)" --critical "r=1+8**0.5" --period 3 --start 0.3 --steps 100000
    """
    if not critical.strip():
        raise UsageError("say where the cycle is born or vanishes: --critical NAME=VALUE, such as --critical r=3.8284")
    ends = assignments([critical], "--critical", "r=3.8284")
    if side not in SIDES:
        raise unknown("side", side, SIDES)
    (name, at), apart = next(iter(ends.items())), spaced(distances, "--distances")
    values = [at + SIDES[side] * distance for distance in apart]
    if len(values) < 3:
        raise UsageError(f"an exponent needs three distances or more, such as --distances 1e-6:1e-3:7, not {distances}")
    step, z0, chosen = at_first(subject, [(name, values)]).map_and_state()
    say(f"orbits beside {name} = {at:.6g}")
    result = cfdyn.analysis.intermittency(step, z0, name, values, at, period, near, steps, transient)
    about = {"map": step.title, "start": z0, "chosen": {key: how for key, how in chosen.items() if key != name}}
    return Answer(lambda: {**fields(result, KEYS), **about}, lambda screen: _print(screen, result, about), record=result)


def _print(screen: Screen, intermittency: Intermittency, about: dict) -> None:
    """A row for each distance, and the exponent."""
    screen.facts(
        ("map", f"{about['map']}{remark(about['chosen'], 'lr')}"),
        ("start", f"{vector(about['start'])}{remark(about['chosen'], 'start')}"),
        ("critical", f"{intermittency.name} = {intermittency.critical:.12g}, of the cycle of period {intermittency.period}"),
        ("exponent", f"{number(intermittency.exponent)} ± {cell(intermittency.error)}, of the mean length over the distance"),
    )  # fmt: skip
    screen.print()
    screen.table(("distance", "laminar phases", "mean length", "its error"), range(len(intermittency.values)), lambda k: [
        number(intermittency.distances[k]), str(intermittency.counts[k]), cell(intermittency.lengths[k]),
        cell(intermittency.errors[k])], most=None)  # fmt: skip
