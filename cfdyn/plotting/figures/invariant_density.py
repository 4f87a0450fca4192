"""The invariant density of a random map."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.noise.invariant_density import InvariantDensity
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import legend_below
from cfdyn.plotting.style import ACCENT, INK, axis_label
from cfdyn.words import shortened


def draw(found: InvariantDensity) -> Figure:
    """The density with two standard errors on either side."""
    with house_style():
        figure = new_figure(6.4, 3.4)
        axes = figure.subplots()
        low, high = np.maximum(found.density - 2 * found.errors, 0), found.density + 2 * found.errors
        axes.fill_between(found.centres, low, high, step="mid", color=ACCENT, alpha=0.3, linewidth=0, label="± 2 standard errors")
        axes.stairs(found.density, found.edges, color=ACCENT, label=f"{found.runs} runs of {found.steps} steps")
        axes.set(xlabel=axis_label(found.name), ylabel="density", xlim=(found.edges[0], found.edges[-1]), ylim=(0, None))
        words = f"mean {found.mean:.4g} ± {found.mean_error:.1g}\nvariance {found.variance:.4g} ± {found.variance_error:.1g}"
        words += f"\n{100 * found.beyond:.2g} % beyond" if found.beyond > 0 else ""
        words += f"\nstill drifting: {found.drift:.1f} errors" if found.drift > 4 else ""
        axes.annotate(words, (0.01, 0.98), xycoords="axes fraction", va="top", fontsize=7.5, color=INK)
        legend_below(figure, 6.4, *axes.get_legend_handles_labels())
        figure.suptitle(shortened(found.provenance["settings"]["random"], 110), fontsize=9)
    return figure
