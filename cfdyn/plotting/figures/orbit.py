"""An orbit over time: its coordinates, and, if defined, the loss and λ₁(P⁻¹H) against its edge."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.training.hovering import hovering_or_why
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.figures.hovering import draw_hovering
from cfdyn.plotting.style import ACCENT, INK, WARN, clip_range, symbol
from cfdyn.plotting.titles import map_title
from cfdyn.systems.orbit import Orbit

AWAY = 1e3  # times the edge, beyond which a linear scale would show neither


def draw(orbit: Orbit) -> Figure:
    """Weights against time above, loss (or the state, for a plain map) below, and λ₁(P⁻¹H) if the optimizer has a P."""
    held = hovering_or_why(orbit)[0]
    with house_style():
        figure = new_figure(6.0, 4.2 if held is None else 6.0)
        top, bottom, *last = figure.subplots(2 if held is None else 3, 1, sharex=True)
        t = np.arange(len(orbit.z))
        for k, name in enumerate(orbit.names[: orbit.n_weights][:6]):
            top.plot(t, orbit.z[:, k].astype(float), ".-", markersize=2, linewidth=0.5, label=symbol(name))
        top.set_ylabel("state")
        top.legend(ncols=3, loc="upper right")
        if orbit._step is not None and orbit._step.has_loss:
            draw_loss(bottom, orbit.loss)
        else:
            jump = np.linalg.norm(np.diff(orbit.z.astype(float), axis=0), axis=1)
            bottom.semilogy(t[1:], np.maximum(jump, 1e-300), color=INK, linewidth=0.6)
            bottom.set_ylabel("|step|")
        bottom.set_xlabel("step" if held is None else "")
        if held is not None:
            draw_hovering(last[0], held, orbit.preconditioned_sharpness)
        ended = "" if orbit.status == "done" else f"   ·   {orbit.status}"
        figure.suptitle(map_title(orbit.provenance.get("settings", {})) + ended, fontsize=9)
    return figure


def draw_loss(axes: Axes, loss: np.ndarray) -> None:
    """Loss, on a logarithmic axis if it spans decades."""
    finite = loss[np.isfinite(loss)]
    positive = finite[finite > 0]
    if len(positive) and finite.min() >= 0 and positive.max() > 50 * positive.min():
        axes.set_yscale("log")
    else:
        clip_range(axes, loss)
    _dots(axes, np.arange(len(loss)), loss, ACCENT)
    axes.set(xlabel="step", ylabel="loss")


def draw_sharpness(axes: Axes, sharpness: np.ndarray, threshold: float | None) -> None:
    """Sharpness along the orbit against the threshold of the optimizer's edge; on a logarithmic axis if it diverges."""
    _dots(axes, np.arange(len(sharpness)), sharpness, INK)
    finite = sharpness[np.isfinite(sharpness)]
    usual = threshold or float(np.median(np.abs(finite))) if len(finite) else 0.0
    runs_away = usual > 0 and np.abs(finite).max() > AWAY * usual
    shown = list(sharpness)
    if threshold is not None:
        axes.axhline(threshold, color=WARN, linestyle="--", linewidth=0.9)
        shown += [threshold] * max(1, len(shown) // 50)
    if runs_away and finite.min() > 0:
        axes.set_yscale("log")
    elif runs_away:
        axes.set_yscale("symlog", linthresh=usual)
    else:
        clip_range(axes, shown)
    axes.set(xlabel="step", ylabel="sharpness λ₁")
    if threshold is not None:
        axes.set_title(f"edge (dashed) at sharpness {threshold:.4g}")


def _dots(axes: Axes, t: np.ndarray, values: np.ndarray, colour: str) -> None:
    """Dots for the values, a faint line for their order."""
    axes.plot(t, values, "-", color=colour, linewidth=0.4, alpha=0.3)
    axes.plot(t, values, ".", color=colour, markersize=2.2)
