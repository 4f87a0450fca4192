"""``cfdyn averages``: averages of an optimizer's iterates, as estimators of the mean path and as optimizers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cfdyn
from cfdyn.cli import output, specs
from cfdyn.cli.compare import model_names, round_to
from cfdyn.cli.flow import started
from cfdyn.cli.written import Files
from cfdyn.errors import UsageError


def show(
    loss: str | None, optimizer: str, decays: str, models: str | None, start: str | None, settings: list[str],
    variables: str | None, options: dict[str, Any], out: Path, plot: Path | None, figure: bool, seed: int, json: bool,
) -> None:  # fmt: skip
    """``cfdyn averages``."""
    files = Files(out, plot, figure)
    if loss is None:
        raise UsageError('averages needs a LOSS: a formula such as "(1-x*y)**2/2", or a name from: cfdyn list losses')
    memory = specs.numbers(decays, "--decays") if decays.strip() else []
    wanted = None if models is None else {} if models.strip() == "none" else model_names(models)
    for text in (wanted or {}).values():
        specs.check_flow(text)
    function = specs.make_loss(loss, settings, variables)
    opt, given, chosen = started(function, optimizer, start, seed)
    flows = None if wanted is None else {name: specs.build_flow(text, function, opt) for name, text in wanted.items()}
    with output.progress() as say:
        found = cfdyn.averages(function, opt, flows, given, decays=memory, progress=say, **options)
        files.write(found, "averages", say)
    if json:
        output.print_json({**summary(found), "chosen": chosen, **files.json})
    else:
        _print(found, given, chosen)
        files.print()


def summary(found: Any) -> dict[str, Any]:
    """What --json prints: numbers for each entry, not its series."""
    kept = ("rows", "cycles", "period", "fractions", "levels", "start_loss", "best_loss", "mean_loss", "status", "warnings")
    return {"averages": found.table, **{key: getattr(found, key) for key in kept}, "steps": len(found.t) - 1}


def _print(found: Any, start: Any, chosen: dict[str, str]) -> None:
    """What was averaged, the two tables, and what to be careful about."""
    out, facts = output.console(), output._table("", "")
    settings = found.provenance["settings"]["orbit"]
    facts.show_header = False
    facts.add_row("optimizer", f"{settings['map']}{output._how(chosen, 'lr')}")
    facts.add_row("start", f"{output.vector(start)}{output._how(chosen, 'start')}")
    facts.add_row("steps", f"{settings['steps']}, {found.status}")
    facts.add_row("mean path", _reference(found))
    facts.add_row("loss", f"from {output.number(found.start_loss)}; the lowest seen is {output.number(found.best_loss)}; "
                          f"mean over the last tenth of the iterates {output.number(found.mean_loss)}")  # fmt: skip
    out.print(facts)
    out.print()
    cells = ("error", "in the swings", "largest", "lag allowed for", "lag", "leaves of a 2-cycle", "measured")
    table = output._table("nearest first", *cells)
    for e in found.ranking:
        early = "  (ended early)" if found.ended_early(e) else ""
        values: tuple = (e.error, e.swing_error, e.max_error, e.timed_error, e.lag, e.leaves, e.left)
        table.add_row(e.name + early, *map(_cell, values))
    out.print(table)
    out.print("Distances to the mean path, root mean squares. Lag and what is left of a 2-cycle are formulas.", style="dim")
    out.print()
    levels = [f"{100 * fraction:g} %" for fraction in found.fractions]
    table = output._table("as an optimizer", "loss at the end", "median, last tenth", "average predicted", "sharpness", *levels)
    for e in sorted(found.entries, key=lambda e: (found.ended_early(e), e.median_loss != e.median_loss, e.median_loss)):
        values = (e.final_loss, e.median_loss, e.predicted_loss, e.final_sharpness)
        table.add_row(e.name, *map(_cell, values), *("–" if step is None else str(step) for step in e.reached))
    out.print(table)
    out.print("Per cent: the step from which on that much of the way from the first to the lowest loss is left.", style="dim")
    for words in found.warnings:
        out.print(f"note    {words}", soft_wrap=True)


def _reference(found: Any) -> str:
    """How the time average was taken."""
    words = f"centred average over the period {found.period}"
    if found.cycles:
        lengths = ", ".join(str(last - first) for first, last in found.cycles[:8]) + (", …" if len(found.cycles) > 8 else "")
        words += f" and {len(found.cycles)} slow cycles of {lengths} steps"
    swings = f", {int(found.swinging.sum())} of them in the swings" if found.cycles else ""
    return f"{words}; at {found.rows} of {len(found.t)} steps{swings}"


def _cell(value: float) -> str:
    return "–" if value != value else output.number(round_to(value))
