"""Covariant Lyapunov vectors: where expanding and contracting directions nearly agree, and how often."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.invariants.covariant_vectors import CovariantVectors
from cfdyn.errors import UsageError
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, PALE, WARN, axis_label, every
from cfdyn.plotting.titles import map_title

ARROWS, MOST, BINS = 60, 20_000, 60  # states with their vectors; states at most


def draw(vectors: CovariantVectors) -> Figure:
    """Left: states with their first vector and their last one; right: the distribution of the angle between both sides."""
    if vectors.states.shape[1] < 2:
        raise UsageError("vectors of one variable have no direction that could be drawn")
    with house_style():
        figure = new_figure(7.6, 3.6)
        left, right = figure.subplots(1, 2)
        kept = every(len(vectors.states), MOST)
        left.plot(*vectors.states[kept, :2].T, ".", color=PALE, markersize=1.2, rasterized=True)
        some = every(len(vectors.states), ARROWS)
        for k, color in ((0, WARN), (-1, ACCENT)):
            label = f"{'first' if k == 0 else 'last'} vector, exponent {vectors.exponents[k]:.3g} per step"
            left.quiver(*vectors.states[some, :2].T, *vectors.vectors[some, k, :2].T, color=color, width=0.004, headwidth=1,
                        headlength=0, headaxislength=0, pivot="mid", scale=18, angles="xy", zorder=3, label=label)  # fmt: skip
        left.set(xlabel=axis_label(vectors.names[0]), ylabel=axis_label(vectors.names[1]))
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14))
        degrees = np.degrees(vectors.angles[np.isfinite(vectors.angles)])
        right.hist(degrees, BINS, range=(0, 90), density=True, color=ACCENT)
        least = f"; smallest angle {degrees.min():.3g}°" if len(degrees) else ""
        right.set(xlabel="angle between both, degrees", ylabel="density", xlim=(0, 90))
        right.set_title(f"{len(degrees)} states{least}")
        figure.suptitle(map_title(vectors.provenance["settings"], (), 60), fontsize=9.5)
    return figure
