"""Bifurcation curves in the plane of two parameters, a colour for each kind, with their points of codimension two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from cfdyn.errors import UsageError
from cfdyn.plotting.style import ACCENT, INK, WARN, house_style, new_figure

COLOURS = {"flip": ACCENT, "fold": WARN, "neimark-sacker": "#7a4fa3", "border collision": "#8a6d00", "condition": "#2f7d5b",
           "branch point": "#5a5a5a"}
SHORT = {
    "cusp": "CP", "generalized flip": "GF", "fold-flip": "FF", "resonance 1:1": "1:1", "resonance 1:2": "1:2",
    "resonance 1:3": "1:3", "resonance 1:4": "1:4", "chenciner": "CH", "fold-neimark-sacker": "FNS",
    "flip-neimark-sacker": "PNS", "double neimark-sacker": "NNS", "fold": "LP", "flip": "PD", "neimark-sacker": "NS",
    "border-collision-fold": "BF", "border-collision-flip": "BP", "border-collision-neimark-sacker": "BN",
    "double border collision": "BB", "border collision": "BC", "border-collision-branch point": "BT",
    "transcritical-pitchfork": "TP", "degenerate pitchfork": "DP",
}  # fmt: skip
BOX = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)])
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
        for kind in sorted({s.kind for c in curves for s in c.special}, key=list(SHORT).index):
            label = kind if SHORT[kind] in kind else f"{SHORT[kind]}  {shown(kind)}"
            axes.plot([], [], "o", color=INK, markersize=3, label=label)
        axes.set(xlabel=curve.names[0], ylabel=curve.names[1])
        axes.margins(0.06)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7)
        _name_points(figure, axes, curves)
    return figure


def shown(kind: str) -> str:
    """The name of a kind as it is printed."""
    return kind.replace("neimark-sacker", "Neimark–Sacker").replace("chenciner", "Chenciner")


def draw_curve(axes: Axes, curve: Any, labels: set[str]) -> None:
    """A curve into axes; dashed where what is born there is unstable. ``labels`` are those already drawn."""
    # Paler the longer the period, which lie closer together.
    pale = 0.7 - 0.7 / (1 + 0.7 * np.log2(curve.period))
    colour = tuple(np.array(to_rgb(COLOURS[curve.kind])) * (1 - pale) + pale)
    name = f"{curve.condition} = 0" if curve.kind == "condition" else shown(curve.kind)
    name += f", period {curve.period}" if curve.period > 1 else ""
    unstable = np.sign(_filled(curve.coefficient)) == UNSTABLE.get(curve.kind, np.nan)
    for first, last in _runs(unstable):
        dashed = bool(unstable[first])
        label = name + (" (subcritical)" if dashed else "")
        piece = curve.parameters[first : min(last + 2, len(curve))]
        axes.plot(*piece.T, color=colour, linestyle="--" if dashed else "-", linewidth=1.3 if curve.period == 1 else 0.8,
                  label=None if label in labels else label)  # fmt: skip
        labels.add(label)
    for special in curve.special:
        axes.plot(*special.parameters, "o", color=INK, markersize=3.5, zorder=4)


def _filled(values: np.ndarray) -> np.ndarray:
    """With the nearest value where one is missing, as at a resonance."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return values
    return values[known[np.argmin(np.abs(np.arange(len(values))[:, None] - known), axis=1)]]


def _name_points(figure: Figure, axes: Axes, curves: Sequence[Any]) -> None:
    """The short name of each special point, once, on that side of it where lines, points and names are farthest."""
    figure.draw_without_rendering()  # the layout decides where things are
    scale, frame = figure.dpi / 72, axes.get_window_extent()
    lines = [axes.transData.transform(c.parameters) for c in curves]
    ink = np.concatenate([_dense(line, 2 * scale) for line in lines])
    named: dict[str, list[np.ndarray]] = {}
    for special in (s for c in curves for s in c.special):
        text, place = SHORT[special.kind], axes.transData.transform(special.parameters)
        if any(np.abs(place - other).max() < scale for other in named.setdefault(text, [])):  # where two curves meet
            continue
        named[text].append(place)
        half = np.array([2.3 * len(text), 3.5]) * scale
        shift = _free(place, half, ink, np.array([frame.min, frame.max]), scale)
        axes.annotate(text, special.parameters, xytext=tuple(shift / scale), textcoords="offset points", fontsize=7, zorder=5,
                      ha="center", va="center")  # fmt: skip
        ink = np.concatenate([ink, place + shift + half * BOX])


def _free(place: np.ndarray, half: np.ndarray, ink: np.ndarray, frame: np.ndarray, scale: float) -> np.ndarray:
    """Where to put a box beside a place: inside the frame, far from ink, and, where it is all one, to the right."""
    best, most = np.zeros(2), -np.inf
    for angle in np.arange(8) * np.pi / 4:
        way = np.array([np.cos(angle), np.sin(angle)])
        centre = place + way * (half + 4 * scale)
        inside = (centre - half >= frame[0]).all() and (centre + half <= frame[1]).all()
        gap = np.maximum(np.abs(ink - centre) - half, 0)
        room = min(float(np.hypot(*gap.T).min()), 8 * scale) + 0.3 * scale * way.sum() - (0 if inside else 100 * scale)
        if room > most:
            best, most = centre - place, room
    return best


def _dense(line: np.ndarray, step: float) -> np.ndarray:
    """Points along a line, none farther than a step from the next."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, along[-1], min(int(along[-1] / step) + 2, 5000))
    return np.column_stack([np.interp(at, along, column) for column in line.T])


def _runs(marked: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) of each run of equal entries."""
    cuts = np.flatnonzero(marked[1:] != marked[:-1])
    return list(zip([0, *(cuts + 1).tolist()], [*cuts.tolist(), len(marked) - 1], strict=True))
