"""Manifolds at each tangency: complete, and the neighbourhood of the contact enlarged."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cfdyn.analysis.saddles.manifolds import Manifold, manifolds
from cfdyn.analysis.saddles.tangencies import Tangencies, Tangency
from cfdyn.errors import UsageError
from cfdyn.manifolds.arm import Arm
from cfdyn.manifolds.contact import Pair
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.figures.manifolds import COLOURS, draw_curves, entries
from cfdyn.plotting.panels import legend_below
from cfdyn.plotting.style import INK, axis_label
from cfdyn.plotting.titles import map_title

MOST, AROUND, FINE = 2, 0.05, 60  # tangencies drawn; the enlarged part of the box, and points of half a curve in it

CONTACT: Any = {"marker": "o", "linestyle": "none", "color": INK, "markerfacecolor": "none", "markersize": 7}


def draw(tangencies: Tangencies) -> Figure:
    """A row for each of the first few tangencies."""
    if not len(tangencies):
        low, high = tangencies.bounds
        raise UsageError(f"there is no tangency to draw: none was found for {tangencies.name} from {low:g} to {high:g}")
    shown = tangencies.found[:MOST]
    settings = tangencies.provenance["settings"]
    with house_style():
        figure = new_figure(8.2, 3.7 * len(shown))
        for row, tangency in zip(figure.subplots(len(shown), 2, squeeze=False), shown, strict=True):
            _pair(row[0], row[1], tangency, settings)
        contact = Line2D([], [], **CONTACT, label="contact")
        handles = [*entries(_curves(shown[0], np.asarray(settings["box"]))), contact]
        legend_below(figure, 8.2, handles, [str(handle.get_label()) for handle in handles])
        more = f"; {MOST} of {len(tangencies)} tangencies" if len(tangencies) > MOST else ""
        figure.suptitle(map_title(settings, [tangencies.name], 80) + more, fontsize=9)
    return figure


def _pair(left: Axes, right: Axes, tangency: Tangency, settings: dict) -> None:
    """The manifolds of both saddles at the tangency; on the right around the point of contact."""
    box, names = np.asarray(settings["box"]), [axis_label(name) for name in settings["names"]]
    curves = _curves(tangency, box)
    draw_curves(left, curves, 0.6)
    left.set(xlim=box[0], ylim=box[1], xlabel=names[0], ylabel=names[1])
    seen = tangency.crisis not in (None, "undecided")
    left.set_title(f"{tangency.name} = {tangency.parameter:.8g}" + (f", {tangency.crisis} crisis" if seen else ""))
    for kind, piece in zip(COLOURS, _pieces(tangency), strict=True):
        right.plot(piece[:, 0], piece[:, 1], color=COLOURS[kind], linewidth=1.1)
    half = AROUND / 2 * (box[:, 1] - box[:, 0])
    x, y = tangency.point
    right.set(
        xlim=(x - half[0], x + half[0]), ylim=(y - half[1], y + half[1]), xlabel=names[0], ylabel=names[1], title="the contact"
    )
    for axes in (left, right):
        axes.plot(x, y, **CONTACT, zorder=6)


def _pieces(tangency: Tangency) -> list[np.ndarray]:
    """Points (·, 2) of both curves around the contact."""
    first, second = tangency.cycles
    pair = Pair(tangency.step, (first, second), tangency.places, tangency.sides, tangency.unit)
    out, into = pair.arms({tangency.name: tangency.parameter})
    return [_around(arm.anchored(place, tangency.point), place) for arm, place in ((out, tangency.s), (into, tangency.t))]


def _around(arm: Arm, middle: float) -> np.ndarray:
    """A piece of a curve about as long as the enlarged part, point by point from the middle to both ends."""
    reach = AROUND / np.abs(arm.at(middle)[1] / arm.unit).max()
    shares = np.linspace(0, 1, FINE)[1:]
    halves = []
    for way in (-1, 1):
        arm.at(middle)  # the branch of an inverse is that of the point before
        halves.append([arm.at(middle + way * share * reach)[0] for share in shares])
    return np.array([*reversed(halves[0]), arm.at(middle)[0], *halves[1]])


def _curves(tangency: Tangency, box: np.ndarray) -> list[Manifold]:
    """The unstable manifold of the first saddle and the stable one of the second."""
    return [manifolds(tangency.step, points, [kind], box.tolist())[0]
            for points, kind in zip(tangency.cycles, ("unstable", "stable"), strict=True)]  # fmt: skip
