"""``cfdyn basins``: on which attractors the orbits of a grid of starts end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Option

from cfdyn.cli.command import Answer, command
from cfdyn.cli.screen import Say, Screen, remark
from cfdyn.cli.subject import Subject
from cfdyn.cli.values import box as as_box
from cfdyn.cli.values import value
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.analysis.basins import Basins

BOX = Annotated[
    str | None,
    Option(
        "--box",
        help="Where starts lie: lo:hi of one or two coordinates; the usual box of the first ones if not given.",
        metavar="LO:HI,…",
        show_default=False,
    ),
]  # noqa: E501
SHAPE = Annotated[
    str, Option("--shape", help="How many starts there are: rows,columns, or one number for both.", metavar="ROWS,COLUMNS")
]  # noqa: E501
PLANE = Annotated[
    str | None,
    Option("--plane", help="The names of these coordinates; the others are those of --start.", metavar="X,Y", show_default=False),
]  # noqa: E501
LONGEST = Annotated[int, Option("--max-period", min=1, help="The longest cycle that is looked for by returns.")]
TRANSIENT = Annotated[int, Option("--transient", min=1, help="Steps before anything is looked at.")]


@command(
    "loss box shape plane optimizer start max_period transient settings variables map out plot figure seed json periodic", place=5
)
def basins(
    subject: Subject, say: Say, box: BOX = None, shape: SHAPE = "300", plane: PLANE = None, max_period: LONGEST = 32,
    transient: TRANSIENT = 1000,
) -> Answer:  # fmt: skip
    """Basins of attraction: on which attractor each of a grid of starts ends, and the part of the starts of each."""
    import cfdyn
    from cfdyn.studies.defaults import usual_box

    sizes = [value(part.strip(), "int", "--shape") for part in shape.split(",")]
    names = None if plane is None else [name.strip() for name in plane.split(",")]
    step, loss, _, chosen = subject.map_and_loss()
    sides = as_box(box) if box is not None else None
    if sides is None:
        usual = dict(zip(step.names, usual_box(step, loss), strict=True))
        varied = list(step.names[: min(2, step.n_weights or step.dim)]) if names is None else names
        if not set(varied) <= set(usual) or any(abs(end) == float("inf") for name in varied for end in usual[name]):
            raise UsageError("basins need a box of starts: --box LO:HI or --box LO:HI,LO:HI, of one or two coordinates")
        sides = [usual[name] for name in varied]
        chosen["box"] = "the usual one"
    count = sizes[0] ** len(sides) if len(sizes) == 1 else sizes[0] * sizes[1]
    found = cfdyn.analysis.basins(step, sides, sizes if len(sizes) > 1 else sizes[0], names, subject.given_start(), max_period,
                                  transient, progress=lambda done: say(f"{done} of {count} starts"))  # fmt: skip
    about = {"map": step.title, "chosen": chosen, "fractions": found.fractions, "note": found.note}
    return Answer(
        lambda: {**about, "names": list(found.names), "box": found.box, "shape": list(found.labels.shape), "base": found.base,
                 "attractors": [one.to_json() for one in found.attractors], "labels": found.labels},
        lambda screen: _print(screen, found, about), record=found,
    )  # fmt: skip


def _print(screen: Screen, found: Basins, about: dict) -> None:
    """The settings, and the attractors with their parts of the starts."""
    where = ", ".join(f"{name} from {lo:g} to {hi:g}" for name, (lo, hi) in zip(found.names, found.box, strict=True))
    others = [(name, x) for name, x in zip(found.state, found.base, strict=True) if name not in found.names]
    screen.facts(
        ("map", f"{about['map']}{remark(about['chosen'], 'lr')}"),
        ("starts", f"{' × '.join(str(n) for n in found.labels.shape)}, {where}{remark(about['chosen'], 'box')}"),
        ("others", ", ".join(f"{name} = {x:g}" for name, x in others)) if others else None,
    )  # fmt: skip
    screen.print()
    rows = [(one.words, f"{100 * one.fraction:.3g} ± {100 * one.error:.1g} %", f"{one.lyapunov:.4g}") for one in found.attractors]
    named = set(found.fractions) & {"divergent", "undecided"}
    rows += [(name, f"{100 * found.fractions[name]:.3g} %", "") for name in ("divergent", "undecided") if name in named]
    screen.table(("ends on", "starts", "Lyapunov exponent"), rows)
    if found.note:
        screen.print(found.note, style="dim")
