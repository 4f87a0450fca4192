"""Lyapunov exponents of a random map: each with its error, and those of single runs."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cfdyn.analysis.noise.random_lyapunov import RandomLyapunov
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, PALE, WARN
from cfdyn.plotting.titles import typeset

MOST, WORDED = 2000, 8  # runs that are drawn; exponents whose numbers have room


def draw(exponents: RandomLyapunov) -> Figure:
    """A column of runs for each exponent, and the mean with 3 standard errors."""
    with house_style():
        figure = new_figure(6.4, 3.6)
        axes = figure.subplots()
        place = np.arange(1, len(exponents.exponents) + 1)
        runs = exponents.of_runs[:MOST]
        # Spread evenly, in an order unrelated to their values.
        aside = (np.arange(len(runs)) * 0.618034 % 1 - 0.5) * 0.5
        across, words = place + aside[:, None], f"one run of {exponents.steps} steps"
        axes.plot(across.ravel(), runs.ravel(), ".", color=PALE, markersize=3, label=words)
        axes.errorbar(place, exponents.exponents, 3 * exponents.errors, fmt="_", color=ACCENT, markersize=22, capsize=5,
                      label=f"mean of {exponents.runs} runs ± 3 standard errors")  # fmt: skip
        axes.axhline(0, color=WARN, linewidth=0.7)
        axes.set(xlabel="exponent", ylabel="per step", xlim=(0.5, len(place) + 0.5))
        if len(place) <= WORDED:
            # Below the axis, where numbers of exponents that are nearly equal do not meet.
            values = zip(place.tolist(), exponents.exponents, exponents.errors, strict=True)
            axes.set_xticks(place, [f"{k}\n{value:.3g}\n± {error:.1g}" for k, value, error in values])
        else:
            axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
        axes.legend(loc="best")
        figure.suptitle(typeset(exponents.provenance["settings"]["random"]), fontsize=9)
    return figure
