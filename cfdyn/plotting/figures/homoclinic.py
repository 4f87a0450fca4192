"""Two manifolds that cross, with their homoclinic or heteroclinic points."""

from matplotlib.figure import Figure

from cfdyn.analysis.saddles.homoclinic import Homoclinic
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.figures.manifolds import draw_curves, frame
from cfdyn.plotting.style import INK, map_title


def draw(found: Homoclinic) -> Figure:
    """Points as rings, the primary ones filled."""
    with house_style():
        figure = new_figure(6.2, 4.8)
        axes = figure.subplots()
        draw_curves(axes, found.manifolds.curves)
        frame(axes, found.manifolds)
        for primary, fill, words in ((False, "white", "other"), (True, INK, "primary")):
            chosen = found.points[found.primary == primary]
            axes.plot(chosen[:, 0], chosen[:, 1], "o", color=INK, markerfacecolor=fill, markersize=3.4, markeredgewidth=0.7,
                      zorder=5, label=f"{words} ({len(chosen)})")  # fmt: skip
        axes.legend(loc="upper right", frameon=True, framealpha=0.85, edgecolor="none",
                    title="heteroclinic points" if found.heteroclinic else "homoclinic points", title_fontsize=7.5)  # fmt: skip
        figure.suptitle(map_title(found.provenance["settings"], [], 80), fontsize=9)
    return figure
