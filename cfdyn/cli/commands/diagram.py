"""``cfdyn diagram``: the long-time states over a parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

from cfdyn.cli.command import Answer, command
from cfdyn.cli.screen import Say, Screen, remark, vector
from cfdyn.cli.subject import Subject
from cfdyn.cli.values import scanned
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.orbit_diagram import OrbitDiagram

VALUES = Annotated[str, Option("--vary", help="The parameter, its range, and how many values.", metavar="NAME=LO:HI[:COUNT]")]
TRANSIENT = Annotated[int, Option("--transient", min=0, help="Steps before states are kept.")]
KEEP = Annotated[int, Option("--keep", min=1, help="States kept at each value.")]
AVERAGED = Annotated[int, Option("--averaged", min=0, help="Steps for the Lyapunov exponent; 0 for none.")]
FOLLOW = Annotated[str, Option("--follow", help="fresh: from the start at each value; up, down or both: from the last state.")]
COORDINATE = Annotated[
    str | None, Option("--coordinate", help="The entry of the state that is shown.", metavar="NAME", show_default=False)
]  # noqa: E501
MOST_VALUES = 10**8


LISTED = ("loss vary optimizer start transient keep averaged follow coordinate settings variables map out plot figure "
          "seed json periodic")  # fmt: skip


@command(LISTED, place=4)
def diagram(
    subject: Subject,
    say: Say,
    vary: VALUES = "",
    transient: TRANSIENT = 2000,
    keep: KEEP = 500,
    averaged: AVERAGED = 2000,
    follow: FOLLOW = "fresh",
    coordinate: COORDINATE = None,
) -> Answer:
    """The orbit diagram: long-time states over a parameter, with the Lyapunov exponent."""
    import numpy as np

    import cfdyn

    name, (lo, hi), count = scanned(vary)
    if not 2 <= count <= MOST_VALUES:
        raise UsageError(f"--vary {name}=LO:HI:COUNT needs 2 to {MOST_VALUES} values, not {count}")
    step, z0, chosen = subject.map_and_state()
    told = lambda done: say(f"{done} of {count} values")  # noqa: E731
    found = cfdyn.analysis.orbit_diagram(step, (name, np.linspace(lo, hi, count)), z0, transient, keep, averaged, follow,
                                         coordinate=coordinate, progress=told)  # fmt: skip
    about = {"map": step.title, "start": z0, "chosen": chosen}
    return Answer(lambda: {**_summary(found), **about}, lambda screen: _print(screen, found, about), record=found)


def _summary(found: OrbitDiagram) -> dict:
    """What is worth knowing without the states."""
    import numpy as np

    finite = found.states[np.isfinite(found.states)]
    return {
        "parameter": found.parameter, "values": found.values, "coordinate": found.name, "ways": list(found.ways),
        "range": [finite.min(), finite.max()] if len(finite) else None, "exponents": found.exponents, "errors": found.errors,
        "escaped": found.ended > 0, "transient": found.provenance["settings"]["transient"], "kept": found.states.shape[2],
    }  # fmt: skip


def _print(screen: Screen, found: OrbitDiagram, about: dict) -> None:
    """A few facts; the states are in the record and in the figure."""
    import numpy as np

    summary, escaped = _summary(found), found.ended > 0
    span = "" if summary["range"] is None else f", from {summary['range'][0]:.6g} to {summary['range'][1]:.6g}"
    stretching = found.exponents > 3 * found.errors
    rows = [("map", f"{about['map']}{remark(about['chosen'], 'lr')}"),
            ("start", f"{vector(about['start'])}{remark(about['chosen'], 'start')}"),
            ("values", f"{len(found.values)} of {found.parameter} from {found.values[0]:g} to {found.values[-1]:g}"),
            ("states", f"{summary['kept']} of {found.name} at each, after {summary['transient']} steps{span}")]  # fmt: skip
    for k, way in enumerate(found.ways):
        where = "" if len(found.ways) == 1 else f" ({way})"
        rows.append((f"escaped{where}", f"{100 * escaped[k].mean():.3g} % of the values"))
        if np.isfinite(found.exponents[k]).any():
            rows.append((f"stretching{where}", f"{100 * stretching[k].mean():.3g} % of the values: exponent above 0 by 3 errors"))
    screen.facts(*rows)
