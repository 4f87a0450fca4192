"""The growth of the number of itineraries of laps, and the bounds of the entropy."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.invariants.topological_entropy import TopologicalEntropy
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK, PALE
from cfdyn.plotting.titles import map_title


def draw(entropy: TopologicalEntropy) -> Figure:
    """(1/n) ln of the number of itineraries of length n, ln of the growth from one n to the next, and h between its bounds."""
    with house_style():
        figure = new_figure(5.2, 3.4)
        axes, words = figure.subplots(), entropy.words[entropy.words > 0]
        n = np.arange(1, len(words) + 1)
        axes.plot(n, np.log(words) / n, "o", color=INK, markersize=3.5, label="(1/n) ln(laps of fⁿ)")
        axes.plot(n[1:], np.diff(np.log(words)), "x", color=PALE, markersize=4, label="ln(laps of fⁿ / laps of fⁿ⁻¹)")
        top = entropy.upper if np.isfinite(entropy.upper) else axes.get_ylim()[1]
        axes.axhspan(entropy.lower, top, color=ACCENT, alpha=0.25, linewidth=0)
        text = (
            f"h = {entropy.lower:.7g}"
            if entropy.upper - entropy.lower < 1e-6
            else f"{entropy.lower:.4g} ≤ h ≤ {entropy.upper:.4g}"
        )
        axes.axhline(entropy.lower, color=ACCENT, linewidth=0.9, label=text)
        axes.set(xlabel="n", ylabel="per step", ylim=(min(entropy.lower - 0.1, 0.9 * entropy.lower), None))
        axes.legend()
        axes.set_title(map_title(entropy.provenance["settings"], [], 70))
    return figure
