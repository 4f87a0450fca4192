"""Bifurcation curves in the plane of two parameters, a colour for each kind, with their points of codimension two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.errors import UsageError
from cfdyn.plotting.style import ACCENT, INK, WARN, house_style, new_figure

COLOURS = {"flip": ACCENT, "fold": WARN, "neimark-sacker": "#7a4fa3", "border collision": "#8a6d00", "condition": "#2f7d5b"}
SHORT = {
    "cusp": "CP", "generalized flip": "GF", "fold-flip": "FF", "resonance 1:1": "1:1", "resonance 1:2": "1:2",
    "resonance 1:3": "1:3", "resonance 1:4": "1:4", "chenciner": "CH", "fold-neimark-sacker": "FNS",
    "flip-neimark-sacker": "PNS", "double neimark-sacker": "NNS", "fold": "LP", "flip": "PD", "neimark-sacker": "NS",
}  # fmt: skip
# Where what is born is unstable on the centre manifold: the sign of the coefficient there.
UNSTABLE = {"flip": -1, "neimark-sacker": 1}


def draw(curve: Any, also: Sequence[Any] = ()) -> Figure:
    """One curve, or several in one chart."""
    curves = [curve, *also]
    if any(getattr(c, "names", None) != curve.names for c in curves):
        raise UsageError(f"the curves of one chart have the same parameters, here {' and '.join(curve.names)}, in this order")
    with house_style():
        figure = new_figure(6.4, 4.4)
        axes = figure.subplots()
        labels: set[str] = set()
        for one in curves:
            draw_curve(axes, one, labels)
        seen = sorted({s.kind for c in curves for s in c.special}, key=list(SHORT).index)
        for kind in seen:
            axes.plot([], [], "o", color=INK, markersize=3, label=kind if SHORT[kind] in kind else f"{SHORT[kind]}  {kind}")
        axes.set(xlabel=curve.names[0], ylabel=curve.names[1])
        axes.margins(0.04)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7)
    return figure


def draw_curve(axes: Axes, curve: Any, labels: set[str]) -> None:
    """A curve into axes; dashed where what is born there is unstable. ``labels`` are those already drawn."""
    colour = COLOURS[curve.kind]
    name = f"{curve.condition} = 0" if curve.kind == "condition" else curve.kind
    name += f", period {curve.period}" if curve.period > 1 else ""
    unstable = np.sign(curve.coefficient) == UNSTABLE.get(curve.kind, np.nan)
    for first, last in _runs(unstable):
        dashed = bool(unstable[first])
        label = name + (" (subcritical)" if dashed else "")
        piece = curve.parameters[first : min(last + 2, len(curve))]
        axes.plot(*piece.T, color=colour, linestyle="--" if dashed else "-", linewidth=1.3 if curve.period == 1 else 0.8,
                  label=None if label in labels else label)  # fmt: skip
        labels.add(label)
    for special in curve.special:
        axes.plot(*special.parameters, "o", color=INK, markersize=3.5, zorder=4)
        place = f"{special.kind} at {np.round(special.parameters, 6) + 0.0}"
        if place in labels:  # where two curves meet
            continue
        labels.add(place)
        axes.annotate(SHORT[special.kind], special.parameters, xytext=(4, 4), textcoords="offset points", fontsize=7, zorder=5)


def _runs(marked: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) of each run of equal entries."""
    cuts = np.flatnonzero(marked[1:] != marked[:-1])
    return list(zip([0, *(cuts + 1).tolist()], [*cuts.tolist(), len(marked) - 1], strict=True))
