"""A cascade: the cycles at its flips, and how the distances to the accumulation point shrink."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from cfdyn.analysis.parameters.cascade import Cascade
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK, PALE, WARN, symbol
from cfdyn.plotting.titles import map_title


def draw(cascade: Cascade) -> Figure:
    """Left: the points of the cycle at each flip; right: distances to the accumulation point, or the gaps, over its number."""
    with house_style():
        figure = new_figure(7.6, 3.6)
        left, right = figure.subplots(1, 2)
        levels = np.arange(1, len(cascade.flips) + 1)
        _tree(left, cascade)
        left.set(xlabel="flip", ylabel="the cycle that flips, and the doubled cycle", xticks=levels)
        known = cascade.accumulation is not None
        sizes = np.abs(cascade.accumulation - np.array(cascade.flips)) if known else np.abs(np.diff(cascade.flips))
        right.semilogy(levels[: len(sizes)], np.maximum(sizes, 1e-17), "o", color=INK, markersize=3.5)
        if known and cascade.delta:
            right.semilogy(levels, sizes[0] * cascade.delta ** -(levels - 1.0), color=WARN, linewidth=0.9, zorder=1,
                           label=f"δ = {cascade.delta:.6g}")  # fmt: skip
            right.legend()
            right.set_title(f"{symbol(cascade.name)} → {cascade.accumulation:.6g}")
        right.set(xlabel="flip", ylabel="distance to the accumulation point" if known else "gap to the next flip", xticks=levels)
        right.minorticks_off()
        figure.suptitle(f"period doublings of {map_title(cascade.provenance['settings'], [cascade.name], 80)}", fontsize=9.5)
    return figure


def _tree(axes: Axes, cascade: Cascade) -> None:
    """The points at each flip, each joined to the two points of the doubled cycle that emerge from it."""
    for k, points in enumerate(cascade.points, 1):
        size = max(3.6 - 0.35 * k, 0.9)
        axes.plot(np.full(len(points), k), points[:, 0], "o", color=ACCENT, markersize=size, markeredgewidth=0, zorder=3)
    for k, (old, new) in enumerate(zip(cascade.points[:-1], cascade.points[1:], strict=True), 1):
        if len(new) != 2 * len(old):
            continue
        # Point i of the cycle continues as i and i + n of the doubled one; each may begin at any point.
        shifts = [np.abs(np.tile(np.roll(old, s, axis=0), (2, 1)) - new).max() for s in range(len(old))]
        parents = np.tile(np.roll(old, int(np.argmin(shifts)), axis=0), (2, 1))[:, 0]
        ends = np.stack([np.full(len(new), k), parents, np.full(len(new), k + 1), new[:, 0]], axis=1).reshape(-1, 2, 2)
        axes.add_collection(LineCollection(list(ends), colors=PALE, linewidths=max(1.0 - 0.1 * k, 0.3), zorder=1))
