"""Basins of attraction, in colours that all readers can distinguish, with the attractors on them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cfdyn.analysis.attractors.basins import OTHERS, Basins
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.cells import hatch
from cfdyn.plotting.panels import legend_below
from cfdyn.plotting.style import FAINT, HATCHES, INK, REGIMES, attractor_colours, attractor_regime, axis_label, regime_words
from cfdyn.plotting.titles import map_title

REST = "other attractors"
COLOURS = {REST: REGIMES["period"], **{name: REGIMES[name] for name in ("divergent", "undecided", "unresolved")}}
WIDTH = 5.4  # inches
FEW = 2e-4  # a part of the starts that the legend still names


def draw(basins: Basins) -> Figure:
    """One colour for each start; dots are attractors, if they lie in the box."""
    with house_style():
        figure = new_figure(WIDTH, 4.8 if len(basins.second) else 1.9)
        axes = figure.subplots()
        names = _draw_basins(axes, basins)
        seen = {name: colour for name, colour in _colours(basins).items() if np.mean(names == name) >= FEW}
        handles = [Patch(facecolor=colour, edgecolor=FAINT if name in HATCHES else "none", hatch=HATCHES.get(name), linewidth=0.5)
                   for name, colour in seen.items()]  # fmt: skip
        dots = axes.lines[:1]
        legend_below(figure, WIDTH, [*handles, *dots], [*map(regime_words, seen), *["attractor"] * len(dots)])
        figure.suptitle(map_title(basins.provenance["settings"], (), 70), fontsize=9)
    return figure


def _colours(basins: Basins) -> dict[str, str]:
    """The colour of each name."""
    kinds = [attractor_regime(one.kind, one.period) for one in basins.attractors]
    own = zip(basins.attractors, attractor_colours(kinds), strict=True)
    return {one.words: colour for one, colour in own if colour} | COLOURS


def _draw_basins(axes: Axes, basins: Basins) -> np.ndarray:
    """Colour the starts; returns the name under which each is drawn, (m, n)."""
    colours = _colours(basins)
    known = {k: one.words if one.words in colours else REST for k, one in enumerate(basins.attractors)} | OTHERS
    names = np.full(basins.labels.shape, "", object)
    picture = np.zeros((*basins.labels.shape, 3))
    for label, name in known.items():
        names[basins.labels == label], picture[basins.labels == label] = name, to_rgb(colours[name])
    (left, right), (low, high) = basins.box if len(basins.box) == 2 else (*basins.box, (0.0, 1.0))
    axes.imshow(picture, extent=(left, right, low, high), origin="lower", interpolation="nearest",
                aspect="equal" if (low, high) == (left, right) else "auto")
    second = basins.second if len(basins.second) else np.array([(low + high) / 2])
    for name, lines in HATCHES.items():
        hatch(axes, basins.first, second, names == name, lines)
    places = [basins.state.index(name) for name in basins.names]
    for one in basins.attractors:
        points = one.points[:, places]
        size = 4.5 if one.period and one.kind != "continuum of fixed points" else 1.0
        x, y = points[:, 0], points[:, 1] if len(places) > 1 else np.full(len(points), 0.5)
        axes.plot(x, y, "o", color="white", markeredgecolor=INK, markeredgewidth=0.8 if size > 1 else 0.0, markersize=size)
    axes.set(xlabel=axis_label(basins.names[0]), xlim=(left, right), ylim=(low, high))
    if len(places) > 1:
        axes.set_ylabel(axis_label(basins.names[1]))
    else:
        axes.set_yticks([])
    return names
