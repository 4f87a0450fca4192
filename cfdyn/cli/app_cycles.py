"""The command for cycles and its options, nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from cfdyn.cli.app import FOLDER, JSON, LOSS, MAP, OPTIMIZER, OUT, PERIODIC, PLOT, SEED, SET, VARIABLES, app


@app.command()
def cycles(
    loss: LOSS = None,
    period: Annotated[int, typer.Option("--period", help="Of the cycles; 1 gives the fixed points.")] = 2,
    box: Annotated[str | None, typer.Option("--box", help="Where: lo:hi for each variable, -inf:inf too if there is one; the loss's own if not given.", metavar="LO:HI,…", show_default=False)] = None,  # noqa: E501
    optimizer: OPTIMIZER = "gd",
    set_: SET = None,
    variables: VARIABLES = None,
    map_: MAP = None,
    budget: Annotated[int | None, typer.Option("--budget", min=1, help="Bound on the work, after which the list is not complete.", show_default=False)] = None,  # noqa: E501
    method: Annotated[str, typer.Option("--method", help="auto (all of them, where bounds decide), or a search from many starts: search, schmelcher-diakonos.")] = "auto",  # noqa: E501
    out: OUT = FOLDER,
    plot: PLOT = None,
    seed: SEED = 0,
    json: JSON = False,
    periodic: PERIODIC = None,
) -> None:
    """Every cycle of one period in a box, with its multipliers, and whether these are all."""
    from cfdyn.cli import cycles

    cycles.show(loss, period, box, optimizer, set_ or [], variables, map_, budget, method, out, plot, seed, json,
                periodic or [])  # fmt: skip
