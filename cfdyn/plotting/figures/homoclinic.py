"""Two manifolds that cross, with their homoclinic or heteroclinic points."""

from matplotlib.figure import Figure

from cfdyn.analysis.saddles.homoclinic import Homoclinic
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.figures.manifolds import draw_curves, entries, frame
from cfdyn.plotting.panels import legend_below
from cfdyn.plotting.style import INK
from cfdyn.plotting.titles import map_title


def draw(homoclinic: Homoclinic) -> Figure:
    """Points as rings, the primary ones filled."""
    with house_style():
        figure = new_figure(6.2, 4.8)
        axes = figure.subplots()
        draw_curves(axes, homoclinic.manifolds.curves)
        frame(axes, homoclinic.manifolds)
        kind = "heteroclinic" if homoclinic.heteroclinic else "homoclinic"
        for primary, fill, words in ((False, "white", "other"), (True, INK, "primary")):
            chosen = homoclinic.points[homoclinic.primary == primary]
            axes.plot(chosen[:, 0], chosen[:, 1], "o", color=INK, markerfacecolor=fill, markersize=3.4, markeredgewidth=0.7,
                      zorder=5, label=f"{words} {kind} points ({len(chosen)})")  # fmt: skip
        handles = [*entries(homoclinic.manifolds.curves), *axes.get_legend_handles_labels()[0]]
        legend_below(figure, 6.2, handles, [str(handle.get_label()) for handle in handles])
        figure.suptitle(map_title(homoclinic.provenance["settings"], [], 80), fontsize=9)
    return figure
