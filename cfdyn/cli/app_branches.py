"""The commands for branches, cascades and curves of bifurcations and their options, nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from cfdyn.cli.app import FOLDER, JSON, LOSS, MAP, OPTIMIZER, OUT, PERIODIC, PLOT, SEED, SET, START, VARIABLES, app
from cfdyn.cli.wanted import Wanted

VARY = Annotated[str, typer.Option("--vary", help="The parameter and where the branches end.", metavar="NAME=LO:HI")]
MOST = Annotated[int | None, typer.Option("--steps", min=1, help="Of each branch, in each direction.", show_default=False)]


def subject(
    loss: LOSS = None,
    period: Annotated[int, typer.Option("--period", min=1, help="Of the cycles to start with.")] = 1,
    optimizer: OPTIMIZER = "gd",
    start: START = None,
    box: Annotated[str | None, typer.Option("--box", help="Where to look for the first cycles, as in 'cfdyn cycles'.", metavar="LO:HI,…")] = None,  # noqa: E501
    set_: SET = None,
    variables: VARIABLES = None,
    map_: MAP = None,
    out: OUT = FOLDER,
    plot: PLOT = None,
    seed: SEED = 0,
    json: JSON = False,
    periodic: PERIODIC = None,
) -> Wanted:
    """What all of these commands are told: a map, where to begin, where to write."""
    return Wanted(loss, period, optimizer, start, box, set_ or [], variables, map_, out, plot, seed, json, periodic or [])


def command(own: Callable[..., None]) -> Callable[..., None]:
    """Make it a command: with its own options, and those of `subject`, which come to it as one argument."""
    shared = inspect.signature(subject, eval_str=True).parameters
    (loss, *others), (_, *options) = shared.values(), inspect.signature(own, eval_str=True).parameters.values()

    @wraps(own)
    def run(**given: Any) -> None:
        own(subject(**{name: given.pop(name) for name in shared}), **given)

    run.__signature__ = inspect.Signature([loss, *options, *others])  # type: ignore[attr-defined]
    return app.command()(run)


@command
def branch(
    wanted: Wanted,
    vary: VARY = "",
    steps: MOST = None,
    switch: Annotated[bool, typer.Option("--switch", help="Follow what branches off at flips and branch points too.")] = False,
    depth: Annotated[int, typer.Option("--depth", min=1, max=12, help="With --switch: how many times, one after the other.")] = 1,
) -> None:
    """Fixed points or cycles followed along a parameter, with their bifurcations; FILE.npz goes on with a record."""
    from cfdyn.cli import branch

    branch.show(wanted, vary, depth if switch else 0, steps)


@command
def cascade(
    wanted: Wanted,
    vary: VARY = "",
    levels: Annotated[int, typer.Option("--levels", min=1, help="How many period doublings.")] = 10,
    steps: MOST = None,
) -> None:
    """Period doublings one after the other, where they accumulate, and Feigenbaum's numbers."""
    from cfdyn.cli import branch

    branch.show_cascade(wanted, vary, levels, steps)


@command
def curve(
    wanted: Wanted,
    vary: Annotated[list[str] | None, typer.Option("--vary", help="Two parameters with their bounds: give it twice.", metavar="NAME=LO:HI", show_default=False)] = None,  # noqa: E501
    kind: Annotated[str | None, typer.Option("--kind", help="fold, flip (if not given), neimark-sacker, border-collision or branch-point.", metavar="NAME", show_default=False)] = None,  # noqa: E501
    condition: Annotated[str | None, typer.Option("--condition", help="Follow EXPR = 0 instead, for the cycle's first point and the parameters.", metavar="EXPR")] = None,  # noqa: E501
    steps: MOST = None,
) -> None:
    """A bifurcation or condition followed in two parameters, with its special points; FILE.npz goes on with a record."""
    from cfdyn.cli import curve

    curve.show(wanted, vary or [], kind, condition, steps)
