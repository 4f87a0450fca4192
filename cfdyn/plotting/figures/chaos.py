"""Evidence for chaos: the attractor, the walk of the 0–1 test, exponents with their errors, and slopes of dimensions."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.invariants.chaos import Chaos
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK, PALE, WARN, axis_label, dots
from cfdyn.plotting.titles import map_title

MOST = 6  # exponents


def draw(chaos: Chaos) -> Figure:
    """Above: states, and the walk driven by them; below: exponents, and how dimensions depend on the size."""
    with house_style():
        figure = new_figure(7.4, 6.0)
        (states, walk), (exponents, last) = figure.subplots(2, 2)
        _states(states, chaos)
        walk.plot(*chaos.test.walk.T, color=PALE, linewidth=0.5)
        walk.plot(*chaos.test.walk[-1], "o", color=ACCENT, markersize=4)
        walk.set(xlabel="p", ylabel="q", title=f"0–1 test: K = {chaos.test.K:.3f}, {chaos.test.kind}", aspect="equal")
        _exponents(exponents, chaos)
        (_patterns if chaos.correlation is None else _slopes)(last, chaos)
        figure.suptitle(f"{map_title(chaos.provenance['settings'], (), 60)}: {chaos.kind}", fontsize=9.5)
    return figure


def _states(axes: Axes, chaos: Chaos) -> None:
    if len(chaos.names) > 1:
        x, y = chaos.states[:, 0], chaos.states[:, 1]
        axes.set(xlabel=axis_label(chaos.names[0]), ylabel=axis_label(chaos.names[1]))
    else:
        x, y = chaos.states[:-1, 0], chaos.states[1:, 0]
        axes.set(xlabel=f"{axis_label(chaos.names[0])} now", ylabel="one step later")
    dots(axes, x, y, color=INK, markersize=1.6)
    axes.set_title("the attractor")


def _exponents(axes: Axes, chaos: Chaos) -> None:
    values, errors = chaos.spectrum.exponents[:MOST], chaos.spectrum.errors[:MOST]
    shown = np.isfinite(values)
    place = np.arange(1, len(values) + 1)
    axes.axhline(0, color=PALE, linewidth=0.8)
    axes.errorbar(place[shown], values[shown], 2 * np.nan_to_num(errors[shown]), fmt="o", color=ACCENT, markersize=4, capsize=3)
    axes.set(xlabel="the first, second, …", ylabel="per step", xticks=place, xlim=(0.5, len(values) + 0.5))
    first = f"{values[0]:.4g} ± {errors[0]:.1g}" if shown[0] else "−∞"
    axes.set_title(f"exponents (bars: 2 errors): {first}")
    axes.margins(y=0.2)


def _slopes(axes: Axes, chaos: Chaos) -> None:
    for kind, one, color in (("pairs", chaos.correlation, ACCENT), ("boxes", chaos.box, WARN)):
        if one is None or len(one.sizes) < 2:
            continue
        slopes = np.abs(np.diff(np.log(one.counts)) / np.diff(np.log(one.sizes)))
        inside = (one.sizes[1:] >= one.fitted[1]) & (one.sizes[1:] <= one.fitted[0])
        axes.plot(np.sqrt(one.sizes[1:] * one.sizes[:-1])[inside], slopes[inside], "o", color=color, markersize=3)
        axes.axhline(one.value, color=color, linewidth=1.0, label=f"{kind}: {one.value:.3f} ± {one.error:.2g}")
    axes.axhline(chaos.spectrum.dimension, color=INK, linewidth=0.8, linestyle=":",
                 label=f"Kaplan–Yorke: {chaos.spectrum.dimension:.3f}")  # fmt: skip
    axes.set(xlabel="size / extent of the attractor", ylabel="local slope", xscale="log")
    axes.set_ylim(0, 1.6 * max(axes.get_ylim()[1], 0.2))
    nothing = "" if chaos.correlation is None or chaos.correlation.value > 0 else f": {chaos.correlation.reason or 'a cycle'}"
    axes.set_title(f"dimension{nothing}")
    axes.legend(loc="upper right")


def _patterns(axes: Axes, chaos: Chaos) -> None:
    ordinal = chaos.permutation
    axes.bar(ordinal.patterns, ordinal.shares, color=ACCENT, width=1.0)
    axes.set(xlabel=f"orders of {ordinal.order} values in turn", ylabel="share",
             title=f"{ordinal.missing} orders never occur; entropy {ordinal.entropy:.3g}")  # fmt: skip
