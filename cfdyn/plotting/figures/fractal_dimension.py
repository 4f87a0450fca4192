"""The counts behind a dimension, the fitted power law, and local slopes."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.invariants.fractal_dimension import FractalDimension
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK

COUNTED = {"correlation": ("pairs within it", "distance"), "box": ("boxes that hold points", "side of a box")}


def draw(found: FractalDimension) -> Figure:
    """Left: counts over sizes with the fit; right: slopes from one size to the next, and the value with its error."""
    with house_style():
        figure = new_figure(7.4, 3.2)
        left, right = figure.subplots(1, 2)
        counted, size = COUNTED[found.kind]
        left.loglog(found.sizes, found.counts, "o", color=INK, markersize=3)
        left.set(xlabel=f"{size} / extent of the set", ylabel=counted)
        right.set(xlabel=f"{size} / extent of the set", ylabel="local slope", xscale="log")
        slopes = np.abs(np.diff(np.log(found.counts)) / np.diff(np.log(found.sizes)))
        right.plot(np.sqrt(found.sizes[1:] * found.sizes[:-1]), slopes, "o", color=INK, markersize=3)
        if np.isfinite(found.value) and len(found.sizes):
            inside = (found.sizes <= found.fitted[0]) & (found.sizes >= found.fitted[1])
            x, y = np.log(found.sizes[inside]), np.log(found.counts[inside])
            power = found.value if found.kind == "correlation" else -found.value
            left.loglog(np.exp(x), np.exp(y.mean() + power * (x - x.mean())), color=ACCENT)
            right.axhspan(found.value - found.error, found.value + found.error, color=ACCENT, alpha=0.2, linewidth=0)
            right.plot(found.fitted, [found.value] * 2, color=ACCENT, label=f"{found.value:.3f} ± {found.error:.3f}")
            right.set_ylim(0, max(1.3 * found.value + found.error, 0.5))
            right.legend()
        figure.suptitle(f"{found.kind} dimension", fontsize=9.5)
    return figure
