"""Lyapunov exponents of a random map: each with its error, and those of single runs."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.random_lyapunov import RandomLyapunov
from cfdyn.plotting.style import ACCENT, INK, PALE, WARN, house_style, new_figure
from cfdyn.words import shortened

MOST = 2000  # runs that are drawn


def draw(found: RandomLyapunov) -> Figure:
    """A column of runs for each exponent, and the mean with 3 standard errors."""
    with house_style():
        figure = new_figure(6.4, 3.6)
        axes = figure.subplots()
        place = np.arange(1, len(found.exponents) + 1)
        runs = found.of_runs[:MOST]
        # Spread evenly, in an order that has nothing to do with their numbers.
        aside = (np.arange(len(runs)) * 0.618034 % 1 - 0.5) * 0.5
        across, words = place + aside[:, None], f"one run of {found.steps} steps"
        axes.plot(across.ravel(), runs.ravel(), ".", color=PALE, markersize=3, label=words)
        axes.errorbar(place, found.exponents, 3 * found.errors, fmt="_", color=ACCENT, markersize=22, capsize=5,
                      label=f"mean of {found.runs} runs ± 3 standard errors")  # fmt: skip
        axes.axhline(0, color=WARN, linewidth=0.7)
        for x, value, error in zip(place, found.exponents, found.errors, strict=True):
            axes.annotate(f"{value:.4g} ± {error:.1g}", (x + 0.3, value), fontsize=7.5, color=INK, va="center")
        axes.set(xticks=place, xlabel="exponent", ylabel="per step", xlim=(0.5, len(place) + 0.75))
        axes.legend(loc="best")
        figure.suptitle(shortened(found.provenance["settings"]["random"], 110), fontsize=9)
    return figure
