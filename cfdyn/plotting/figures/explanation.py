"""The log of a training run: the loss with its spikes and plateaus."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.training.explain import Explanation
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import INK, PALE, WARN, axis_label, every

MOST_POINTS, NAMED = 20_000, 6  # of the loss; spikes with their factor


def draw(explanation: Explanation) -> Figure:
    """The loss over its steps: spikes marked from where they begin to where they end, plateaus shaded, the drift as a line."""
    with house_style():
        figure = new_figure(6.4, 3.4)
        axes = figure.subplots()
        kept = every(len(explanation.steps), MOST_POINTS)
        t, x = explanation.steps[kept], np.where(np.isfinite(explanation.values), explanation.values, np.nan)[kept]
        axes.plot(t, x, color=INK, linewidth=0.7)
        axes.plot(t, x, ".", color=INK, markersize=1.5)
        if np.nanmin(x, initial=np.inf) > 0:
            axes.set_yscale("log")
        _plateaus(axes, explanation)
        _spikes(axes, explanation)
        axes.set(xlabel="step", ylabel=axis_label(explanation.loss))
        axes.set_title(explanation.headline.rstrip("."))
        if axes.get_legend_handles_labels()[1]:
            axes.legend(loc="best")
    return figure


def _spikes(axes: Axes, explanation: Explanation) -> None:
    largest = sorted(explanation.spikes, key=lambda one: -(one["times"] or 0))[:NAMED]
    for k, spike in enumerate(explanation.spikes):
        end = explanation.steps[-1] if spike["until"] is None else spike["until"]
        axes.axvspan(spike["since"], max(end, spike["peak"]), color=WARN, alpha=0.18, linewidth=0,
                     label="spike" if k == 0 else None)  # fmt: skip
        if spike in largest and spike["times"]:
            axes.annotate(f"× {spike['times']:.3g}", (spike["peak"], 1.0), xycoords=("data", "axes fraction"), xytext=(0, -2),
                          textcoords="offset points", ha="center", va="top", color=WARN, fontsize=7)  # fmt: skip


def _plateaus(axes: Axes, explanation: Explanation) -> None:
    for k, (since, until) in enumerate(explanation.plateaus):
        axes.axvspan(since, until, color=PALE, alpha=0.35, linewidth=0, label="plateau" if k == 0 else None)
