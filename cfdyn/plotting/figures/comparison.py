"""Models against the optimizer: paths, sharpness, loss, variance, distance, and a ranking."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.training.compare import Comparison, Model
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.figures.hovering import draw_hovering
from cfdyn.plotting.panels import (
    draw_ranking,
    hidden,
    legend_below,
    line_style,
    shade_cycles,
    tell_decades,
    time_range,
)
from cfdyn.plotting.plane import Plane, contours, plane_of
from cfdyn.plotting.style import INK, PALE, axis_label, clip_range, dots
from cfdyn.plotting.titles import map_title
from cfdyn.systems.loss import Loss

WIDTH = 10.6  # inches


def draw(comparison: Comparison, loss: Loss | None = None) -> Figure:
    """Six panels of a `Comparison`, below them λ₁(P⁻¹H) if P changes; ``loss``: for contours, if the record does not have it."""
    held = comparison.hovering if comparison.hovering is not None and comparison.hovering.moving else None
    with house_style():
        figure = new_figure(WIDTH, 5.9 if held is None else 7.9)
        grid = figure.add_gridspec(2 if held is None else 3, 3)
        panels = np.array([[figure.add_subplot(grid[i, j]) for j in range(3)] for i in range(2)])
        _draw_paths(panels[0, 0], comparison, plane_of(comparison), comparison._loss if loss is None else loss)
        _draw_series(panels[0, 1], comparison, "sharpness", "sharpness λ₁(H)")
        _draw_series(panels[0, 2], comparison, "loss", "average loss")
        _draw_distance(panels[1, 0], comparison)
        _draw_variance(panels[1, 1], comparison)
        _draw_ranking(panels[1, 2], comparison)
        below = [] if held is None else [figure.add_subplot(grid[2, :])]
        for axes in below:
            _draw_preconditioned(axes, comparison)
        for axes in (*panels[0, 1:], *panels[1, :2], *below):
            axes.set(xlabel="time (steps)", xlim=time_range(comparison.t))
        # The marks between the powers of ten cost a fifth of the time.
        for axes in (*panels.flat, *below):
            axes.minorticks_off()
            tell_decades(axes)
        legend_below(figure, WIDTH, *panels[0, 1].get_legend_handles_labels())
        figure.suptitle(map_title(comparison.provenance.get("settings", {}).get("orbit") or {}), fontsize=9.5)
    return figure


def label(model: Model) -> str:
    """The model's name, and its description if it differs from the published one."""
    for mark, words in (("[reconstruction]", "reconstruction"), ("a guess", "a guess")):
        if mark in model.title:
            return f"{model.name} ({words})"
    return model.name


def styles(comparison: Comparison) -> dict[str, dict[str, Any]]:
    """Colour and dashes of each model's line, in the given order: dashed where it coincides with an earlier one."""
    below = hidden([model.w for model in comparison.models])
    return {model.name: line_style(k, below) for k, model in enumerate(comparison.models)}


def _legend_name(comparison: Comparison, k: int) -> str:
    """The name of model number k, and of the earlier one with which its line coincides."""
    below = hidden([model.w for model in comparison.models])
    return label(comparison.models[k]) + (f" (as {comparison.models[below[k]].name})" if k in below else "")


def _draw_paths(axes: Axes, comparison: Comparison, plane: Plane, loss: Loss | None) -> None:
    """The averaged orbit and the models, over contours of the loss; one weight against time."""
    averaged = plane.project(comparison.averaged)
    if plane.flat:
        dots(axes, comparison.t, comparison.iterates[:, 0], markersize=2.2)
        axes.plot(comparison.t, averaged[:, 0], color=INK, linewidth=0.9)
        for model in comparison.models:
            axes.plot(comparison.t[: len(model.w)], model.w[:, 0], **styles(comparison)[model.name], linewidth=1.3)
        axes.set(xlabel="time (steps)", ylabel=axis_label(comparison.names[0]))
        return
    limits = plane.limits([comparison.averaged, comparison.iterates])
    if loss is not None:
        contours(axes, loss, plane, limits)
    points = plane.project(comparison.iterates)
    axes.plot(*points.T, ".", color=PALE, markersize=2.0, alpha=0.7, zorder=1, rasterized=True)
    axes.plot(*averaged.T, color=INK, linewidth=1.0, zorder=2)
    for model in comparison.models:
        axes.plot(*plane.project(model.w).T, **styles(comparison)[model.name], linewidth=1.4, zorder=3)
    axes.plot(*averaged[0], "s", color=INK, markersize=4, zorder=4)
    if loss is not None and len(comparison.names) > 2:
        axes.set_title("grey: the loss in this plane", fontsize=7.5)
    axes.set(xlim=limits[:, 0], ylim=limits[:, 1], xlabel=plane.labels[0], ylabel=plane.labels[1])


