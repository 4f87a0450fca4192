"""Orbits of a critical point over a parameter, with the crises marked."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.saddles.crises import Crises
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import label_above, label_gap, spread
from cfdyn.plotting.style import ACCENT, INK, PALE, WARN, axis_label, evenly, specks
from cfdyn.plotting.titles import map_title

COLUMNS = 600  # of states at most
COLOURS = {"boundary": INK, "interior": WARN, "band merging": ACCENT}


def draw(crises: Crises) -> Figure:
    """A line for each crisis, and the points of the cycle involved in it."""
    with house_style():
        figure = new_figure(7.2, 4.2)
        axes = figure.subplots()
        kept = evenly(crises.values, COLUMNS)
        specks(axes, np.repeat(crises.values[kept], crises.orbits.shape[1]), crises.orbits[kept].ravel(), color=PALE, alpha=0.8)
        seen: set[str] = set()
        gap = label_gap(axes) * (crises.bounds[1] - crises.bounds[0])
        places = spread([crisis.parameter for crisis in crises], gap, crises.bounds[1])
        for crisis, place in zip(crises, places, strict=True):
            label, colour, value = None if crisis.kind in seen else crisis.kind, COLOURS[crisis.kind], crisis.parameter
            seen.add(crisis.kind)
            axes.axvline(value, color=colour, linewidth=0.8, zorder=2, label=label)
            axes.plot(np.full(crisis.period, value), crisis.points[:, 0], "o", color=colour, markersize=3.2, zorder=3)
            label_above(axes, value, place, 1.03, f"{value:.6g}", line=0.5, rotation=90, ha="center", color=colour)
        names = crises.provenance["settings"]["names"]
        axes.set(xlim=crises.bounds, xlabel=axis_label(crises.name), ylabel=axis_label(names[0]))
        if seen:
            handles, labels = axes.get_legend_handles_labels()
            words = "crisis: an orbit of a critical point lands on the unstable cycle (dots)"
            figure.legend(handles, labels, loc="outside lower center", ncols=3, title=words, title_fontsize=7.5)
        figure.suptitle(map_title(crises.provenance["settings"], [crises.name], 80), fontsize=9)
    return figure
