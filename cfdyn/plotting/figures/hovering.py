"""λ₁(P⁻¹H) of an optimizer's orbit against its edge."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.training.hovering import Hovering
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import INK, clip_range, dots

WIDE = 30  # times: what a linear axis does not show


def draw(hovering: Hovering) -> Figure:
    """λ₁(P⁻¹H) at the averaged weights over time, and θ."""
    with house_style():
        figure = new_figure(7.4, 2.8)
        draw_hovering(figure.subplots(), hovering)
    return figure


def draw_hovering(axes: Axes, hovering: Hovering, iterates: np.ndarray | None = None) -> None:
    """The same on some axes; ``iterates`` (n+1,): λ₁(P⁻¹H) at the iterates, as dots; shaded from where it hovers."""
    if iterates is not None:
        dots(axes, np.arange(len(iterates)), iterates, label="iterates")
    axes.plot(hovering.t, hovering.sharpness, color=INK, linewidth=1.0, zorder=2, label="averaged iterates")
    axes.plot(hovering.t, hovering.theta, color=INK, linestyle="--", linewidth=0.8, zorder=4, label=_edge(hovering))
    if hovering.kind == "hovers" and hovering.since is not None:
        axes.axvspan(hovering.since, hovering.t[-1], color=INK, alpha=0.05, linewidth=0)
    shown = np.concatenate([hovering.sharpness, hovering.theta])
    shown = shown[np.isfinite(shown)]
    if len(shown) and shown.min() > 0 and shown.max() > WIDE * np.median(hovering.sharpness):
        axes.set_yscale("log")
    else:
        clip_range(axes, shown)
    if iterates is not None:
        axes.lines[0].set_label(_among(iterates, *axes.get_ylim()))
    axes.set(xlabel="step", ylabel="λ₁(P⁻¹H)")
    axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(-0.01, 1.0), borderaxespad=0.1)


def _among(iterates: np.ndarray, lo: float, hi: float) -> str:
    """The name of the iterates: the axis shows the averages, from which they may be far away on both sides of a minimum."""
    finite = iterates[np.isfinite(iterates)]
    beyond = float(((finite < lo) | (finite > hi)).mean()) if len(finite) else 0.0
    return f"iterates ({100 * beyond:.2g} % are beyond)" if beyond > 0 else "iterates"


def _edge(hovering: Hovering) -> str:
    """The name of the edge in a legend."""
    if not len(hovering.theta):
        return "edge θ"
    moves = np.ptp(hovering.theta) > 1e-9 * abs(hovering.theta[-1])
    return f"edge θ, {hovering.theta[-1]:.4g} at the end" if moves else f"edge θ = {hovering.theta[-1]:.4g}"
