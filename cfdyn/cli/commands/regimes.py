"""``cfdyn regimes``: the attractor of the orbit of one start, or the time to reach it, over two parameters."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from cfdyn.cli.command import Answer, command
from cfdyn.cli.grids import at_first, drawn_with, grid_answer, of_saved, plane
from cfdyn.cli.input.options import ALSO, COARSE, WINDOW
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.output.screen import Say
from cfdyn.cli.resume import completed, saved
from cfdyn.errors import UsageError

PLANE = Annotated[
    list[str] | None, Option("--vary", help="A parameter, its range and the number of values; give it twice (required without a record).", metavar="NAME=LO:HI[:COUNT]")  # noqa: E501
]  # noqa: E501
LONGEST = Annotated[int, Option("--max-period", min=1, help="Longest period to name.")]
TRANSIENT = Annotated[int, Option("--transient", min=1, help="Transient steps to discard.")]
TIMES = Annotated[bool, Option("--times", help="Show the number of steps until orbits settle or diverge.")]
TOLERANCE = Annotated[float | None, Option("--tolerance", help="With --times: distance at which an orbit has settled (1e-6 if not given).", show_default=False)]  # noqa: E501
COUNT, EXAMPLE = 250, "--vary lr=0.1:4:250 --vary momentum=0:0.95:250"
FIELDS = {"RegimeMap": ("period", "kind", "lyapunov", "undecided"), "SettlingTimes": ("period", "labels", "steps")}
LISTED = ("loss vary window times tolerance optimizer start max_period transient coarse settings variables map out plot pixels "
          "also figure seed csv json periodic")  # fmt: skip


@command(LISTED, group="Maps and chaos", place=31, keeps=True)
def regimes(
    subject: Subject, say: Say, vary: PLANE = None, window: WINDOW = None, times: TIMES = False, tolerance: TOLERANCE = None,
    max_period: LONGEST = 32, transient: TRANSIENT = 1000, coarse: COARSE = 1, also: ALSO = None,
) -> Answer:  # fmt: skip
    """Regimes over two parameters: fixed point, period, chaos, divergence, …

    The attractor of the orbit of one start in each cell of a grid; with --times how soon it is reached. Give FILE.npz instead
    of the loss to resume an interrupted record.

    $ cfdyn regimes double_well --optimizer heavy_ball --vary lr=0.1:4:200 --vary momentum=0:0.95:200
    """
    import cfdyn

    draw = drawn_with(also)
    others = [vary, window, times, tolerance, max_period != 32, transient != 1000, coarse != 1]
    record = saved(subject, tuple(FIELDS), others, "--also, --out, --plot")
    if record is not None:
        grid = completed(record, progress=lambda done: say(f"{done} of {record.labels.size} cells"))
        return grid_answer(grid, of_saved(grid), FIELDS[type(grid).__name__], draw)
    if tolerance is not None and not times:
        raise UsageError("--tolerance is only for --times: add --times, or omit it")
    if times and coarse != 1:
        raise UsageError("--coarse is for labels; --times computes every cell")
    axes = plane(vary, window, COUNT, "a map of regimes", EXAMPLE)
    step, z0, chosen = at_first(subject, axes).map_and_state()
    cells = len(axes[0][1]) * len(axes[1][1])
    told = lambda done: say(f"{done} of {cells} cells")  # noqa: E731
    if times:
        grid = cfdyn.analysis.settling_times(step, axes, z0, 1e-6 if tolerance is None else tolerance, max_period, transient,
                                              progress=told)  # fmt: skip
    else:
        grid = cfdyn.analysis.regimes(step, axes, z0, max_period=max_period, transient=transient, coarse=coarse, progress=told)
    about = {"map": step.title, "start": z0, "chosen": chosen}
    return grid_answer(grid, about, FIELDS[type(grid).__name__], draw)
