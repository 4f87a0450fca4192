"""An isoperiodic diagram: the period over two parameters, with a bar of the periods, and numbers on the largest areas."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from cfdyn.analysis.bifurcations._curve import BifurcationCurve
from cfdyn.analysis.parameters.period_diagram import PeriodDiagram
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.cells import draw_curves, draw_key, draw_labels, widest
from cfdyn.plotting.style import INK, regime_words
from cfdyn.plotting.titles import map_title

ROOM = 0.018  # of the shorter side: an area that holds a circle with this radius gets its number
CASED = [withStroke(linewidth=2.0, foreground="white")]


def draw(diagram: PeriodDiagram, also: Sequence[BifurcationCurve] = ()) -> Figure:
    """One colour for each cell; ``also``: bifurcation curves in the same two parameters, drawn over it."""
    with house_style():
        figure = new_figure(6.4, 4.6)
        axes = figure.subplots()
        known = np.unique(diagram.labels).tolist()
        called = {label: f"period {label}" if label > 0 else diagram.called(label) for label in known}
        key = draw_labels(axes, diagram.names, diagram.first, diagram.second, diagram.labels, called)
        curves = draw_curves(axes, diagram.names, also)
        _number(axes, diagram)
        words = {"period": "other", "no period": "none"}
        entries = [words.get(name, regime_words(name.removeprefix("period "))) for name in key]
        draw_key(figure, [*key.values(), *curves], [*entries, *(str(curve.get_label()) for curve in curves)], "period")
        figure.suptitle(map_title(diagram.provenance["settings"], diagram.names, 80), fontsize=9)
    return figure


def _number(axes: Axes, diagram: PeriodDiagram) -> None:
    """Print each period at the centre of the largest circle in its cells, if that circle is large enough."""
    for label in np.unique(diagram.labels[diagram.labels > 0]).tolist():
        (row, column), radius = widest(diagram.labels == label)
        if radius >= max(2.0, ROOM * min(diagram.labels.shape)):
            axes.text(diagram.first[column], diagram.second[row], str(label), ha="center", va="center", fontsize=6.5, color=INK,
                      path_effects=CASED, clip_on=True)  # fmt: skip
