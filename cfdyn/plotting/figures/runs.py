"""Many runs of an optimizer: weights, sharpness and loss over time, and the spread of the runs."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.ensembles.stochastic.runs import Runs
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import band, legend_below, tell_decades, time_range
from cfdyn.plotting.style import ACCENT, INK, WARN, axis_label, clip_range
from cfdyn.plotting.titles import map_title

WIDTH = 7.6  # inches


def draw(runs: Runs) -> Figure:
    """Four panels of `Runs`."""
    with house_style():
        figure = new_figure(WIDTH, 4.8)
        panels = figure.subplots(2, 2)
        _draw_weight(panels[0, 0], runs)
        band(panels[0, 1], runs.t, runs.sharpness, runs.levels)
        panels[0, 1].plot(runs.t, runs.mean_sharpness, color=INK)
        clip_range(panels[0, 1], np.concatenate([runs.sharpness.ravel(), runs.mean_sharpness]))
        panels[0, 1].set_ylabel("sharpness λ₁(H)")
        _draw_loss(panels[1, 0], runs)
        _draw_spread(panels[1, 1], runs)
        for axes in panels.flat:
            axes.set(xlabel="time (steps)", xlim=time_range(runs.t))
            axes.minorticks_off()
            tell_decades(axes)
        legend_below(figure, WIDTH, *panels[0, 0].get_legend_handles_labels())
        figure.suptitle(runs_title(runs.provenance.get("settings", {})), fontsize=9.5)
    return figure


def runs_title(settings: dict) -> str:
    """The number of runs, the map, and its batches and noise."""
    batch, order = settings.get("batch"), settings.get("order", "")
    words = [f"{settings.get('runs')} runs of {map_title(settings)}"]
    if batch is not None:
        words.append(f"batches of {batch}, {order if order != 'replacement' else 'drawn with replacement'}")
    words += [f"noise of labels {settings['label_noise']:g}"] if settings.get("label_noise") else []
    words += ["noise of gradients"] if settings.get("noise") is not None else []
    words += [f"{settings['repeat']} steps each"] if settings.get("repeat", 1) > 1 else []
    return "; ".join(words)


def leading_weight(averaged: np.ndarray) -> int:
    """The weight whose mean moves farthest."""
    finite = averaged[np.isfinite(averaged).all(axis=1)]
    return int(np.ptp(finite, axis=0).argmax()) if len(finite) else 0


def _draw_weight(axes: Axes, runs: Runs) -> None:
    k = leading_weight(runs.averaged)
    band(axes, runs.t, runs.quantiles[:, :, k], runs.levels, "the runs")
    axes.plot(runs.t, runs.averaged[:, k], color=INK, label="their mean (sharpness: there)")
    clip_range(axes, runs.quantiles[:, :, k])
    axes.set_ylabel(f"{axis_label(runs.names[k])} (moves farthest)")


def _draw_loss(axes: Axes, runs: Runs) -> None:
    low, high = runs.loss - 2 * runs.loss_error, runs.loss + 2 * runs.loss_error
    axes.fill_between(runs.t, np.maximum(low, runs.loss / 10), high, color=ACCENT, alpha=0.25, linewidth=0)
    axes.plot(runs.t, runs.loss, color=ACCENT, label="mean of the runs, ± 2 standard errors")
    axes.plot(runs.t, runs.mean_loss, color=INK, label="at their mean")
    if (runs.loss > 0).any() and (runs.mean_loss > 0).any():
        axes.set_yscale("log")
    axes.set_ylabel("loss")
    axes.legend()


def _draw_spread(axes: Axes, runs: Runs) -> None:
    axes.plot(runs.t, runs.spread, color=ACCENT, label="√(tr covariance)")
    axes.plot(runs.t, np.sqrt(runs.swing), color=WARN, label="rms of w − w*, two steps")
    if (runs.spread > 0).any() and (runs.swing > 0).any():
        axes.set_yscale("log")
    axes.set_ylabel("distance")
    axes.legend()
    over = {word: count for word, count in runs.status.items() if count and word != "done"}
    if over:
        axes.set_title(", ".join(f"{count} {word}" for word, count in over.items()), fontsize=7.5)
