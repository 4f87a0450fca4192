"""The commands for branches, cascades and curves of bifurcations and their options, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cfdyn.cli.app import JSON, LOSS, MAP, OPTIMIZER, PLOT, SEED, SET, START, VARIABLES, app

VARY = Annotated[str, typer.Option("--vary", help="The parameter and where the branches end.", metavar="NAME=LO:HI")]
PERIOD = Annotated[int, typer.Option("--period", min=1, help="Of the cycles to start with.")]
MOST = Annotated[int | None, typer.Option("--steps", min=1, help="Of each branch, in each direction.", show_default=False)]
OUT = Annotated[Path | None, typer.Option("--out", help="Write the record to this folder.")]


@app.command()
def branch(
    loss: LOSS = None,
    vary: VARY = "",
    period: PERIOD = 1,
    steps: MOST = None,
    switch: Annotated[bool, typer.Option("--switch", help="Follow what branches off at flips and branch points too.")] = False,
    depth: Annotated[int, typer.Option("--depth", min=1, max=12, help="With --switch: how many times, one after the other.")] = 1,
    optimizer: OPTIMIZER = "gd",
    start: START = None,
    set_: SET = None,
    variables: VARIABLES = None,
    map_: MAP = None,
    out: OUT = None,
    plot: PLOT = None,
    seed: SEED = 0,
    json: JSON = False,
) -> None:
    """Fixed points or cycles followed along a parameter, with their bifurcations."""
    from cfdyn.cli import branch

    wanted = branch.Wanted(loss, optimizer, start, set_ or [], variables, map_, vary, period, seed)
    branch.show(wanted, depth if switch else 0, steps, out, plot, json)


@app.command()
def cascade(
    loss: LOSS = None,
    vary: VARY = "",
    levels: Annotated[int, typer.Option("--levels", min=1, help="How many period doublings.")] = 10,
    steps: MOST = None,
    period: PERIOD = 1,
    optimizer: OPTIMIZER = "gd",
    start: START = None,
    set_: SET = None,
    variables: VARIABLES = None,
    map_: MAP = None,
    out: OUT = None,
    plot: PLOT = None,
    seed: SEED = 0,
    json: JSON = False,
) -> None:
    """Period doublings one after the other, where they accumulate, and Feigenbaum's numbers."""
    from cfdyn.cli import branch

    wanted = branch.Wanted(loss, optimizer, start, set_ or [], variables, map_, vary, period, seed)
    branch.show_cascade(wanted, levels, steps, out, plot, json)


@app.command()
def curve(
    loss: LOSS = None,
    vary: Annotated[list[str] | None, typer.Option("--vary", help="Two parameters with their bounds: give it twice.", metavar="NAME=LO:HI", show_default=False)] = None,  # noqa: E501
    kind: Annotated[str, typer.Option("--kind", help="fold, flip, neimark-sacker or border-collision.", metavar="NAME")] = "flip",
    period: PERIOD = 1,
    condition: Annotated[str | None, typer.Option("--condition", help="Follow EXPR = 0 instead, for the cycle's first point and the parameters.", metavar="EXPR")] = None,  # noqa: E501
    optimizer: OPTIMIZER = "gd",
    start: START = None,
    set_: SET = None,
    variables: VARIABLES = None,
    map_: MAP = None,
    out: OUT = None,
    plot: PLOT = None,
    seed: SEED = 0,
    json: JSON = False,
) -> None:
    """A bifurcation of a cycle, or a condition on it, followed in two parameters, with its special points."""
    from cfdyn.cli import branch, curve

    wanted = branch.Wanted(loss, optimizer, start, set_ or [], variables, map_, "", period, seed)
    curve.show(wanted, vary or [], kind, condition, out, plot, json)
