"""Bifurcation curves in the plane of two parameters, a colour for each kind, with their points of codimension two."""

import colorsys
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from cfdyn.analysis.bifurcations._curve import BifurcationCurve, CodimensionTwo
from cfdyn.errors import UsageError
from cfdyn.plotting.canvas import house_style, new_figure, resized
from cfdyn.plotting.style import ACCENT, DASHED, INK, WARN, axis_label, line_colour
from cfdyn.plotting.sweeps import equal_runs
from cfdyn.plotting.titles import map_title
from cfdyn.words import listed, spoken

COLOURS = {
    "flip": ACCENT,
    "fold": WARN,
    "neimark-sacker": "#7a4fa3",
    "border collision": "#8a6d00",
    "condition": "#2f7d5b",
    "branch point": "#5a5a5a",
}
SHORT = {
    "cusp": "CP", "generalized flip": "GPD", "fold-flip": "LPPD", "resonance 1:1": "R1", "resonance 1:2": "R2",
    "resonance 1:3": "R3", "resonance 1:4": "R4", "chenciner": "CH", "fold-neimark-sacker": "LPNS",
    "flip-neimark-sacker": "PDNS", "double neimark-sacker": "NSNS", "fold": "LP", "flip": "PD", "neimark-sacker": "NS",
    "border-collision-fold": "BF", "border-collision-flip": "BP", "border-collision-neimark-sacker": "BN",
    "double border collision": "BB", "border collision": "BC", "border-collision-branch point": "BT",
    "transcritical-pitchfork": "TP", "degenerate pitchfork": "DP", "double flip": "DF", "double fold": "DL",
    "branch point-flip": "BPPD", "branch point-neimark-sacker": "BPNS", "double branch point": "DB", "branch point": "BRP",
}  # fmt: skip
TURNS = (0.07, 0.0, -0.06, 0.12, -0.11)  # of a hue, by the period modulo their number
FEW = 3  # entries of a legend that stand among the curves
MOST_PERIODS, LINE = 4, 0.16  # of a kind with an entry each in the legend; inches of one of its lines
HALO = [withStroke(linewidth=1.6, foreground="white")]  # of names, which lines may pass behind
BOX = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)])
# Where the bifurcating object is unstable on the centre manifold: the sign of the coefficient there.
UNSTABLE = {"flip": -1, "neimark-sacker": 1}


def draw(curve: BifurcationCurve, also: Sequence[BifurcationCurve] = ()) -> Figure:
    """One curve, or several in one chart."""
    curves = [curve, *also]
    if any(getattr(c, "names", None) != curve.names for c in curves):
        raise UsageError(f"the curves of one chart have the same parameters, here {' and '.join(curve.names)}, in this order")
    with house_style():
        figure, axes = begin(curve)
        draw_curves(axes, curves)
        finish(figure, axes, curves)
    return figure


def begin(curve: BifurcationCurve) -> tuple[Figure, Axes]:
    """An empty chart in the parameters of a curve, with the title of its map."""
    figure = new_figure(6.6, 4.4)
    axes = figure.subplots()
    axes.set(xlabel=axis_label(curve.names[0]), ylabel=axis_label(curve.names[1]))
    figure.suptitle(map_title(curve.provenance["settings"], curve.names, 95), fontsize=9)
    return figure, axes


def draw_curves(axes: Axes, curves: Sequence[BifurcationCurve]) -> None:
    """Curves into axes, all of them in view."""
    for one in curves:
        _draw_curve(axes, one)
    _limit(axes, curves)


