"""A map of regimes over two parameters, in colours that all readers can distinguish."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.bifurcations._curve import BifurcationCurve
from cfdyn.analysis.parameters.regimes import RegimeMap
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.cells import draw_curves, draw_key, draw_labels
from cfdyn.plotting.style import regime_words
from cfdyn.plotting.titles import map_title


def draw(regimes: RegimeMap, also: Sequence[BifurcationCurve] = ()) -> Figure:
    """One colour for each cell; ``also``: bifurcation curves in the same two parameters, drawn over it."""
    with house_style():
        figure = new_figure(6.4, 4.6)
        axes = figure.subplots()
        called = {label: regimes.called(label) for label in np.unique(regimes.labels).tolist()}
        key = draw_labels(axes, regimes.names, regimes.first, regimes.second, regimes.labels, called)
        curves = draw_curves(axes, regimes.names, also)
        words = ["other periods" if name == "period" else regime_words(name) for name in key]
        draw_key(figure, [*key.values(), *curves], [*words, *(str(curve.get_label()) for curve in curves)])
        figure.suptitle(map_title(regimes.provenance["settings"], regimes.names, 80), fontsize=9)
    return figure
