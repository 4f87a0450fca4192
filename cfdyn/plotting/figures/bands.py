"""Regimes over a parameter: coloured bands behind the orbit diagram, exponents below."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cfdyn.analysis.attractors.bands import Bands
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import legend_below, panel_width
from cfdyn.plotting.style import (
    BEHIND,
    FAINT,
    HATCHES,
    HATCHING,
    INK,
    REGIMES,
    WARN,
    axis_label,
    clip_range,
    evenly,
    regime_name,
    regime_words,
    specks,
)  # fmt: skip
from cfdyn.plotting.titles import map_title

COLUMNS = 500  # of states at most
SEEN = 0.003  # of the range: a regime that the legend names
LETTER, STRIP = 0.05, 0.1  # inches of a letter; of the height of the panel, for names
DEEPEST = -2.0  # exponent that is drawn


def draw(bands: Bands) -> Figure:
    """The bands of one record."""
    with house_style():
        figure = new_figure(7.0, 4.4)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        handles = draw_bands(top, bands)
        top.set_xlabel("")
        _draw_exponents(bottom, bands)
        bottom.set_xlabel(axis_label(bands.parameter))
        if handles:
            legend_below(figure, 7.0, handles, [str(handle.get_label()) for handle in handles])
        figure.suptitle(map_title(bands.provenance["settings"], [bands.parameter], 95), fontsize=9)
    return figure


def _draw_exponents(axes: Axes, bands: Bands) -> None:
    shown = np.where(np.isfinite(bands.exponents), np.maximum(bands.exponents, DEEPEST), np.nan)
    axes.plot(bands.values, shown, color=INK, linewidth=0.6)
    axes.axhline(0, color=WARN, linewidth=0.6)
    low, high = np.nanmin(shown, initial=0.0), max(np.nanmax(shown, initial=0.0), 0.1)
    axes.set(ylim=(low - 0.05 * (high - low), high + 0.1 * (high - low)), ylabel="Lyapunov\nexponent")
    if (bands.exponents < DEEPEST).any():
        axes.annotate(f"drawn down to −{-DEEPEST:g}", (0.01, 0.05), xycoords="axes fraction", fontsize=6.5)


def draw_bands(axes: Axes, bands: Bands, at: float | None = None, edge: float | None = None) -> list[Patch]:
    """Coloured regimes with the long-time states drawn over them; regimes without a name in their band as entries of a legend."""
    for lo, hi, name in bands.bands:
        axes.axvspan(lo, hi, linewidth=0, **_area(regime_name(name)))
    kept = evenly(bands.values, COLUMNS)
    tails = bands.tails[kept]
    specks(axes, np.repeat(bands.values[kept], tails.shape[1]), tails.ravel())
    cycles = [(lo, hi) for lo, hi, name in bands.bands if name == "fixed point" or name.startswith("period")]
    inside = np.any([(lo <= bands.values) & (bands.values <= hi) for lo, hi in cycles] or [bands.values != bands.values], axis=0)
    clip_range(axes, tails, core=bands.tails[inside].ravel())
    for value, colour, style in ((edge, WARN, "--"), (at, INK, ":")):
        if value is not None:
            axes.axvline(value, color=colour, linestyle=style, linewidth=0.9)
    axes.set(xlabel=axis_label(bands.parameter), ylabel="long-time states", xlim=(bands.values[0], bands.values[-1]))
    return _name(axes, bands)


def _name(axes: Axes, bands: Bands) -> list[Patch]:
    """The name of each regime in its widest band, if it fits, in a strip below the states; others are entries of a legend."""
    whole, inches = float(np.ptp(bands.values)), panel_width(axes)
    widest, parts = dict[str, tuple[float, float]](), dict.fromkeys(REGIMES, 0.0)
    for lo, hi, name in bands.bands:
        kind = regime_name(name)
        parts[kind] += (hi - lo) / whole
        widest[kind] = max(widest.get(kind, (0.0, 0.0)), (hi - lo, (lo + hi) / 2))
    low, high = axes.get_ylim()
    axes.set_ylim(low - STRIP * (high - low), high)
    left = []
    for kind, part in parts.items():
        words = regime_words(kind)
        if part and widest[kind][0] / whole * inches >= LETTER * len(words):
            axes.text(widest[kind][1], 0.02, words, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=6.5,
                      clip_on=True)  # fmt: skip
        elif part >= SEEN:
            left.append(Patch(linewidth=0.5, label=words, **_area(kind)))
    return left


def _area(name: str) -> dict[str, Any]:
    """Colour and hatching of a regime behind states, as in maps of regimes; an edge has the colour of the hatching."""
    hatch = None if name == "unresolved" else HATCHES.get(name)  # often a hair wide: dots would look like a dashed line
    return {"facecolor": (REGIMES[name], BEHIND), "edgecolor": HATCHING if hatch else FAINT, "hatch": hatch}
