"""Models against the mean of many runs: a weight, sharpness, loss, distance, variance, and a ranking."""

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


def draw(comparison: RunsComparison) -> Figure:
    """Six panels of a `RunsComparison`."""
    with house_style():
        figure = new_figure(WIDTH, 5.9)
        panels = figure.subplots(2, 3)
        _draw_weight(panels[0, 0], comparison)
        _draw_sharpness(panels[0, 1], comparison)
        _draw_loss(panels[0, 2], comparison)
        _draw_distance(panels[1, 0], comparison)
        _draw_variance(panels[1, 1], comparison)
        _draw_ranking(panels[1, 2], comparison)
        for axes in (*panels[0], *panels[1, :2]):
            axes.set(xlabel="time (steps)", xlim=time_range(comparison.t))
            axes.axvspan(comparison.late, comparison.t[-1], color=INK, alpha=0.03, linewidth=0)
        for axes in panels.flat:
            axes.minorticks_off()
            tell_decades(axes)
        legend_below(figure, WIDTH, *panels[0, 1].get_legend_handles_labels())
        figure.suptitle(runs_title(comparison.provenance.get("settings", {}).get("runs") or {}), fontsize=9.5)
    return figure


def _style(comparison: RunsComparison, k: int) -> dict[str, Any]:
    """Colour and dashes of the line of model number k."""
    return line_style(k, hidden([model.w for model in comparison.models]))


def _draw_models(axes: Axes, comparison: RunsComparison, series: list[np.ndarray]) -> None:
    below = hidden([model.w for model in comparison.models])
    for k, (model, values) in enumerate(zip(comparison.models, series, strict=True)):
        name = model.name + (f" (as {comparison.models[below[k]].name})" if k in below else "")
        axes.plot(comparison.t[: len(values)], values, **_style(comparison, k), linewidth=1.3, zorder=3, label=name)


def _draw_weight(axes: Axes, comparison: RunsComparison) -> None:
    k = leading_weight(comparison.averaged)
    band(axes, comparison.t, comparison.quantiles[:, :, k], comparison.levels)
    axes.plot(comparison.t, comparison.averaged[:, k], color=INK, zorder=2)
    _draw_models(axes, comparison, [model.w[:, k] for model in comparison.models])
    clip_range(axes, np.concatenate([comparison.quantiles[:, :, k].ravel(), *(model.w[:, k] for model in comparison.models)]))
    axes.set_ylabel(f"{axis_label(comparison.names[k])} (moves farthest)")


def _draw_sharpness(axes: Axes, comparison: RunsComparison) -> None:
    band(axes, comparison.t, comparison.sharpness, comparison.levels, "the runs")
    axes.plot(comparison.t, comparison.mean_sharpness, color=INK, zorder=2, label=MEAN)
    _draw_models(axes, comparison, [model.sharpness for model in comparison.models])
    shown = [comparison.sharpness.ravel(), comparison.mean_sharpness]
    most = 2 * np.nanmax(np.concatenate(shown), initial=0.0)
    shown += [np.minimum(model.sharpness, most) for model in comparison.models]
    if np.isfinite(comparison.edge):
        axes.axhline(comparison.edge, color=INK, linestyle="--", linewidth=0.8, label=f"edge without noise {comparison.edge:.4g}")
        shown.append(np.array([min(comparison.edge, most)]))
    clip_range(axes, np.concatenate(shown))
    axes.set_ylabel("sharpness λ₁(H)")


def _draw_loss(axes: Axes, comparison: RunsComparison) -> None:
    low, high = comparison.loss - 2 * comparison.loss_error, comparison.loss + 2 * comparison.loss_error
    axes.fill_between(comparison.t, np.maximum(low, comparison.loss / 10), high, color=INK, alpha=0.2, linewidth=0)
    axes.plot(comparison.t, comparison.loss, color=INK, zorder=2)
    _draw_models(axes, comparison, [model.loss for model in comparison.models])
    if (comparison.loss > 0).any():
        axes.set_yscale("log")
        axes.set_ylim(0.2 * np.nanmin(comparison.loss), 1.5 * np.nanmax(comparison.loss))
    axes.set_ylabel("loss, ± 2 standard errors; predicted")


def _draw_distance(axes: Axes, comparison: RunsComparison) -> None:
    """‖w(t) − w̄_t‖ of each model, over the standard error of w̄, below which nothing is resolved."""
    floor = np.maximum(comparison.error, 1e-300)
    axes.fill_between(comparison.t, floor * 1e-3, floor, color=INK, alpha=0.12, linewidth=0)
    away = [np.linalg.norm(model.w - comparison.averaged[: len(model.w)], axis=1) for model in comparison.models]
    _draw_models(axes, comparison, [np.where(values > 0, values, np.nan) for values in away])
    most, least = max((values.max(initial=0.0) for values in away), default=0.0), np.nanmin(floor, initial=np.inf)
    if most > 0:
        axes.set(yscale="log", ylim=(max(min(0.3 * least, most), 1e-6 * most), 2 * most))
    axes.set_ylabel("distance to the mean (shaded: its error)")


def _draw_variance(axes: Axes, comparison: RunsComparison) -> None:
    axes.plot(comparison.t, np.where(comparison.variance > 0, comparison.variance, np.nan), color=INK, zorder=2)
    _draw_models(axes, comparison, [np.where(model.variance > 0, model.variance, np.nan) for model in comparison.models])
    most = float(np.nanmax(comparison.variance, initial=0.0))
    if most > 0:
        axes.set(yscale="log", ylim=(1e-4 * most, 4 * most))
    axes.set_ylabel("variance along the sharpest direction")


def _draw_ranking(axes: Axes, comparison: RunsComparison) -> None:
    """Root mean square distances over the last third, the smallest on top, with the error of the mean."""
    ranked = comparison.ranking[::-1]
    values = np.array([model.distance for model in ranked])
    finite = values[np.isfinite(values) & (values > 0)]
    smallest = min(finite.min(initial=1.0), comparison.floor if comparison.floor > 0 else np.inf) / 2
    shown = np.where(values > 0, values, smallest)
    words = [
        f"{model.distance:.3g} ± {model.distance_error:.1g}" if np.isfinite(model.distance) else "ended early" for model in ranked
    ]
    shades = [_style(comparison, comparison.models.index(model))["color"] for model in ranked]
    limits = (smallest, 30 * finite.max()) if len(finite) else None
    draw_ranking(axes, [model.name for model in ranked], shown, np.full(len(shown), np.nan), words, shown, shades,
                 ("distance over the last third (rms)", ""), limits)  # fmt: skip
    if comparison.floor > 0:
        axes.axvline(comparison.floor, color=INK, linestyle=":", linewidth=0.9)
        axes.set_title("⋯ error of the mean", fontsize=7.5)
