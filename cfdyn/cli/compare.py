"""``cfdyn compare``: an optimizer against its continuous-time models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cfdyn
from cfdyn.cli import output, specs
from cfdyn.cli.flow import started
from cfdyn.cli.written import Files
from cfdyn.errors import UsageError
from cfdyn.studies.comparison import MODELS


def show(
    loss: str | None, optimizer: str, models: str | None, start: str | None, settings: list[str], variables: str | None,
    options: dict[str, Any], out: Path, plot: Path | None, figure: bool, film: Path | None, seed: int, json: bool,
) -> None:  # fmt: skip
    """``cfdyn compare``."""
    files = Files(out, plot, figure)
    if loss is None:
        raise UsageError('compare needs a LOSS: a formula such as "(1-x*y)**2/2", or a name from: cfdyn list losses')
    function = specs.make_loss(loss, settings, variables)
    wanted = None if models is None else model_names(models)
    opt, given, chosen = started(function, optimizer, start, seed)
    chosen_models = None if wanted is None else {name: specs.build_flow(text, function, opt) for name, text in wanted.items()}
    if film is not None:
        from cfdyn.plotting.animation import check_film

        check_film(film)
    with output.progress() as say:
        found = cfdyn.compare(function, opt, chosen_models, given, progress=say, **options)
        files.write(found, "compare", say)
        if film is not None:
            cfdyn.animate(found, film, progress=lambda k: say(f"frame {k}"))
            files.figures.append(film)
    if json:
        output.print_json({**summary(found), "chosen": chosen, **files.json})
    else:
        _print(found, given, chosen)
        files.print()


def model_names(text: str) -> dict[str, str]:
    """``"central,edge:secant=true,floor=1e-6"`` → {"central": "central", "edge": "edge:secant=true,floor=1e-6"}."""
    found: list[str] = []
    for part in (piece.strip() for piece in text.split(",")):
        if "=" in part and ":" not in part and found:
            found[-1] += f",{part}"
        elif part:
            found.append(part)
    if not found:
        raise UsageError(f"--models takes names such as {','.join(MODELS)}, not {text!r}")
    if len(set(found)) < len(found):
        raise UsageError("--models names a model twice")
    short = [model.partition(":")[0] for model in found]
    # Two variants of one model are told apart by their options.
    return {name if short.count(name) == 1 else model: model for name, model in zip(short, found, strict=True)}


def summary(found: Any) -> dict[str, Any]:
    """What --json prints: numbers for each model, not its series."""
    series = ("w", "loss", "sharpness", "variance", "name", "provenance")
    models = {m.name: {k: v for k, v in vars(m).items() if k not in series} for m in found.models}
    return {"models": models, "ranking": [m.name for m in found.ranking], "optimizer": found.orbit, "edge": found.edge,
            "cycles": found.cycles, "warnings": found.warnings, "steps": len(found.t) + 1}  # fmt: skip


def _print(found: Any, start: Any, chosen: dict[str, str]) -> None:
    """What was compared, the ranking, and what to be careful about."""
    out, facts, number = output.console(), output._table("", ""), output.number
    settings = found.provenance["settings"]["orbit"]
    facts.show_header = False
    facts.add_row("optimizer", f"{settings['map']}{output._how(chosen, 'lr')}")
    facts.add_row("start", f"{output.vector(start)}{output._how(chosen, 'start')}")
    facts.add_row("steps", f"{settings['steps']}, {found.orbit['status']}")
    facts.add_row("edge", _edge(found))
    if found.cycles:
        lengths = ", ".join(str(last - first) for first, last in found.cycles[:8]) + (", …" if len(found.cycles) > 8 else "")
        facts.add_row("slow cycles", f"{len(found.cycles)} whole, of {lengths} steps")
    out.print(facts)
    out.print()
    cells = ("distance", "largest", "over slow cycles", "sharpness error", "loss error", "variance ÷ measured", "onset")
    table = output._table("model, nearest first", *cells)
    for model in found.ranking:
        values = (model.distance, model.max_distance, model.cycle_distance, model.sharpness_error, model.loss_error,
                  model.variance_ratio)  # fmt: skip
        early = "" if len(model.w) == len(found.t) else "  (ended early)"
        table.add_row(model.name + early, *("–" if v != v else number(round_to(v)) for v in values),
                      "–" if model.onset is None else f"{model.onset:g}")  # fmt: skip
    out.print(table)
    out.print("Root mean squares over the steps, against averages of two steps, (w₋ + 2w + w₊)/4.", style="dim")
    for words in (*found.warnings, *(f"{m.name}: {note}" for m in found.models for note in m.notes)):
        out.print(f"note    {words}", soft_wrap=True)


def round_to(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")


def _edge(found: Any) -> str:
    facts = found.orbit
    words = f"sharpness {found.edge:.6g}" if found.edge == found.edge else "not a number of its own for this optimizer"
    if facts["crossing"] is not None:
        words += f", reached at step {facts['crossing']}"
    if "begins" in facts:
        words += f"; oscillation from step {facts['begins']} on"
    return words


