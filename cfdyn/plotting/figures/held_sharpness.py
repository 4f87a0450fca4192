"""A map of the sharpness at which noise or the edge holds an optimizer, over rates and batches; predicted against measured."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, AXES, INK, ON_COLOUR, WARN
from cfdyn.plotting.titles import map_title
from cfdyn.studies.held_sharpness import HeldSharpness

WIDTH = 8.6  # inches
MARKS = {"edge": "■", "noise": "●", "nothing": "○"}


def draw(hold: HeldSharpness) -> Figure:
    """The map with its crossover, and the flow's sharpness against that of the runs."""
    with house_style():
        figure = new_figure(WIDTH, 3.6)
        chart, beside = figure.subplots(1, 2, width_ratios=(1.35, 1))
        _draw_map(figure, chart, hold)
        _draw_beside(beside, hold)
        figure.suptitle(f"held sharpness, {map_title(hold.provenance['settings'], ['lr'], 110)}", fontsize=9.5)
    return figure


def _draw_map(figure: Figure, axes: Axes, hold: HeldSharpness) -> None:
    """λ₁ over its edge, with ■ where the edge holds it, ● where noise holds it and ○ where nothing holds it; numbers: λ₁."""
    shares, held = hold.flow / hold.edge, hold.held
    picture = axes.imshow(shares, origin="lower", aspect="auto", cmap="YlGnBu", vmin=0, vmax=1.05)
    figure.colorbar(picture, ax=axes, label="sharpness of the flow over the edge")
    for i, k in np.ndindex(shares.shape):
        if np.isfinite(shares[i, k]):
            mark = MARKS[str(held[i, k])]
            shade = "white" if shares[i, k] > 0.6 else INK
            axes.text(k, i, f"{mark} {hold.flow[i, k]:.3g}", ha="center", va="center", fontsize=6.5, color=shade, gid=ON_COLOUR)
    axes.set_xticks(range(len(hold.lr)), [f"{rate:.3g}" for rate in hold.lr])
    axes.set_yticks(range(len(hold.batch)), [str(rows) for rows in hold.batch])
    axes.set(xlabel=AXES["lr"], ylabel="rows in a batch")
    axes.set_title("held by   ■ the edge   ● noise   ○ nothing", fontsize=7.5)
    axes.spines[:].set_visible(False)


def _draw_beside(axes: Axes, hold: HeldSharpness) -> None:
    """The flow's sharpness against that of the runs, both over the edge."""
    axes.axline((0, 0), slope=1, color=INK, linewidth=0.7)
    for values, color, words in ((hold.at_mean, ACCENT, "at the mean of the runs"), (hold.runs, WARN, "median of the runs")):
        axes.plot((values / hold.edge).ravel(), (hold.flow / hold.edge).ravel(), "o", color=color, markersize=3, label=words)
    axes.set(xlabel="measured, over the edge", ylabel="predicted", xlim=(0, None), ylim=(0, None))
    axes.legend()
