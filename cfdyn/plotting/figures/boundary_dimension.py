"""The part of uncertain starts over the distance, in logarithmic axes, with the fitted line."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from cfdyn.analysis.attractors.boundary_dimension import BoundaryDimension
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, FAINT, WARN, map_title


def draw(found: BoundaryDimension) -> Figure:
    """Dots with their errors, the line c εᵅ, and a dashed one as it would be at a smooth boundary."""
    with house_style():
        figure = new_figure(4.8, 3.4)
        axes = figure.subplots()
        axes.errorbar(found.sizes, found.uncertain, found.errors, fmt="o", color=ACCENT, markersize=3.5, capsize=2)
        ends = found.sizes[[0, -1]]
        axes.plot(ends, found.factor * ends**found.exponent, color=WARN, zorder=1,
                  label=f"α = {found.exponent:.3g} ± {found.error:.1g}, boundary of dimension {found.dimension:.3g}")  # fmt: skip
        axes.plot(ends, found.uncertain[-1] * ends / ends[-1], color=FAINT, linestyle="--", zorder=0, label="a smooth boundary")
        axes.set(xscale="log", yscale="log", xlabel="distance ε, of a side of the box", ylabel="uncertain starts f(ε)")
        shown = found.sizes[:: 1 + len(found.sizes) // 7]
        axes.set_xticks(shown, [f"{size:.2g}" for size in shown])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(top=min(1.0, 3 * float(np.max(found.uncertain))))
        axes.legend(loc="lower right")
        axes.set_title(map_title(found.provenance["settings"], (), 60))
    return figure
