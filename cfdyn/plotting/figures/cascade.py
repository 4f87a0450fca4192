"""A cascade: the cycles at its flips, and how the distances to the accumulation point shrink."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.cascade import Cascade
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK, WARN, map_title


def draw(found: Cascade) -> Figure:
    """Left: the points of the cycle at each flip; right: distances to the accumulation point, or the gaps, over its number."""
    with house_style():
        figure = new_figure(7.6, 3.6)
        left, right = figure.subplots(1, 2)
        levels = np.arange(1, len(found.flips) + 1)
        for k, points in zip(levels, found.points, strict=True):
            left.plot(np.full(len(points), k), points[:, 0], "_", color=ACCENT, markersize=max(9 - 0.6 * k, 2.5),
                      markeredgewidth=max(1.4 - 0.12 * k, 0.4), rasterized=len(points) > 500)  # fmt: skip
        left.set(xlabel="flip", ylabel="points of the cycle that flips", xticks=levels)
        known = found.accumulation is not None
        sizes = np.abs(found.accumulation - np.array(found.flips)) if known else np.abs(np.diff(found.flips))
        right.semilogy(levels[: len(sizes)], np.maximum(sizes, 1e-17), "o", color=INK, markersize=3.5)
        if known and found.delta:
            right.semilogy(levels, sizes[0] * found.delta ** -(levels - 1.0), color=WARN, linewidth=0.9, zorder=1,
                           label=f"δ = {found.delta:.6g}")  # fmt: skip
            right.legend()
            right.set_title(f"{found.name}∞ = {found.accumulation:.12g}")
        right.set(xlabel="flip", ylabel="distance to the accumulation point" if known else "gap to the next flip", xticks=levels)
        right.minorticks_off()
        figure.suptitle(f"period doublings of {map_title(found.provenance['settings'], [found.name], 80)}", fontsize=9.5)
    return figure
