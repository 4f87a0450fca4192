"""The options that several commands share, each defined once, as types for Typer."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

FOLDER = Path("cfdyn-out")
SUBJECT, OUTPUT = "Loss, optimizer and start", "Output"  # headings in the help of a command
Completer = Callable[[str], list[str]]


def offers(*catalogues: str, others: tuple[str, ...] = ()) -> Completer:
    """Completes a name in one of these catalogues, or one of a few other words; the last one of several with commas between.

    >>> offers("optimizers")("nest")
    ['nesterov']
    >>> offers("flows")("gradient,cen")
    ['gradient,central']
    """

    def complete(incomplete: str) -> list[str]:
        from cfdyn.registry import catalogue

        before, comma, last = incomplete.rpartition(",")
        known = [*others, *(name for kind in catalogues for name in catalogue(kind).names())]
        return [f"{before}{comma}{name}" for name in dict.fromkeys(known) if name.startswith(last)]

    return complete


LOSS = Annotated[str | None, Argument(metavar="[LOSS]", help="A formula in quotes, or a name from 'cfdyn list losses', such as double_well:a=2.", show_default=False, autocompletion=offers("losses"))]  # noqa: E501
OPTIMIZER = Annotated[str, Option("--optimizer", help="NAME:option=value,… from 'cfdyn list optimizers'; without lr: 1.1 × the edge, 0.5 × with noise.", metavar="SPEC", autocompletion=offers("optimizers"), rich_help_panel=SUBJECT)]  # noqa: E501
START = Annotated[str | None, Option("--start", help="Weights or the full state, such as 1.5,0.3 (near the lowest minimum if not given).", metavar="X,Y,…", rich_help_panel=SUBJECT)]  # noqa: E501
SET = Annotated[list[str] | None, Option("--set", help="Value of a parameter of the formula, such as a=2; repeat for more.", metavar="NAME=VALUE", rich_help_panel=SUBJECT)]  # noqa: E501
VARIABLES = Annotated[str | None, Option("--variables", help="Names of the weights, in order (all names without a value, sorted, if not given).", metavar="NAME,…", rich_help_panel=SUBJECT)]  # noqa: E501
MAP = Annotated[str | None, Option("--map", help="A map instead of a loss: \"r*x*(1-x)\", or one formula for each variable, separated by ;.", metavar="FORMULA", rich_help_panel=SUBJECT)]  # noqa: E501
ODE = Annotated[str | None, Option("--ode", help="Equations instead of a loss: right-hand sides \"y; -x\" with --variables x,y.", metavar="FORMULA", rich_help_panel=SUBJECT)]  # noqa: E501
SECTION = Annotated[str | None, Option("--section", help="For --ode: the map from one crossing of this surface to the next, such as \"y = 0\"; upward, or with :down or :both.", metavar="SURFACE", rich_help_panel=SUBJECT)]  # noqa: E501
EVERY = Annotated[str | None, Option("--every", help="For --ode: the map over this time, a number or a formula in parameters, such as \"2*pi/w\".", metavar="PERIOD", rich_help_panel=SUBJECT)]  # noqa: E501
PERIODIC = Annotated[list[str] | None, Option("--periodic", help="An angle and its period, such as x=2*pi; repeat for more.", metavar="NAME=PERIOD", rich_help_panel=SUBJECT)]  # noqa: E501
BATCH = Annotated[int | None, Option("--batch", min=1, help="Rows in a mini-batch; one iteration is then one epoch of SGD (all rows at each step if not given).", rich_help_panel=SUBJECT)]  # noqa: E501
ORDER = Annotated[str, Option("--order", help="Order of the rows in an epoch: cyclic, or reshuffled once by the seed.", rich_help_panel=SUBJECT)]  # noqa: E501
STEPS = Annotated[int, Option("--steps", min=1, help="Number of steps.")]
COMPARED = Annotated[int, Option("--steps", min=2, help="Number of steps.")]
SAMPLED = Annotated[int | None, Option("--batch", min=1, help="Rows in a mini-batch (all rows if not given).", show_default=False)]  # noqa: E501
REPLACE = Annotated[bool, Option("--replace/--no-replace", help="Draw the rows of a mini-batch with replacement, or without.")]
LABEL_NOISE = Annotated[float, Option("--label-noise", min=0.0, help="Standard deviation of noise on the labels y.")]
NOISE = Annotated[str | None, Option("--noise", help="Variance of noise on the gradient: one for all weights, or one for each.", metavar="A,B,…", show_default=False)]  # noqa: E501
DIGITS = Annotated[int | None, Option("--digits", min=1, help="Iterate with N decimal digits (in double precision if not given).")]  # noqa: E501
INJECT = Annotated[float, Option("--inject", min=0.0, help="Least amplitude of the oscillation: the step is perturbed where it has died out.")]  # noqa: E501
SEED = Annotated[int, Option("--seed", min=0, help="Seed of the random numbers.", rich_help_panel=SUBJECT)]

# Of branches, cascades and curves.
VARY = Annotated[str, Option("--vary", help="The parameter and its range (required).", metavar="NAME=LO:HI")]
MOST_STEPS = Annotated[int | None, Option("--steps", min=1, help="Maximal number of steps along each branch, in each direction (10000 if not given).", show_default=False)]  # noqa: E501
FIRST_PERIOD = Annotated[int, Option("--period", min=1, help="Period of the initial cycles.")]
FIRST_BOX = Annotated[str | None, Option("--box", help="Where to search for the initial cycles: LO:HI for each variable (the loss's own box if not given).", metavar="LO:HI,…")]  # noqa: E501

# Of maps over two quantities.
WINDOW = Annotated[str | None, Option("--window", help="Zoom in: this part of the range, or ranges, with the same number of values.", metavar="LO:HI,…", show_default=False)]  # noqa: E501
COARSE = Annotated[int, Option("--coarse", min=1, help="First compute one of N cells along each side, then more where neighbours differ.")]  # noqa: E501
ALSO = Annotated[list[Path] | None, Option("--also", help="Draw the curves or branches of this record over the figure; repeat for more.", metavar="FILE.npz", show_default=False, rich_help_panel=OUTPUT)]  # noqa: E501

# Of manifolds and crises.
REGION = Annotated[str | None, Option("--box", help="The box: LO:HI for each variable (the loss's own box if not given).", metavar="LO:HI,…", show_default=False)]  # noqa: E501
LENGTH = Annotated[float | None, Option("--length", help="Length of each half of a manifold, inside the box (ten times the sum of its widths if not given).", show_default=False)]  # noqa: E501

OUT = Annotated[Path, Option("--out", help="Folder for the record and the figure.", metavar="DIR", rich_help_panel=OUTPUT)]  # noqa: E501
PLOT = Annotated[Path | None, Option("--plot", help="File of the figure: .png, .pdf, .svg (in the folder --out if not given).", rich_help_panel=OUTPUT)]  # noqa: E501
DRAWN_TO = Annotated[Path | None, Option("--plot", help="File of the figure: .png, .pdf, .svg (no figure if not given).", rich_help_panel=OUTPUT)]  # noqa: E501
XLIM = Annotated[str | None, Option("--xlim", help="Limits of the figure along x (of its first panel).", metavar="LO:HI", show_default=False, rich_help_panel=OUTPUT)]  # noqa: E501
YLIM = Annotated[str | None, Option("--ylim", help="Limits of the figure along y (of its first panel).", metavar="LO:HI", show_default=False, rich_help_panel=OUTPUT)]  # noqa: E501
PIXELS = Annotated[int | None, Option("--pixels", min=200, max=16_384, help="Width of the figure in pixels, such as 3840 for 4k.", show_default=False, rich_help_panel=OUTPUT)]  # noqa: E501
STYLE = Annotated[str | None, Option("--style", help="Style of the figure: screen (if not given), paper (serif) or dark.", metavar="NAME", autocompletion=offers(others=("screen", "paper", "dark")), show_default=False, rich_help_panel=OUTPUT)]  # noqa: E501
FIGSIZE = Annotated[str | None, Option("--figsize", help="Size of the figure, in inches unless it says cm or mm: 6x4, 8x6cm; for a width alone, such as 8cm, the height is chosen.", metavar="SIZE", show_default=False, rich_help_panel=OUTPUT)]  # noqa: E501
TITLE = Annotated[str | None, Option("--title", help="Title of the figure instead of its own; \"\" for none.", metavar="TEXT", show_default=False, rich_help_panel=OUTPUT)]  # noqa: E501
CSV = Annotated[Path | None, Option("--csv", help="Also write the table to this CSV file: all rows, columns and digits.", metavar="FILE", show_default=False, rich_help_panel=OUTPUT)]  # noqa: E501
FIGURE = Annotated[bool, Option("--figure/--no-figure", help="Draw the figure, or skip it.", rich_help_panel=OUTPUT)]
QUIET = Annotated[bool, Option("--quiet", help="No progress on stderr.", rich_help_panel=OUTPUT)]
BRIEF = Annotated[bool, Option("--brief", help="Print the headline alone.", rich_help_panel=OUTPUT)]
JSON = Annotated[bool, Option("--json", help="Print one JSON document, and nothing else, on stdout.", rich_help_panel=OUTPUT)]

# Of random maps.
DRAWN = Annotated[str | None, Option("--noise", help="Variance of noise on the gradient, or on the state of a map: one for all entries, or one for each.", metavar="A,B,…", show_default=False)]  # noqa: E501
REPEAT = Annotated[int, Option("--repeat", min=1, help="Steps with each mini-batch.")]
SIZES = Annotated[str | None, Option("--vary", help="noise, batch, label_noise, repeat or a parameter, with its values: A,B,… or N of them from A to B.", metavar="NAME=A,B|A:B:N", show_default=False)]  # noqa: E501
