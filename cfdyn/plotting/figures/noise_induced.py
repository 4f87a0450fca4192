"""The largest Lyapunov exponent over the size of noise, with its sign."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.noise.noise_induced import NoiseInduced
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, DASHED, INK, PALE, WARN, axis_label, map_title

LOOKS = {1: (WARN, "^", "neighbours part (λ > 0)"), -1: (ACCENT, "o", "neighbours meet (λ < 0)"), 0: (PALE, "s", "undecided")}


def draw(found: NoiseInduced) -> Figure:
    """λ with 3 standard errors at each value, and the one without noise."""
    with house_style():
        figure = new_figure(6.4, 3.6)
        axes = figure.subplots()
        axes.plot(found.values, found.exponents, color=PALE, linewidth=0.7, zorder=1)
        for sign, (color, mark, words) in LOOKS.items():
            own = (found.signs == sign) & np.isfinite(found.exponents)
            if own.any():
                axes.errorbar(found.values[own], found.exponents[own], 3 * found.errors[own], fmt=mark, color=color, markersize=4,
                              capsize=2, label=words)  # fmt: skip
        axes.axhline(0, color=INK, linewidth=0.7)
        if np.isfinite(found.without):
            axes.axhline(found.without, color=INK, linestyle=DASHED, linewidth=0.8, label=f"without noise, {found.without:.4g}")
        for kind in ("chaos", "order"):
            own = found.values[found.induced == kind]
            if len(own):
                color = WARN if kind == "chaos" else ACCENT
                axes.axvspan(own[0], own[-1], color=color, alpha=0.08, linewidth=0, label=f"noise-induced {kind}")
        if found.values[0] > 0 and found.values[-1] > 20 * found.values[0]:
            axes.set_xscale("log")
        axes.set(xlabel=axis_words(found.name), ylabel="largest exponent λ per step")
        axes.legend()
        axes.set_title(title(found.provenance["settings"], found.name))
    return figure


def title(settings: dict, name: str) -> str:
    """The map, without the value of what is varied."""
    return map_title(settings, [name] if name in settings["params"] else [], 95)


def axis_words(name: str) -> str:
    """What is varied, in words."""
    words = {"noise": "variance of the noise", "batch": "rows in a batch", "label_noise": "standard deviation of noise on labels",
             "repeat": "steps with each batch"}  # fmt: skip
    return words.get(name) or axis_label(name)
