"""``cfdyn diagram``: the long-time states over a parameter, or periods over two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from cfdyn.cli.command import Answer, command
from cfdyn.cli.grids import Draw, at_first, drawn_with, grid_answer, of_saved, plane
from cfdyn.cli.input.options import ALSO, COARSE, WINDOW
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import given, scanned, windowed
from cfdyn.cli.output.screen import Say, Screen, remark, vector
from cfdyn.cli.resume import completed, saved
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.parameters.orbit_diagram import OrbitDiagram

VALUES = Annotated[list[str] | None, Option("--vary", help="A parameter, its range and the number of values (required without a record); given twice: periods over both.", metavar="NAME=LO:HI[:COUNT]")]  # noqa: E501
TRANSIENT = Annotated[int | None, Option("--transient", min=0, help="Transient steps to discard (2000; for flows 300; for periods 1000).", show_default=False)]  # noqa: E501
KEEP = Annotated[int | None, Option("--keep", min=1, help="States kept at each value (500, for flows 100, if not given).", show_default=False)]  # noqa: E501
AVERAGED = Annotated[int | None, Option("--averaged", min=0, help="Steps over which the Lyapunov exponent is averaged, 0 for none (2000, for flows 300, if not given).", show_default=False)]  # noqa: E501
FOLLOW = Annotated[str | None, Option("--follow", help="Start at each value: fresh, from --start (if not given); up, down or both, from the last state at the previous value.", show_default=False)]  # noqa: E501
LONGEST = Annotated[int, Option("--max-period", min=1, help="Over two parameters: longest period to name.")]
COORDINATE = Annotated[
    str | None, Option("--coordinate", help="Entry of the state to show (the first if not given).", metavar="NAME", show_default=False)  # noqa: E501
]  # noqa: E501
MOST_VALUES = 10**8
COUNT, EXAMPLE = 250, "--vary lr=0.1:2:250 --vary a=0.5:2:250"
FIELDS = ("period", "labels")


LISTED = ("loss vary window optimizer start transient keep averaged follow coordinate max_period coarse settings variables map "
          "ode section every out plot pixels also figure seed json periodic")  # fmt: skip


@command(LISTED, group="Maps and chaos", place=30, keeps=True)
def diagram(
    subject: Subject, say: Say, vary: VALUES = None, window: WINDOW = None, transient: TRANSIENT = None, keep: KEEP = None,
    averaged: AVERAGED = None, follow: FOLLOW = None, coordinate: COORDINATE = None, max_period: LONGEST = 32,
    coarse: COARSE = 1, also: ALSO = None,
) -> Answer:  # fmt: skip
    """Bifurcation diagram: long-time states over a parameter.

    With two --vary the period over both (isoperiodic diagram). Give FILE.npz instead of the loss to resume an interrupted
    record.

    $ cfdyn diagram double_well --vary lr=0.9:1.7:1000
    $ cfdyn diagram --map "r*x*(1-x)" --vary r=2.5:4 --start 0.3
    """
    import cfdyn

    draw = drawn_with(also)
    of_states = {"keep": keep, "averaged": averaged, "follow": follow, "coordinate": coordinate}
    others = [vary, window, transient is not None, max_period != 32, coarse != 1, *given(**of_states)]
    record = saved(subject, ("PeriodDiagram",), others, "--also, --out, --plot")
    if record is not None:
        result = completed(record, progress=lambda done: say(f"{done} of {record.labels.size} cells"))
        return grid_answer(result, {**of_saved(result), "summary": result.fractions}, FIELDS, draw)
    if len(vary or ()) == 1:
        if max_period != 32 or coarse != 1:
            raise UsageError("--max-period and --coarse are for periods over two parameters: give --vary twice")
        return _orbits(subject, say, (vary or [""])[0], window, given(transient=transient, **of_states), draw)
    if wrong := list(given(**of_states)):
        raise UsageError(f"--{wrong[0]} is for the states over one parameter, not for periods over two")
    axes = plane(vary, window, COUNT, "a diagram needs one parameter, --vary lr=0.1:2:1000; of periods it", EXAMPLE)
    step, z0, chosen = at_first(subject, axes).map_and_state()
    told = lambda done: say(f"{done} of {len(axes[0][1]) * len(axes[1][1])} cells")  # noqa: E731
    options = {} if transient is None else {"transient": max(1, transient)}
    result = cfdyn.analysis.period_diagram(step, axes, z0, max_period=max_period, coarse=coarse, progress=told, **options)
    about = {"map": step.title, "start": z0, "chosen": chosen, "summary": result.fractions}
    return grid_answer(result, about, FIELDS, draw)


def _orbits(
    subject: Subject, say: Say, vary: str, window: str | None, options: dict[str, Any], draw: Draw
) -> Answer:  # fmt: skip
    """The states over one parameter."""
    import numpy as np

    import cfdyn

    name, bounds, count = scanned(vary)
    if not 2 <= count <= MOST_VALUES:
        raise UsageError(f"--vary {name}=LO:HI:COUNT needs 2 to {MOST_VALUES} values, not {count}")
    lo, hi = windowed([bounds], window)[0]
    axis = (name, np.linspace(lo, hi, count))
    step, z0, chosen = at_first(subject, [axis]).map_and_state()
    told = lambda done: say(f"{done} of {count} values")  # noqa: E731
    result = cfdyn.analysis.orbit_diagram(step, axis, z0, progress=told, **options)
    about = {"map": step.title, "start": z0, "chosen": chosen}
    return Answer(lambda: {**_fields(result), **about, "summary": _summary(result)},
                  lambda screen: _print(screen, result, about), record=result, draw=draw)  # fmt: skip


def _fields(diagram: OrbitDiagram) -> dict[str, Any]:
    """All fields except the states."""
    return {"parameter": diagram.parameter, "values": diagram.values, "coordinate": diagram.name, "ways": list(diagram.ways),
            "exponents": diagram.exponents, "errors": diagram.errors, "escaped": diagram.ended > 0,
            **_counts(diagram)}  # fmt: skip


def _counts(diagram: OrbitDiagram) -> dict[str, Any]:
    """The number of states, and their location."""
    import numpy as np

    finite = diagram.states[np.isfinite(diagram.states)]
    return {"range": [finite.min(), finite.max()] if len(finite) else None,
            "transient": diagram.provenance["settings"]["transient"], "kept": diagram.states.shape[2]}  # fmt: skip


def _summary(diagram: OrbitDiagram) -> dict[str, Any]:
    """A summary without the values: also their fractions, for each direction, that escape and that are expanding."""
    stretched = diagram.exponents > 3 * diagram.errors
    return {**_counts(diagram), "escaped": (diagram.ended > 0).mean(axis=1), "stretching": stretched.mean(axis=1)}


def _print(screen: Screen, diagram: OrbitDiagram, about: dict) -> None:
    """A few facts; the states are in the record and in the figure."""
    import numpy as np

    summary = _summary(diagram)
    span = "" if summary["range"] is None else f", from {summary['range'][0]:.6g} to {summary['range'][1]:.6g}"
    rows = [("map", f"{about['map']}{remark(about['chosen'], 'lr')}"),
            ("start", f"{vector(about['start'])}{remark(about['chosen'], 'start')}"),
            ("values", f"{len(diagram.values)} of {diagram.parameter} from {diagram.values[0]:g} to {diagram.values[-1]:g}"),
            ("states", f"{summary['kept']} of {diagram.name} at each, after {summary['transient']} steps{span}")]  # fmt: skip
    for k, way in enumerate(diagram.ways):
        where = "" if len(diagram.ways) == 1 else f" ({way})"
        rows.append((f"escaped{where}", f"{100 * summary['escaped'][k]:.3g} % of the values"))
        if np.isfinite(diagram.exponents[k]).any():
            part = f"{100 * summary['stretching'][k]:.3g} % of the values"
            rows.append((f"stretching{where}", f"{part}: exponent above 0 by 3 errors"))
    screen.facts(*rows)
