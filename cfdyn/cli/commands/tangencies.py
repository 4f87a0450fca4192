"""``cfdyn tangencies``: parameter values at which manifolds touch, and their continuation in two parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import FIRST_PERIOD, LENGTH, REGION
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import box as as_box
from cfdyn.cli.input.values import given, numbers, varied
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen, number, vector
from cfdyn.errors import NumericsError, UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.saddles.tangencies import Tangencies, Tangency
    from cfdyn.analysis.saddles.tangency_curve import TangencyCurve

KEYS = "parameter point s t bend quadratic speed error crisis meaning cycles places sides"
CURVE = "names parameters points s t bend ends start bounds"


@command("loss vary other period box length samples optimizer start settings variables map out plot seed csv json",
         group="Maps and chaos", place=36)  # fmt: skip
def tangencies(
    subject: Subject,
    say: Say,
    vary: Annotated[list[str] | None, Option("--vary", help="The parameter and its range (required); if given twice, the first tangency is continued in both.", metavar="NAME=LO:HI", show_default=False)] = None,  # noqa: E501
    other: Annotated[str | None, Option("--other", help="Another saddle, whose stable manifold is used.", metavar="X,Y,…", show_default=False)] = None,  # noqa: E501
    period: FIRST_PERIOD = 1,
    box: REGION = None,
    length: LENGTH = None,
    samples: Annotated[int, Option("--samples", min=1, max=1000, help="Number of values of the parameter at which both manifolds are grown.")] = 3,  # noqa: E501
) -> Answer:
    """Homoclinic and heteroclinic tangencies over one or two parameters.

    For the saddle at --start; states which of them are crises.

    $ cfdyn tangencies --map "1-a*x**2+y; b*x" --set b=0.3 --start 0.63,0.19 --vary a=1.391:1.394
    """
    from cfdyn.analysis.saddles.homoclinic import only_saddle
    from cfdyn.studies.branch_starts import inside
    from cfdyn.studies.defaults import usual_box

    names, bounds = _one_or_two(vary or [])
    # A value that --set gives is kept, so that the first tangency lies there.
    subject = subject.with_values({name: inside(ends) for name, ends in zip(names, bounds, strict=True)})
    step, loss, _, chosen = subject.map_and_loss(inside(bounds[0]) if names[0] == "lr" else None)
    region = usual_box(step, loss) if box is None else as_box(box)
    start: Any = subject.given_start()
    if start is None and step.dim == 2:
        say("searching for a saddle")
        start = only_saddle(step.at(**{names[0]: bounds[0][0]}), region, period)
    options: dict[str, Any] = {"box": region, "period": period, "samples": samples, **given(length=length)}
    result = cfdyn.analysis.tangencies(step, start, names[0], bounds[0], None if other is None else numbers(other, "--other"),
                                      progress=lambda k, n: say(f"{k} of {n} values of {names[0]}"), **options)  # fmt: skip
    document = {"tangencies": [fields(t, KEYS) for t in result], **fields(result, "name bounds reason heteroclinic"),
                "map": step.title, "chosen": chosen}  # fmt: skip
    if len(names) == 1:
        return Answer(lambda: document, lambda screen: _print(screen, result, step.title), record=result)
    curve = _followed(result, names, bounds, say)
    return Answer(lambda: {**document, "curve": fields(curve, CURVE)},
                  lambda screen: _print_curve(screen, result, curve, step.title), record=curve)  # fmt: skip


def _one_or_two(vary: list[str]) -> tuple[tuple[str, ...], tuple[tuple[float, float], ...]]:
    """The names and the bounds of the parameters."""
    if len(vary) not in (1, 2):
        raise UsageError(f"tangencies need one parameter, --vary a=1.3:1.4, or two to be followed in, not {len(vary)}")
    names, bounds = zip(*map(varied, vary), strict=True)
    if len(set(names)) < len(names):
        raise UsageError(f"give two different parameters, not {names[0]} twice")
    return names, bounds


def _followed(tangencies: Tangencies, names: tuple[str, ...], bounds: tuple[tuple[float, float], ...], say: Say) -> TangencyCurve:
    """The first tangency, continued in both parameters."""
    if not len(tangencies):
        raise NumericsError(
            f"no tangency was found for {names[0]} from {bounds[0][0]:g} to {bounds[0][1]:g}, so that none is followed"
        )
    return cfdyn.analysis.tangency_curve(
        tangencies[0], (names[0], names[1]), bounds, progress=lambda k: say(f"{k} points of the curve")
    )


def _print(screen: Screen, tangencies: Tangencies, title: str) -> None:
    """A table of them."""
    what = "heteroclinic" if tangencies.heteroclinic else "homoclinic"
    screen.print(title)
    lo, hi = tangencies.bounds
    count = f"{len(tangencies) or 'no'} {what} tangenc{'y' if len(tangencies) == 1 else 'ies'}"
    screen.print(f"{count} found for {tangencies.name} from {lo:g} to {hi:g}")
    if len(tangencies):
        screen.table((tangencies.name, "point", "order", "crisis", "beside it"), [*tangencies], _row)
    if tangencies.reason:
        screen.print(f"not examined: {tangencies.reason}", style="dim")


def _row(t: Tangency) -> tuple[str, ...]:
    return f"{t.parameter:.14g}", vector(t.point), "quadratic" if t.quadratic else "higher", t.crisis or "", t.meaning


def _print_curve(screen: Screen, tangencies: Tangencies, curve: TangencyCurve, title: str) -> None:
    """The tangencies, and a few rows of the curve through the first."""
    import numpy as np

    _print(screen, tangencies, title)
    screen.print()
    screen.print(f"the first one followed: {len(curve)} points, from {curve.ends[0]} to {curve.ends[1]}")
    rows = np.unique(np.linspace(0, len(curve) - 1, 12).astype(int)).tolist()
    screen.table((*curve.names, "point", "bend"), rows,
                 lambda k: (*(f"{v:.10g}" for v in curve.parameters[k]), vector(curve.points[k]),
                            number(curve.bend[k])))  # fmt: skip
    screen.left_out(len(curve) - len(rows))
