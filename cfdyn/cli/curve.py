"""``cfdyn curve``: a bifurcation in two parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import cfdyn
from cfdyn.cli import output, specs
from cfdyn.cli.branch import interval, most
from cfdyn.cli.branch_starts import Begun, elsewhere, started
from cfdyn.cli.resumed import gone_on, saved
from cfdyn.cli.wanted import Wanted
from cfdyn.cli.written import Files
from cfdyn.continuation.curve.fields import MORE
from cfdyn.errors import NumericsError, UsageError, unknown
from cfdyn.systems.map import Map
from cfdyn.words import spoken

KINDS = ("fold", "flip", "neimark-sacker", "border collision", "branch point")
KEYS = ("kind", "names", "period", "parameters", "points", "multipliers", "above", "coefficient", "ends", "closed", "condition")


def show(wanted: Wanted, vary: list[str], kind: str | None, condition: str | None, steps: int | None) -> None:
    """``cfdyn curve``.

    Raises
    ------
    UsageError : not two parameters, or names that the map does not have
    NumericsError : no such cycle or bifurcation
    """
    files = Files(wanted.out, wanted.plot)
    record = saved(wanted, ("BifurcationCurve",), [vary, kind, condition])
    with output.progress() as say:
        if record is not None:
            found, chosen = gone_on(record, progress=_telling(say), **most(steps)), {"start": str(wanted.loss)}
            title = found.step.title
        else:
            found, chosen, title = _begun(wanted, vary, kind or "flip", condition, steps, say)
        files.write(found, "curve", say)
    if wanted.json:
        special = [{k: v for k, v in s.to_json().items() if k != "provenance"} for s in found.special]
        output.print_json({**{k: getattr(found, k) for k in KEYS}, "special": special, "map": title, "chosen": chosen,
                           **files.json})  # fmt: skip
    else:
        print_curve(found, title)
        files.print()


def _begun(
    wanted: Wanted, vary: list[str], kind: str, condition: str | None, steps: int | None, say: Callable[[str], None]
) -> tuple[Any, dict[str, str], str]:
    """The curve from a start that is looked for, what was chosen for the user, and the title of the map."""
    names, bounds = _varied(vary)
    kind = {"border-collision": "border collision", "branch-point": "branch point"}.get(kind, kind)
    if condition is None and kind not in KINDS:
        raise unknown("kind of bifurcation", kind, KINDS)
    wanted = wanted._replace(settings=_settings(wanted, names, bounds))
    say("looking for the cycle")
    begun = started(wanted, names[0], bounds[0])
    return *_followed(begun, wanted, kind, condition, names, bounds, steps, say), begun.step.title


def _telling(say: Callable[[str], None]) -> Callable[[int], None]:
    return lambda k: say(f"{k} steps along the curve")


def _followed(
    begun: Begun, wanted: Wanted, kind: str, condition: str | None, names: tuple[str, ...], bounds: list[tuple[float, float]],
    steps: int | None, say: Callable[[str], None],
) -> tuple[Any, dict[str, str]]:  # fmt: skip
    """The curve from the first cycle that leads to one, and what was chosen for the user."""
    trouble, tried = NumericsError(begun.trouble), 0
    firsts = ((begun.step.at(**{names[0]: value}), start) for value, start in begun.starts)
    others = {"start": f"cycles found in the box at values of {names[0]} and {names[1]} in their ranges"}
    for starts, chosen in ((firsts, begun.chosen), (elsewhere(begun, wanted, names, bounds), others)):
        for here, start in starts:
            cycle = _cycle(here, start, wanted.period)
            try:
                return cfdyn.analysis.bifurcation_curve(
                    here, cycle if condition is not None else (kind, cycle), names, bounds, condition, search=True,
                    progress=_telling(say), **most(steps),
                ), chosen  # fmt: skip
            except NumericsError as error:
                trouble, tried = trouble if tried else error, tried + 1
        say(f"no curve from {tried} cycles; looking for others all over the ranges")
    raise NumericsError(f"none of {tried} cycles led to a curve; of the first: {trouble}") if tried > 1 else trouble


def _cycle(here: Map, start: Any, period: int) -> np.ndarray:
    """The points of a cycle that is given by them, or by one."""
    points = [*np.atleast_2d(start)]
    while len(points) < period:
        points.append(here(points[-1]))
    return np.array(points)


def _settings(wanted: Wanted, names: tuple[str, ...], bounds: list[tuple[float, float]]) -> list[str]:
    """Those given, and a value for a name of the formula that is varied but was given none."""
    text = wanted.map if wanted.map is not None else wanted.loss
    if text is None or (wanted.map is None and specs.NAME.fullmatch(text.strip())):
        return wanted.settings
    inside = {name: lo + 0.25 * (hi - lo) for name, (lo, hi) in zip(names, bounds, strict=True)}
    return specs.with_values(wanted.settings, text, inside)


def _varied(vary: list[str]) -> tuple[tuple[str, ...], list[tuple[float, float]]]:
    """Names and bounds of ``lr=lo:hi``, given twice."""
    if len(vary) != 2:
        raise UsageError(f"a curve needs two parameters: --vary lr=0.1:2 --vary a=0.5:2, not {len(vary)}")
    names, bounds = [], []
    for item in vary:
        name, ends = interval(item)
        names.append(name)
        bounds.append(ends)
    return tuple(names), bounds


def print_curve(found: Any, title: str) -> None:
    """What it is, where it goes, its special points."""
    out, (first, second) = output.console(), found.names
    ends, size = [end.removesuffix(f"; {MORE}") for end in found.ends], np.ptp(found.bounds, axis=1)
    what = f"{found.condition} = 0" if found.kind == "condition" else spoken(found.kind)
    out.print(f"{title}: {what} of the {'fixed point' if found.period == 1 else f'{found.period}-cycle'}, "
              f"{len(found)} points, from {ends[0]} to {ends[1]}", soft_wrap=True)  # fmt: skip
    if ends != [*found.ends]:
        out.print(f"out of steps: {MORE}", soft_wrap=True)
    if found.special:
        table = output._table("special point", first, second, "multipliers")
        for s in found.special[: output.MOST_ROWS]:
            table.add_row(spoken(s.kind), *_values(s.parameters, size), output.vector(s.multipliers))
        out.print(table)
        if len(found.special) > output.MOST_ROWS:
            out.print(f"… and {len(found.special) - output.MOST_ROWS} more (all of them with --json)")
    table = output._table(first, second, "first point", "coefficient")
    rows = np.unique(np.linspace(0, len(found) - 1, output.MOST_ROWS).astype(int))
    for k in rows:
        coefficient = found.coefficient[k]
        table.add_row(*_values(found.parameters[k], size), output.vector(found.points[k, 0]),
                      "–" if np.isnan(coefficient) else output.number(coefficient))  # fmt: skip
    out.print(table)


def _values(parameters: np.ndarray, size: np.ndarray) -> list[str]:
    """Ten digits, 0 for what is round-off beside the bounds."""
    return [f"{v:.10g}" for v in np.where(np.abs(parameters) <= 1e-14 * size, 0.0, parameters)]
