"""The log of a training run: the loss with its spikes and plateaus, below the share of the edge where that was measured."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.training.explain import Explanation
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK, PALE, PALETTE, WARN, axis_label, clip_range, every

MOST_POINTS, NAMED = 20_000, 6  # of the loss; spikes with their factor
WIDE = 10.0  # a share above which the axis is logarithmic
ROOM = 0.1  # of the axis, above the loss for factors
APART = 0.08  # of the steps, between the factors of two spikes
CAUSES = {"crossed the edge": WARN, "one batch": PALETTE[2], "schedule": PALETTE[3], "v decayed": PALETTE[5], "numbers": INK,
          "undecided": PALETTE[4]}  # fmt: skip


def draw(explanation: Explanation) -> Figure:
    """The loss over its steps: spikes, in the colour of their cause, from where they begin to where they end; plateaus shaded.

    Where shares of the edge were measured, these with their bracket above it, over the same steps, and a line at 1.
    """
    with house_style():
        two = len(explanation.shares) > 0
        figure = new_figure(6.4, 4.8 if two else 3.4)
        panels = figure.subplots(1 + two, 1, sharex=True, squeeze=False, height_ratios=[2, 3] if two else [1])[:, 0]
        below = panels[-1]
        _loss(below, explanation)
        _plateaus(below, explanation)
        _factors(below, explanation)
        for axes in panels:
            _spikes(axes, explanation, named=axes is below)
        if two:
            _share(panels[0], explanation)
        below.set(xlabel="step", ylabel=axis_label(explanation.loss))
        panels[0].set_title(explanation.headline.rstrip("."))
        for axes in panels:
            if axes.get_legend_handles_labels()[1]:
                axes.legend(loc="best")
    return figure


def _loss(axes: Axes, explanation: Explanation) -> None:
    kept = every(len(explanation.steps), MOST_POINTS)
    t, x = explanation.steps[kept], np.where(np.isfinite(explanation.values), explanation.values, np.nan)[kept]
    axes.plot(t, x, color=INK, linewidth=0.7)
    axes.plot(t, x, ".", color=INK, markersize=1.5)
    if np.nanmin(x, initial=np.inf) > 0:
        axes.set_yscale("log")
    axes.margins(y=ROOM)


def _share(axes: Axes, explanation: Explanation) -> None:
    """The share of the edge at its measurements, the bracket as a band, and the edge."""
    t, share = explanation.share_steps, explanation.shares
    if (explanation.share_low < explanation.share_high).any():
        band: dict[str, Any] = {"color": ACCENT, "alpha": 0.25, "linewidth": 0, "label": "bracket"}
        axes.fill_between(t, explanation.share_low, explanation.share_high, **band)
    axes.plot(t, share, color=ACCENT, linewidth=1.0)
    axes.plot(t, share, ".", color=ACCENT, markersize=2.5)
    axes.axhline(1.0, color=INK, linewidth=0.8, linestyle="--", label="edge of stability")
    if share.min() > 0 and share.max() > WIDE:
        axes.set_yscale("log")
    else:
        clip_range(axes, np.concatenate([share, [0.0, 1.2]]), core=[0.0, 1.2])
    axes.set_ylabel("share of the edge")


def _spikes(axes: Axes, explanation: Explanation, named: bool) -> None:
    """Each from where it begins to where it ends; ``named``: with its cause in the legend."""
    causes = [spike["cause"] for spike in explanation.spikes]
    for k, spike in enumerate(explanation.spikes):
        end = explanation.steps[-1] if spike["until"] is None else spike["until"]
        cause = causes[k]
        label = f"spike: {cause}" + (f" ({causes.count(cause)})" if causes.count(cause) > 1 else "")
        axes.axvspan(spike["since"], max(end, spike["peak"]), color=CAUSES[cause], alpha=0.2, linewidth=0,
                     label=label if named and cause not in causes[:k] else None)  # fmt: skip


def _factors(axes: Axes, explanation: Explanation) -> None:
    """How far the largest spikes rise, if no larger one is beside them."""
    largest = sorted((one for one in explanation.spikes if one["times"]), key=lambda one: -one["times"])[:NAMED]
    taken: list[float] = []
    for spike in largest:
        if all(abs(spike["peak"] - other) > APART * np.ptp(explanation.steps) for other in taken):
            taken.append(spike["peak"])
            axes.annotate(f"× {spike['times']:.3g}", (spike["peak"], 1.0), xycoords=("data", "axes fraction"), xytext=(0, -2),
                          textcoords="offset points", ha="center", va="top", color=WARN, fontsize=7)  # fmt: skip


def _plateaus(axes: Axes, explanation: Explanation) -> None:
    for k, (since, until) in enumerate(explanation.plateaus):
        axes.axvspan(since, until, color=PALE, alpha=0.35, linewidth=0, label="plateau" if k == 0 else None)
