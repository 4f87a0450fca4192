"""The typer application: commands and their options, nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="cfdyn", no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
    help="The dynamics of optimizers: from a loss and an optimizer to a verdict about what the iterates do.",
)  # fmt: skip

LOSS = Annotated[str | None, typer.Argument(help="A formula in quotes, or a name from 'cfdyn list losses' (double_well:a=2).", show_default=False)]  # noqa: E501
OPTIMIZER = Annotated[str, typer.Option("--optimizer", help="NAME:option=value,…; without lr: 1.1 × the edge.", metavar="SPEC")]  # noqa: E501
START = Annotated[str | None, typer.Option("--start", help="Weights or full state, such as 1.5,0.3.", metavar="X,Y,…")]
SET = Annotated[list[str] | None, typer.Option("--set", help="A parameter of the formula, a=2; repeat for more.", metavar="NAME=VALUE")]  # noqa: E501
VARIABLES = Annotated[str | None, typer.Option("--variables", help="Names of the weights, in order.", metavar="X,Y,…")]
MAP = Annotated[str | None, typer.Option("--map", help='A map instead of a loss: "r*x*(1-x)"; several: separate by ;', metavar="FORMULA")]  # noqa: E501
PERIODIC = Annotated[list[str] | None, typer.Option("--periodic", help="An angle and its period, x=2*pi; repeat for more.", metavar="NAME=PERIOD")]  # noqa: E501
JSON = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
SEED = Annotated[int, typer.Option("--seed", min=0, help="Seed of the random starts for minima.")]
PLOT = Annotated[Path | None, typer.Option("--plot", help="Write the figure to this file (.png, .pdf, .svg).")]
BATCH = Annotated[int | None, typer.Option("--batch", min=1, help="Rows in a mini-batch: one iteration is then an epoch of SGD.")]  # noqa: E501
ORDER = Annotated[str, typer.Option("--order", help="Of the rows in an epoch: cyclic or reshuffled (once, by the seed).")]
STEPS = Annotated[int, typer.Option("--steps", min=1, help="Number of steps.")]
BOX = Annotated[str | None, typer.Option("--box", help="Where to look for minima: lo:hi for each weight.", metavar="LO:HI,…")]


OUT = Annotated[Path, typer.Option("--out", help="Folder for the record, and for figures that are not told where to go.")]
FOLDER = Path("cfdyn-out")


@app.command()
def study(
    loss: LOSS = None,
    optimizer: OPTIMIZER = "gd",
    start: START = None,
    set_: SET = None,
    variables: VARIABLES = None,
    box: BOX = None,
    vary: Annotated[str | None, typer.Option("--vary", help="Range of the regimes over the learning rate.", metavar="lr=LO:HI")] = None,  # noqa: E501
    out: OUT = FOLDER,
    plot: PLOT = None,
    figure: Annotated[bool, typer.Option("--figure/--no-figure", help="Draw it, or save the time.")] = True,
    seed: SEED = 0,
    json: JSON = False,
) -> None:
    """The whole question for one loss: minima, edge, flip, regime, regimes over lr, 3-cycles, a figure."""
    from cfdyn.cli.meanwhile import meanwhile

    with meanwhile(loss):
        from cfdyn.cli import commands

        commands.study(loss, optimizer, start, set_ or [], variables, box, vary, out, plot, figure, seed, json)


@app.command()
def orbit(
    loss: LOSS = None,
    optimizer: OPTIMIZER = "gd",
    steps: STEPS = 100,
    start: START = None,
    set_: SET = None,
    variables: VARIABLES = None,
    map_: MAP = None,
    digits: Annotated[int | None, typer.Option("--digits", min=1, help="Iterate with this many decimal digits.")] = None,
    out: OUT = FOLDER,
    plot: PLOT = None,
    average: Annotated[str | None, typer.Option("--average", help="Print an average too: last_two, midpoints, polyak or ema=DECAY.", metavar="KIND")] = None,  # noqa: E501
    batch: BATCH = None,
    order: ORDER = "cyclic",
    seed: SEED = 0,
    periodic: PERIODIC = None,
    json: JSON = False,
) -> None:
    """Iterate the optimizer and print the orbit with its loss and sharpness."""
    from cfdyn.cli import commands

    epochs = (batch, order)
    commands.orbit(loss, optimizer, steps, start, set_ or [], variables, map_, digits, out, plot, average, epochs, seed, json,
                   periodic or [])  # fmt: skip


@app.command()
def classify(
    loss: LOSS = None,
    optimizer: OPTIMIZER = "gd",
    start: START = None,
    set_: SET = None,
    variables: VARIABLES = None,
    map_: MAP = None,
    max_period: Annotated[int, typer.Option("--max-period", min=1, help="Longest cycle looked for.")] = 4096,
    out: OUT = FOLDER,
    batch: BATCH = None,
    order: ORDER = "cyclic",
    seed: SEED = 0,
    periodic: PERIODIC = None,
    json: JSON = False,
) -> None:
    """The regime of one orbit: fixed point, cycle, quasi-periodic, chaotic, divergent or undecided."""
    from cfdyn.cli import commands

    commands.classify(loss, optimizer, start, set_ or [], variables, map_, max_period, out, (batch, order), seed, json,
                      periodic or [])  # fmt: skip


@app.command()
def lyapunov(
    loss: LOSS = None,
    optimizer: OPTIMIZER = "gd",
    steps: STEPS = 100_000,
    start: START = None,
    set_: SET = None,
    variables: VARIABLES = None,
    map_: MAP = None,
    batch: BATCH = None,
    order: ORDER = "cyclic",
    seed: SEED = 0,
    periodic: PERIODIC = None,
    json: JSON = False,
) -> None:
    """The spectrum of Lyapunov exponents along one orbit."""
    from cfdyn.cli import commands

    commands.lyapunov(loss, optimizer, steps, start, set_ or [], variables, map_, (batch, order), seed, json, periodic or [])


@app.command()
def oscillation(
    file: Annotated[Path, typer.Argument(help="A CSV file of numbers, one row for each step.", metavar="FILE.csv")],
    column: Annotated[str | None, typer.Option("--column", help="Only this column.", metavar="NAME")] = None,
    max_period: Annotated[int, typer.Option("--max-period", min=2, help="The longest period to look for.")] = 32,
    out: OUT = FOLDER,
    plot: PLOT = None,
    json: JSON = False,
) -> None:
    """The period of the fast oscillation in a log of your own, with its evidence."""
    from cfdyn.cli import oscillation

    oscillation.show(file, column, max_period, out, plot, json)


@app.command()
def flow(
    loss: LOSS = None,
    ode: Annotated[str | None, typer.Option("--ode", help='Any equations instead of a loss: right-hand sides, "y; -x" with --variables x,y.', metavar="FORMULA")] = None,  # noqa: E501
    optimizer: OPTIMIZER = "gd",
    model: Annotated[str, typer.Option("--model", help="A name from 'cfdyn list flows'.", metavar="NAME")] = "central",
    time: Annotated[float | None, typer.Option("--time", help="How far, in steps of the optimizer; 100 if not given.", metavar="T")] = None,  # noqa: E501
    save_at: Annotated[str | None, typer.Option("--save-at", help="The times wanted, increasing; if not given, the ends of all steps.", metavar="A,B,…")] = None,  # noqa: E501
    start: START = None,
    rtol: Annotated[float, typer.Option("--rtol", help="Relative tolerance of a step.")] = 1e-8,
    atol: Annotated[float, typer.Option("--atol", help="Absolute tolerance of a step.")] = 1e-10,
    method: Annotated[str, typer.Option("--method", help="auto, dop853, radau5 or rkc.", metavar="NAME")] = "auto",
    max_steps: Annotated[int, typer.Option("--max-steps", min=1, help="A path that needs more steps ends early.")] = 100_000,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a start beyond the edge instead of moving it there.")] = False,
    overlay: Annotated[bool | None, typer.Option("--orbit/--no-orbit", help="Run the optimizer too, in the figure and the table; on up to T = 10000.", show_default=False)] = None,  # noqa: E501
    set_: SET = None,
    variables: VARIABLES = None,
    out: OUT = FOLDER,
    plot: PLOT = None,
    figure: Annotated[bool, typer.Option("--figure/--no-figure", help="Draw it, or save the time.")] = True,
    seed: SEED = 0,
    json: JSON = False,
) -> int:
    """Solve a continuous-time model of the optimizer: its path, events at the edge, predicted averages."""
    from cfdyn.cli import flow

    options = {"rtol": rtol, "atol": atol, "method": method, "max_steps": max_steps, "strict": strict}
    return flow.show(loss, ode, optimizer, model, time, save_at, start, set_ or [], variables, options, overlay, out, plot,
                     figure, seed, json)  # fmt: skip


@app.command()
def compare(
    loss: LOSS = None,
    optimizer: OPTIMIZER = "gd",
    models: Annotated[str | None, typer.Option("--models", help="Names from 'cfdyn list flows', with options as in edge:secant=true; gradient,central,rod,edge if not given.", metavar="A,B,…", show_default=False)] = None,  # noqa: E501
    steps: STEPS = 500,
    start: START = None,
    inject: Annotated[float, typer.Option("--inject", min=0.0, help="Least amplitude of the optimizer's oscillation.")] = 0.0,
    digits: Annotated[int | None, typer.Option("--digits", min=1, help="Iterate with this many decimal digits.")] = None,
    rtol: Annotated[float, typer.Option("--rtol", help="Relative tolerance of the models.")] = 1e-8,
    atol: Annotated[float, typer.Option("--atol", help="Absolute tolerance of the models.")] = 1e-14,
    set_: SET = None,
    variables: VARIABLES = None,
    out: OUT = FOLDER,
    plot: PLOT = None,
    figure: Annotated[bool, typer.Option("--figure/--no-figure", help="Draw it, or save the time.")] = True,
    film: Annotated[Path | None, typer.Option("--animate", help="Write a film too (.gif, or .mp4 with ffmpeg).")] = None,
    seed: SEED = 0,
    json: JSON = False,
) -> None:
    """The optimizer against its continuous-time models, from one start: who stays nearest to the averaged iterates."""
    from cfdyn.cli import compare

    options = {"steps": steps, "inject": inject, "digits": digits, "rtol": rtol, "atol": atol}
    compare.show(loss, optimizer, models, start, set_ or [], variables, options, out, plot, figure, film, seed, json)


@app.command()
def averages(
    loss: LOSS = None,
    optimizer: OPTIMIZER = "gd",
    steps: STEPS = 500,
    start: START = None,
    decays: Annotated[str, typer.Option("--decays", help="Of the exponential averages, in [0, 1).", metavar="A,B,…")] = "0.5,0.9,0.99",  # noqa: E501
    models: Annotated[str | None, typer.Option("--models", help="Names from 'cfdyn list flows', or none; gradient,central if not given.", metavar="A,B,…", show_default=False)] = None,  # noqa: E501
    period: Annotated[int, typer.Option("--period", min=2, help="Of the fast oscillation.")] = 2,
    inject: Annotated[float, typer.Option("--inject", min=0.0, help="Least amplitude of the optimizer's oscillation.")] = 0.0,
    set_: SET = None,
    variables: VARIABLES = None,
    out: OUT = FOLDER,
    plot: PLOT = None,
    figure: Annotated[bool, typer.Option("--figure/--no-figure", help="Draw it, or save the time.")] = True,
    seed: SEED = 0,
    json: JSON = False,
) -> None:
    """Averages of the iterates: which is nearest to their mean path, which has the lowest loss, beside flows."""
    from cfdyn.cli import averages

    options = {"steps": steps, "period": period, "inject": inject}
    averages.show(loss, optimizer, decays, models, start, set_ or [], variables, options, out, plot, figure, seed, json)


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Forget everything.")] = False,
    limit: Annotated[str | None, typer.Option("--limit", help="Keep at most this much, now and from now on.", metavar="200MB")] = None,  # noqa: E501
    json: JSON = False,
) -> None:
    """What is kept between runs: formulas as they were read, and compiled code."""
    from cfdyn.cli import cache

    cache.show(clear, limit, json)


@app.command()
def warm(
    losses: Annotated[list[str] | None, typer.Argument(metavar="[LOSS]...", help="Formulas or names; double_well and scalar_factorization if none.", show_default=False)] = None,  # noqa: E501
    optimizer: OPTIMIZER = "gd",
    set_: SET = None,
    variables: VARIABLES = None,
    json: JSON = False,
) -> None:
    """Compile all that a study of these losses needs, so that the next one starts at once."""
    from cfdyn.cli import cache

    cache.warm(losses or [], optimizer, set_ or [], variables, json)


@app.command(name="list")
def list_(
    what: Annotated[str, typer.Argument(help="losses, optimizers or flows")] = "losses",
    json: JSON = False,
) -> None:
    """What is in the catalogue, with references."""
    from cfdyn.cli import commands

    commands.list_(what, json)


@app.command()
def show(name: Annotated[str, typer.Argument(help="The name of a loss, an optimizer or a flow.")], json: JSON = False) -> None:
    """Everything about one entry of the catalogue."""
    from cfdyn.cli import commands

    commands.show(name, json)


def _version(wanted: bool) -> None:
    if wanted:
        from cfdyn import __version__

        print(f"cfdyn {__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False,
) -> None:
    pass


def protect_formulas(arguments: list[str]) -> list[str]:
    """Let a formula or a number begin with a minus sign: a leading space keeps it from being an option.

    Options of this program are --words, so a single dash is always the start of a formula.
    """
    return [f" {a}" if re.match(r"-[^-]", a) and a != "-h" else a for a in arguments]
