"""Fractions of random starts over a parameter, a line for each attractor, with errors."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.attractors.basin_fractions import BasinFractions, FollowedAttractor
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import FAINT, PALE, REGIMES, attractor_regime, axis_label
from cfdyn.plotting.titles import map_title

DASHES = ("-", "--", "-.", ":")  # attractors that share a colour differ in these
NAMED = 12  # attractors in the legend


def draw(fractions: BasinFractions) -> Figure:
    """Lines with bands of one standard error; a ring where an attractor appears or ends, a dot where its period changes."""
    with house_style():
        figure = new_figure(7.2, 3.6)
        axes = figure.subplots()
        regimes = [_regime(one) for one in fractions.attractors]
        for k, one in enumerate(fractions.attractors):
            dash = DASHES[regimes[:k].count(regimes[k]) % len(DASHES)]
            _line(axes, fractions.values, one, (REGIMES[regimes[k]], dash), one.words if k < NAMED else None)
        for name, style in (("divergent", "-"), ("undecided", ":")):
            part = getattr(fractions, name)
            if part.any():
                axes.plot(fractions.values, 100 * part, style, color=PALE, linewidth=1.4, label=name, zorder=1)
        figure.legend(loc="outside right upper", fontsize=7, handlelength=2.6)
        axes.set(xlabel=axis_label(fractions.parameter), ylabel="starts (%)", ylim=(-2, 102))
        figure.suptitle(map_title(fractions.provenance["settings"], [fractions.parameter], 70), fontsize=9)
        axes.grid(color=FAINT, linewidth=0.3)
    return figure


def _regime(one: FollowedAttractor) -> str:
    """The regime that an attractor has at most of the parameter values."""
    names = [attractor_regime(kind, period) for kind, period in zip(one.regimes, one.periods.tolist(), strict=True)]
    return max(names, key=names.count)


def _line(axes: Axes, values: np.ndarray, one: FollowedAttractor, style: tuple[str, str], label: str | None) -> None:
    """One attractor."""
    x, y, error = values[one.first : one.last + 1], 100 * one.fractions, 100 * one.errors
    colour, dash = style
    axes.fill_between(x, y - error, y + error, color=colour, alpha=0.25, linewidth=0)
    axes.plot(x, y, dash, color=colour, linewidth=1.6, label=label)
    changes = 1 + np.flatnonzero(np.diff(one.periods))
    axes.plot(x[changes], y[changes], "o", color=colour, markersize=3.2)
    ends = [i for i, inner in ((0, one.first > 0), (-1, one.last < len(values) - 1)) if inner]
    axes.plot(x[ends], y[ends], "o", color="white", markeredgecolor=colour if ends else PALE, markersize=4)
