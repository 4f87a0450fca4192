"""Averages of iterates and models: distance to the mean path, and loss, over time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.training.averages import Average, Averages
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import draw_ranking, legend_below, shade_cycles, time_range
from cfdyn.plotting.style import ACCENT, INK, PALE, PALETTE, WARN, dots
from cfdyn.plotting.titles import map_title

WIDTH = 10.6  # inches
FIXED = {"iterate": PALE, "last_two": ACCENT, "midpoints": "#7fb0d8", "polyak": PALETTE[4]}
MEMORIES = ("#8fc9b0", "#2e8b6f", "#14503d")
MODELS = (WARN, PALETTE[3], PALETTE[5], PALETTE[7], INK)
DECADES = 1e-12  # of the largest loss: below is round-off


def draw(averages: Averages) -> Figure:
    """Three panels of an `Averages`: error over time, loss over time, and the ranking."""
    with house_style():
        figure = new_figure(WIDTH, 5.4)
        grid = figure.add_gridspec(2, 2, width_ratios=(2.1, 1))
        above, ranking = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[:, 1])
        below = figure.add_subplot(grid[1, 0], sharex=above)
        above.tick_params(labelbottom=False)
        _draw_errors(above, averages)
        _draw_losses(below, averages)
        _draw_ranking(ranking, averages)
        below.set(xlabel="time (steps)", xlim=time_range(averages.t))
        legend_below(figure, WIDTH, *below.get_legend_handles_labels())
        figure.suptitle(map_title(averages.provenance.get("settings", {}).get("orbit") or {}), fontsize=9.5)
    return figure


def colours(averages: Averages) -> dict[str, str]:
    """Averages coloured by kind, exponential ones darker with longer memory; models in the given order."""
    chosen, memories, models = {}, 0, 0
    for entry in averages.entries:
        if entry.kind == "model":
            chosen[entry.name], models = MODELS[models % len(MODELS)], models + 1
        elif entry.name in FIXED:
            chosen[entry.name] = FIXED[entry.name]
        else:
            chosen[entry.name], memories = MEMORIES[min(memories, len(MEMORIES) - 1)], memories + 1
    return chosen


def _line(axes: Axes, entry: Average, values: np.ndarray, colour: str) -> None:
    """Dots for the iterates, at an odd stride that keeps a 2-cycle visible; dashes for models."""
    t = entry.first + np.arange(len(values))
    if entry.name == "iterate":
        dots(axes, t, values, color=colour, markersize=2.2, label=entry.name)
    else:
        style = "--" if entry.kind == "model" else "-"
        axes.plot(t, values, style, color=colour, linewidth=1.5 if entry.kind == "model" else 1.1, zorder=3, label=entry.name)


def _draw_errors(axes: Axes, averages: Averages) -> None:
    """‖w(t) − reference(t)‖ on a logarithmic axis; whole slow cycles shaded in turn."""
    shade_cycles(axes, averages.cycles)
    errors = {e.name: np.linalg.norm(e.w - averages.reference[e.first : e.first + len(e.w)], axis=1) for e in averages.entries}
    for entry in averages.entries:
        _line(axes, entry, np.maximum(errors[entry.name], 1e-300), colours(averages)[entry.name])
    everything = np.concatenate(list(errors.values()))
    everything = everything[everything > 0]
    if len(everything):
        low, high = np.quantile(everything, [0.02, 1.0])
        axes.set(yscale="log", ylim=(max(low / 3, 1e-9 * high), 2 * high))
    else:
        axes.text(0.5, 0.5, "no time average to measure against", transform=axes.transAxes, ha="center")
    axes.set_ylabel("distance to the mean path")


def _draw_losses(axes: Axes, averages: Averages) -> None:
    """The loss above the lowest one seen, on a logarithmic axis."""
    shown = []
    for entry in averages.entries:
        above = entry.loss - averages.best_loss
        _line(axes, entry, np.where(above > 0, above, np.nan), colours(averages)[entry.name])
        shown.append(above[np.isfinite(above) & (above > 0)])
    for fraction, level in zip(averages.fractions, averages.levels, strict=True):
        if level > averages.best_loss:
            axes.axhline(level - averages.best_loss, color=INK, linestyle=":", linewidth=0.6, zorder=0)
            place = (1.0, level - averages.best_loss)
            axes.annotate(f" {100 * fraction:g} %", place, xycoords=("axes fraction", "data"), fontsize=6.5, va="center",
                          annotation_clip=True)  # fmt: skip
    values = np.concatenate(shown)
    if len(values):
        low, high = values.min(), np.quantile(values, 0.998)
        axes.set(yscale="log", ylim=(max(low / 2, DECADES * high), 2 * high))
    axes.set_ylabel("loss above the lowest seen")


def _draw_ranking(axes: Axes, averages: Averages) -> None:
    """Root mean square errors, the smallest on top; diamonds: with the lag taken into account."""
    ranked = [entry for entry in averages.ranking if entry.error > 0][::-1]
    if not ranked:
        axes.set_axis_off()
        return
    values, timed = (np.array([getattr(e, what) for e in ranked]) for what in ("error", "timed_error"))
    smallest = np.concatenate([values, timed[timed > 0]]).min() / 3
    words = [f"{e.error:.3g}" + ("  (ended early)" if averages.ended_early(e) else "") for e in ranked]
    draw_ranking(
        axes, [e.name for e in ranked], values, np.where(timed > 0, timed, np.nan), words, np.fmax(values, timed),
        [colours(averages)[e.name] for e in ranked], ("distance to the mean path (rms)", "once the lag is allowed for"),
        (smallest, 12 * values.max()),
    )  # fmt: skip
