"""``cfdyn cycles``: every cycle of one period in a box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cfdyn
from cfdyn.cli import output, specs
from cfdyn.cli.written import Files
from cfdyn.errors import UsageError
from cfdyn.studies.defaults import learning_rate
from cfdyn.systems.map import Map, as_map
from cfdyn.systems.minima import minima

WORDS = {True: "yes", False: "no", None: "neutral"}


def show(
    loss: str | None, period: int, box: str | None, optimizer: str, settings: list[str], variables: str | None,
    map_: str | None, budget: int | None, method: str, out: Path, plot: Path | None, seed: int, json: bool,
    periodic: list[str],
) -> None:  # fmt: skip
    """``cfdyn cycles``."""
    files = Files(out, plot)
    given = None if box is None else specs.box(box)
    step, usual, chosen = _subject(loss, optimizer, settings, variables, map_, seed, periodic)
    if given is None:
        chosen["box"] = "the loss's own" if loss is not None else "not given"
    with output.progress() as say:
        say(f"looking for cycles of period {period}")
        found = cfdyn.analysis.cycles(step, period, given or usual, seed=seed, budget=budget, method=method)
        files.write(found, "cycles", say)
    if json:
        output.print_json({**_summary(found, step), "chosen": chosen, **files.json})
    else:
        _print(found, step, chosen)
        files.print()


def _subject(
    loss: str | None, optimizer: str, settings: list[str], variables: str | None, map_: str | None, seed: int,
    periodic: list[str],
) -> tuple[Map, specs.Box, dict[str, str]]:
    """The map, the usual box, and in words what was chosen for the user."""
    if (loss is None) == (map_ is None):
        raise UsageError("give either a LOSS or --map FORMULA, and only one of them")
    if map_ is not None:
        step = specs.make_map(map_, settings, variables, periodic)
        return step, specs.usual_box(step), {}
    function, (opt, open_lr) = specs.make_loss(str(loss), settings, variables), specs.make_optimizer(optimizer)
    chosen = {}
    if open_lr:
        opt, chosen["lr"] = opt.at(lr=learning_rate(function, opt, minima(function, seed=seed))), "1.1 × the edge"
    step = as_map(function, opt, specs.periods(periodic))
    return step, specs.usual_box(step, function), chosen


def _summary(found: Any, step: Map) -> dict[str, Any]:
    """What --json prints."""
    return {
        "cycles": [{"points": c.points, "multipliers": c.multipliers, "stable": c.stable} for c in found],
        "complete": found.complete, "undecided": found.undecided, "period": found.period, "box": found.box,
        "method": found.method, "reason": found.reason, "names": step.names, "map": step.title,
    }  # fmt: skip


def _print(found: Any, step: Map, chosen: dict[str, str]) -> None:
    """How many, whether these are all, and the first of them."""
    out, facts = output.console(), output._table("", "")
    facts.show_header = False
    facts.add_row("map", f"{step.title}{output._how(chosen, 'lr')}")
    box = ", ".join(f"{name} from {lo:g} to {hi:g}" for name, (lo, hi) in zip(step.names, found.box.tolist(), strict=True))
    facts.add_row("box", f"{box}{output._how(chosen, 'box')}")
    out.print(facts)
    out.print()
    out.print(_sentence(found))
    table = output._table("points", "multipliers" if step.dim > 1 else "multiplier", "stable")
    for cycle in found[: output.MOST_ROWS]:
        table.add_row(output.vector(cycle.points), output.vector(cycle.multipliers), WORDS[cycle.stable])
    if len(found):
        out.print(table)
    if len(found) > output.MOST_ROWS:
        out.print(f"… and {len(found) - output.MOST_ROWS} more (all of them with --json)")


def _sentence(found: Any) -> str:
    what = "fixed point" if found.period == 1 else "cycle"
    count = f"{len(found) or 'no'} {what}{'' if len(found) == 1 else 's'}" + (f" of period {found.period}" * (found.period > 1))
    stable = sum(cycle.stable is True for cycle in found)
    kinds = f", {stable or 'none'} of them stable" if len(found) > 1 else " (stable)" if stable else ""
    sure = "these are all" if len(found) else "there is none"
    verdict = f"{sure}, as far as floating point can tell" if found.complete else "there may be more"
    return f"{count}{kinds}: {verdict}" + (f" ({found.reason})" if found.reason else "") + "."
