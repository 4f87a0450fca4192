"""Lyapunov exponents over one parameter as lines, over two as an image of the largest with the borders of chaos."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cfdyn.analysis.bifurcations._curve import BifurcationCurve
from cfdyn.analysis.parameters.lyapunov_spectra import LyapunovSpectra
from cfdyn.errors import UsageError
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.cells import draw_curves, show
from cfdyn.plotting.style import DASHED, INK, PALETTE, axis_label
from cfdyn.plotting.titles import map_title

DEEPEST = -3.0  # exponent that is drawn
BORDERS: tuple[tuple[int, Literal["-", "--"]], ...] = ((2, "-"), (3, "--"))  # of so many exponents above 0
COLOURS = colormaps["PuOr_r"]
GONE = (0.91, 0.92, 0.93)  # where the orbit escapes


def draw(spectra: LyapunovSpectra, also: Sequence[BifurcationCurve] = ()) -> Figure:
    """``also``: for two parameters, bifurcation curves drawn over the image."""
    with house_style():
        figure = new_figure(6.6, 4.4 if len(spectra.names) > 1 else 3.4)
        axes = figure.subplots()
        if len(spectra.names) > 1:
            _picture(figure, axes, spectra, also)
        else:
            if also:
                raise UsageError("curves of bifurcations lie over exponents of two parameters, not of one")
            _lines(axes, spectra)
        axes.set_title(map_title(spectra.provenance["settings"], spectra.names, 80))
    return figure


def _lines(axes: Axes, spectra: LyapunovSpectra) -> None:
    lowest = 0.0
    for k in range(spectra.exponents.shape[2]):
        values, errors, colour = spectra.exponents[0, :, k], spectra.errors[0, :, k], PALETTE[k % len(PALETTE)]
        shown = np.where(np.isfinite(values), np.maximum(values, DEEPEST), np.where(np.isneginf(values), DEEPEST, np.nan))
        axes.plot(spectra.first, shown, color=colour, linewidth=0.7, label=f"exponent {k + 1}")
        wide = np.nan_to_num(3 * errors, nan=0.0, posinf=0.0)
        axes.fill_between(spectra.first, np.maximum(shown - wide, DEEPEST), shown + wide, color=colour, alpha=0.25, linewidth=0)
        lowest = min([lowest, *shown[np.isfinite(shown)].tolist()])
    axes.axhline(0, color=INK, linewidth=0.6, linestyle=DASHED)
    axes.set(xlabel=axis_label(spectra.names[0]), ylabel="Lyapunov exponent per step", xlim=spectra.first[[0, -1]])
    if lowest <= DEEPEST:
        axes.annotate(f"drawn down to {DEEPEST:g}", (0.01, 0.02), xycoords="axes fraction", fontsize=6.5)
    axes.legend(loc="best")


def _picture(figure: Figure, axes: Axes, spectra: LyapunovSpectra, also: Sequence[BifurcationCurve]) -> None:
    largest = spectra.exponents[:, :, 0]
    shown = np.where(np.isneginf(largest), DEEPEST, np.maximum(largest, DEEPEST))
    known = shown[np.isfinite(shown)]
    norm = TwoSlopeNorm(0.0, min([-0.1, *known.tolist()]), max([0.1, *known.tolist()]))
    axes.set_facecolor(GONE)
    picture = show(axes, spectra.names, spectra.first, spectra.second, np.ma.masked_invalid(shown), norm=norm, cmap=COLOURS)
    bar = figure.colorbar(picture, ax=axes, fraction=0.045, pad=0.02)
    bar.set_label("largest Lyapunov exponent per step", fontsize=7.5)
    entries: list[Any] = [Patch(facecolor=GONE, label="escapes")] if np.isnan(largest).any() else []
    for count, style in BORDERS:
        inside = spectra.stretching >= count
        if inside.any() and not inside.all() and min(inside.shape) > 1:
            axes.contour(
                spectra.first, spectra.second, inside.astype(float), levels=[0.5], colors=INK, linewidths=0.7, linestyles=[style]
            )
            entries.append(Line2D([], [], color=INK, linestyle=style, linewidth=0.9, label=f"{count} exponents above 0 inside"))
    entries += draw_curves(axes, spectra.names, also)
    if entries:
        figure.legend(handles=entries, loc="outside lower center", ncols=4, fontsize=7)
