"""The times that orbits take to settle or to escape, over two quantities, with the boundary of the trainable region."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cfdyn.analysis.bifurcations._curve import BifurcationCurve
from cfdyn.analysis.parameters.settling_times import SettlingTimes
from cfdyn.kernels.orbits import ESCAPED
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.cells import draw_curves, show
from cfdyn.plotting.style import FAINT, WARN
from cfdyn.plotting.titles import map_title

NEITHER = "#ffffff"
# Both grow dark with the time: of what settles from light to blue, of what escapes from light to brown; no grey in either.
SETTLES = ListedColormap(colormaps["GnBu"](np.linspace(0.2, 1.0, 256)), "settles")
ESCAPES = ListedColormap(colormaps["YlOrBr"](np.linspace(0.12, 0.95, 256)), "escapes")


def draw(settling_times: SettlingTimes, also: Sequence[BifurcationCurve] = ()) -> Figure:
    """Two colour scales, one for each outcome; ``also``: bifurcation curves in the same two parameters, drawn over it."""
    with house_style():
        figure = new_figure(6.8, 4.8)
        axes = figure.subplots()
        entries = list[Any]()
        for inside, colours, words in (
            (settling_times.labels > 0, SETTLES, "settle"),
            (settling_times.labels == ESCAPED, ESCAPES, "escape"),
        ):
            times = np.maximum(settling_times.steps[inside], 1)
            if not len(times):
                continue
            norm = LogNorm(max(1, times.min()), max(times.max(), times.min() + 1))
            steps = np.ma.array(np.maximum(settling_times.steps, 1), mask=~inside)
            shown = show(axes, settling_times.names, settling_times.first, settling_times.second, steps, norm=norm, cmap=colours)
            bar = figure.colorbar(shown, ax=axes, fraction=0.04, pad=0.02)
            bar.set_label(f"steps to {words}", fontsize=7.5)
        if settling_times.boundary.any():
            axes.contour(
                settling_times.first,
                settling_times.second,
                settling_times.trainable.astype(float),
                levels=[0.5],
                colors=WARN,
                linewidths=0.7,
            )
            entries.append(Line2D([], [], color=WARN, linewidth=0.9, label="boundary of convergence"))
        neither = float(((settling_times.labels <= 0) & (settling_times.labels != ESCAPED)).mean())
        if neither:
            entries.append(Patch(facecolor=NEITHER, edgecolor=FAINT, linewidth=0.5, label="neither"))
        entries += draw_curves(axes, settling_times.names, also)
        if entries:
            figure.legend(handles=entries, loc="outside lower center", ncols=4, fontsize=7)
        axes.set_title(map_title(settling_times.provenance["settings"], settling_times.names, 80))
    return figure
