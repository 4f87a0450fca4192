"""In how many runs a cycle is still found under noise, and how far it is above the noise."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.noise.blurred_cycle import BlurredCycle
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.figures.noise_induced import axis_words, title
from cfdyn.plotting.panels import legend_below
from cfdyn.plotting.style import ACCENT, FAINT, INK, PALE, REGIMES, WARN


def draw(found: BlurredCycle) -> Figure:
    """Above: what was found in the runs; below: signal to noise of the period where it was found."""
    with house_style():
        figure = new_figure(6.4, 4.6)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        _draw_shares(top, found)
        bottom.plot(found.values, found.signal_to_noise, "o-", color=ACCENT, markersize=3)
        bottom.axhline(1, color=FAINT, linewidth=0.8)
        bottom.set(ylabel="signal to noise", xlabel=axis_words(found.name))
        if np.isfinite(found.signal_to_noise).any() and np.nanmax(found.signal_to_noise) > 0:
            bottom.set_yscale("log")
        if found.values[0] > 0 and found.values[-1] > 20 * found.values[0]:
            top.set_xscale("log")
        legend_below(figure, 6.4, *top.get_legend_handles_labels())
        figure.suptitle(title(found.provenance["settings"], found.name), fontsize=9)
    return figure


def _draw_shares(axes: Axes, found: BlurredCycle) -> None:
    judged = np.maximum(found.judged, 1)
    reach, words = [found.share - found.low, found.high - found.share], f"period {found.period}, or bands in its order; 95 %"
    axes.errorbar(found.values, found.share, reach, fmt="o", color=ACCENT, markersize=4, capsize=2, label=words, zorder=3)
    axes.plot(found.values, found.seen / judged, "-", color=INK, linewidth=0.9, label=f"period {found.period}")
    axes.axhline(0.5, color=FAINT, linewidth=0.8)
    axes.axhline(found.level, color=WARN, linewidth=0.7, linestyle=":", label=f"false alarms, {found.level:g}")
    for words, color, style in (("irregular", REGIMES["chaotic"], "--"), ("no oscillation", PALE, "-.")):
        counts = np.array([one.get(words, 0) for one in found.verdicts])
        if counts.any():
            axes.plot(found.values, counts / judged, color=color, linestyle=style, label=words)
    axes.set(ylabel=f"part of the runs of {found.steps} steps", ylim=(-0.03, 1.03))
