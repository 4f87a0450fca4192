"""A map of regimes over two parameters, in colours that all readers tell apart, hatched where grey would not do."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from cfdyn.analysis.bifurcation_curve import BifurcationCurve
from cfdyn.analysis.regimes import NAMES, RegimeMap
from cfdyn.errors import UsageError
from cfdyn.plotting.style import DASHED, FAINT, HATCHES, INK, REGIMES, house_style, map_title, new_figure, regime_name
from cfdyn.words import spoken

FEW = 2e-4  # a part of the cells that the legend still names


LINES = {"flip": "-", "fold": DASHED, "neimark-sacker": ":"}
CASED = [withStroke(linewidth=2.6, foreground="white")]


def draw(found: RegimeMap, also: Sequence[BifurcationCurve] = ()) -> Figure:
    """One cell, one colour; ``also``: curves of bifurcations in the same two parameters, laid over it."""
    with house_style():
        figure = new_figure(6.4, 4.6)
        axes = figure.subplots()
        names = draw_regimes(axes, found)
        parts = {name: float(np.mean(names == name)) for name in REGIMES}
        handles = [Patch(facecolor=REGIMES[name], edgecolor=FAINT if name not in HATCHES else INK, hatch=HATCHES.get(name),
                         linewidth=0.5, label=f"{'other periods' if name == 'period' else name}, {_percent(part)}")
                   for name, part in parts.items() if part >= FEW]  # fmt: skip
        curves = _draw_curves(axes, found, also)
        figure.legend(handles=[*handles, *curves], loc="outside right upper", handlelength=1.6, fontsize=7)
        axes.set_title(map_title(found.provenance["settings"], found.names, 80))
        limits = [_edges(found.first)[[0, -1]], _edges(found.second)[[0, -1]]]
        axes.set(xlim=limits[0], ylim=limits[1])
    return figure


def _draw_curves(axes: Axes, found: RegimeMap, curves: Sequence[BifurcationCurve]) -> list[Line2D]:
    """Lines with a white casing, and their entries of the legend."""
    entries: dict[str, Line2D] = {}
    for curve in curves:
        if set(curve.names) != set(found.names):
            raise UsageError(f"a curve in {' and '.join(curve.names)} does not lie in a map over {' and '.join(found.names)}")
        x, y = (curve.parameters[:, curve.names.index(name)] for name in found.names)
        name = f"{curve.condition} = 0" if curve.kind == "condition" else spoken(curve.kind)
        name += f", period {curve.period}" if curve.period > 1 else ""
        (line,) = axes.plot(x, y, linestyle=LINES.get(curve.kind, "-."), color=INK, linewidth=1.1, path_effects=CASED, label=name)
        entries.setdefault(name, line)
    return list(entries.values())


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %" if part >= 0.0005 else f"{100 * part:.2f} %"


def draw_regimes(axes: Axes, found: RegimeMap) -> np.ndarray:
    """Colour the cells; the name that each is drawn as, (m, n)."""
    known = {label: regime_name(NAMES.get(label, f"period {label}")) for label in np.unique(found.labels).tolist()}
    names = np.vectorize(known.__getitem__, otypes=[object])(found.labels)
    picture = np.zeros((*found.labels.shape, 3))
    for label, name in known.items():
        picture[found.labels == label] = to_rgb(REGIMES[name])
    edges = [_edges(found.first), _edges(found.second)]
    if all(np.allclose(np.diff(e), np.diff(e)[0]) for e in edges):
        axes.imshow(picture, extent=(edges[0][0], edges[0][-1], edges[1][0], edges[1][-1]), origin="lower", aspect="auto",
                    interpolation="nearest")  # fmt: skip
    else:
        axes.pcolormesh(*edges, picture, rasterized=True)
    for name in HATCHES:
        inside = names == name
        if inside.mean() >= 0.002 and min(inside.shape) > 1:
            axes.contourf(
                found.first, found.second, inside.astype(float), levels=[0.5, 1.5], colors="none", hatches=[HATCHES[name]]
            )
    axes.set(xlabel=found.names[0], ylabel=found.names[1], xlim=edges[0][[0, -1]], ylim=edges[1][[0, -1]])
    return names


def _edges(values: np.ndarray) -> np.ndarray:
    """Where the cells of increasing values begin and end."""
    if len(values) == 1:
        return values[0] + np.array([-0.5, 0.5])
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])