def _draw_series(axes: Axes, comparison: Comparison, what: str, words: str) -> None:
    values = getattr(comparison, what)
    axes.plot([], [], ".", color=PALE, markersize=4, label="iterates")
    axes.plot(comparison.t, values, color=INK, linewidth=1.0, zorder=2, label="averaged iterates")
    shown = [values]
    for k, model in enumerate(comparison.models):
        series, name = getattr(model, what), _legend_name(comparison, k)
        axes.plot(comparison.t[: len(series)], series, **styles(comparison)[model.name], linewidth=1.3, zorder=3, label=name)
        shown.append(series)
    if what == "sharpness":
        shown.append(draw_edge(axes, comparison))
        values = np.append(values, comparison.edge)
    limit_to_bulk(axes, shown, values)
    axes.set_ylabel(words)


def _draw_preconditioned(axes: Axes, comparison: Comparison) -> None:
    """λ₁(P⁻¹H) of the averaged orbit and of the models that have a P."""
    if comparison.hovering is not None:
        draw_hovering(axes, comparison.hovering)
    for model in comparison.models:
        if model.preconditioned is not None:
            values = model.preconditioned
            axes.plot(comparison.t[: len(values)], values, **styles(comparison)[model.name], linewidth=1.3, zorder=3)


def draw_edge(axes: Axes, comparison: Comparison) -> np.ndarray:
    """A line at the edge, if the optimizer has one; that value, (1,) or (0,)."""
    if not np.isfinite(comparison.edge):
        return np.empty(0)
    axes.axhline(comparison.edge, color=INK, linestyle="--", linewidth=0.8, label=f"edge {comparison.edge:.4g}")
    return np.array([comparison.edge])


def limit_to_bulk(axes: Axes, shown: list[np.ndarray], own: np.ndarray) -> None:
    """Limits around some series, up to twice the range of the orbit's own: a model that diverges must not flatten it."""
    values, finite = np.concatenate(shown), own[np.isfinite(own)]
    if len(finite):
        size = max(float(np.ptp(finite)), 1e-6 * float(np.abs(finite).max()), 1e-300)
        values = np.clip(values, float(finite.min()) - size, float(finite.max()) + size)
    clip_range(axes, values)


def _draw_distance(axes: Axes, comparison: Comparison) -> None:
    """‖w(t) − w*_t‖ of each model; whole slow cycles shaded in turn."""
    shade_cycles(axes, comparison.cycles)
    largest, whole = 0.0, [model for model in comparison.models if len(model.w) == len(comparison.t)]
    for model in comparison.models:
        away = np.linalg.norm(model.w - comparison.averaged[: len(model.w)], axis=1)
        axes.plot(comparison.t[: len(away)], np.maximum(away, 1e-300), **styles(comparison)[model.name], linewidth=1.2)
        # A diverging one must not flatten the others.
        largest = max(largest, float(away.max(initial=0.0)) if model in whole or not whole else 0.0)
    if largest > 0:
        axes.set(yscale="log", ylim=(max(1e-5 * largest, 1e-16), 2 * largest))
    axes.set_ylabel("distance to averaged iterates")


def _draw_variance(axes: Axes, comparison: Comparison) -> None:
    dots(axes, comparison.t, np.maximum(comparison.variance, 1e-300), markersize=2.2)
    largest = float(comparison.variance.max(initial=0.0))
    for model in comparison.models:
        if model.variance.any():
            seen = np.where(model.variance > 0, model.variance, np.nan)
            axes.plot(comparison.t[: len(seen)], seen, **styles(comparison)[model.name], linewidth=1.2, zorder=3)
            largest = max(largest, float(np.nanquantile(seen, 0.98)) if np.isfinite(seen).any() else 0.0)
    if largest > 0:
        axes.set(yscale="log", ylim=(1e-5 * largest, 3 * largest))
    axes.set_ylabel("variance of the oscillation")


def _draw_ranking(axes: Axes, comparison: Comparison) -> None:
    """Root mean square distances, the smallest on top; diamonds: of the means over whole slow cycles."""
    ranked = comparison.ranking[::-1]
    values = np.array([model.distance for model in ranked])
    t = comparison.t
    early = np.array([len(model.w) < len(t) for model in ranked])
    finite = values[np.isfinite(values) & (values > 0) & (~early | early.all())]
    cycles = np.array([model.cycle_distance for model in ranked])
    smallest = np.concatenate([finite, cycles[np.isfinite(cycles) & (cycles > 0)]]).min(initial=1.0) / 3
    shown = np.where((values > 0) & (~early | early.all()), values, smallest)
    draw_ranking(
        axes, [label(model) for model in ranked], shown, cycles,
        [f"ended at {t[max(len(m.w) - 1, 0)]}" if len(m.w) < len(t) else f"{m.distance:.3g}" for m in ranked],
        np.where(shown == smallest, shown, np.fmax(shown, cycles)), [styles(comparison)[model.name]["color"] for model in ranked],
        ("distance to averaged iterates (rms)", "means over whole slow cycles"),
        (smallest, 8 * finite.max()) if len(finite) else None,
    )  # fmt: skip
