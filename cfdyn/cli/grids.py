"""Maps over two quantities, as ``cfdyn regimes`` and ``cfdyn diagram`` compute, print and save them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cfdyn
from cfdyn.cli.command import Answer
from cfdyn.cli.input.subject import Subject
from cfdyn.cli.input.values import scanned, windowed
from cfdyn.cli.output.screen import Screen, remark, vector
from cfdyn.errors import UsageError

Axes = list[tuple[str, Any]]
Draw = Callable[..., Any] | None
MOST_VALUES = 10**5


def plane(vary: Sequence[str] | None, window: str | None, count: int, what: str, example: str) -> Axes:
    """Twice ``--vary`` as (name, values), within ``--window``."""
    if len(vary or ()) != 2:
        raise UsageError(f"{what} needs two parameters: {example}")
    return axes_of(vary or (), window, (count, count), what, example)


def axes_of(vary: Sequence[str], window: str | None, count: tuple[int, int], what: str, example: str) -> Axes:
    """``--vary``, once or twice, as (name, values), within ``--window``; ``count``: of values, for one and two parameters."""
    import numpy as np

    if len(vary) > 2:
        raise UsageError(f"{what} take one or two parameters, {example}, not {len(vary)}")
    names, ranges, counts = zip(*(scanned(text, count[len(vary) - 1]) for text in vary), strict=True)
    for name, number in zip(names, counts, strict=True):
        if not 2 <= number <= MOST_VALUES:
            raise UsageError(f"--vary {name}=LO:HI:COUNT needs 2 to {MOST_VALUES} values, not {number}")
    parts = windowed(ranges, window)
    return [(name, np.linspace(lo, hi, number)) for name, (lo, hi), number in zip(names, parts, counts, strict=True)]


def at_first(subject: Subject, axes: Axes) -> Subject:
    """The same with the first value of each of these parameters, if a formula contains it and ``--set`` does not give it."""
    return subject.with_values({name: float(values[0]) for name, values in axes})


def drawn_with(also: Sequence[Path] | None) -> Draw:
    """The function that draws a record with the curves or branches of these files over it; None without files."""
    if not also:
        return None
    laid: list[Any] = []
    for path in also:
        record = cfdyn.load(path)
        laid += getattr(record, "curves", None) or getattr(record, "branches", None) or [record]
    return lambda grid, file, **limits: cfdyn.plot(grid, file, also=laid, **limits)


def grid_answer(grid: Any, about: dict[str, Any], fields: Sequence[str], draw: Draw) -> Answer:
    """The answer of a record over a grid; ``fields``: those of its document besides names and values."""
    about = {**about, "fractions": grid.fractions, "note": grid.note, "work": grid.work}
    return Answer(
        lambda: {**about, "names": list(grid.names), "first": grid.first, "second": grid.second,
                 **{name: getattr(grid, name) for name in fields}},
        lambda screen: _print(screen, grid, about), record=grid, draw=draw,
    )  # fmt: skip


def of_saved(record: Any) -> dict[str, Any]:
    """The origin of a saved record, for its answer."""
    settings = record.provenance["settings"]
    return {"map": settings["map"], "start": settings["start"], "chosen": {}}


def _print(screen: Screen, grid: Any, about: dict[str, Any]) -> None:
    """The settings and the fractions."""
    screen.facts(
        ("map", f"{about['map']}{remark(about['chosen'], 'lr')}"),
        ("start", f"{vector(about['start'])}{remark(about['chosen'], 'start')}"),
        *((name, f"{len(values)} values from {values[0]:g} to {values[-1]:g}")
          for name, values in zip(grid.names, (grid.first, grid.second), strict=True)),
        ("orbits", f"{100 * grid.work:.3g} % of the cells") if grid.work < 1 else None,
    )  # fmt: skip
    screen.print()
    screen.table(("regime", "cells"), [(name, f"{100 * part:.3g} %") for name, part in grid.fractions.items()])
    for words, count in getattr(grid, "undecided", {}).items():
        screen.print(f"{count} undecided, exponent {words}", style="dim")
    if grid.note:
        screen.print(grid.note, style="dim")
