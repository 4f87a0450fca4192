"""The number of runs in which a cycle survives noise, and its signal-to-noise ratio."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.noise.blurred_cycle import BlurredCycle
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.figures.noise_induced import axis_words, title
from cfdyn.plotting.panels import legend_below
from cfdyn.plotting.style import ACCENT, FAINT, INK, PALE, REGIMES, WARN


def draw(blurred: BlurredCycle) -> Figure:
    """Above: periods of the runs; below: signal to noise of the period where it was found."""
    with house_style():
        figure = new_figure(6.4, 4.6)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        _draw_shares(top, blurred)
        bottom.plot(blurred.values, blurred.signal_to_noise, "o-", color=ACCENT, markersize=3)
        bottom.axhline(1, color=FAINT, linewidth=0.8)
        bottom.set(ylabel="signal to noise", xlabel=axis_words(blurred.name))
        if np.isfinite(blurred.signal_to_noise).any() and np.nanmax(blurred.signal_to_noise) > 0:
            bottom.set_yscale("log")
        if blurred.values[0] > 0 and blurred.values[-1] > 20 * blurred.values[0]:
            top.set_xscale("log")
        legend_below(figure, 6.4, *top.get_legend_handles_labels())
        figure.suptitle(title(blurred.provenance["settings"], blurred.name), fontsize=9)
    return figure


def _draw_shares(axes: Axes, blurred: BlurredCycle) -> None:
    judged = np.maximum(blurred.judged, 1)
    reach, words = (
        [blurred.share - blurred.low, blurred.high - blurred.share],
        f"period {blurred.period}, or bands in its order; 95 %",
    )
    axes.errorbar(blurred.values, blurred.share, reach, fmt="o", color=ACCENT, markersize=4, capsize=2, label=words, zorder=3)
    axes.plot(blurred.values, blurred.seen / judged, "-", color=INK, linewidth=0.9, label=f"period {blurred.period}")
    axes.axhline(0.5, color=FAINT, linewidth=0.8)
    axes.axhline(blurred.level, color=WARN, linewidth=0.7, linestyle=":", label=f"false alarms, {blurred.level:g}")
    for words, color, style in (("irregular", REGIMES["chaotic"], "--"), ("no oscillation", PALE, "-.")):
        counts = np.array([one.get(words, 0) for one in blurred.verdicts])
        if counts.any():
            axes.plot(blurred.values, counts / judged, color=color, linestyle=style, label=words)
    axes.set(ylabel=f"part of the runs of {blurred.steps} steps", ylim=(-0.03, 1.03))
