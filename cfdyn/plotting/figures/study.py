"""A study on one page: the orbit, regimes over the learning rate, loss, sharpness."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.figures.bands import draw_bands
from cfdyn.plotting.figures.hovering import draw_hovering
from cfdyn.plotting.figures.orbit import draw_loss, draw_sharpness
from cfdyn.plotting.panels import legend_below
from cfdyn.plotting.style import ACCENT, FAINT, INK, WARN, axis_label
from cfdyn.plotting.titles import loss_title, optimizer_title, values
from cfdyn.studies.landmarks import landmarks
from cfdyn.studies.study import Study
from cfdyn.words import called

WIDTH, MOST_MARKS = 7.4, 24
BACKED = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.0}
ENOUGH, LONGEST = 60, 16  # steps that suffice if it repeats; and the longest period that is searched for


def draw(study: Study) -> Figure:
    """Four panels: cobweb or plane, regimes over lr, loss, sharpness against the edge; below λ₁(P⁻¹H), if P changes."""
    held = study.hovering if study.hovering is not None and study.hovering.moving else None
    with house_style():
        figure = new_figure(WIDTH, 5.6 if held is None else 7.6)
        grid = figure.add_gridspec(2 if held is None else 3, 2)
        panels = np.array([[figure.add_subplot(grid[i, j]) for j in range(2)] for i in range(2)])
        if study.landscape.kind == "graph":
            _draw_cobweb(panels[0, 0], study)
        else:
            _draw_plane(panels[0, 0], study)
        edge = None if study.edge is None else study.edge.value
        marks = _mark_landmarks(panels[0, 1], study)
        handles = draw_bands(panels[0, 1], study.bands, at=study.lr, edge=edge)
        entries = [*handles, *marks]
        if entries:
            legend_below(figure, WIDTH, entries, [str(entry.get_label()) for entry in entries])
        panels[0, 1].set_title(_lines(edge, *panels[0, 1].get_xlim()), pad=9)
        threshold = None if edge is None or held is not None else edge * study.minima[0].sharpness / study.lr
        told = max(telling(study.loss), telling(study.sharpness))
        draw_loss(panels[1, 0], study.loss[:told])
        draw_sharpness(panels[1, 1], study.sharpness[:told], threshold)
        for axes in panels[1] if told < len(study.loss) else ():
            axes.set_xlabel(f"step (later ones, to {len(study.loss) - 1}, repeat)")
        if held is not None:
            draw_hovering(figure.add_subplot(grid[2, :]), held)
        figure.suptitle(_title(study), fontsize=9.5)
    return figure


def _mark_landmarks(axes: Axes, study: Study) -> list[Line2D]:
    """Small marks above the regimes: flips of the doublings and births of 3-cycles; returns one of each kind, for the legend."""
    doubled = study.cascade.flips[1:] if study.cascade is not None else []
    rows = [row for row in landmarks(study) if row.what.startswith("fold") or row.value in doubled]
    style: dict[str, Any] = {"color": WARN, "markersize": 3.2, "linestyle": "none"}
    drawn = {}
    for row in rows if len(rows) <= MOST_MARKS else ():
        mark, label = ("^", "3-cycles are born") if row.what.startswith("fold") else ("v", "doubling")
        axes.plot(row.value, 1.015, mark, clip_on=False, transform=axes.get_xaxis_transform(), **style)
        drawn[mark] = Line2D([], [], marker=mark, label=label, **style)
    return [drawn[mark] for mark in sorted(drawn, reverse=True)]


def telling(values: np.ndarray) -> int:
    """How many values of a series represent all of it: later ones repeat its last period, to a hundredth of the range.

    >>> telling(np.tile([1.0, 2.0, 3.0], 100)), telling(np.arange(300.0)), telling(np.ones(2))
    (60, 300, 2)
    """
    n, positive = len(values), values[values > 0]
    series = np.asarray(values, float)
    if len(positive) and series.min() >= 0 and positive.max() > 50 * positive.min():
        series = np.log(np.maximum(series, positive.min()))
    same = 0.01 * float(np.ptp(series)) if np.isfinite(series).all() else 0.0
    for period in range(1, min(LONGEST, n) + 1):
        last = series[n - period :]
        moved = np.flatnonzero(~(np.abs(series - last[(np.arange(n) - n) % period]) <= same))
        end = max(ENOUGH, (moved[-1] + 1 if len(moved) else 0) + 5 * period)
        if end < 0.6 * n:
            return int(end)
    return n


def _title(study: Study) -> str:
    regime = study.regime
    what = (called(regime.period) if regime.period else regime.kind) + ", perturbed" * bool(regime.inject)
    drawn = 0 < len(study.latex) <= 90 and "\\begin" not in study.latex
    name = [f"${study.latex}$", *values(study.provenance["settings"]["params"], ())] if drawn else [loss_title(study.title, 50)]
    return f"{', '.join(name)}   ·   {optimizer_title(study.optimizer)}   ·   {what}"


def _lines(edge: float | None, lo: float, hi: float) -> str:
    """The meaning of the vertical lines over learning rates from lo to hi."""
    if edge is not None and lo <= edge <= hi:
        return rf"regimes; $\eta$ dotted, edge {edge:.4g} dashed"
    return r"regimes, same start; $\eta$ dotted"


def _draw_cobweb(axes: Axes, study: Study) -> None:
    """The graph of the map, the diagonal, and the cobweb of the orbit; the cycle in front."""
    land, w = study.landscape, study.orbit.z[:81, 0]
    axes.plot(land.x, land.values, color=INK, linewidth=1.1)
    axes.plot(land.x, land.x, color=FAINT, linewidth=0.8)
    x, y = np.repeat(w, 2)[:-1][:160], np.repeat(w, 2)[1:][:160]
    axes.plot(x, np.concatenate([[w[0]], y[1:]]), color=ACCENT, linewidth=0.45, alpha=0.6)
    what = _mark_cycle(axes, study.regime.points, np.roll(study.regime.points[:, 0], -1) if len(study.regime.points) else None)
    inside = land.values[(land.x >= w.min()) & (land.x <= w.max())]
    lo, hi = min(land.x[0], np.nanmin(inside, initial=land.x[0])), max(land.x[-1], np.nanmax(inside, initial=land.x[-1]))
    axes.set(xlim=(land.x[0], land.x[-1]), ylim=(max(lo, land.x[0] - np.ptp(land.x)), min(hi, land.x[-1] + np.ptp(land.x))))
    name = axis_label(land.labels[0])
    axes.set(xlabel=name, ylabel=f"next {name}", title="cobweb of the first 80 steps" + f"; {what}" * bool(what))


def _draw_plane(axes: Axes, study: Study) -> None:
    """The orbit over contours of the loss in the plane of the first two coordinates."""
    land, z = study.landscape, study.orbit.z
    if np.isfinite(land.values).any():
        low = np.nanmin(land.values)
        height = np.log10(land.values - low + 1e-4 * (np.nanmedian(land.values) - low + 1e-300))
        axes.contourf(land.x, land.y, height, levels=24, cmap="Greys", alpha=0.55)
    axes.plot(z[:, 0], z[:, 1], "-", color=ACCENT, linewidth=0.4, alpha=0.6)
    axes.plot(z[:, 0], z[:, 1], ".", color=ACCENT, markersize=2)
    axes.plot(*z[0, :2], "s", color=INK, markersize=4)
    what = _mark_cycle(axes, study.regime.points, study.regime.points[:, 1] if len(study.regime.points) else None)
    axes.set(xlim=(land.x[0], land.x[-1]), ylim=(land.y[0], land.y[-1]))
    axes.set(xlabel=axis_label(land.labels[0]), ylabel=axis_label(land.labels[1]))
    axes.set_title(f"the first {len(z) - 1} steps; square: start" + f", {what}" * bool(what))
    if study.orbit.n_weights > 2 and np.isfinite(land.values).any():
        words = "grey: the loss, other weights as at the end"
        axes.annotate(words, (0.02, 0.02), xycoords="axes fraction", fontsize=6, bbox=BACKED)
    axes.locator_params(nbins=5)


def _mark_cycle(axes: Axes, points: np.ndarray, second: np.ndarray | None) -> str:
    """Rings on the points of the cycle, unless there are too many; returns their words."""
    if second is None or len(points) > 64:
        return ""
    axes.plot(points[:, 0], second, "o", markersize=5, markerfacecolor="white", markeredgecolor=WARN)
    return f"ring{'s' * (len(points) > 1)}: {called(len(points))}"
