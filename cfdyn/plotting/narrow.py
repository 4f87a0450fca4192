"""Figures of one column: panels below each other, legends below them, words wrapped to fit."""

from __future__ import annotations

import math
import re
import warnings
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties
from matplotlib.gridspec import GridSpec
from matplotlib.text import Text

from cfdyn.plotting.canvas import COLLAPSED, NARROW
from cfdyn.plotting.panels import columns, legend_below

_FORMULA, _TEX, _HELD = re.compile(r"\$[^$]*\$"), re.compile(r"\\[a-z]*|[{}^_$]"), "\x00"
SMALLEST, RAISED = 6.0, 5.0  # points of a letter, and of an exponent or index
SHRUNK = 0.7  # of its letter, an exponent in mathtext
ROOMLESS = 0.25  # inches: nothing is seen in a panel of less
LEAST, FLATTEST, MOST = 1.1, 0.6, 0.75  # the height of a panel: inches; and of the width of the figure
INSIDE = 0.97  # of the width of a figure, for a title
BESIDE = 0.82  # of the width of a column of panels, for a title between their letters
ROOM = 0.66  # of the width of a figure, for a legend inside it
HEAD, LINE = 0.55, 0.16  # inches of titles and names of axes, and of a line of a legend below
PAGE = 24 / 2.54  # inches: a column is not higher, panels are flatter then


def arrange(figure: Figure | SubFigure, size: tuple[float, float | None] | None) -> None:
    """Arrange a figure for a size, or a place, that the user has specified."""
    width, height = _inches(figure) if size is None else size
    lines = _legends_below(figure) if width < NARROW else 0
    if width < NARROW:
        stack(figure, height, lines)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", COLLAPSED)
        try:
            fit(figure)
            full = _least(figure) < ROOMLESS
        except UserWarning:
            full = True
    if full:
        warnings.warn(f"{width:.3g} × {_inches(figure)[1]:.3g} inches leave panels of this figure no room: more height, or the "
                      "width alone, for as much height as it needs", stacklevel=3)  # fmt: skip


def _least(figure: Figure | SubFigure) -> float:
    """The shortest side of a panel, in inches."""
    boxes: list[Any] = [axes.get_window_extent() for axes in panels(figure)]
    root: Any = figure.figure
    return float(min((min(box.width, box.height) for box in boxes), default=math.inf) / root.dpi)


def stack(figure: Figure | SubFigure, height: float | None, lines: int) -> None:
    """Stack panels below each other, unless this makes them too flat; the figure's height, if the user has specified none.

    lines : of the legend below
    """
    width, own = _inches(figure)
    stacked = sorted(panels(figure), key=place)
    shares = [_share(axes) * own for axes in stacked]
    if len(stacked) > 1 and (height is None or height / len(stacked) >= LEAST) and len({place(axes)[1] for axes in stacked}) > 1:
        grid = GridSpec(len(stacked), 1, figure=figure, height_ratios=[max(share, LEAST) for share in shares])  # type: ignore[arg-type]
        for k, axes in enumerate(stacked):
            axes.set_subplotspec(grid[k])
            axes.tick_params(labelbottom=True)
    elif stacked:
        shares = [sum(_share(axes) * own for axes in stacked if place(axes)[1] == place(stacked[0])[1])]
    if height is None and isinstance(figure, Figure):
        heights = [min(max(share, LEAST), MOST * width) for share in shares]
        around = HEAD * len(heights) + LINE * lines
        figure.set_size_inches(width, around + min(sum(heights), max(PAGE - around, FLATTEST * len(heights))))


def fit(figure: Figure | SubFigure) -> None:
    """Fit legends, titles and names of axes into the available space."""
    whole: Any = figure.figure
    whole.draw_without_rendering()
    for legend in filter(None, [axes.get_legend() for axes in figure.axes]):
        wide = legend.get_window_extent(whole.canvas.get_renderer()).width / (ROOM * figure.bbox.width)
        for text in legend.get_texts() if wide > 1 else ():
            text.set_fontsize(max(SMALLEST, float(text.get_fontsize()) / wide))
    for axes in figure.axes:
        box = axes.get_window_extent()
        middle = (box.x0 + box.x1) / 2
        _shorten(axes.title, 2 * INSIDE * min(middle - figure.bbox.x0, figure.bbox.x1 - middle))
        _shorten(axes.xaxis.label, min(figure.bbox.width, 1.25 * box.width))
        _shorten(axes.yaxis.label, box.height)


def fit_titles(figure: Figure | SubFigure) -> None:
    """Fit titles inside the figure, and separate those of adjacent panels."""
    title = figure._suptitle  # type: ignore[union-attr]
    if title is not None:
        _shorten(title, INSIDE * figure.bbox.width)
    several = len(panels(figure)) > 1
    for axes in panels(figure):
        spec: Any = axes.get_subplotspec()
        _shorten(axes.title, (BESIDE if several else INSIDE) * figure.bbox.width * len(spec.colspan) / spec.get_gridspec().ncols)


