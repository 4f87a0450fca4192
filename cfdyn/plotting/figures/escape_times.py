"""Escape times: how many runs are still inside, and an exponential with the same mean."""

import numpy as np
from matplotlib.figure import Figure

from cfdyn.analysis.noise.escape_times import EscapeTimes
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK, WARN
from cfdyn.plotting.titles import typeset


def draw(escapes: EscapeTimes) -> Figure:
    """Kaplan and Meier's estimate with two standard errors; censored runs end it."""
    with house_style():
        figure = new_figure(6.4, 3.4)
        axes = figure.subplots()
        left = int((escapes.times == 0).sum())
        last = escapes.steps if left else escapes.t[-1]
        t, survival, error = (np.append(values, values[-1]) for values in (escapes.t, escapes.survival, escapes.error))
        t[-1] = last
        floor = 0.4 * float(survival[survival > 0].min())
        shown = np.where(survival > 0, survival, np.nan)
        axes.fill_between(t, np.maximum(survival - 2 * error, floor), np.maximum(survival + 2 * error, floor), step="post",
                          color=ACCENT, alpha=0.25, linewidth=0, label="± 2 standard errors")  # fmt: skip
        axes.step(t, shown, where="post", color=ACCENT, label=f"of {len(escapes.times)} runs; {left} have not escaped at the end")
        if escapes.escaped:
            grid = np.linspace(0, last, 200)
            axes.plot(grid, np.exp(-grid / escapes.mean), color=INK, linewidth=0.8, linestyle="--",
                      label=f"constant chance, mean {escapes.mean:.5g} ({escapes.low:.5g} to {escapes.high:.5g})")  # fmt: skip
        if not escapes.exponential:
            axes.annotate(f"the escape rate changes with time, p = {escapes.p_value:.1g}", (0.98, 0.94), color=WARN,
                          xycoords="axes fraction", fontsize=7.5, ha="right")  # fmt: skip
        axes.set(yscale="log", ylim=(floor, 1.2), xlim=(0, last), xlabel="time (steps)", ylabel=f"not yet {escapes.outside}")
        axes.legend(loc="lower left")
        figure.suptitle(typeset(escapes.provenance["settings"]["random"]), fontsize=9)
    return figure
