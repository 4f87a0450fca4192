"""``cfdyn manifold``: the stable and unstable manifolds of saddles, and their crossings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

import cfdyn
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import FIRST_PERIOD, LENGTH, REGION
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import box as as_box
from cfdyn.cli.input.values import given, numbers
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import YES_NO, Say, Screen, number, vector
from cfdyn.errors import UsageError, unknown
from cfdyn.words import called

if TYPE_CHECKING:
    from cfdyn.analysis.saddles.homoclinic import Homoclinic
    from cfdyn.analysis.saddles.manifolds import Manifold

KINDS = {"both": ("unstable", "stable"), "unstable": ("unstable",), "stable": ("stable",)}
KEYS = "kind points multiplier s curve starts ends reason order error strong"
MEETINGS = "points s t angles halves orbits primary gap heteroclinic"


@command("loss kind period box length basins crossings other optimizer start settings variables map out plot seed csv json",
         group="Maps and chaos", place=35)  # fmt: skip
def manifold(
    subject: Subject,
    say: Say,
    kind: Annotated[str, Option("--kind", help="unstable, stable or both.")] = "both",
    period: FIRST_PERIOD = 1,
    box: REGION = None,
    length: LENGTH = None,
    basins: Annotated[
        int,
        Option("--basins", min=0, max=4000, help="Also show basins, from a grid of N × N starts; 0 for none."),
    ] = 0,  # noqa: E501
    crossings: Annotated[bool, Option("--crossings", help="Find homoclinic points (of maps of the plane).")] = False,
    other: Annotated[
        str | None,
        Option("--other", help="With --crossings: another saddle, whose stable manifold is used.", metavar="X,Y,…", show_default=False),  # noqa: E501
    ] = None,  # noqa: E501
) -> Answer:
    """Stable and unstable manifolds of saddles, and their crossings.

    For the saddle at --start, or for all in a box; with --crossings also the homoclinic points, with --basins also the basins.

    $ cfdyn manifold --map "1-a*x**2+y; b*x" --set a=1.4 --set b=0.3 --start 0.63,0.19 --box=-2:2,-1:1 --length 10
    """
    from cfdyn.studies.defaults import usual_box

    if kind not in KINDS:
        raise unknown("kind of manifold", kind, KINDS)
    if other is not None and not crossings:
        raise UsageError("--other names the second saddle of --crossings")
    step, loss, _, chosen = subject.map_and_loss()
    region = usual_box(step, loss) if box is None else as_box(box)
    start, options = subject.given_start(), {"box": region, "period": period, **given(length=length)}
    options["progress"] = lambda done, total: say(f"growing manifolds: {done} of {total} halves")
    if crossings:
        say("growing manifolds")
        met = cfdyn.analysis.homoclinic(step, start, None if other is None else numbers(other, "--other"), **options)
        return Answer(lambda: {**fields(met, MEETINGS), "curves": _documents(met.manifolds.curves), "map": step.title,
                               "chosen": chosen},
                      lambda screen: _print_crossings(screen, met, step.title), record=met)  # fmt: skip
    say("growing manifolds")
    manifolds = cfdyn.analysis.manifolds(step, start, KINDS[kind], basins=basins, **options)
    return Answer(
        lambda: {**_points(manifolds.curves), **fields(manifolds, "names box basins attractors"), "map": step.title,
                 "chosen": chosen},
        lambda screen: _print(screen, manifolds.curves, step.title), record=manifolds,
    )  # fmt: skip


def _points(curves: list[Manifold]) -> dict[str, Any]:
    """The curves, and all of their points."""
    import numpy as np

    return {"curves": _documents(curves), "points": np.concatenate([curve.curve for curve in curves])}


def _documents(curves: list[Manifold]) -> list[dict[str, Any]]:
    return [fields(curve, KEYS) for curve in curves]


def _print(screen: Screen, curves: list[Manifold], title: str) -> None:
    """Print each manifold, where it ends, and related results."""
    screen.print(title)
    screen.table(("manifold", "of the", "multiplier", "points", "length", "error at the saddle"), curves,
                 lambda c: (c.kind, f"{called(c.period)} at {vector(c.points[0])}", number(c.multiplier), f"{len(c):,}",
                            number(c.length), f"{c.error:.1e}"))  # fmt: skip
    for curve in curves:
        for place, end in enumerate(curve.ends):
            side = "+" if place % 2 == 0 else "−"
            which = f" of point {place // 2 + 1}" if curve.period > 1 else ""
            screen.print(f"{curve.kind}, half {side}{which}: {end}", style="dim")
        if curve.reason:
            screen.print(f"{curve.kind}: {curve.reason}", style="dim")


def _print_crossings(screen: Screen, homoclinic: Homoclinic, title: str) -> None:
    """Print the numbers of points and orbits, and the primary ones."""
    _print(screen, homoclinic.manifolds.curves, title)
    what = "heteroclinic" if homoclinic.heteroclinic else "homoclinic"
    orbits = len(set(homoclinic.orbits.tolist()))
    screen.print()
    if not len(homoclinic):
        screen.print(f"no {what} points in the box")
        return
    primary = int(homoclinic.primary.sum())
    screen.print(f"{len(homoclinic)} {what} points on {orbits} orbits in the box, {primary} of them primary; "
                 f"|W_u(s) − W_s(t)| ≤ {homoclinic.gap:.1e} of the box")  # fmt: skip
    first = sorted(range(len(homoclinic)), key=lambda k: (not homoclinic.primary[k], abs(homoclinic.s[k])))
    screen.table(("point", "angle", "primary", "orbit", "s", "t"), first,
                 lambda k: (vector(homoclinic.points[k]), number(homoclinic.angles[k]), YES_NO[bool(homoclinic.primary[k])],
                            str(homoclinic.orbits[k]), number(homoclinic.s[k]), number(homoclinic.t[k])))  # fmt: skip
