"""The evidence for chaos: the attractor, the walk of the 0–1 test, exponents with their errors, and slopes of dimensions."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.invariants.chaos import Chaos
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK, PALE, WARN, axis_label, dots, map_title

MOST = 6  # exponents


def draw(found: Chaos) -> Figure:
    """Above: states, and the walk that they drive; below: exponents, and how dimensions depend on the size."""
    with house_style():
        figure = new_figure(7.4, 6.0)
        (states, walk), (exponents, last) = figure.subplots(2, 2)
        _states(states, found)
        walk.plot(*found.test.walk.T, color=PALE, linewidth=0.5)
        walk.plot(*found.test.walk[-1], "o", color=ACCENT, markersize=4)
        walk.set(xlabel="p", ylabel="q", title=f"0–1 test: K = {found.test.K:.3f}, {found.test.kind}", aspect="equal")
        _exponents(exponents, found)
        (_patterns if found.correlation is None else _slopes)(last, found)
        figure.suptitle(f"{map_title(found.provenance['settings'], (), 60)}: {found.kind}", fontsize=9.5)
    return figure


def _states(axes: Axes, found: Chaos) -> None:
    if len(found.names) > 1:
        x, y = found.states[:, 0], found.states[:, 1]
        axes.set(xlabel=axis_label(found.names[0]), ylabel=axis_label(found.names[1]))
    else:
        x, y = found.states[:-1, 0], found.states[1:, 0]
        axes.set(xlabel=f"{axis_label(found.names[0])} now", ylabel="one step later")
    dots(axes, x, y, color=INK, markersize=1.6)
    axes.set_title("the attractor")


def _exponents(axes: Axes, found: Chaos) -> None:
    values, errors = found.spectrum.exponents[:MOST], found.spectrum.errors[:MOST]
    shown = np.isfinite(values)
    place = np.arange(1, len(values) + 1)
    axes.axhline(0, color=PALE, linewidth=0.8)
    axes.errorbar(place[shown], values[shown], 2 * np.nan_to_num(errors[shown]), fmt="o", color=ACCENT, markersize=4, capsize=3)
    axes.set(xlabel="the first, second, …", ylabel="per step", xticks=place, xlim=(0.5, len(values) + 0.5))
    first = f"{values[0]:.4g} ± {errors[0]:.1g}" if shown[0] else "−∞"
    axes.set_title(f"exponents (bars: 2 errors): {first}")
    axes.margins(y=0.2)


def _slopes(axes: Axes, found: Chaos) -> None:
    for kind, one, color in (("pairs", found.correlation, ACCENT), ("boxes", found.box, WARN)):
        if one is None or len(one.sizes) < 2:
            continue
        slopes = np.abs(np.diff(np.log(one.counts)) / np.diff(np.log(one.sizes)))
        inside = (one.sizes[1:] >= one.fitted[1]) & (one.sizes[1:] <= one.fitted[0])
        axes.plot(np.sqrt(one.sizes[1:] * one.sizes[:-1])[inside], slopes[inside], "o", color=color, markersize=3)
        axes.axhline(one.value, color=color, linewidth=1.0, label=f"{kind}: {one.value:.3f} ± {one.error:.2g}")
    axes.axhline(found.spectrum.dimension, color=INK, linewidth=0.8, linestyle=":",
                 label=f"Kaplan–Yorke: {found.spectrum.dimension:.3f}")  # fmt: skip
    axes.set(xlabel="size / extent of the attractor", ylabel="local slope", xscale="log")
    axes.set_ylim(0, 1.6 * max(axes.get_ylim()[1], 0.2))
    nothing = "" if found.correlation is None or found.correlation.value > 0 else f": {found.correlation.reason or 'a cycle'}"
    axes.set_title(f"dimension{nothing}")
    axes.legend(loc="upper right")


def _patterns(axes: Axes, found: Chaos) -> None:
    ordinal = found.permutation
    axes.bar(ordinal.patterns, ordinal.shares, color=ACCENT, width=1.0)
    axes.set(xlabel=f"orders of {ordinal.order} values in turn", ylabel="share",
             title=f"{ordinal.missing} orders never occur; entropy {ordinal.entropy:.3g}")  # fmt: skip
