"""A Lyapunov spectrum: each exponent with its error, and the sums whose zero is Kaplan and Yorke's dimension."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cfdyn.analysis.invariants.lyapunov_spectrum import LyapunovSpectrum
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, PALE, WARN
from cfdyn.plotting.titles import map_title

WORDED = 8  # exponents whose numbers have room


def draw(spectrum: LyapunovSpectrum) -> Figure:
    """Exponents with 3 standard errors; the first sums as a line, which crosses 0 at the dimension."""
    with house_style():
        figure = new_figure(6.4, 3.4)
        axes = figure.subplots()
        finite = np.isfinite(spectrum.exponents)
        place, values = np.arange(1, len(finite) + 1), np.where(finite, spectrum.exponents, np.nan)
        sums = np.concatenate([[0.0], np.cumsum(values)])
        axes.plot(np.arange(len(sums)), sums, "-", color=PALE, linewidth=0.9, label="sum of the first")
        axes.errorbar(place, values, 3 * np.nan_to_num(spectrum.errors), fmt="_", color=ACCENT, markersize=18, capsize=5,
                      label="exponent ± 3 standard errors")  # fmt: skip
        axes.axhline(0, color=WARN, linewidth=0.7)
        if 0 < spectrum.dimension < len(finite):
            axes.plot([spectrum.dimension], [0], "o", color=WARN, markersize=4, label=f"dimension {spectrum.dimension:.4g}")
        per = "per step" if spectrum.unit == "step" else "per unit of time"
        axes.set(xlabel="exponent", ylabel=per, xlim=(-0.2, len(place) + 0.5))
        if len(place) <= WORDED:
            words = zip(place.tolist(), spectrum.exponents, spectrum.errors, strict=True)
            axes.set_xticks(place, [f"{k}\n{value:.3g}\n± {error:.1g}" for k, value, error in words])
        else:
            axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
        axes.legend(loc="best")
        axes.set_title(map_title(spectrum.provenance["settings"], (), 80))
    return figure
