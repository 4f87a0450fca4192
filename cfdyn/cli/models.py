"""An optimizer compared with its continuous-time models, as printed by ``cfdyn compare`` and ``cfdyn study``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfdyn.cli.output.document import fields
from cfdyn.cli.output.screen import Screen, cell

if TYPE_CHECKING:
    from cfdyn.analysis.training.compare import Comparison

SERIES = ("w", "loss", "sharpness", "variance", "preconditioned", "name", "provenance")


def models_document(comparison: Comparison) -> dict[str, dict[str, Any]]:
    """Numbers for each model, not its series."""
    return {m.name: {k: v for k, v in vars(m).items() if k not in SERIES} for m in comparison.models}


def print_models(screen: Screen, comparison: Comparison) -> None:
    """Print a row for each model, and notes on them."""
    columns = ("distance", "largest", "over slow cycles", "sharpness error", "loss error", "variance ÷ measured", "onset")
    keys = "distance max_distance cycle_distance sharpness_error loss_error variance_ratio"
    screen.table(("model, closest first", *columns), comparison.ranking, lambda model: [
        model.name + ("" if len(model.w) == len(comparison.t) else "  (ended early)"), *map(cell, fields(model, keys).values()),
        "–" if model.onset is None else f"{model.onset:g}"], most=None)  # fmt: skip
    screen.print("Root mean squares over the steps, against averages of two steps, (w₋ + 2w + w₊)/4.", style="dim")
    for words in (*comparison.warnings, *(f"{m.name}: {note}" for m in comparison.models for note in m.notes)):
        screen.note(words)
