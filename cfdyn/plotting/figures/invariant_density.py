"""The invariant density of a random map."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.noise.invariant_density import InvariantDensity
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import legend_below
from cfdyn.plotting.style import ACCENT, INK, axis_label
from cfdyn.plotting.titles import typeset


def draw(density: InvariantDensity) -> Figure:
    """The density with two standard errors on either side."""
    with house_style():
        figure = new_figure(6.4, 3.4)
        axes = figure.subplots()
        low, high = np.maximum(density.density - 2 * density.errors, 0), density.density + 2 * density.errors
        axes.fill_between(
            density.centres, low, high, step="mid", color=ACCENT, alpha=0.3, linewidth=0, label="± 2 standard errors"
        )
        axes.stairs(density.density, density.edges, color=ACCENT, label=f"{density.runs} runs of {density.steps} steps")
        axes.set(xlabel=axis_label(density.name), ylabel="density", xlim=(density.edges[0], density.edges[-1]), ylim=(0, None))
        words = (
            f"mean {density.mean:.4g} ± {density.mean_error:.1g}\nvariance {density.variance:.4g} ± {density.variance_error:.1g}"
        )
        words += f"\n{100 * density.beyond:.2g} % beyond" if density.beyond > 0 else ""
        words += f"\nstill drifting: {density.drift:.1f} errors" if density.drift > 4 else ""
        axes.annotate(words, (0.01, 0.98), xycoords="axes fraction", va="top", fontsize=7.5, color=INK)
        legend_below(figure, 6.4, *axes.get_legend_handles_labels())
        figure.suptitle(typeset(density.provenance["settings"]["random"]), fontsize=9)
    return figure
