"""The options that several commands have, each said once, as types for Typer."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

FOLDER = Path("cfdyn-out")

LOSS = Annotated[str | None, Argument(help="A formula in quotes, or a name from 'cfdyn list losses' (double_well:a=2).", show_default=False)]  # noqa: E501
OPTIMIZER = Annotated[str, Option("--optimizer", help="NAME:option=value,…; without lr: 1.1 × the edge, with stochastic steps 0.5 ×.", metavar="SPEC")]  # noqa: E501
START = Annotated[str | None, Option("--start", help="Weights or full state, such as 1.5,0.3.", metavar="X,Y,…")]
SET = Annotated[list[str] | None, Option("--set", help="A parameter of the formula, a=2; repeat for more.", metavar="NAME=VALUE")]
VARIABLES = Annotated[str | None, Option("--variables", help="Names of the weights, in order.", metavar="X,Y,…")]
MAP = Annotated[str | None, Option("--map", help='A map instead of a loss: "r*x*(1-x)"; several: separate by ;', metavar="FORMULA")]  # noqa: E501
PERIODIC = Annotated[list[str] | None, Option("--periodic", help="An angle and its period, x=2*pi; repeat for more.", metavar="NAME=PERIOD")]  # noqa: E501
BATCH = Annotated[int | None, Option("--batch", min=1, help="Rows in a mini-batch: one iteration is then an epoch of SGD.")]
ORDER = Annotated[str, Option("--order", help="Of the rows in an epoch: cyclic or reshuffled (once, by the seed).")]
STEPS = Annotated[int, Option("--steps", min=1, help="Number of steps.")]
SAMPLED = Annotated[int | None, Option("--batch", min=1, help="Rows of data in each step, of stochastic gradients.", show_default=False)]  # noqa: E501
REPLACE = Annotated[bool, Option("--replace/--no-replace", help="Rows of a batch may be the same, or all differ.")]
LABEL_NOISE = Annotated[float, Option("--label-noise", min=0.0, help="Standard deviation of noise on the labels, the column y.")]
NOISE = Annotated[str | None, Option("--noise", help="Variances of noise on the gradient, one for each weight.", metavar="A,B,…", show_default=False)]  # noqa: E501
DIGITS = Annotated[int | None, Option("--digits", min=1, help="Iterate with this many decimal digits.")]
INJECT = Annotated[float, Option("--inject", min=0.0, help="Least amplitude of the optimizer's oscillation.")]
SEED = Annotated[int, Option("--seed", min=0, help="Seed of the random starts for minima.")]

# Of branches, cascades and curves.
VARY = Annotated[str, Option("--vary", help="The parameter and where the branches end.", metavar="NAME=LO:HI")]
MOST_STEPS = Annotated[int | None, Option("--steps", min=1, help="Of each branch, in each direction.", show_default=False)]
FIRST_PERIOD = Annotated[int, Option("--period", min=1, help="Of the cycles to start with.")]
FIRST_BOX = Annotated[str | None, Option("--box", help="Where to look for the first cycles, as in 'cfdyn cycles'.", metavar="LO:HI,…")]  # noqa: E501

# Of maps over two quantities.
WINDOW = Annotated[str | None, Option("--window", help="Zoom in: this part of the range, or ranges, with as many values.", metavar="LO:HI,…", show_default=False)]  # noqa: E501
COARSE = Annotated[int, Option("--coarse", min=1, help="Above 1: only one of so many cells along a side, more where neighbours differ.")]  # noqa: E501
ALSO = Annotated[list[Path] | None, Option("--also", help="Draw the curves, or branches, of this record over it; repeat for more.", metavar="FILE.npz", show_default=False)]  # noqa: E501

# Of manifolds and crises.
REGION = Annotated[str | None, Option("--box", help="Where, lo:hi for each variable; the loss's own if not given.", metavar="LO:HI,…", show_default=False)]  # noqa: E501
LENGTH = Annotated[float | None, Option("--length", help="Of each half of a manifold, inside the box.", show_default=False)]

OUT = Annotated[Path, Option("--out", help="Folder for the record, and for figures that are not told where to go.")]
PLOT = Annotated[Path | None, Option("--plot", help="Write the figure to this file (.png, .pdf, .svg).")]
XLIM = Annotated[str | None, Option("--xlim", help="Limits of the figure along x, of its first panel.", metavar="LO:HI", show_default=False)]  # noqa: E501
YLIM = Annotated[str | None, Option("--ylim", help="The same along y.", metavar="LO:HI", show_default=False)]
PIXELS = Annotated[int | None, Option("--pixels", min=200, max=16_384, help="Width of the figure's file, 3840 for 4k.", show_default=False)]  # noqa: E501
STYLE = Annotated[str | None, Option("--style", help="Of the figure: screen, paper (serif) or dark.", metavar="NAME", show_default=False)]  # noqa: E501
CSV = Annotated[Path | None, Option("--csv", help="Write rows and special points to this table too.", metavar="FILE", show_default=False)]  # noqa: E501
FIGURE = Annotated[bool, Option("--figure/--no-figure", help="Draw it, or save the time.")]
QUIET = Annotated[bool, Option("--quiet", help="No progress on stderr.")]
JSON = Annotated[bool, Option("--json", help="One JSON document on stdout, nothing else.")]

# Of random maps.
DRAWN = Annotated[str | None, Option("--noise", help="Variances of noise on the gradient or on a map's state: one for all entries, or one for each.", metavar="A,B,…", show_default=False)]  # noqa: E501
REPEAT = Annotated[int, Option("--repeat", min=1, help="Steps with each batch.")]
SIZES = Annotated[str | None, Option("--vary", help="noise, batch, label_noise, repeat or a parameter, with its values: A,B,… or N from A to B.", metavar="NAME=A,B|A:B:N", show_default=False)]  # noqa: E501
