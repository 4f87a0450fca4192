"""Cells over two parameters as one picture, with bifurcation curves drawn over it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from cfdyn.analysis.bifurcations._curve import BifurcationCurve
from cfdyn.errors import UsageError
from cfdyn.plotting.style import DASHED, FAINT, HATCHES, INK, LONGEST, REGIMES, axis_label, free_colours
from cfdyn.words import spoken

HATCHED = 0.002  # a fraction of the cells that is hatched
ALIKE = {"period 1": "fixed point", "no period": "chaotic"}  # other names of regimes
SHORT = 8  # periods that have a colour however few their cells are: those below it
SEEN = 1e-3  # a fraction of the cells: with fewer, a period has no colour
LINES = {"flip": "-", "fold": DASHED, "neimark-sacker": ":"}
CASED = [withStroke(linewidth=2.6, foreground="white")]


def edges(values: np.ndarray) -> np.ndarray:
    """The boundaries of the cells of increasing values.

    >>> edges(np.array([1.0, 2.0, 4.0]))
    array([0.5, 1.5, 3. , 5. ])
    """
    if len(values) == 1:
        return values[0] + np.array([-0.5, 0.5])
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


def show(
    axes: Axes, names: Sequence[str], first: np.ndarray, second: np.ndarray, picture: np.ndarray, **colours: Any
) -> ScalarMappable:
    """Colour the cells, (m, n, 3) or numbers (m, n) with the ``norm`` and ``cmap`` among ``colours``, and name the axes."""
    sides = [edges(first), edges(second)]
    if all(np.allclose(np.diff(e), np.diff(e)[0]) for e in sides):
        shown: Any = axes.imshow(picture, extent=(sides[0][0], sides[0][-1], sides[1][0], sides[1][-1]), origin="lower",
                                 aspect="auto", interpolation="nearest", **colours)  # fmt: skip
    else:
        shown = axes.pcolormesh(*sides, picture, rasterized=True, **colours)
    axes.set(xlabel=axis_label(names[0]), ylabel=axis_label(names[1]), xlim=sides[0][[0, -1]], ylim=sides[1][[0, -1]])
    return shown


def hatch(axes: Axes, first: np.ndarray, second: np.ndarray, inside: np.ndarray, lines: str) -> None:
    """Hatch some of the cells (m, n), up to the borders of the outermost ones, unless they are too few to be visible."""
    if inside.mean() < HATCHED:
        return
    middles = [np.concatenate([e[:1], values, e[-1:]]) for values, e in ((first, edges(first)), (second, edges(second)))]
    limits = axes.get_xlim(), axes.get_ylim()
    axes.contourf(*middles, np.pad(inside.astype(float), 1, mode="edge"), levels=[0.5, 1.5], colors="none", hatches=[lines])
    axes.set(xlim=limits[0], ylim=limits[1])


def widest(inside: np.ndarray) -> tuple[tuple[int, int], float]:
    """Row and column of the centre of the largest circle within some cells, and its radius in cells.

    >>> widest(np.array([[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]], bool))
    ((1, 2), 2.0)
    """
    from scipy.ndimage import distance_transform_edt

    distance = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(np.argmax(distance), distance.shape)
    return (int(row), int(column)), float(distance[row, column])


def draw_labels(
    axes: Axes, names: Sequence[str], first: np.ndarray, second: np.ndarray, labels: np.ndarray, called: Mapping[int, str]
) -> dict[str, Patch]:
    """Draw cells in the colour of the name of their label; returns the legend handle of each visible name.

    Periods have the colours of `REGIMES`, above 10 free ones, those with the most cells first; rare ones from 8 are "other
    periods".
    """
    regimes = _regimes(labels, called)
    shown = {label: name if name in regimes else "period" for label, name in called.items()}
    colours = {name: REGIMES[regimes[name]] for name in sorted(set(shown.values()), key=_place)}
    picture, hatched = np.zeros((*labels.shape, 3)), {name: np.zeros(labels.shape, bool) for name in HATCHES}
    for label, name in shown.items():
        picture[labels == label] = to_rgb(colours[name])
        if name in hatched:
            hatched[name] |= labels == label
    show(axes, names, first, second, picture)
    for name, inside in hatched.items():
        hatch(axes, first, second, inside, HATCHES[name])
    return {name: Patch(facecolor=colour, edgecolor=FAINT if name in HATCHES else "none", hatch=HATCHES.get(name), linewidth=0.5)
            for name, colour in colours.items()}  # fmt: skip


def _regimes(labels: np.ndarray, called: Mapping[int, str]) -> dict[str, str]:
    """The regime whose colour each name has; none for rare periods, and for long ones for which no colour is free."""
    parts = {label: float((labels == label).mean()) for label in called}
    names = [called[label] for label in sorted(parts, key=lambda label: -parts[label]) if label < SHORT or parts[label] >= SEEN]
    own = {name: regime for name in names if (regime := ALIKE.get(name, name)) in REGIMES}
    others = (name for name in names if name not in own)
    return own | dict(zip(others, free_colours(list(own.values())), strict=False)) | {"period": "period"}


def _place(name: str) -> tuple[int, int]:
    """The position in a legend."""
    known, period = list(REGIMES), int(name.split()[1]) if name[-1].isdigit() else 0
    regime = ALIKE.get(name, name)
    return known.index(regime if regime in REGIMES else f"period {LONGEST}"), period


def draw_key(figure: Figure, entries: Sequence[Any], words: Sequence[str], title: str = "") -> None:
    """A colour bar next to the cells, with a word next to each colour."""
    figure.legend(entries, words, title=title or None, loc="outside right upper", handlelength=1.6, handleheight=1.7,
                  labelspacing=0.0, fontsize=7, title_fontsize=7.5, alignment="left")  # fmt: skip


def draw_curves(axes: Axes, names: Sequence[str], curves: Sequence[BifurcationCurve]) -> list[Line2D]:
    """Lines with a white casing, inside the visible area, and their entries of the legend."""
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