def _shorten(text: Text, most: float) -> None:
    """More lines, or smaller letters, for a text that is longer than the given number of pixels; a formula is cut at a sign of
    its sum if it is too long for a line even so.
    """
    words, long = text.get_text(), _long(text)
    if long <= most or most <= 0:
        return
    parts, size = math.ceil(long / most), float(text.get_fontsize())
    least = min(size, max(SMALLEST, RAISED / SHRUNK if "^" in words or "_" in words else 0.0))
    for tried in (words, _FORMULA.sub(lambda found: _summands(found[0]), words)):
        text.set_text(_wrapped(tried, parts))
        text.set_fontsize(size)
        if (long := _long(text)) > most:
            text.set_fontsize(max(least, size * most / long))
        if _long(text) <= 1.01 * most:
            break


def _summands(formula: str) -> str:
    """A formula as several, each with a term of its sum.

    >>> _summands("$x\\\\to a\\\\,(x-1)-b$")
    '$x\\\\to a\\\\,(x-1)$ $-b$'
    """
    depth, parts = 0, ""
    for k, sign in enumerate(formula):
        depth += (sign in "({") - (sign in ")}")
        first = formula[:k].endswith(("$", "=", ",", " ", r"\to"))
        parts += f"$ ${sign}" if sign in "+-" and depth == 0 and not first else sign
    return parts


def _long(text: Text) -> float:
    """The length of its longest line, in pixels."""
    figure: Any = text.figure.figure
    extent = text.get_window_extent(figure.canvas.get_renderer())
    return max(extent.width, extent.height) if text.get_text() else 0.0


def _wrapped(words: str, parts: int) -> str:
    """Lines of about the same length, split between words or, if a title has them, at its dots; formulas are not cut.

    >>> _wrapped("gradient descent on $w - 1$, $a = 2$", 2)
    'gradient descent\\non $w - 1$, $a = 2$'
    """
    if words.count("   ·   ") >= parts - 1 > 0:
        return words.replace("   ·   ", "\n", parts - 1)
    formulas = _FORMULA.findall(words)
    # A formula is a word of as many letters as it has signs.
    held = _FORMULA.sub(lambda found: _HELD * max(1, len(_TEX.sub("", found[0]))), words)
    marks = re.finditer(f"{_HELD}+", wrapped := fill(held, max(10, math.ceil(1.08 * len(held) / parts)), break_long_words=False))
    for found, formula in reversed(list(zip(marks, formulas, strict=True))):
        wrapped = wrapped[: found.start()] + formula + wrapped[found.end() :]
    return wrapped


def _legends_below(figure: Figure | SubFigure) -> int:
    """One legend below all panels, from the legends next to them; returns the number of lines below."""
    entries: dict[str, Any] = {}
    title, lines, width = "", 0, _inches(figure)[0]
    single = len(panels(figure)) == 1
    for legend in [*figure.legends, *[axes.get_legend() for axes in figure.axes if single]]:
        if legend is None or not (legend in figure.legends or _outside(legend)):
            continue
        names = [text.get_text() for text in legend.get_texts()]
        if getattr(legend, "_outside_loc", None) == "lower":
            lines += _lines(names, width)
            continue
        title = title or legend.get_title().get_text()
        entries |= {name: handle for name, handle in zip(names, legend.legend_handles, strict=True) if name not in entries}
        legend.remove()
    if entries:
        legend_below(figure, width, list(entries.values()), list(entries))
        if title:
            figure.legends[-1].set_title(fill(title, 50), prop=FontProperties(size=7))
    return lines + _lines(list(entries), width) + (title != "")


def _lines(names: list[str], width: float) -> int:
    return math.ceil(sum(1 + name.count("\n") for name in names) / columns(names, width)) if names else 0


def _outside(legend: Any) -> bool:
    """True for a legend that was placed outside its axes."""
    x, y = legend.axes.transAxes.inverted().transform(legend.get_bbox_to_anchor().get_points())[0]
    return bool(x >= 1 or y < 0) and legend._bbox_to_anchor is not None


def panels(figure: Figure | SubFigure) -> list[Axes]:
    """The axes in a grid, without colour bars."""
    return [axes for axes in figure.axes if axes.get_subplotspec() is not None and not hasattr(axes, "_colorbar")]


def place(axes: Axes) -> tuple[int, int]:
    """Row and column of a panel."""
    spec: Any = axes.get_subplotspec()
    return spec.rowspan.start, spec.colspan.start


def _share(axes: Axes) -> float:
    """The fraction of the height that a panel has in its grid."""
    spec: Any = axes.get_subplotspec()
    grid = spec.get_gridspec()
    ratios = grid.get_height_ratios() or [1.0] * grid.nrows
    return float(sum(ratios[k] for k in spec.rowspan) / sum(ratios))


def _inches(figure: Figure | SubFigure) -> tuple[float, float]:
    root: Any = figure.figure
    return figure.bbox.width / root.dpi, figure.bbox.height / root.dpi
