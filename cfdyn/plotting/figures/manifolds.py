"""Stable and unstable manifolds in the plane of the first two entries, over basins of attraction where they were computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cfdyn.analysis.saddles.manifolds import Manifold, Manifolds
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import legend_below
from cfdyn.plotting.style import ACCENT, INK, PAPER, WARN, axis_label
from cfdyn.plotting.titles import map_title

COLOURS = {"unstable": WARN, "stable": ACCENT}
GROUND = ("#f6e7c1", "#dfe9dc", "#e6dff0", "#f3dcd6", "#d9e6ef", "#efe3d3", "#dcdcdc")
SADDLE: Any = {"marker": "D", "linestyle": "none", "color": INK, "markersize": 3.2}
WIDTH = 5.8  # inches
LEAVES, OPEN = "#c9ccd1", "#ffffff"


def draw(manifolds: Manifolds) -> Figure:
    """All curves of the record; the saddles as diamonds, attractors as crosses."""
    with house_style():
        figure = new_figure(WIDTH, 5.0)
        axes = figure.subplots()
        if manifolds.basins.size:
            _ground(axes, manifolds)
        draw_curves(axes, manifolds.curves)
        frame(axes, manifolds)
        handles = entries(manifolds.curves)
        if len(manifolds.attractors):
            handles.append(Line2D([], [], marker="x", linestyle="none", color=INK, markersize=4.5, label="attractor"))
        legend_below(figure, WIDTH, handles, [str(handle.get_label()) for handle in handles])
        figure.suptitle(map_title(manifolds.provenance["settings"], [], 80), fontsize=9)
    return figure


def draw_curves(axes: Axes, curves: Sequence[Manifold], width: float = 0.7) -> None:
    """Each half of each manifold, and the points of the cycles."""
    for curve in curves:
        for half in curve.halves:
            axes.plot(half[:, 0], half[:, 1], color=COLOURS[curve.kind], linewidth=width, zorder=2)
        axes.plot(curve.points[:, 0], curve.points[:, 1], **SADDLE, zorder=4)


def frame(axes: Axes, manifolds: Manifolds) -> None:
    """The box, or the extent of the curves; the names of the entries."""
    box = manifolds.box
    if not np.isfinite(box[:2]).all():
        points = np.concatenate([curve.curve for curve in manifolds.curves])
        lo, hi = np.quantile(points, [0.01, 0.99], axis=0)
        box = np.stack([lo - 0.06 * (hi - lo), hi + 0.06 * (hi - lo)], axis=1)
    axes.set(xlim=box[0], ylim=box[1], xlabel=axis_label(manifolds.names[0]), ylabel=axis_label(manifolds.names[1]))


def entries(curves: Sequence[Manifold]) -> list[Line2D]:
    """Of a legend: the kinds of manifolds, and the saddles."""
    kinds = {curve.kind for curve in curves}
    lines = [Line2D([], [], color=COLOURS[kind], label=f"{kind} manifold") for kind in COLOURS if kind in kinds]
    return [*lines, Line2D([], [], **SADDLE, label="saddle")]


def _ground(axes: Axes, manifolds: Manifolds) -> None:
    """A pale colour for each basin."""
    count = int(manifolds.basins.max()) + 1
    colours = [OPEN, LEAVES, *(GROUND[k % len(GROUND)] for k in range(max(count, 1)))]
    norm = BoundaryNorm(np.arange(-2.5, len(colours) - 2), len(colours))
    axes.imshow(manifolds.basins, origin="lower", extent=(*manifolds.box[0], *manifolds.box[1]), aspect="auto",
                interpolation="nearest", cmap=ListedColormap(colours), norm=norm, zorder=0, gid=PAPER)  # fmt: skip
    axes.plot(manifolds.attractors[:, 0], manifolds.attractors[:, 1], "x", color=INK, markersize=4.5, zorder=4)
