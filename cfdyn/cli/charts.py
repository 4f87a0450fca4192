"""A chart of several curves, as ``cfdyn curve`` computes, prints and saves it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from cfdyn.cli.command import Answer
from cfdyn.cli.input.values import given
from cfdyn.cli.output.screen import Say, Screen
from cfdyn.errors import NumericsError, UsageError
from cfdyn.words import called, shown, spoken

if TYPE_CHECKING:
    import numpy as np

    from cfdyn.analysis.bifurcations._curve import BifurcationCurve, CodimensionTwo
    from cfdyn.analysis.parameters.chart import Chart

CURVE = "kind period parameters coefficient ends closed"
Begun = TypeVar("Begun")
DEPTH = 2  # of a chart if nobody says otherwise


def chart_answer(
    curves: list[BifurcationCurve], chosen: str, title: str, switch: bool, depth: int | None, tongues: int | None,
    steps: int | None, say: Say,
) -> Answer:  # fmt: skip
    """The chart of some curves; with ``switch``, also of those that begin at their special points, and of the regions."""
    from cfdyn.analysis.parameters.chart import chart

    first = curves[0]
    options = {"depth": (DEPTH if depth is None else depth) if switch else 0, **given(tongues=tongues, max_steps=steps),
               **({} if switch else {"sampled": 0})}  # fmt: skip
    result = chart(first.step, curves, first.names, first.bounds.tolist(), progress=say, **options)

    def document() -> dict[str, Any]:
        from cfdyn.cli.output.document import fields

        each = [{**fields(curve, CURVE), "special": [_without(s) for s in curve.special], "origin": origin}
                for curve, origin in zip(result.curves, result.origins, strict=True)]  # fmt: skip
        return {
            "names": result.names, "bounds": result.bounds, "curves": each,
            "resonances": [_without(s) for s in result.resonances], "regions": [_without(region) for region in result.regions],
            "said": result.said, "map": title, "chosen": {"start": chosen},
        }  # fmt: skip

    return Answer(document, lambda screen: _print(screen, result, title), record=result)


def every(kinds: list[str], begin: Callable[[str], Begun]) -> list[Begun]:
    """The curves begun for each kind, with a warning for kinds that are not found; the error if none is found."""
    begun, missed = [], []
    for kind in kinds:
        try:
            begun.append(begin(kind))
        except NumericsError as error:
            missed.append(error)
    if not begun:
        raise missed[0]
    for trouble in missed:
        warnings.warn(str(trouble), stacklevel=2)
    return begun


def switch_only(switch: bool, **others: Any) -> None:
    """Refuse options that need ``--switch``."""
    wrong = [f"--{name}" for name, value in others.items() if value is not None]
    if wrong and not switch:
        raise UsageError(f"{' and '.join(wrong)} belong{'s' if len(wrong) == 1 else ''} to --switch")


def _without(record: Any) -> dict[str, Any]:
    """A record as a dictionary without its provenance."""
    return {key: value for key, value in record.to_json().items() if key != "provenance"}


def _print(screen: Screen, chart: Chart, title: str) -> None:
    """Print the curves, their special points, the curves that could not be started, and the regions."""
    count = f"{len(chart)} curves" if len(chart) > 1 else "a curve"
    screen.print(f"{title}: {count} in {chart.names[0]} and {chart.names[1]}")
    rows = list(zip(chart.curves, chart.origins, strict=True))
    screen.table(("curve of the", "points", "begins at", "ends"), rows, lambda row: (
        f"{spoken(row[0].kind)}, {called(row[0].period)}", str(len(row[0])), row[1], "; ".join(row[0].ends)))  # fmt: skip
    special = _points(chart)
    if special:
        screen.print()
        screen.table(("special point", "of the", *chart.names), special,
                     lambda s: (spoken(s.kind), called(len(s.points)), *_values(chart, s.parameters)))  # fmt: skip
        for point in special:
            if point.meaning:
                screen.print(f"{spoken(point.kind)} at {', '.join(_values(chart, point.parameters))}: {point.meaning}")
    for words in chart.said:
        screen.print(words)
    if chart.regions:
        screen.print()
        screen.table(("region", "of the area", "what lives there", f"such as at {chart.names[0]}", chart.names[1]), chart.regions,
                     lambda r: (str(r.number), f"{100 * r.share:.2g} %", r.name, *_values(chart, r.samples[0])))  # fmt: skip


def _values(chart: Chart, parameters: np.ndarray) -> list[str]:
    """Six digits, 0 for round-off compared with the bounds."""
    return [shown(float(value), (lo, hi), 6) for value, (lo, hi) in zip(parameters, chart.bounds.tolist(), strict=True)]


def _points(chart: Chart) -> list[CodimensionTwo]:
    """The special points of all curves, once each."""
    every: dict[tuple[str, int, str], CodimensionTwo] = {}
    for point in [*(s for curve in chart.curves for s in curve.special), *chart.resonances]:
        place = ", ".join(f"{round(float(value / width), 5):g}" for value, width in zip(
            point.parameters, chart.bounds[:, 1] - chart.bounds[:, 0], strict=True))  # fmt: skip
        every.setdefault((point.kind, len(point.points), place), point)
    return list(every.values())
