"""``cfdyn entropy``: the topological entropy of a map of one variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.subject import Chosen, Subject
from cfdyn.cli.input.values import box as as_box
from cfdyn.cli.input.values import numbers
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Say, Screen, number, remark
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.invariants.covering import Covering
    from cfdyn.systems.map import Map

LAPS = 8  # powers of the map whose fixed points are counted


@command("loss optimizer box covering settings variables map out plot pixels csv json", group="Maps and chaos", place=34)
def entropy(
    subject: Subject,
    say: Say,
    box: Annotated[
        str | None,
        Option(
            "--box",
            help="Invariant interval (that of all bounded orbits if not given).",
            metavar="LO:HI",
            show_default=False,
        ),
    ] = None,  # noqa: E501
    covering: Annotated[str | None, Option("--covering", help="Ends of adjacent intervals: which image covers which interval, and the implied cycles and entropy.", metavar="A,B,…", show_default=False)] = None,  # noqa: E501
) -> Answer:
    """Topological entropy of a map of one variable, between two bounds.

    $ cfdyn entropy --map "r*x*(1-x)" --set r=3.9
    $ cfdyn entropy double_well --optimizer gd:lr=1.5
    """
    asked = [(float("-inf"), float("inf"))] if box is None else as_box(box)
    if len(asked) != 1:
        raise UsageError(f"--box takes one interval here, such as -2:2, not {box!r}")
    step, _, _, chosen = subject.map_and_loss()
    if covering is not None:
        if box is not None:
            raise UsageError("--covering names its own intervals; leave out --box")
        return _covering(step, covering, chosen)
    if box is None:
        chosen["box"] = "holds all bounded orbits"
    say("following the ends of laps")
    entropy = cfdyn.analysis.topological_entropy(step, asked[0], progress=say)
    lo, hi = entropy.interval.tolist()
    return Answer(
        lambda: {**fields(entropy, "lower upper interval laps words steps reason meaning"), "map": step.title, "chosen": chosen},
        lambda screen: screen.facts(
            ("map", f"{step.title}{remark(chosen, 'lr')}"),
            ("interval", f"{number(lo)} to {number(hi)}{remark(chosen, 'box')}, {entropy.laps} laps"),
            ("entropy", f"{number(entropy.lower)} to {number(entropy.upper)} per step, in floating point"),
            ("verdict", entropy.meaning),
        ),
        record=entropy,
    )  # fmt: skip


def _covering(step: Map, ends: str, chosen: Chosen) -> Answer:
    """The covering relation of the intervals between these ends."""
    result = cfdyn.analysis.covering(step, numbers(ends, "--covering"))
    return Answer(lambda: {**fields(result, "intervals matrix entropy returns"), "map": step.title, "chosen": chosen},
                  lambda screen: _print(screen, result, f"{step.title}{remark(chosen, 'lr')}"), record=result)  # fmt: skip


def _print(screen: Screen, covering: Covering, title: str) -> None:
    """Print which interval covers which, and the consequences."""
    counts = ", ".join(f"{count:.0f}" for count in covering.returns[:LAPS])
    screen.facts(("map", title), ("entropy", f"at least {number(covering.entropy)} per step, in floating point"),
                 ("fixed points", f"at least {counts} of the first powers of the map"))  # fmt: skip
    screen.print()
    names = [f"{number(lo)} to {number(hi)}" for lo, hi in covering.intervals]
    screen.table(("interval", "covers"), range(len(names)), lambda k: [
        names[k], "; ".join(name for name, covered in zip(names, covering.matrix[k], strict=True) if covered)])  # fmt: skip