def finish(
    figure: Figure, axes: Axes, curves: Sequence[BifurcationCurve], more: Sequence[CodimensionTwo] = (),
    handles: Sequence[Artist] = (),
) -> None:  # fmt: skip
    """The legend, with ``more`` special points and entries, and the points' names once the limits are fixed."""
    points = [*(s for c in curves for s in c.special), *more]
    entries = [*_lines(curves), *_points(points), *handles]
    lines = sum(1 + str(entry.get_label()).count("\n") for entry in entries)
    resized(figure, 6.6, max(4.4, LINE * lines + 0.5))
    beside: Any = {"loc": "best"} if len(entries) <= FEW else {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    axes.legend(handles=entries, fontsize=7, labelspacing=0.6, **beside)
    _name_points(figure, axes, curves, points)


def _draw_curve(axes: Axes, curve: BifurcationCurve) -> None:
    """Draw a curve into axes; dashed where the bifurcating object is unstable."""
    colour, width = _style(curve)
    unstable = _unstable(curve)
    for first, last in equal_runs(unstable):
        piece = curve.parameters[first : min(last + 2, len(curve))]
        axes.plot(*piece.T, color=colour, linestyle=DASHED if unstable[first] else "-", linewidth=width)
    for special in curve.special:
        size = 3.5 if len(special.points) == 1 else 2.5
        axes.plot(*special.parameters, "o", color=INK, markersize=size, zorder=4, clip_on=False)


def _style(curve: BifurcationCurve) -> tuple[str, float]:
    """Colour and width: thinner and darker for longer periods, each with a different hue from the next; none is pale on white."""
    hue, light, colourful = colorsys.rgb_to_hls(*to_rgb(COLOURS[curve.kind]))
    turned = (hue + TURNS[curve.period % len(TURNS)]) % 1
    dark = 0.45 - 0.45 / (1 + 0.7 * np.log2(curve.period))
    return line_colour(to_hex(colorsys.hls_to_rgb(turned, light * (1 - dark), colourful))), 1.3 if curve.period == 1 else 0.9


def _unstable(curve: BifurcationCurve) -> np.ndarray:
    """The rows where the bifurcating object is unstable."""
    return np.sign(_filled(curve.coefficient)) == UNSTABLE.get(curve.kind, np.nan)


def _lines(curves: Sequence[BifurcationCurve]) -> list[Line2D]:
    """Entries of the legend: a line for each kind and period, in order, many periods in one, and one for dashes."""
    lines: dict[str, Line2D] = {}
    for curve in sorted(curves, key=lambda c: (list(COLOURS).index(c.kind), c.period)):
        name = f"{curve.condition} = 0" if curve.kind == "condition" else spoken(curve.kind)
        periods = sorted({c.period for c in curves if (c.kind, c.condition) == (curve.kind, curve.condition) and c.period > 1})
        if curve.period > 1:
            several = len(periods) > MOST_PERIODS
            name += f", periods {listed([str(n) for n in periods], 5)}" if several else f", period {curve.period}"
        colour, width = _style(curve)
        lines.setdefault(name, Line2D([], [], color=colour, linewidth=width, label=name))
    dashed = [Line2D([], [], color=INK, linestyle=DASHED, linewidth=0.9, label="subcritical")]
    return [*lines.values(), *(dashed if any(_unstable(c).any() for c in curves) else [])]


def _short(kind: str) -> str:
    """The short name; for a weak resonance p:q."""
    return SHORT.get(kind, kind.removeprefix("resonance "))


def _points(points: Sequence[CodimensionTwo]) -> list[Line2D]:
    """Entries of the legend: the short name of each kind of special point as a marker; one for all resonances of a strength."""
    marks: dict[str, Line2D] = {}
    order = list(SHORT)
    for kind in sorted({s.kind for s in points}, key=lambda k: order.index(k) if k in SHORT else len(order)):
        short, name = _short(kind), spoken(kind)
        if kind.startswith("resonance"):
            short, name = ("Rq", "strong resonance") if kind in SHORT else ("p:q", "weak resonance")
        text = r"\mathrm{" + short.replace(":", "{:}") + "}"
        size = 3.8 * len(short)
        label = name + _coefficients([s for s in points if s.kind == kind]) * (name == spoken(kind))
        marks[name] = Line2D([], [], color=INK, linestyle="", marker=f"${text}$", markersize=size, mew=0.1, label=label)
    return list(marks.values())


def _coefficients(points: list[CodimensionTwo]) -> str:
    """Lines below the name of a kind with a single point; the letter of one coefficient could be a parameter's."""
    given = points[0].coefficients if len(points) == 1 else {}
    values = [f"{key} = {value:.3g}" if len(given) > 1 else f"{value:.3g}" for key, value in given.items()]
    words = f"\nnormal-form coefficient{'s' if len(given) > 1 else ''} " if given else ""
    return words + "".join(f"{', '.join(values[k : k + 2])}" + "\n" * (k + 2 < len(values)) for k in range(0, len(values), 2))


def _limit(axes: Axes, curves: Sequence[BifurcationCurve]) -> None:
    """Limits that show all of the curves, up to a bound if they approach it."""
    shown = np.concatenate([*(c.parameters for c in curves), *(s.parameters[None] for c in curves for s in c.special)])
    bounds = np.array([c.bounds for c in curves])
    limits = []
    for k in (0, 1):
        lo, hi = shown[:, k].min(), shown[:, k].max()
        least, most = bounds[:, k, 0].min(), bounds[:, k, 1].max()
        margin = 0.06 * (hi - lo) or 0.1 * (most - least)
        limits.append((least if lo - least <= 2 * margin else lo - margin, most if most - hi <= 2 * margin else hi + margin))
    axes.set(xlim=limits[0], ylim=limits[1])


def _filled(values: np.ndarray) -> np.ndarray:
    """Values with each missing one replaced by the closest, as at a resonance."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return values
    return values[known[np.argmin(np.abs(np.arange(len(values))[:, None] - known), axis=1)]]


def _name_points(figure: Figure, axes: Axes, curves: Sequence[BifurcationCurve], points: Sequence[CodimensionTwo]) -> None:
    """The short name of each special point, once, on the side of it where lines, points and names are farthest away."""
    root: Any = figure.figure
    root.draw_without_rendering()  # the layout determines positions
    scale, frame = root.dpi / 72, axes.get_window_extent()
    lines = [axes.transData.transform(c.parameters) for c in curves]
    ink = np.concatenate([_dense(line, 2 * scale) for line in lines])
    numbers = [axes.transData.transform(text.get_position()) + 4 * scale * BOX for text in axes.texts]
    ink = np.concatenate([ink, *numbers])
    named: dict[str, list[np.ndarray]] = {}
    boxes = np.empty((0, 2, 2))
    # Where there is no room for all of them, as in a cascade, the shorter cycles' points have names.
    for special in sorted(points, key=lambda s: len(s.points)):
        text, place = _short(special.kind), axes.transData.transform(special.parameters)
        if any(np.abs(place - other).max() < scale for other in named.setdefault(text, [])):  # where two curves meet
            continue
        half = np.array([2.3 * len(text), 3.5]) * scale
        shift = _free(place, half, ink, np.array([frame.min, frame.max]), scale)
        box = np.array([place + shift - half, place + shift + half])
        if len(boxes) and ((boxes[:, 0] < box[1]) & (boxes[:, 1] > box[0])).all(axis=1).any():
            continue
        named[text].append(place)
        boxes = np.concatenate([boxes, box[None]])
        axes.annotate(text, tuple(special.parameters), xytext=tuple(shift / scale), textcoords="offset points", fontsize=7,
                      zorder=5, ha="center", va="center", path_effects=HALO)  # fmt: skip
        ink = np.concatenate([ink, place + shift + half * BOX])


def _free(place: np.ndarray, half: np.ndarray, ink: np.ndarray, frame: np.ndarray, scale: float) -> np.ndarray:
    """A position for a box next to a place: inside the frame, far from ink, and, if all are equal, to the right."""
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
