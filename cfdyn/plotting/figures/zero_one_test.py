"""The 0–1 test: K over the angles, and the walk driven by the series."""

from matplotlib.figure import Figure

from cfdyn.analysis.invariants.zero_one_test import ZeroOneTest
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK, PALE, dots


def draw(test: ZeroOneTest) -> Figure:
    """Left: K_c over c, its median and quartiles; right: the walk at the angle whose K_c is the median."""
    with house_style():
        figure = new_figure(7.4, 3.2)
        left, right = figure.subplots(1, 2)
        left.axhspan(test.low, test.high, color=ACCENT, alpha=0.15, linewidth=0, label="quartiles")
        dots(left, test.angles, test.values, color=INK, markersize=4, label="K at one angle")
        left.axhline(test.K, color=ACCENT, linewidth=1.0, label=f"median K = {test.K:.3f}")
        left.set(xlabel="angle c", ylabel="K", ylim=(min(-0.3, test.values.min()), 1.1))
        left.legend(loc="center right")
        right.plot(*test.walk.T, color=PALE, linewidth=0.5)
        right.plot(*test.walk[-1], "o", color=ACCENT, markersize=4)
        right.set(xlabel="p", ylabel="q", title=f"the walk: {test.kind}", aspect="equal")
    return figure
