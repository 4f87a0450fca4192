"""The counts behind a dimension, the fitted power law, and local slopes."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.invariants.fractal_dimension import FractalDimension
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK

COUNTED = {"correlation": ("pairs within it", "distance"), "box": ("boxes that hold points", "side of a box")}


def draw(dimension: FractalDimension) -> Figure:
    """Left: counts over sizes with the fit; right: slopes from one size to the next, and the value with its error."""
    with house_style():
        figure = new_figure(7.4, 3.2)
        left, right = figure.subplots(1, 2)
        counted, size = COUNTED[dimension.kind]
        left.loglog(dimension.sizes, dimension.counts, "o", color=INK, markersize=3)
        left.set(xlabel=f"{size} / extent of the set", ylabel=counted)
        right.set(xlabel=f"{size} / extent of the set", ylabel="local slope", xscale="log")
        slopes = np.abs(np.diff(np.log(dimension.counts)) / np.diff(np.log(dimension.sizes)))
        right.plot(np.sqrt(dimension.sizes[1:] * dimension.sizes[:-1]), slopes, "o", color=INK, markersize=3)
        if np.isfinite(dimension.value) and len(dimension.sizes):
            inside = (dimension.sizes <= dimension.fitted[0]) & (dimension.sizes >= dimension.fitted[1])
            x, y = np.log(dimension.sizes[inside]), np.log(dimension.counts[inside])
            power = dimension.value if dimension.kind == "correlation" else -dimension.value
            left.loglog(np.exp(x), np.exp(y.mean() + power * (x - x.mean())), color=ACCENT)
            right.axhspan(
                dimension.value - dimension.error, dimension.value + dimension.error, color=ACCENT, alpha=0.2, linewidth=0
            )
            right.plot(
                dimension.fitted, [dimension.value] * 2, color=ACCENT, label=f"{dimension.value:.3f} ± {dimension.error:.3f}"
            )
            right.set_ylim(0, max(1.3 * dimension.value + dimension.error, 0.5))
            right.legend()
        figure.suptitle(f"{dimension.kind} dimension", fontsize=9.5)
    return figure
