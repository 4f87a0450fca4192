"""``cfdyn entropy``: the topological entropy of a map of one variable."""

from typing import Annotated

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.document import fields
from cfdyn.cli.screen import Say, number, remark
from cfdyn.cli.subject import Subject
from cfdyn.cli.values import box as as_box
from cfdyn.errors import UsageError


@command("loss optimizer box settings variables map out plot pixels json", group="Maps and chaos", place=34)
def entropy(
    subject: Subject,
    say: Say,
    box: Annotated[
        str | None,
        Option(
            "--box",
            help="Interval that orbits stay in (of all bounded orbits if not given).",
            metavar="LO:HI",
            show_default=False,
        ),
    ] = None,  # noqa: E501
) -> Answer:
    """Topological entropy of a map of one variable, between two bounds.

    $ cfdyn entropy --map "r*x*(1-x)" --set r=3.9
    $ cfdyn entropy double_well --optimizer gd:lr=1.5
    """
    asked = [(float("-inf"), float("inf"))] if box is None else as_box(box)
    if len(asked) != 1:
        raise UsageError(f"--box takes one interval here, such as -2:2, not {box!r}")
    step, _, _, chosen = subject.map_and_loss()
    if box is None:
        chosen["box"] = "holds all bounded orbits"
    say("following the ends of laps")
    found = cfdyn.analysis.topological_entropy(step, asked[0])
    lo, hi = found.interval.tolist()
    return Answer(
        lambda: {**fields(found, "lower upper interval laps words steps reason meaning"), "map": step.title, "chosen": chosen},
        lambda screen: screen.facts(
            ("map", f"{step.title}{remark(chosen, 'lr')}"),
            ("interval", f"{number(lo)} to {number(hi)}{remark(chosen, 'box')}, {found.laps} laps"),
            ("entropy", f"{number(found.lower)} to {number(found.upper)} per step, in floating point"),
            ("verdict", found.meaning),
        ),
        record=found,
    )  # fmt: skip
