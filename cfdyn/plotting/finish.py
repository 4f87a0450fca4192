"""Options of every figure: its title, labels and colours; and letters of panels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection
from matplotlib.colors import Colormap, ListedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter

from cfdyn.errors import UsageError, unknown
from cfdyn.plotting.style import PAPER, axis_label, symbol
from cfdyn.plotting.titles import in_line

GREY = 0.12  # between the least and the largest component of a colour: less is not a hue
ENDS = 0.05, 0.95  # of a colormap, between which single colours are taken
MOST_COLOURS = 64  # values of an image: more are not categories
ROUNDED = 1e-9  # of what an axis shows, its width: less is round-off
_FORMULA, _MINUS = re.compile(r"(\$[^$]*\$)"), re.compile(r"(?:(?<![\w)\]])|(?<=\de))-(?=[\d.∞])")
Colour = tuple[float, float, float]


def letter(figure: Figure, panels: list[Any]) -> None:
    """A letter above the upper left corner of each panel, in reading order, if there are several."""
    for k, axes in enumerate(panels if len(panels) > 1 else []):
        axes.annotate("abcdefghijklmnopqrstuvwxyz"[k % 26], (0, 1), (-7, 4), xycoords="axes fraction", textcoords="offset points",
                      ha="right", va="bottom", fontweight="bold", fontsize=9, annotation_clip=False,
                      fontfamily=axes.xaxis.label.get_fontfamily())  # fmt: skip


def widen(panels: list[Any]) -> None:
    """Widen axes whose range is round-off: values that differ by 1e-15 count as equal, and ticks have no fifteen digits."""
    for axes in panels:
        for name in ("x", "y"):
            lo, hi = getattr(axes, f"get_{name}lim")()
            size = max(abs(lo), abs(hi))
            if getattr(axes, f"get_{name}scale")() == "linear" and abs(hi - lo) < ROUNDED * size:
                getattr(axes, f"set_{name}lim")((lo + hi) / 2 - 0.05 * size, (lo + hi) / 2 + 0.05 * size)


def set_in_line(figure: Figure) -> None:
    """Fractions of formulas within their line, as no letter is small there, and the sign − in front of numbers."""
    for text in figure.findobj(Text):
        text.set_text(_in_line(text.get_text()))
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        formatter = axis.get_major_formatter()
        if isinstance(formatter, FuncFormatter):  # which gives ticks their words
            axis.set_major_formatter(FuncFormatter(lambda x, k, own=formatter: _in_line(own(x, k))))


def _in_line(words: str) -> str:
    parts = enumerate(_FORMULA.split(in_line(words)))
    return "".join(part if k % 2 else _MINUS.sub("−", part) for k, part in parts)


def retitle(figure: Figure, panels: list[Any], title: str) -> None:
    """Replace the title of a figure, or of its panel if the panel has it; empty: remove it."""
    above: Any = figure._suptitle  # type: ignore[attr-defined]
    if above is None and len(panels) == 1:
        panels[0].set_title(title)
    elif above is not None and not title:
        above.set_text("")
        above.set_in_layout(False)
    else:
        figure.suptitle(title, fontsize=9.5)


def relabel(figure: Figure, labels: Mapping[str, str]) -> None:
    """Replace names of parameters and variables, or drawn texts; a UsageError if they do not occur."""
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    for name, words in labels.items():
        drawn = {name, axis_label(name), symbol(name)}
        found = [text for text in texts if text.get_text() in drawn]
        if not found:
            known = sorted({text.get_text() for text in texts if any(sign.isalpha() for sign in text.get_text())})
            raise UsageError(f"this figure has no words {name!r}; it has {', '.join(map(repr, known))}")
        for text in found:
            text.set_text(words)


def recolour(figure: Figure, name: str | Colormap) -> None:
    """Recolour quantities by a colormap of matplotlib; in figures without one, lines and categories in colours along it."""
    if isinstance(name, str) and name not in matplotlib.colormaps:
        raise unknown("colormap of matplotlib", name, list(matplotlib.colormaps))
    colours = matplotlib.colormaps[name] if isinstance(name, str) else name
    quantities = figure.findobj(_is_quantity)
    if quantities:
        _recolour_quantities(quantities, colours)
        return
    found = list(dict.fromkeys(colour for artist in _in_order(figure) for colour in _colours_of(artist)))
    places = np.linspace(*ENDS, len(found)) if len(found) > 1 else [0.5]
    new = {old: tuple(float(part) for part in colours(place)[:3]) for old, place in zip(found, places, strict=True)}
    for artist in figure.findobj():
        _change(artist, lambda colour: (*new.get(_rounded(colour), to_rgba(colour)[:3]), to_rgba(colour)[3]), new)


def _is_quantity(artist: Any) -> bool:
    """True if the colours of an artist come from numbers; numbers of categories, and images on paper, have other colours."""
    values = artist.get_array() if isinstance(artist, ScalarMappable) else None
    if values is None or (isinstance(artist, AxesImage) and np.ndim(values) == 3) or artist.get_gid() == PAPER:
        return False
    return not (isinstance(artist.get_cmap(), ListedColormap) and artist.get_cmap().N < MOST_COLOURS)


def _recolour_quantities(artists: list[Any], colours: Colormap) -> None:
    """Recolour several quantities with separate colours, each by a part of the colormap."""
    kinds = list(dict.fromkeys(artist.get_cmap().name for artist in artists))
    ends = np.linspace(0, 1, len(kinds) + 1)
    places = [np.linspace(ends[k], ends[k + 1] - 0.05 * (len(kinds) > 1), 256) for k in range(len(kinds))]
    parts = {kind: ListedColormap(colours(along), f"{colours.name} {kind}") for kind, along in zip(kinds, places, strict=True)}
    for artist, kind in [(artist, artist.get_cmap().name) for artist in artists]:
        artist.set_cmap(parts[kind])


def _in_order(figure: Figure) -> list[Any]:
    """Artists with colours: entries of legends first, as their order has a meaning."""
    legends = [*figure.legends, *filter(None, (axes.get_legend() for axes in figure.axes))]
    return [*(handle for legend in legends for handle in legend.legend_handles), *figure.findobj()]


def _rounded(colour: Any) -> Colour:
    red, green, blue = (round(part, 3) for part in to_rgba(colour)[:3])
    return red, green, blue


def _colours_of(artist: Any) -> list[Colour]:
    """The hues of an artist."""
    if isinstance(artist, AxesImage):
        values = np.asarray(artist.get_array(), float)
        unique = np.unique(values[..., :3].reshape(-1, 3), axis=0) if values.ndim == 3 else artist.get_cmap().colors  # type: ignore
        given = list(unique) if len(unique) <= MOST_COLOURS else []
    elif isinstance(artist, Line2D):
        given = [artist.get_color(), artist.get_markerfacecolor(), artist.get_markeredgecolor()]
    elif isinstance(artist, Patch):
        given = [artist.get_facecolor(), artist.get_edgecolor()]
    elif isinstance(artist, Collection) and artist.get_array() is None:
        given = [*artist.get_facecolor(), *artist.get_edgecolor()]  # type: ignore[misc]
    else:
        given = []
    plain = [_rounded(colour) for colour in given if not isinstance(colour, str) or colour not in ("none", "auto")]
    return [colour for colour in plain if max(colour) - min(colour) > GREY]


def _change(artist: Any, turned: Callable[[Any], Any], new: Mapping[Colour, Any]) -> None:
    """Change those colours of an artist that are among the new ones."""
    if not any(colour in new for colour in _colours_of(artist)):
        return
    values = np.asarray(artist.get_array(), float).copy() if isinstance(artist, AxesImage) else np.zeros(0)
    if isinstance(artist, AxesImage) and values.ndim == 3:
        keys = np.round(values[..., :3], 3)
        for old, colour in new.items():
            values[(keys == old).all(axis=-1), :3] = colour
        artist.set_data(values)
    elif isinstance(artist, AxesImage):
        artist.set_cmap(ListedColormap([turned(colour) for colour in artist.get_cmap().colors]))  # type: ignore[attr-defined]
    elif isinstance(artist, Line2D):
        face, edge = artist.get_markerfacecolor(), artist.get_markeredgecolor()
        artist.set_color(turned(artist.get_color()))
        artist.set_markerfacecolor(face if isinstance(face, str) and face == "none" else turned(face))
        artist.set_markeredgecolor(edge if isinstance(edge, str) and edge == "none" else turned(edge))
    elif isinstance(artist, Patch):
        face, edge = artist.get_facecolor(), artist.get_edgecolor()
        artist.set_facecolor(turned(face))
        artist.set_edgecolor(turned(edge))
    else:
        artist.set_facecolor([turned(colour) for colour in artist.get_facecolor()])
        artist.set_edgecolor([turned(colour) for colour in artist.get_edgecolor()])
