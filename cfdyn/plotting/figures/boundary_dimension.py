"""The fraction of uncertain starts over the distance, in logarithmic axes, with the fitted line."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from cfdyn.analysis.attractors.boundary_dimension import BoundaryDimension
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, FAINT, WARN
from cfdyn.plotting.titles import map_title


def draw(dimension: BoundaryDimension) -> Figure:
    """Dots with their errors, the line c εᵅ, and a dashed line for a smooth boundary."""
    with house_style():
        figure = new_figure(4.8, 3.4)
        axes = figure.subplots()
        axes.errorbar(dimension.sizes, dimension.uncertain, dimension.errors, fmt="o", color=ACCENT, markersize=3.5, capsize=2)
        ends = dimension.sizes[[0, -1]]
        words = f"α = {dimension.exponent:.3g} ± {dimension.error:.1g}, boundary of dimension {dimension.dimension:.3g}"
        axes.plot(ends, dimension.factor * ends**dimension.exponent, color=WARN, zorder=1, label=words)
        axes.plot(
            ends, dimension.uncertain[-1] * ends / ends[-1], color=FAINT, linestyle="--", zorder=0, label="a smooth boundary"
        )
        axes.set(xscale="log", yscale="log", xlabel="distance ε, of a side of the box", ylabel="uncertain starts f(ε)")
        shown = dimension.sizes[:: 1 + len(dimension.sizes) // 7]
        axes.set_xticks(shown, [f"{size:.2g}" for size in shown])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(top=min(1.0, 3 * float(np.max(dimension.uncertain))))
        axes.legend(loc="lower right")
        axes.set_title(map_title(dimension.provenance["settings"], (), 60))
    return figure
