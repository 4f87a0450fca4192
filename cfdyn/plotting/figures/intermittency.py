"""Mean laminar lengths over the distance from the critical value, in logarithmic axes."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.parameters.intermittency import Intermittency
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, FAINT, WARN, symbol
from cfdyn.plotting.titles import map_title


def draw(intermittency: Intermittency) -> Figure:
    """Dots with their errors, the fitted power, and that of type I as a dashed line."""
    with house_style():
        figure = new_figure(4.8, 3.4)
        axes = figure.subplots()
        axes.errorbar(
            intermittency.distances, intermittency.lengths, intermittency.errors, fmt="o", color=ACCENT, markersize=3.5, capsize=2
        )
        ends = np.array([intermittency.distances.min(), intermittency.distances.max()])
        axes.plot(ends, intermittency.factor * ends**intermittency.exponent, color=WARN, zorder=1,
                  label=f"exponent {intermittency.exponent:.3f} ± {intermittency.error:.1g}")  # fmt: skip
        nearest = intermittency.lengths[np.argmin(intermittency.distances)]
        axes.plot(ends, nearest * (ends / ends[0]) ** -0.5, color=FAINT, linestyle="--", zorder=0, label="−1/2")
        axes.set(xscale="log", yscale="log", xlabel=f"|{symbol(intermittency.name)} − {intermittency.critical:.7g}|",
                 ylabel="mean laminar length, steps")  # fmt: skip
        axes.legend()
        axes.set_title(map_title(intermittency.provenance["settings"], (intermittency.name,), 60))
    return figure
