"""Regimes over a parameter: coloured bands behind the orbit diagram, exponents below."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cfdyn.analysis.bands import Bands
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import BEHIND, FAINT, INK, REGIMES, WARN, axis_label, clip_range, regime_name


def draw(bands: Bands) -> Figure:
    """The bands of one record."""
    with house_style():
        figure = new_figure(7.0, 4.4)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        draw_bands(top, bands)
        top.set_xlabel("")
        bottom.plot(bands.values, np.where(np.isfinite(bands.exponents), bands.exponents, np.nan), color=INK, linewidth=0.6)
        bottom.axhline(0, color=WARN, linewidth=0.6)
        finite = bands.exponents[np.isfinite(bands.exponents)]
        if len(finite):
            bottom.set_ylim(max(finite.min(), -2.0), max(finite.max(), 0.1) * 1.1)
        bottom.set(xlabel=axis_label(bands.parameter), ylabel="Lyapunov exponent")
    return figure


def draw_bands(
    axes: Axes, bands: Bands, at: float | None = None, edge: float | None = None, marks: Sequence[Line2D] = ()
) -> None:
    """Coloured regimes with the long-time states drawn over them; ``marks``: drawn by the caller, for the legend."""
    for lo, hi, name in bands.bands:
        axes.axvspan(lo, hi, color=REGIMES[regime_name(name)], linewidth=0, alpha=BEHIND)
    x = np.repeat(bands.values, bands.tails.shape[1])
    axes.plot(x, bands.tails.ravel(), ",", color=INK, alpha=0.5, rasterized=True)
    clip_range(axes, bands.tails)
    for value, colour, style in ((edge, WARN, "--"), (at, INK, ":")):
        if value is not None:
            axes.axvline(value, color=colour, linestyle=style, linewidth=0.9)
    axes.set(xlabel=axis_label(bands.parameter), ylabel="long-time states", xlim=(bands.values[0], bands.values[-1]))
    shown = {regime_name(name) for _, _, name in bands.bands}
    labels = {name: "longer period" if name == "period" else name for name in REGIMES if name in shown}
    handles = [Patch(facecolor=(REGIMES[n], BEHIND), edgecolor=FAINT, linewidth=0.5, label=label) for n, label in labels.items()]
    axes.legend(handles=[*handles, *marks], loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=4, fontsize=6.2,
                columnspacing=1.0, handlelength=1.6)  # fmt: skip
