"""Cells over two parameters as one picture, with curves of bifurcations over it."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from cfdyn.analysis.bifurcations._curve import BifurcationCurve
from cfdyn.errors import UsageError
from cfdyn.plotting.style import DASHED, FAINT, INK, axis_label
from cfdyn.words import spoken

HATCHED = 0.002  # a part of the cells that is hatched
LINES = {"flip": "-", "fold": DASHED, "neimark-sacker": ":"}
CASED = [withStroke(linewidth=2.6, foreground="white")]


def edges(values: np.ndarray) -> np.ndarray:
    """Where the cells of increasing values begin and end.

    >>> edges(np.array([1.0, 2.0, 4.0]))
    array([0.5, 1.5, 3. , 5. ])
    """
    if len(values) == 1:
        return values[0] + np.array([-0.5, 0.5])
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def show(axes: Axes, names: Sequence[str], first: np.ndarray, second: np.ndarray, picture: np.ndarray) -> None:
    """Colour the cells, (m, n, 3) or numbers (m, n), and name the axes."""
    sides = [edges(first), edges(second)]
    if all(np.allclose(np.diff(e), np.diff(e)[0]) for e in sides):
        axes.imshow(picture, extent=(sides[0][0], sides[0][-1], sides[1][0], sides[1][-1]), origin="lower", aspect="auto",
                    interpolation="nearest")  # fmt: skip
    else:
        axes.pcolormesh(*sides, picture, rasterized=True)
    axes.set(xlabel=axis_label(names[0]), ylabel=axis_label(names[1]), xlim=sides[0][[0, -1]], ylim=sides[1][[0, -1]])


def hatch(axes: Axes, first: np.ndarray, second: np.ndarray, inside: np.ndarray, lines: str) -> None:
    """Hatch some of the cells (m, n), out to the borders of the outermost ones, unless they are too few to be seen."""
    if inside.mean() < HATCHED:
        return
    middles = [np.concatenate([e[:1], values, e[-1:]]) for values, e in ((first, edges(first)), (second, edges(second)))]
    limits = axes.get_xlim(), axes.get_ylim()
    axes.contourf(*middles, np.pad(inside.astype(float), 1, mode="edge"), levels=[0.5, 1.5], colors="none", hatches=[lines])
    axes.set(xlim=limits[0], ylim=limits[1])


def draw_labels(
    axes: Axes, names: Sequence[str], first: np.ndarray, second: np.ndarray, labels: np.ndarray, called: Mapping[int, str],
    colours: Mapping[str, str], hatches: Mapping[str, str],
) -> list[Patch]:  # fmt: skip
    """Cells in the colour of what their label is called; the entries of the legend, with the part of the cells, in its order."""
    picture, parts = np.zeros((*labels.shape, 3)), dict.fromkeys(colours, 0.0)
    hatched = {name: np.zeros(labels.shape, bool) for name in hatches}
    for label, name in called.items():
        cells = labels == label
        picture[cells], parts[name] = to_rgb(colours[name]), parts[name] + float(cells.mean())
        if name in hatched:
            hatched[name] |= cells
    show(axes, names, first, second, picture)
    for name, inside in hatched.items():
        hatch(axes, first, second, inside, hatches[name])
    return [Patch(facecolor=colours[name], edgecolor=FAINT if name not in hatches else INK, hatch=hatches.get(name),
                  linewidth=0.5, label=f"{'other periods' if name == 'period' else name}, {percent(part)}")
            for name, part in parts.items() if part]  # fmt: skip


def draw_curves(axes: Axes, names: Sequence[str], curves: Sequence[BifurcationCurve]) -> list[Line2D]:
    """Lines with a white casing, inside what is shown, and their entries of the legend."""
    entries: dict[str, Line2D] = {}
    limits = axes.get_xlim(), axes.get_ylim()
    for curve in curves:
        if not isinstance(curve, BifurcationCurve):
            raise UsageError(f"what lies over a map is curves of bifurcations, not a {type(curve).__name__}")
        if set(curve.names) != set(names):
            raise UsageError(f"a curve in {' and '.join(curve.names)} does not lie in a map over {' and '.join(names)}")
        x, y = (curve.parameters[:, curve.names.index(name)] for name in names)
        name = f"{curve.condition} = 0" if curve.kind == "condition" else spoken(curve.kind)
        name += f", period {curve.period}" if curve.period > 1 else ""
        (line,) = axes.plot(x, y, linestyle=LINES.get(curve.kind, "-."), color=INK, linewidth=1.1, path_effects=CASED, label=name)
        entries.setdefault(name, line)
    axes.set(xlim=limits[0], ylim=limits[1])
    return list(entries.values())


def percent(part: float) -> str:
    """A part of the cells.

    >>> percent(0.25), percent(0.0003), percent(0.000004)
    ('25.0 %', '0.03 %', '0.0004 %')
    """
    return f"{100 * part:.1f} %" if part >= 0.0005 else f"{100 * part:.1g} %"
