"""The largest Lyapunov exponent over the size of noise, with its sign."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.noise.noise_induced import NoiseInduced
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, DASHED, INK, PALE, WARN, axis_label
from cfdyn.plotting.titles import map_title

LOOKS = {1: (WARN, "^", "neighbouring orbits separate (λ > 0)"), -1: (ACCENT, "o", "neighbouring orbits converge (λ < 0)"),
         0: (PALE, "s", "undecided")}


def draw(induced: NoiseInduced) -> Figure:
    """λ with 3 standard errors at each value, and the one without noise."""
    with house_style():
        figure = new_figure(6.4, 3.6)
        axes = figure.subplots()
        axes.plot(induced.values, induced.exponents, color=PALE, linewidth=0.7, zorder=1)
        for sign, (color, mark, words) in LOOKS.items():
            own = (induced.signs == sign) & np.isfinite(induced.exponents)
            if own.any():
                axes.errorbar(induced.values[own], induced.exponents[own], 3 * induced.errors[own], fmt=mark, color=color,
                              markersize=4, capsize=2, label=words)  # fmt: skip
        axes.axhline(0, color=INK, linewidth=0.7)
        if np.isfinite(induced.without):
            axes.axhline(
                induced.without, color=INK, linestyle=DASHED, linewidth=0.8, label=f"without noise, {induced.without:.4g}"
            )
        for kind in ("chaos", "order"):
            own = induced.values[induced.induced == kind]
            if len(own):
                color = WARN if kind == "chaos" else ACCENT
                axes.axvspan(own[0], own[-1], color=color, alpha=0.08, linewidth=0, label=f"noise-induced {kind}")
        if induced.values[0] > 0 and induced.values[-1] > 20 * induced.values[0]:
            axes.set_xscale("log")
        axes.set(xlabel=axis_words(induced.name), ylabel="largest exponent λ per step")
        axes.legend()
        axes.set_title(title(induced.provenance["settings"], induced.name))
    return figure


def title(settings: dict, name: str) -> str:
    """The map, without the value of the varied parameter."""
    return map_title(settings, [name] if name in settings["params"] else [], 95)


def axis_words(name: str) -> str:
    """The varied quantity, in words."""
    words = {"noise": "variance of the noise", "batch": "rows in a batch", "label_noise": "standard deviation of noise on labels",
             "repeat": "steps with each batch"}  # fmt: skip
    return words.get(name) or axis_label(name)
