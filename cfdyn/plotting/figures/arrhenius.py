"""Mean escape times over the inverse of the noise, with the line and its slopes between neighbours."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.noise.arrhenius import Arrhenius
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK, WARN


def draw(arrhenius: Arrhenius) -> Figure:
    """Left: ln τ over 1/T with the fit; right: local slopes and the fitted one."""
    with house_style():
        figure = new_figure(7.4, 3.2)
        left, right = figure.subplots(1, 2)
        x = 1 / arrhenius.sizes
        left.errorbar(
            x, arrhenius.means, np.expm1(2 * arrhenius.errors) * arrhenius.means, fmt="o", color=INK, markersize=3.5, capsize=2
        )
        line = np.linspace(x.min(), x.max(), 50)
        words = f"slope {arrhenius.slope:.4g} ({arrhenius.low:.4g} to {arrhenius.high:.4g})"
        left.plot(line, np.exp(arrhenius.intercept + arrhenius.slope * line), color=ACCENT, label=words)
        left.set(xlabel="1 / size of the noise", ylabel="mean escape time (steps)", yscale="log")
        left.legend(loc="upper left")
        middle = (x[1:] + x[:-1]) / 2
        right.errorbar(middle, arrhenius.local, 2 * arrhenius.local_errors, fmt="o", color=INK, markersize=3.5, capsize=2,
                       label="between neighbours, ± 2 standard errors")  # fmt: skip
        right.axhspan(arrhenius.low, arrhenius.high, color=ACCENT, alpha=0.25, linewidth=0, label="fitted, 95 %")
        right.set(xlabel="1 / size of the noise", ylabel="slope")
        if arrhenius.p_value < 0.01:
            words = f"no straight line: p = {arrhenius.p_value:.1g}"
            right.annotate(words, (0.03, 0.04), xycoords="axes fraction", color=WARN, fontsize=7.5)
        right.legend(loc="best")
    return figure
