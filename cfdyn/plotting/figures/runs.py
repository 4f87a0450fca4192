"""Many runs of an optimizer: weights, sharpness and loss over time, and how far the runs are apart."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.ensembles.stochastic.runs import Runs
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import band, legend_below, tell_decades, time_range
from cfdyn.plotting.style import ACCENT, INK, WARN, axis_label, clip_range
from cfdyn.words import shortened

WIDTH = 7.6  # inches


def draw(found: Runs) -> Figure:
    """Four panels of `Runs`."""
    with house_style():
        figure = new_figure(WIDTH, 4.8)
        panels = figure.subplots(2, 2)
        _draw_weight(panels[0, 0], found)
        band(panels[0, 1], found.t, found.sharpness, found.levels)
        panels[0, 1].plot(found.t, found.mean_sharpness, color=INK)
        clip_range(panels[0, 1], np.concatenate([found.sharpness.ravel(), found.mean_sharpness]))
        panels[0, 1].set_ylabel("sharpness λ₁(H)")
        _draw_loss(panels[1, 0], found)
        _draw_spread(panels[1, 1], found)
        for axes in panels.flat:
            axes.set(xlabel="time (steps)", xlim=time_range(found.t))
            axes.minorticks_off()
            tell_decades(axes)
        legend_below(figure, WIDTH, *panels[0, 0].get_legend_handles_labels())
        figure.suptitle(runs_title(found.provenance.get("settings", {})), fontsize=9.5)
    return figure


def runs_title(settings: dict) -> str:
    """How many runs of which map, with which batches and noise."""
    batch, order = settings.get("batch"), settings.get("order", "")
    words = [f"{settings.get('runs')} runs of {settings.get('map', '')}"]
    if batch is not None:
        words.append(f"batches of {batch}, {order if order != 'replacement' else 'drawn with replacement'}")
    words += [f"noise of labels {settings['label_noise']:g}"] if settings.get("label_noise") else []
    words += ["noise of gradients"] if settings.get("noise") is not None else []
    words += [f"{settings['repeat']} steps each"] if settings.get("repeat", 1) > 1 else []
    return shortened("; ".join(words), 150)


def leading_weight(averaged: np.ndarray) -> int:
    """The weight whose mean moves farthest."""
    finite = averaged[np.isfinite(averaged).all(axis=1)]
    return int(np.ptp(finite, axis=0).argmax()) if len(finite) else 0


def _draw_weight(axes: Axes, found: Runs) -> None:
    k = leading_weight(found.averaged)
    band(axes, found.t, found.quantiles[:, :, k], found.levels, "the runs")
    axes.plot(found.t, found.averaged[:, k], color=INK, label="their mean (sharpness: there)")
    clip_range(axes, found.quantiles[:, :, k])
    axes.set_ylabel(f"{axis_label(found.names[k])} (moves farthest)")


def _draw_loss(axes: Axes, found: Runs) -> None:
    low, high = found.loss - 2 * found.loss_error, found.loss + 2 * found.loss_error
    axes.fill_between(found.t, np.maximum(low, found.loss / 10), high, color=ACCENT, alpha=0.25, linewidth=0)
    axes.plot(found.t, found.loss, color=ACCENT, label="mean of the runs, ± 2 standard errors")
    axes.plot(found.t, found.mean_loss, color=INK, label="at their mean")
    if (found.loss > 0).any() and (found.mean_loss > 0).any():
        axes.set_yscale("log")
    axes.set_ylabel("loss")
    axes.legend()


def _draw_spread(axes: Axes, found: Runs) -> None:
    axes.plot(found.t, found.spread, color=ACCENT, label="√(tr covariance)")
    axes.plot(found.t, np.sqrt(found.swing), color=WARN, label="rms of w − w*, two steps")
    if (found.spread > 0).any() and (found.swing > 0).any():
        axes.set_yscale("log")
    axes.set_ylabel("distance")
    axes.legend()
    over = {word: count for word, count in found.status.items() if count and word != "done"}
    if over:
        axes.set_title(", ".join(f"{count} {word}" for word, count in over.items()), fontsize=7.5)
