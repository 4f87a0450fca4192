"""A map of regimes over two parameters, in colours that all readers tell apart, hatched where grey would not do."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.bifurcations._curve import BifurcationCurve
from cfdyn.analysis.parameters.regimes import RegimeMap
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.cells import draw_curves, draw_labels
from cfdyn.plotting.style import HATCHES, REGIMES, map_title, regime_name


def draw(regimes: RegimeMap, also: Sequence[BifurcationCurve] = ()) -> Figure:
    """One cell, one colour; ``also``: curves of bifurcations in the same two parameters, laid over it."""
    with house_style():
        figure = new_figure(6.4, 4.6)
        axes = figure.subplots()
        called = {label: regime_name(regimes.called(label)) for label in np.unique(regimes.labels).tolist()}
        handles = draw_labels(axes, regimes.names, regimes.first, regimes.second, regimes.labels, called, REGIMES, HATCHES)
        curves = draw_curves(axes, regimes.names, also)
        figure.legend(handles=[*handles, *curves], loc="outside right upper", handlelength=1.6, fontsize=7)
        figure.suptitle(map_title(regimes.provenance["settings"], regimes.names, 80), fontsize=9)
    return figure
