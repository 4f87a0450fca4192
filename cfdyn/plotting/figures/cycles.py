"""Cycles: in the cobweb of a map of one variable, or in the plane of the first two coordinates."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from cfdyn.analysis.bifurcations.cycles import Cycles
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import DASHED, FAINT, INK, REGIMES, WARN, axis_label
from cfdyn.plotting.titles import map_title
from cfdyn.words import STABILITY

MOST = 40  # cycles drawn; more are a grey surface
SAMPLES = 1601
COLOURS = ("#1f5fa8", "#c2412d", "#2f8f6b", "#8a4fa3", "#c98a1b", "#3b97b5", "#7a5c3e", "#5b6470")
Pair = tuple[np.ndarray, np.ndarray]
LINES: dict[bool | None, Any] = {True: "-", False: DASHED, None: (0, (1, 1.2))}


def draw(cycles: Cycles) -> Figure:
    """Graph, diagonal and cobwebs, or the points with their order; unstable cycles dashed."""
    with house_style():
        figure = new_figure(4.6, 4.6)
        axes = figure.subplots()
        names = cycles.provenance["settings"]["names"]
        (_cobwebs if cycles.box.shape[0] == 1 else _plane)(axes, cycles, names)
        axes.set_title(_title(cycles), fontsize=8.5)
        _legend(axes, cycles)
    return figure


def _cobwebs(axes: Axes, cycles: Cycles, names: list[str]) -> None:
    """y = f(x), y = x, and between them the cycles."""
    lo, hi = _range(cycles)
    axes.plot([lo, hi], [lo, hi], color=FAINT, linewidth=0.8)
    if cycles._step is not None:
        x = np.linspace(lo, hi, SAMPLES)
        y = np.array([cycles._step([value])[0] for value in x])
        axes.plot(x, _with_gaps(y, hi - lo), color=INK, linewidth=1.2)
    for place, cycle in enumerate(cycles[:MOST]):
        x = cycle.points[:, 0]
        corners = np.repeat(np.append(x, x[0]), 2)
        _draw_cycle(axes, place, cycle.stable, (corners[:-1], corners[1:]), (x, np.roll(x, -1)), 0.9)
    axes.set(xlim=(lo, hi), ylim=(lo, hi), xlabel=axis_label(names[0]), ylabel=f"next {axis_label(names[0])}", aspect="equal")


def _draw_cycle(axes: Axes, place: int, stable: bool | None, line: Pair, points: Pair, width: float) -> None:
    """The line along a cycle, and its points: filled where it is stable."""
    colour = COLOURS[place % len(COLOURS)]
    axes.plot(*line, linestyle=LINES[stable], color=colour, linewidth=width)
    axes.plot(*points, "o", markersize=3.6, color=colour, markerfacecolor=colour if stable else "white", zorder=3)


def _range(cycles: Cycles) -> tuple[float, float]:
    """All points with a margin, or the box if there are none."""
    points = cycles.points[:, :, 0]
    lo, hi = (points.min(), points.max()) if points.size else np.clip(cycles.box[0], -10, 10)
    margin = 0.12 * (hi - lo) or 0.5 * max(1.0, abs(hi))
    return float(lo - margin), float(hi + margin)


def _with_gaps(y: np.ndarray, height: float) -> np.ndarray:
    """The graph without the lines that join both sides of a pole."""
    y = np.where(np.isfinite(y), y, np.nan)
    with np.errstate(invalid="ignore"):
        y[:-1][np.abs(np.diff(y)) > height] = np.nan
    return y


def _plane(axes: Axes, cycles: Cycles, names: list[str]) -> None:
    """The points of each cycle, joined in their order."""
    for place, cycle in enumerate(cycles[:MOST]):
        closed = np.append(cycle.points[:, 0], cycle.points[0, 0]), np.append(cycle.points[:, 1], cycle.points[0, 1])
        _draw_cycle(axes, place, cycle.stable, closed, closed, 0.8)
    for lo, hi in (tuple(box[:2].T) for box in cycles.undecided if np.isfinite(box).all()):
        axes.add_patch(Rectangle(tuple(lo), *(hi - lo), facecolor=REGIMES["period 3"], edgecolor=WARN, linewidth=0.5))
    axes.set(xlabel=axis_label(names[0]), ylabel=axis_label(names[1]))
    axes.margins(0.08)


def _legend(axes: Axes, cycles: Cycles) -> None:
    """One entry for each kind of stability that occurs."""
    kinds = [kind for kind in STABILITY if any(cycle.stable is kind for cycle in cycles[:MOST])]
    handles = [Line2D([], [], color=INK, linestyle=LINES[kind], marker="o", markersize=3.6,
                      markerfacecolor=INK if kind else "white", label=STABILITY[kind]) for kind in kinds]  # fmt: skip
    if handles:
        axes.legend(handles=handles, loc="best")


def _title(cycles: Cycles) -> str:
    what = "fixed point" if cycles.period == 1 else "cycle"
    count = f"{len(cycles)} {what}{'' if len(cycles) == 1 else 's'}" + (f" of period {cycles.period}" * (cycles.period > 1))
    shown = f", {MOST} drawn" if len(cycles) > MOST else ""
    return f"{map_title(cycles.provenance['settings'], (), 48)}\n{count}{'' if cycles.complete else ' found'}{shown}"
