"""What each command does once its words are parsed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import cfdyn
from cfdyn import registry
from cfdyn.cli import output, specs
from cfdyn.cli.written import Files
from cfdyn.errors import CfdynError, UsageError, unknown
from cfdyn.studies.defaults import learning_rate, start_near
from cfdyn.systems.map import Map, as_map
from cfdyn.systems.minima import FARTHEST, minima

MAP_START = 0.1


def subject(
    loss: str | None, optimizer: str, start: str | None, settings: list[str], variables: str | None,
    map_: str | None, epochs: tuple[int | None, str], seed: int, periodic: list[str],
) -> tuple[Map, np.ndarray, dict[str, str]]:  # fmt: skip
    """The map (of an epoch, if a batch is given), the full starting state, and in words what was chosen for the user."""
    if (loss is None) == (map_ is None):
        raise UsageError("give either a LOSS or --map FORMULA, and only one of them")
    given = None if start is None else specs.numbers(start, "--start")
    chosen: dict[str, str] = {}
    batch, order = epochs
    if map_ is not None:
        if batch:
            raise UsageError("--batch goes through the data rows of a loss, and --map has none")
        step = specs.make_map(map_, settings, variables, periodic)
        if given is None:
            given = [MAP_START] * step.dim
            chosen["start"] = "0.1 for each variable"
        return step, step.state(given), chosen
    function, (opt, open_lr) = specs.make_loss(str(loss), settings, variables), specs.make_optimizer(optimizer)
    if open_lr or given is None:
        found = minima(function, seed=seed)
        if open_lr:
            opt, chosen["lr"] = opt.at(lr=learning_rate(function, opt, found)), "1.1 × the edge"
        if given is None:
            given, chosen["start"] = start_near(function, found).tolist(), "near the lowest minimum"
    if batch is not None and periodic:
        raise UsageError("--periodic belongs to a step of the optimizer, not to an epoch of batches")
    if batch is None:
        step = as_map(function, opt, specs.periods(periodic))
    else:
        step = cfdyn.epoch(function, opt, batch=batch, order=order, seed=seed)
    return step, step.state(given), chosen


def study(
    loss: str | None, optimizer: str, start: str | None, settings: list[str], variables: str | None, box: str | None,
    vary: str | None, out: Path, plot: Path | None, figure: bool, seed: int, json: bool,
) -> None:  # fmt: skip
    """``cfdyn study``."""
    files = Files(out, plot, figure)
    if loss is None:
        raise UsageError('study needs a LOSS: a formula such as "(w**2-1)**2/4", or a name from: cfdyn list losses')
    function, (opt, open_lr) = specs.make_loss(loss, settings, variables), specs.make_optimizer(optimizer)
    with output.progress() as say:
        found = cfdyn.study(
            function, opt, auto_lr=open_lr, seed=seed, progress=say,
            start=None if start is None else specs.numbers(start, "--start"),
            box=None if box is None else specs.intervals(box, "--box"),
            lr_range=None if vary is None else _lr_range(vary),
        )  # fmt: skip
        files.write(found, "study", say)
    if json:
        output.print_json({**output.study_summary(found), **files.json})
    else:
        output.print_study(found)
        files.print()


def _lr_range(text: str) -> tuple[float, float]:
    name, equals, interval = text.partition("=")
    if name.strip() != "lr" or not equals:
        raise UsageError(f"study varies the learning rate only: --vary lr=lo:hi, not {text!r}")
    lo, hi = specs.intervals(interval, "--vary lr")[0]
    if not 0 < lo < hi <= FARTHEST:
        raise UsageError(f"--vary lr needs 0 < lo < hi, at most {FARTHEST:g}, not {text!r}")
    return lo, hi


def orbit(
    loss: str | None, optimizer: str, steps: int, start: str | None, settings: list[str], variables: str | None,
    map_: str | None, digits: int | None, out: Path, plot: Path | None, average: str | None,
    epochs: tuple[int | None, str], seed: int, json: bool,
    periodic: list[str],
) -> None:  # fmt: skip
    """``cfdyn orbit``."""
    files = Files(out, plot)
    step, z0, chosen = subject(loss, optimizer, start, settings, variables, map_, epochs, seed, periodic)
    with output.progress() as say:
        found = cfdyn.iterate(step, z0, steps, digits=digits, progress=lambda k: say(f"{k} of {steps} steps"))
        files.write(found, "orbit", say)
    series = {"loss": found.loss, "sharpness": found.sharpness} if step.has_loss else {}
    if average is not None:
        series["average"] = specs.average(found, average)
    if json:
        output.print_json({"z": found.z, **series, "names": step.names, "status": found.status, "chosen": chosen, **files.json})
    else:
        output.print_orbit(found, series, step.title, chosen)
        files.print()


def classify(
    loss: str | None, optimizer: str, start: str | None, settings: list[str], variables: str | None,
    map_: str | None, max_period: int, out: Path, epochs: tuple[int | None, str], seed: int, json: bool,
    periodic: list[str],
) -> None:  # fmt: skip
    """``cfdyn classify``."""
    files = Files(out, None)
    step, z0, chosen = subject(loss, optimizer, start, settings, variables, map_, epochs, seed, periodic)
    with output.progress() as say:
        say("classifying the orbit")
        found = cfdyn.analysis.classify(step, z0, max_period=max_period)
        files.write(found, "classify", say)
    turns = _rotation(step, z0)
    if json:
        output.print_json({**found.to_json(), "map": step.title, "start": z0, "chosen": chosen, **turns, **files.json})
    else:
        output.print_regime(found, step, z0, chosen, turns.get("rotation_number", {}))
        files.print()


def _rotation(step: Map, z0: np.ndarray) -> dict[str, dict[str, float]]:
    """Turns per step of each angle, where the map has rotation numbers."""
    try:
        found = cfdyn.analysis.rotation_number(step, z0) if step.periodic else None
    except CfdynError:
        found = None
    return {} if found is None else {"rotation_number": dict(zip(found.names, found.value.tolist(), strict=True))}


def lyapunov(
    loss: str | None, optimizer: str, steps: int, start: str | None, settings: list[str], variables: str | None,
    map_: str | None, epochs: tuple[int | None, str], seed: int, json: bool,
    periodic: list[str],
) -> None:  # fmt: skip
    """``cfdyn lyapunov``."""
    step, z0, chosen = subject(loss, optimizer, start, settings, variables, map_, epochs, seed, periodic)
    with output.progress() as say:
        exponents = cfdyn.analysis.lyapunov(step, z0, steps, progress=lambda k: say(f"{k} of {steps} steps"))
    if json:
        output.print_json({"exponents": exponents, "sum": exponents.sum(), "steps": steps, "map": step.title, "start": z0,
                           "chosen": chosen})  # fmt: skip
    else:
        output.print_exponents(exponents, step, z0, chosen, steps)


def _catalogues() -> dict[str, Any]:
    return {name: registry.catalogue(name) for name in ("losses", "optimizers", "flows")}


def list_(what: str, json: bool) -> None:
    """``cfdyn list``."""
    if what not in _catalogues():
        raise unknown("list", what, _catalogues())
    catalogue = _catalogues()[what]
    items = [{"name": name, **registry.describe(catalogue.get(name))} for name in catalogue.names()]
    if json:
        output.print_json({"items": items})
    else:
        output.print_items(items)


def show(name: str, json: bool) -> None:
    """``cfdyn show``."""
    everything = {n: c for c in _catalogues().values() for n in c.names()}
    if name not in everything:
        raise unknown("name", name, everything, ", ".join(f"cfdyn list {kind}" for kind in _catalogues()))
    entry = everything[name].get(name)
    if json:
        output.print_json({"name": name, **registry.describe(entry), "options": registry.defaults(entry),
                           "text": registry.text(entry)})  # fmt: skip
    else:
        options = (k if v == "required" else f"{k}={v}" for k, v in registry.defaults(entry).items())
        print(f"{name}({', '.join(options)})\n\n{registry.text(entry)}")


