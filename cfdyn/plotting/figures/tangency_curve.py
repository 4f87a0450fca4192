"""A curve of tangencies in the plane of two parameters."""

from matplotlib.figure import Figure

from cfdyn.analysis.saddles.tangency_curve import TangencyCurve
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import INK, WARN, axis_label
from cfdyn.plotting.titles import map_title


def draw(curve: TangencyCurve) -> Figure:
    """The curve, and its start."""
    with house_style():
        figure = new_figure(5.2, 4.0)
        axes = figure.subplots()
        axes.plot(*curve.parameters.T, color=WARN, linewidth=1.2, label="tangency")
        axes.plot(*curve.parameters[curve.start], "o", color=INK, markersize=4, label="begun here")
        axes.set(xlim=curve.bounds[0], ylim=curve.bounds[1], xlabel=axis_label(curve.names[0]), ylabel=axis_label(curve.names[1]))
        axes.legend()
        figure.suptitle(map_title({**curve.provenance["settings"]}, curve.names, 80), fontsize=9)
    return figure
