"""``cfdyn curve``: a bifurcation in two parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import cfdyn
from cfdyn.cli import output, specs
from cfdyn.cli.commands import subject
from cfdyn.errors import NumericsError, UsageError
from cfdyn.minima import minima
from cfdyn.plotting import check_path
from cfdyn.plotting import plot as draw
from cfdyn.systems import Map, as_map

KEYS = ("kind", "names", "period", "parameters", "points", "multipliers", "coefficient", "ends", "closed", "condition")


def show(
    loss: str | None, vary: list[str], kind: str, period: int | None, condition: str | None, optimizer: str, start: str | None,
    settings: list[str], variables: str | None, map_: str | None, out: Path | None, plot: Path | None, seed: int, json: bool,
) -> None:  # fmt: skip
    """``cfdyn curve``.

    Raises
    ------
    UsageError : not two parameters, or names that the map does not have
    NumericsError : no such cycle or bifurcation
    """
    folder, plot = out and output.folder(out), plot and check_path(plot)
    names, bounds = _varied(vary)
    kind = "condition" if condition is not None else kind.replace("border-collision", "border collision")
    with output.progress() as say:
        say("looking for the cycle")
        step, points, chosen = _cycle(loss, optimizer, start, settings, variables, map_, period, seed, names, bounds)
        say("following the curve")
        given: Any = points if condition is not None else (kind, points)
        found = cfdyn.analysis.bifurcation_curve(step, given, names, bounds, condition, search=True,
                                                 progress=lambda k: say(f"{k} steps"))  # fmt: skip
    record = None if folder is None else found.save(output.numbered(folder, "curve", (".npz",))[0])
    if plot is not None:
        draw(found, plot)
    files = {"figures": [str(plot)] if plot else [], "record": str(record) if record else None}
    if json:
        special = [s.to_json() for s in found.special]
        for item in special:
            del item["provenance"]
        output.print_json({**{k: getattr(found, k) for k in KEYS}, "special": special, "map": step.title, "chosen": chosen,
                           **files})  # fmt: skip
    else:
        print_curve(found, step.title, files)


def _varied(vary: list[str]) -> tuple[tuple[str, ...], list[tuple[float, float]]]:
    """Names and bounds of ``lr=lo:hi``, given twice."""
    if len(vary) != 2:
        raise UsageError(f"a curve needs two parameters: --vary lr=0.1:2 --vary a=0.5:2, not {len(vary)}")
    names, bounds = [], []
    for item in vary:
        name, equals, interval = (part.strip() for part in item.partition("="))
        if not equals or interval.count(":") != 1 or "," in interval:
            raise UsageError(f"--vary takes NAME=LO:HI, such as lr=0.1:2, not {item!r}")
        names.append(name)
        bounds.append(specs.intervals(interval, f"--vary {name}")[0])
    return tuple(names), bounds


def _cycle(
    loss: str | None, optimizer: str, start: str | None, settings: list[str], variables: str | None, map_: str | None,
    period: int | None, seed: int, names: tuple[str, ...], bounds: list[tuple[float, float]],
) -> tuple[Map, np.ndarray, dict[str, str]]:  # fmt: skip
    """The map, with parameters inside their bounds, a cycle of the wanted period, and what was chosen for the user."""
    if start is None and loss is not None and map_ is None and period in (None, 1):
        function, (opt, open_lr) = specs.make_loss(loss, settings, variables), specs.make_optimizer(optimizer)
        lowest = minima(function, seed=seed)
        if lowest:
            step = _inside(as_map(function, opt), names, bounds, {"lr"} if open_lr else set())
            return step, step.state(lowest[0].w)[None, :], {"start": "the lowest minimum"}
    step, z0, chosen = subject(loss, optimizer, start, settings, variables, map_, (None, "cyclic"), seed)
    step = _inside(step, names, bounds, {"lr"} if "lr" in chosen else set())
    regime = cfdyn.analysis.classify(step, z0)
    if regime.period is not None and period in (None, regime.period):
        return step, regime.points, chosen
    found = "is " + (f"a {regime.period}-cycle" if regime.period else regime.kind)
    if period is None:
        raise NumericsError(f"the orbit from the start {found}, not periodic; give --period and a --start on the cycle, or --set")
    cycle = [z0]
    for _ in range(period - 1):
        cycle.append(step(cycle[-1]))
    return step, np.array(cycle), {**chosen, "cycle": f"the orbit settles elsewhere (it {found}): from the start itself"}


def _inside(step: Map, names: tuple[str, ...], bounds: list[tuple[float, float]], free: set[str]) -> Map:
    """A parameter that the user did not set lies within its bounds."""
    for name, (lo, hi) in zip(names, bounds, strict=True):
        if name in free and name in step.params and not lo <= step.params[name] <= hi:
            step = step.at(**{name: (lo + hi) / 2})
    return step


def print_curve(found: Any, title: str, files: dict[str, Any]) -> None:
    """What it is, where it goes, its special points."""
    out, (first, second) = output.console(), found.names
    what = f"{found.condition} = 0" if found.kind == "condition" else found.kind
    out.print(f"{title}: {what} of the {'fixed point' if found.period == 1 else f'{found.period}-cycle'}, "
              f"{len(found)} points, from {found.ends[0]} to {found.ends[1]}", markup=False, soft_wrap=True)  # fmt: skip
    if found.special:
        table = output._table("special point", first, second, "multipliers")
        for s in found.special[: output.MOST_ROWS]:
            table.add_row(s.kind, *(f"{v:.10g}" for v in s.parameters), output.vector(s.multipliers))
        out.print(table)
    table = output._table(first, second, "first point", "coefficient")
    rows = np.unique(np.linspace(0, len(found) - 1, output.MOST_ROWS).astype(int))
    for k in rows:
        coefficient = found.coefficient[k]
        table.add_row(*(f"{v:.10g}" for v in found.parameters[k]), output.vector(found.points[k, 0]),
                      "–" if np.isnan(coefficient) else output.number(coefficient))  # fmt: skip
    out.print(table)
    for name in files["figures"]:
        out.print(f"figure  {name}", markup=False, soft_wrap=True)
    if files["record"]:
        out.print(f"record  {files['record']}", markup=False, soft_wrap=True)
