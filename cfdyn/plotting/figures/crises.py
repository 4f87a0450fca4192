"""Orbits of a critical point over a parameter, with the crises marked."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.crises import Crises
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK, PALE, WARN, axis_label, map_title

COLOURS = {"boundary": INK, "interior": WARN, "band merging": ACCENT}


def draw(found: Crises) -> Figure:
    """A line for each crisis, and the points of the cycle that is met."""
    with house_style():
        figure = new_figure(7.2, 4.2)
        axes = figure.subplots()
        values = np.repeat(found.values, found.orbits.shape[1])
        axes.plot(values, found.orbits.ravel(), ",", color=PALE, zorder=1, rasterized=True)
        seen: set[str] = set()
        for crisis in found:
            label, colour, value = None if crisis.kind in seen else crisis.kind, COLOURS[crisis.kind], crisis.parameter
            seen.add(crisis.kind)
            axes.axvline(value, color=colour, linewidth=0.8, zorder=2, label=label)
            axes.plot(np.full(crisis.period, value), crisis.points[:, 0], "o", color=colour, markersize=3.2, zorder=3)
            axes.annotate(f"{value:.10g}", (value, 1.0), xycoords=("data", "axes fraction"), rotation=90, fontsize=6.5,
                          xytext=(-2, -3), textcoords="offset points", ha="right", va="top", color=colour)  # fmt: skip
        axes.set(xlim=found.bounds, xlabel=axis_label(found.name), ylabel=axis_label(found.provenance["settings"]["names"][0]))
        if seen:
            axes.legend(
                loc="lower left",
                title="crisis: an orbit of a critical point\nlands on the unstable cycle (dots)",
                title_fontsize=7,
            )
        figure.suptitle(map_title(found.provenance["settings"], [found.name], 80), fontsize=9)
    return figure
