"""``cfdyn basins``: the attractors of the orbits of a grid of starts, or of random starts over a parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import WINDOW
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import box as as_box
from cfdyn.cli.input.values import scanned, windowed
from cfdyn.cli.output.screen import Say, Screen, remark
from cfdyn.errors import UsageError
from cfdyn.symbolic.text.settings import value

if TYPE_CHECKING:
    from cfdyn.analysis.attractors.basin_fractions import BasinFractions, FollowedAttractor
    from cfdyn.analysis.attractors.basins import Basins
    from cfdyn.systems.loss import Loss
    from cfdyn.systems.map import Map

BOX = Annotated[
    str | None,
    Option(
        "--box",
        help="Where the starts lie: LO:HI of one or two coordinates (the loss's own box, of the first ones, if not given).",
        metavar="LO:HI,…",
        show_default=False,
    ),
]  # noqa: E501
SHAPE = Annotated[
    str, Option("--shape", help="Number of starts: rows,columns, or one number for both.", metavar="N[,N]")
]  # noqa: E501
PLANE = Annotated[
    str | None,
    Option("--plane", help="Names of the coordinates that vary (the first ones if not given); the others are those of --start.", metavar="NAME,NAME", show_default=False),  # noqa: E501
]  # noqa: E501
LONGEST = Annotated[int, Option("--max-period", min=1, help="Longest period to search for.")]
VARIED = Annotated[
    str | None,
    Option(
        "--vary",
        help="A parameter, its range and the number of values: fractions of random starts in the box over it.",
        metavar="NAME=LO:HI[:COUNT]",
        show_default=False,
    ),
]  # noqa: E501
RANDOM = Annotated[int, Option("--count", min=1, help="With --vary: number of random starts, the same at each value.")]
TRANSIENT = Annotated[int | None, Option("--transient", min=1, help="Transient steps to discard, for a flow in units of time (1000, or 100 if a flow is integrated).", show_default=False)]  # noqa: E501


VALUES, MOST_VALUES = 50, 10**4
LISTED = ("loss box window shape plane vary count optimizer start max_period transient settings variables map "
          "ode section every out plot pixels figure seed csv json periodic")  # fmt: skip


@command(LISTED, group="Maps and chaos", place=32, keeps=True)
def basins(
    subject: Subject, say: Say, box: BOX = None, window: WINDOW = None, shape: SHAPE = "300", plane: PLANE = None,
    vary: VARIED = None, count: RANDOM = 1000, max_period: LONGEST = 32, transient: TRANSIENT = None,
) -> Answer:  # fmt: skip
    """Basins of attraction: the attractor of each of many starts.

    The fraction of starts that each attractor attracts, and the dimension of the boundary; with --vary the fractions over a
    parameter.
    For --ode without --section or --every, the basins of the flow itself: rest points and limit cycles.

    $ cfdyn basins double_well --optimizer heavy_ball:lr=0.5,momentum=0.9 --box=-2:2,-1:1 --plane w,v_w
    $ cfdyn basins double_well --vary lr=1:1.5:40 --count 200
    """
    import numpy as np

    import cfdyn

    chosen: dict[str, str] = {} if box is not None else {"box": "the default box"}
    if vary is not None:
        name, bounds, values = scanned(vary, VALUES)
        lo, hi = windowed([bounds], window)[0]
        if plane is not None or not 2 <= values <= MOST_VALUES:
            raise UsageError(
                f"--vary {name}=LO:HI:COUNT takes 2 to {MOST_VALUES} values, and starts in all weights, without --plane"
            )
        subject = subject.with_values({name: lo}) if subject.is_map() else subject
        step, loss, more = _step(subject, box, lo if name == "lr" else None)
        names = step.names[: step.n_weights or step.dim] if box is None else step.names
        followed = cfdyn.analysis.basin_fractions(
            step, (name, np.linspace(lo, hi, values)), _sides(box, step, loss, names), count, subject.seed,
            max_period=max_period, transient=transient, progress=lambda done: say(f"{done} of {values} values"))  # fmt: skip
        return _fractions(followed, {"map": step.title, "chosen": chosen | more})
    sizes = [value(part.strip(), "int", "--shape") for part in shape.split(",")]
    step, loss, more = _step(subject, box)
    named = None if plane is None else [name.strip() for name in plane.split(",")]
    sides = _sides(box, step, loss, named or step.names[: min(2, step.n_weights or step.dim)])
    sides = windowed(sides, window)
    varied = _varied(sides, sizes, named or step.names)
    total = math.prod(count for _, (_, _, count) in varied)
    grid = cfdyn.analysis.basins(step, varied, subject.given_start(), max_period=max_period, transient=transient,
                                  progress=lambda done: say(f"{done} of {total} starts"))  # fmt: skip
    about = {"map": step.title, "chosen": chosen | more, "fractions": grid.fractions, "note": grid.note}
    return Answer(
        lambda: {**about, "names": list(grid.names), "box": grid.box, "shape": list(grid.labels.shape), "base": grid.base,
                 "attractors": [one.to_json() for one in grid.attractors], "boundary": _boundary(grid), "labels": grid.labels},
        lambda screen: _print(screen, grid, about), record=grid,
    )  # fmt: skip


def _varied(sides: Sequence[tuple[float, float]], sizes: list[int], names: Sequence[str]) -> list[tuple[str, tuple]]:
    """The coordinates with their ranges; ``sizes``: rows and columns, or one number for both."""
    sizes = sizes * len(sides) if len(sizes) == 1 else sizes
    if len(sizes) != len(sides):
        wanted = "rows,columns" if len(sides) == 2 else "one number"
        raise UsageError(f"the shape of the grid, --shape, is {wanted}, not {','.join(map(str, sizes))}")
    if len(sides) > len(names):
        raise UsageError(f"a box with {len(sides)} sides needs as many coordinates, not {', '.join(names)}")
    return [(name, (*ends, size)) for name, ends, size in zip(names, sides, sizes[::-1], strict=False)]


def _step(subject: Subject, box: str | None, lr: float | None = None) -> tuple[Any, Loss | None, dict[str, str]]:
    """The map or the flow, its loss, and in words the choices made."""
    if subject.ode is not None and box is None:
        raise UsageError("basins of equations need a box of starts: --box LO:HI or --box LO:HI,LO:HI")
    if subject.ode is not None and subject.is_map() and subject.section is None and subject.every is None:
        return subject.flow(), None, {}
    step, loss, _, more = subject.map_and_loss(lr)
    return step, loss, more


def _sides(box: str | None, step: Map, loss: Loss | None, names: Sequence[str]) -> list[tuple[float, float]]:
    """The given box, or the default one of these entries."""
    import numpy as np

    from cfdyn.studies.defaults import usual_box

    if box is not None:
        return as_box(box)
    usual = dict(zip(step.names, usual_box(step, loss), strict=True))
    if not set(names) <= set(usual) or not np.isfinite([usual[name] for name in names]).all():
        raise UsageError(
            "basins need a box of starts: --box LO:HI or --box LO:HI,LO:HI, one side for each coordinate that varies"
        )
    return [usual[name] for name in names]


def _fractions(fractions: BasinFractions, about: dict[str, Any]) -> Answer:
    """The fractions of random starts, over a parameter."""

    def show(screen: Screen) -> None:
        box = ", ".join(f"{lo:g} to {hi:g}" for lo, hi in fractions.box)
        values = fractions.values
        screen.facts(("map", about["map"]), ("starts", f"{fractions.count} in {box}{remark(about['chosen'], 'box')}"),
                     (fractions.parameter, f"{len(values)} values from {values[0]:g} to {values[-1]:g}"))  # fmt: skip
        screen.print()
        rows = [
            (
                one.words,
                f"{values[one.first]:.5g}",
                f"{values[one.last]:.5g}",
                f"{100 * one.fractions.min():.3g} to {100 * one.fractions.max():.3g} %",
                _regimes(one),
            )
            for one in fractions.attractors
        ]
        others = [(word, f"{100 * part.min():.3g} to {100 * part.max():.3g} %") for word in ("divergent", "undecided")
                  if (part := getattr(fractions, word)).any()]  # fmt: skip
        rows += [(word, f"{values[0]:.5g}", f"{values[-1]:.5g}", part, "") for word, part in others]
        screen.table(("attractor", "from", "to", "starts", "regimes"), rows)
        for at, words in fractions.notes:
            screen.print(f"{fractions.parameter} = {at:.6g}: {words}", style="dim")

    return Answer(lambda: {**about, **fractions.to_json(), "fractions": fractions.fractions}, show, record=fractions)


def _regimes(one: FollowedAttractor) -> str:
    """The regimes along the parameter, each once."""
    return ", ".join(
        dict.fromkeys(f"period {p}" if kind == "cycle" else kind for kind, p in zip(one.regimes, one.periods, strict=True))
    )


def _print(screen: Screen, basins: Basins, about: dict) -> None:
    """The settings, and the attractors with their fractions of the starts."""
    where = ", ".join(f"{name} from {lo:g} to {hi:g}" for name, (lo, hi) in zip(basins.names, basins.box, strict=True))
    others = [(name, x) for name, x in zip(basins.state, basins.base, strict=True) if name not in basins.names]
    screen.facts(
        ("map", f"{about['map']}{remark(about['chosen'], 'lr')}"),
        ("starts", f"{' × '.join(str(n) for n in basins.labels.shape)}, {where}{remark(about['chosen'], 'box')}"),
        ("others", ", ".join(f"{name} = {x:g}" for name, x in others)) if others else None,
    )  # fmt: skip
    screen.print()
    rows = [(a.words, f"{100 * a.fraction:.3g} ± {100 * a.error:.1g} %", f"{a.lyapunov:.4g}") for a in basins.attractors]
    named = set(basins.fractions) & {"divergent", "undecided"}
    rows += [(name, f"{100 * basins.fractions[name]:.3g} %", "") for name in ("divergent", "undecided") if name in named]
    screen.table(("ends on", "starts", "Lyapunov exponent"), rows)
    boundary = _boundary(basins)
    if "dimension" in boundary:
        screen.print(f"their boundary: dimension {boundary['dimension']:.3f} ± {boundary['dimension_error']:.1g}")
    if boundary.get("fractal"):
        screen.print("it is fractal: the basin entropy of small discs on it is above that on a smooth one")
    if basins.note:
        screen.print(basins.note, style="dim")


def _boundary(basins: Basins) -> dict[str, Any]:
    """The dimension of the boundary and the basin entropy with their errors, as far as the grid determines them."""
    import cfdyn

    known: dict[str, Any] = {}
    with suppress(UsageError):
        measured = cfdyn.analysis.boundary_dimension(basins)
        known |= {"dimension": measured.dimension, "dimension_error": measured.error}
    with suppress(UsageError):
        mixed = cfdyn.analysis.basin_entropy(basins)
        known |= {"entropy": mixed.boundary_entropy, "entropy_error": mixed.boundary_error, "fractal": mixed.fractal}
    return known
