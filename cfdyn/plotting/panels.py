"""Elements that several figures share: legends, labels above the axes, rankings, axes of time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from cfdyn.plotting.canvas import NARROW
from cfdyn.plotting.style import FAINT, INK, PALE, PALETTE

GAP = 0.135  # inches between upright labels


def columns(labels: Sequence[str], width: float) -> int:
    """The number of columns of a legend in small print for which it is no wider than a figure of the given width in inches."""
    for count in range(len(labels), 1, -1):
        short, longer = divmod(len(labels), count)
        starts = [k * short + min(k, longer) for k in range(count + 1)]
        widest = [max(map(len, labels[a:b])) for a, b in zip(starts[:-1], starts[1:], strict=True)]
        # A handle with its gaps, and the mean width of a letter at 7.5 points.
        if sum(0.55 + 0.06 * letters for letters in widest) <= width:
            return count
    return 1


def legend_below(figure: Figure | SubFigure, width: float, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """One legend below all panels, no wider than the figure."""
    root: Any = figure.figure
    width = min(width, figure.bbox.width / root.dpi)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns(labels, width), fontsize=7.5)


def panel_width(axes: Axes) -> float:
    """The approximate width of a panel in inches."""
    figure: Any = axes.figure
    inches, spec = figure.bbox.width / figure.figure.dpi, axes.get_subplotspec()
    beside = 1 if spec is None or inches < NARROW else spec.get_gridspec().ncols
    return float(0.8 * inches / beside)


def label_gap(axes: Axes) -> float:
    """The fraction of the width between upright labels above the axes."""
    figure: Any = axes.figure
    return GAP / (0.85 * figure.bbox.width / figure.figure.dpi)


def label_above(axes: Axes, value: float, place: float, height: float, text: str, line: float, **style: Any) -> None:
    """A text above the axes, at a shifted place, with a thin line to its value on the upper edge."""
    over = axes.get_xaxis_transform()
    axes.annotate(text, (value, 1.0), (place, height), xycoords=over, textcoords=over, va="bottom", fontsize=6.5,
                  annotation_clip=False, arrowprops=thin_line(line), **style)  # fmt: skip


def thin_line(width: float) -> dict[str, Any]:
    """The arrow, without a head, from a label to its place."""
    return {"arrowstyle": "-", "color": FAINT, "linewidth": width, "shrinkA": 0, "shrinkB": 0}


def hidden(paths: Sequence[np.ndarray]) -> dict[int, int]:
    """The paths (n, d) that coincide with an earlier one, to a thousandth of its extent: later number, earlier number."""
    counts: dict[int, int] = {}
    for k, path in enumerate(paths):
        for j in (j for j in range(k) if j not in counts and len(paths[j]) == len(path)):
            size = 1e-3 * max(float(np.ptp(path, axis=0).max(initial=0.0)), 1e-300)
            if np.abs(path - paths[j]).max(initial=0.0) <= size:
                counts[k] = j
                break
    return counts


def line_style(k: int, below: Mapping[int, int]) -> dict[str, Any]:
    """Colour and dashes of line number k of several: dashed on another one, and once the colours are used up."""
    dashes = ("-", (0, (4, 1.5)), ":")[k // len(PALETTE) % 3]
    return {"color": PALETTE[k % len(PALETTE)], "linestyle": (0, (3, 3)) if k in below else dashes}


def tell_decades(axes: Axes) -> None:
    """Show numbers at 1, 2 and 5 along a logarithmic axis with fewer than two powers of ten."""
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        lo, hi = sorted(limits)
        if axis.get_scale() == "log" and lo > 0 and np.floor(np.log10(hi)) - np.ceil(np.log10(lo)) < 1:
            axis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())


def shade_cycles(axes: Axes, cycles: Sequence[tuple[int, int]]) -> None:
    """Every other whole slow cycle shaded."""
    for first, last in cycles[::2]:
        axes.axvspan(first, last, color=INK, alpha=0.05, linewidth=0)


def band(axes: Axes, t: np.ndarray, quantiles: np.ndarray, levels: np.ndarray, what: str = "") -> None:
    """Quantiles (m, q) of many runs: the outer ones pale, the inner ones darker, and their median.

    ``what``: the quantity named in the legend, if they appear there.
    """
    for k in range(len(levels) // 2):
        style: dict[str, Any] = {"color": PALE, "alpha": 0.2 + 0.2 * k, "linewidth": 0, "zorder": 1}
        label = f"{100 * levels[k]:g}–{100 * levels[-1 - k]:g} % of {what}" if what else None
        axes.fill_between(t, quantiles[:, k], quantiles[:, -1 - k], label=label, **style)
    axes.plot(t, quantiles[:, len(levels) // 2], color=PALE, linewidth=0.9, zorder=2, label=f"median of {what}" if what else None)


def time_range(t: np.ndarray) -> tuple[float, float]:
    """Limits of an axis of time from 0 to the last of some times, with a small margin at both ends."""
    end = t[-1] if len(t) else 1.0
    return -0.02 * end, 1.02 * end or 1.0


def draw_ranking(
    axes: Axes,
    names: Sequence[str],
    lengths: np.ndarray,
    marks: np.ndarray,
    words: Sequence[str],
    ends: np.ndarray,
    shades: Sequence[str],
    what: tuple[str, str],
    limits: tuple[float, float] | None,
) -> None:
    """Bars, the first at the bottom, diamonds, and texts to the right of both.

    ``what``: the quantities that bars and diamonds show; ``limits``: of the logarithmic axis, None if no bar has a length.
    """
    places = range(len(names))
    axes.barh(places, lengths, height=0.62, color=shades)
    for place, right, text in zip(places, ends, words, strict=True):
        axes.text(right * 1.25, place, text, va="center", fontsize=7.5)
    if np.isfinite(marks).any():
        axes.plot(marks, places, "D", color=INK, markersize=3.5)
        axes.set_title(f"◆ {what[1]}", fontsize=7.5)
    axes.set_yticks(places, names)
    if limits is not None:
        axes.set(xscale="log", xlim=limits)
    axes.set_xlabel(what[0])


def spread(values: Sequence[float], least: float, end: float = float("inf")) -> list[float]:
    """Values in order moved apart by at least the given gap: to the right, and back from an end."""
    places: list[float] = []
    for value in values:
        places.append(max(value, places[-1] + least) if places else value)
    for k in range(len(places) - 1, -1, -1):
        places[k] = min(places[k], end)
        end = places[k] - least
    return places
