"""``cfdyn curve``: a bifurcation in two parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from cfdyn.cli.charts import chart_answer, every, switch_only
from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import FIRST_BOX, FIRST_PERIOD, MOST_STEPS
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import given, varied
from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import MOST_ROWS, Say, Screen, number, vector
from cfdyn.cli.resume import gone_on, saved
from cfdyn.errors import UsageError, unknown
from cfdyn.words import called, spoken

if TYPE_CHECKING:
    import numpy as np

    from cfdyn.analysis.bifurcations._curve import BifurcationCurve, CodimensionTwo

KINDS = ("fold", "flip", "neimark-sacker", "border collision", "branch point")
KEYS = "kind names period parameters points multipliers above coefficient ends closed condition"
ROUND_OFF = 1e-14  # of the width of the bounds


@command(
    "loss vary kind condition switch depth tongues steps period optimizer start box settings variables map out plot csv seed "
    "json periodic", group="Cycles and bifurcations", place=42,
)  # fmt: skip
def curve(
    subject: Subject,
    say: Say,
    vary: Annotated[list[str] | None, Option("--vary", help="A parameter and its range; give it twice (required).", metavar="NAME=LO:HI", show_default=False)] = None,  # noqa: E501
    kind: Annotated[str | None, Option("--kind", help="fold, flip (if not given), neimark-sacker, border-collision or branch-point; several as A,B.", metavar="NAME", show_default=False)] = None,  # noqa: E501
    condition: Annotated[str | None, Option("--condition", help="Follow EXPR = 0 instead, a formula in the cycle's first point and the parameters.", metavar="EXPR")] = None,  # noqa: E501
    switch: Annotated[bool, Option("--switch", help="Also follow the curves that begin at special points; name the regions.")] = False,  # noqa: E501
    depth: Annotated[int | None, Option("--depth", min=0, help="With --switch: how many levels of switching (2 if not given).", show_default=False)] = None,  # noqa: E501
    tongues: Annotated[int | None, Option("--tongues", min=5, help="With --switch: follow Arnold tongues p:q up to q = N.", metavar="N", show_default=False)] = None,  # noqa: E501
    steps: MOST_STEPS = None,
    period: FIRST_PERIOD = 1,
    box: FIRST_BOX = None,
) -> Answer:
    """Continuation of a bifurcation in two parameters.

    A flip, fold, Neimark–Sacker or other bifurcation, or a condition, with its special points. Give FILE.npz instead of the
    loss to continue a saved curve.

    $ cfdyn curve double_well --vary lr=0.1:2 --vary a=0.5:2
    $ cfdyn curve --map "r*x*(1-x)+c" --kind fold --period 3 --vary r=3.5:4 --vary c=-0.05:0.05
    """
    switch_only(switch, depth=depth, tongues=tongues)
    options: dict[str, Any] = {**given(max_steps=steps), "progress": lambda k: say(f"{k} steps along the curve")}
    record = saved(subject, ("BifurcationCurve",), [vary, kind, condition, period != 1, box])
    if record is None:
        kinds = (kind or "flip").split(",")
        begun = every(kinds, lambda one: _begun(subject, vary or [], one, condition, period, box, say, options))
        result, chosen, title = begun[0]
    else:
        result, chosen = record if switch and not max(record.paces) else gone_on(record, **options), str(subject.loss)
        begun, title = [(result, chosen, result.step.title)], result.step.title
    if switch or len(begun) > 1:
        return chart_answer([curve for curve, *_ in begun], chosen, title, switch, depth, tongues, steps, say)

    def document() -> dict[str, Any]:
        special = [{key: value for key, value in s.to_json().items() if key != "provenance"} for s in result.special]
        return {**fields(result, KEYS), "special": special, "map": title, "chosen": {"start": chosen}}

    return Answer(document, lambda screen: _print(screen, result, title), record=result, columns=result.table)


def _begun(
    subject: Subject, vary: list[str], kind: str, condition: str | None, period: int, box: str | None,
    say: Say, options: dict[str, Any],
) -> tuple[BifurcationCurve, str, str]:  # fmt: skip
    """The curve from a start that is searched for, how that was chosen, and the title of the map."""
    from cfdyn.studies.branch_starts import first_curve, inside

    if len(vary) != 2:
        raise UsageError(f"a curve needs two parameters: --vary lr=0.1:2 --vary a=0.5:2, not {len(vary)}")
    names, bounds = zip(*map(varied, vary), strict=True)
    kind = {"border-collision": "border collision", "branch-point": "branch point"}.get(kind, kind)
    if condition is None and kind not in KINDS:
        raise unknown("kind of bifurcation", kind, KINDS)
    say("searching for the cycle")
    subject = subject.with_values({name: inside(ends) for name, ends in zip(names, bounds, strict=True)})
    starts = subject.branch_starts(names[0], bounds[0], period, box)
    return *first_curve(starts, kind, names, list(bounds), condition, say, **options), starts.step.title


def _print(screen: Screen, curve: BifurcationCurve, title: str) -> None:
    """Print the curve's kind, period and ends, its special points, and a few of its rows."""
    import numpy as np

    from cfdyn.continuation.curve.fields import MORE

    ends, size = [end.removesuffix(f"; {MORE}") for end in curve.ends], np.ptp(curve.bounds, axis=1)
    what = f"{curve.condition} = 0" if curve.kind == "condition" else spoken(curve.kind)
    screen.print(f"{title}: {what} of the {called(curve.period)}, {len(curve)} points, from {ends[0]} to {ends[1]}")
    if ends != [*curve.ends]:
        screen.print(f"out of steps: {MORE}")
    if curve.special:
        screen.table(("special point", *curve.names, "multipliers"), curve.special,
                     lambda s: (spoken(s.kind), *_values(s.parameters, size), vector(s.multipliers)))  # fmt: skip
        for special in curve.special:
            if special.meaning:
                screen.print(_verdict(special, curve.names))

    def row(k: int) -> list[str]:
        coefficient = "–" if np.isnan(curve.coefficient[k]) else number(curve.coefficient[k])
        return [*_values(curve.parameters[k], size), vector(curve.points[k, 0]), coefficient]

    rows = np.unique(np.linspace(0, len(curve) - 1, MOST_ROWS).astype(int)).tolist()
    screen.table((*curve.names, "first point", "coefficient"), rows, row)
    screen.left_out(len(curve) - len(rows))


def _verdict(special: CodimensionTwo, names: tuple[str, str]) -> str:
    """Coefficients, meaning and directions of a special point, in one line."""
    values = ", ".join([spoken(special.kind), *(f"{name} = {number(value)}" for name, value in special.coefficients.items())])
    plane, region = f"In the ({', '.join(names)}) plane", "three cycles"
    ways = [f"{plane} the region with three cycles lies in the direction ({vector(way)})" if name == region else
            f"{plane} the {name} starts in the direction ({vector(way)})" for name, way in special.directions.items()]
    return ". ".join([f"{values}: {special.meaning}", *ways]) + "."


def _values(parameters: np.ndarray, size: np.ndarray) -> list[str]:
    """Ten digits, 0 for round-off compared with the bounds."""
    return [f"{0.0 if abs(value) <= ROUND_OFF * width else value:.10g}" for value, width in zip(parameters, size, strict=True)]
