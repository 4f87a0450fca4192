"""The command for closed forms and its options, nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from cfdyn.cli.app import FOLDER, JSON, LOSS, MAP, OPTIMIZER, OUT, PLOT, SET, VARIABLES, app


@app.command()
def exact(
    loss: LOSS = None,
    period: Annotated[int, typer.Option("--period", min=1, help="Of the cycles; 1 gives the minima and their edges too.")] = 2,
    optimizer: OPTIMIZER = "gd",
    set_: SET = None,
    variables: VARIABLES = None,
    map_: MAP = None,
    parameters: Annotated[str | None, typer.Option("--parameters", help="Those that stay symbols, or all; lr, or those of a map, if not given.", metavar="A,B,…", show_default=False)] = None,  # noqa: E501
    time_limit: Annotated[float, typer.Option("--time-limit", help="Seconds of the processor for each search.")] = 20.0,  # noqa: E501
    latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX instead of the tables.")] = False,
    vary: Annotated[str | None, typer.Option("--vary", help="Range of the figure.", metavar="NAME=LO:HI")] = None,
    out: OUT = FOLDER,
    plot: PLOT = None,
    json: JSON = False,
) -> None:
    """Cycles in closed form: their polynomial, points, multipliers, and where they flip and fold."""
    from cfdyn.cli import exact

    exact.show(loss, period, optimizer, set_ or [], variables, map_, parameters, time_limit, latex, vary, out, plot, json)
