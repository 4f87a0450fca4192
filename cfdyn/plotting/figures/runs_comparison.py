"""Models beside the mean of many runs: a weight, sharpness, loss, distance, variance, and who is nearest."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.training.compare_runs import RunsComparison
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.figures.runs import leading_weight, runs_title
from cfdyn.plotting.panels import band, draw_ranking, hidden, legend_below, line_style, tell_decades, time_range
from cfdyn.plotting.style import INK, axis_label, clip_range

WIDTH = 10.6  # inches
MEAN = "mean of the runs"


def draw(found: RunsComparison) -> Figure:
    """Six panels of a `RunsComparison`."""
    with house_style():
        figure = new_figure(WIDTH, 5.9)
        panels = figure.subplots(2, 3)
        _draw_weight(panels[0, 0], found)
        _draw_sharpness(panels[0, 1], found)
        _draw_loss(panels[0, 2], found)
        _draw_distance(panels[1, 0], found)
        _draw_variance(panels[1, 1], found)
        _draw_ranking(panels[1, 2], found)
        for axes in (*panels[0], *panels[1, :2]):
            axes.set(xlabel="time (steps)", xlim=time_range(found.t))
            axes.axvspan(found.late, found.t[-1], color=INK, alpha=0.03, linewidth=0)
        for axes in panels.flat:
            axes.minorticks_off()
            tell_decades(axes)
        legend_below(figure, WIDTH, *panels[0, 1].get_legend_handles_labels())
        figure.suptitle(runs_title(found.provenance.get("settings", {}).get("runs") or {}), fontsize=9.5)
    return figure


def _style(found: RunsComparison, k: int) -> dict[str, Any]:
    """Colour and dashes of the line of the model number k."""
    return line_style(k, hidden([model.w for model in found.models]))


def _draw_models(axes: Axes, found: RunsComparison, series: list[np.ndarray]) -> None:
    below = hidden([model.w for model in found.models])
    for k, (model, values) in enumerate(zip(found.models, series, strict=True)):
        name = model.name + (f" (as {found.models[below[k]].name})" if k in below else "")
        axes.plot(found.t[: len(values)], values, **_style(found, k), linewidth=1.3, zorder=3, label=name)


def _draw_weight(axes: Axes, found: RunsComparison) -> None:
    k = leading_weight(found.averaged)
    band(axes, found.t, found.quantiles[:, :, k], found.levels)
    axes.plot(found.t, found.averaged[:, k], color=INK, zorder=2)
    _draw_models(axes, found, [model.w[:, k] for model in found.models])
    clip_range(axes, np.concatenate([found.quantiles[:, :, k].ravel(), *(model.w[:, k] for model in found.models)]))
    axes.set_ylabel(f"{axis_label(found.names[k])} (moves farthest)")


def _draw_sharpness(axes: Axes, found: RunsComparison) -> None:
    band(axes, found.t, found.sharpness, found.levels, "the runs")
    axes.plot(found.t, found.mean_sharpness, color=INK, zorder=2, label=MEAN)
    _draw_models(axes, found, [model.sharpness for model in found.models])
    shown = [found.sharpness.ravel(), found.mean_sharpness]
    most = 2 * np.nanmax(np.concatenate(shown), initial=0.0)
    shown += [np.minimum(model.sharpness, most) for model in found.models]
    if np.isfinite(found.edge):
        axes.axhline(found.edge, color=INK, linestyle="--", linewidth=0.8, label=f"edge without noise {found.edge:.4g}")
        shown.append(np.array([min(found.edge, most)]))
    clip_range(axes, np.concatenate(shown))
    axes.set_ylabel("sharpness λ₁(H)")


def _draw_loss(axes: Axes, found: RunsComparison) -> None:
    low, high = found.loss - 2 * found.loss_error, found.loss + 2 * found.loss_error
    axes.fill_between(found.t, np.maximum(low, found.loss / 10), high, color=INK, alpha=0.2, linewidth=0)
    axes.plot(found.t, found.loss, color=INK, zorder=2)
    _draw_models(axes, found, [model.loss for model in found.models])
    if (found.loss > 0).any():
        axes.set_yscale("log")
        axes.set_ylim(0.2 * np.nanmin(found.loss), 1.5 * np.nanmax(found.loss))
    axes.set_ylabel("loss, ± 2 standard errors; predicted")


def _draw_distance(axes: Axes, found: RunsComparison) -> None:
    """‖w(t) − w̄_t‖ of each model, over the standard error of w̄, below which nothing is resolved."""
    floor = np.maximum(found.error, 1e-300)
    axes.fill_between(found.t, floor * 1e-3, floor, color=INK, alpha=0.12, linewidth=0)
    away = [np.linalg.norm(model.w - found.averaged[: len(model.w)], axis=1) for model in found.models]
    _draw_models(axes, found, [np.where(values > 0, values, np.nan) for values in away])
    most, least = max((values.max(initial=0.0) for values in away), default=0.0), np.nanmin(floor, initial=np.inf)
    if most > 0:
        axes.set(yscale="log", ylim=(max(min(0.3 * least, most), 1e-6 * most), 2 * most))
    axes.set_ylabel("distance to the mean (shaded: its error)")


def _draw_variance(axes: Axes, found: RunsComparison) -> None:
    axes.plot(found.t, np.where(found.variance > 0, found.variance, np.nan), color=INK, zorder=2)
    _draw_models(axes, found, [np.where(model.variance > 0, model.variance, np.nan) for model in found.models])
    most = float(np.nanmax(found.variance, initial=0.0))
    if most > 0:
        axes.set(yscale="log", ylim=(1e-4 * most, 4 * most))
    axes.set_ylabel("variance along the sharpest direction")


def _draw_ranking(axes: Axes, found: RunsComparison) -> None:
    """Root mean square distances over the last third, the nearest on top, with the error of the mean."""
    ranked = found.ranking[::-1]
    values = np.array([model.distance for model in ranked])
    finite = values[np.isfinite(values) & (values > 0)]
    smallest = min(finite.min(initial=1.0), found.floor if found.floor > 0 else np.inf) / 2
    shown = np.where(values > 0, values, smallest)
    words = [
        f"{model.distance:.3g} ± {model.distance_error:.1g}" if np.isfinite(model.distance) else "ended early" for model in ranked
    ]
    shades = [_style(found, found.models.index(model))["color"] for model in ranked]
    limits = (smallest, 30 * finite.max()) if len(finite) else None
    draw_ranking(axes, [model.name for model in ranked], shown, np.full(len(shown), np.nan), words, shown, shades,
                 ("distance over the last third (rms)", ""), limits)  # fmt: skip
    if found.floor > 0:
        axes.axvline(found.floor, color=INK, linestyle=":", linewidth=0.9)
        axes.set_title("⋯ error of the mean", fontsize=7.5)
