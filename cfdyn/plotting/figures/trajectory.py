"""A flow's path: its course, sharpness against the edge, loss and variance with their predictions."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.training.hovering import hovering_or_why
from cfdyn.integrate.trajectory import Trajectory
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import time_range
from cfdyn.plotting.plane import Plane, contours
from cfdyn.plotting.style import ACCENT, INK, PALE, PALETTE, WARN, axis_label, clip_range, dots, symbol
from cfdyn.plotting.titles import map_title
from cfdyn.systems.loss import Loss
from cfdyn.systems.orbit import Orbit

MOST_WEIGHTS, MOST_EVENTS, MOST_STATES = 6, 24, 4
SHADES = ("#111111", *PALETTE[2:5], ACCENT, PALE)
COLOURS = (*PALETTE[:5], INK)


def draw(path: Trajectory, orbit: Orbit | None = None, loss: Loss | None = None) -> Figure:
    """Four panels of a `Trajectory`; ``orbit``: the optimizer's iterates, ``loss``: for contours of two weights.

    For a path without a loss: its entries and the step sizes.
    """
    if not np.isfinite(path.loss).any():
        return _draw_states(path)
    orbit = None if orbit is None or not len(path.t) else replace(orbit, z=orbit.z[: int(path.t[-1]) + 1])
    with house_style():
        figure = new_figure(7.4, 5.6)
        panels = figure.subplots(2, 2)
        (_draw_plane if path.n_weights == 2 else _draw_weights)(panels[0, 0], path, orbit, loss)
        _draw_sharpness(panels[0, 1], path, orbit)
        _draw_loss(panels[1, 0], path, orbit)
        _draw_variance(panels[1, 1], path, orbit)
        for axes in (panels[0, 1], panels[1, 0], panels[1, 1]):
            axes.set(xlabel="time (steps)", xlim=time_range(path.t))
        for axes in panels.flat:
            if axes.get_yscale() == "linear":
                axes.ticklabel_format(axis="y", useOffset=False)
            _legend(axes)
        figure.suptitle(_title(path), fontsize=9.5)
    return figure


def _draw_states(path: Trajectory) -> Figure:
    """The entries of the state that move most, and the step sizes."""
    t, z = _dense(path, path.state) if len(path.starts) else (path.t, path.z)
    moves = np.ptp(z, axis=0) / (1e-300 + np.abs(z).max(axis=0))
    timed = len(path.names) > path.n_weights and path.names[-1] == "t"  # the time itself is not a panel
    moved = np.sort(np.argsort(-moves[: len(moves) - timed], kind="stable")[:MOST_STATES])
    early = len(path.starts) > 2 and path.starts[0] == 0 < path.sizes[0] and np.median(path.starts) < 0.01 * path.t[-1]
    with house_style():
        figure = new_figure(7.4, 1.6 + 1.3 * len(moved))
        *above, below = figure.subplots(len(moved) + 1, 1, sharex=True)
        for axes, k, colour in zip(above, moved, COLOURS, strict=False):
            axes.plot(t, z[:, k], color=colour, linewidth=1.2)
            axes.set_ylabel(axis_label(path.names[k]))
        below.plot(path.starts, np.abs(path.sizes), ".", color=PALE, markersize=2.4, rasterized=True)
        count = len(path.names) - timed
        few = f" (above: {len(moved)} of {count} entries)" if len(moved) < count else ""
        below.set(xlabel="time" + few, ylabel="step size", yscale="log" if len(path.sizes) else "linear")
        if early:
            below.set(xscale="log", xlim=(path.starts[1], path.t[-1]))
        figure.suptitle(_title(path), fontsize=9.5)
    return figure


def _title(path: Trajectory) -> str:
    """The flow, and why it ends early."""
    ended = "" if path.status == "done" else f"   ·   {path.status.partition(':')[0]}"
    return map_title({**path.provenance.get("settings", {}), "map": path.flow}) + ended


def _dense(path: Trajectory, at: Callable[[np.ndarray], np.ndarray] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Times and weights (or states) of the path from its polynomials, independent of its rows."""
    at = path if at is None else at
    if not len(path.starts):
        return path.t, path.w
    end = path.starts[-1] + path.sizes[-1]
    inside = path.starts[:, None] + path.sizes[:, None] * np.linspace(0, 1, 9)[:-1] if len(path.starts) < 1000 else path.starts
    t = np.unique(np.concatenate([np.linspace(path.starts[0], end, 801), np.ravel(inside)]))
    t = t[t <= end] if path.sizes[0] > 0 else t[t >= end]
    return t, at(t)


def _with_gaps(path: Trajectory, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows with a gap at each event, where Σ and quantities that depend on it jump."""
    cuts = np.searchsorted(path.t, [event.t for event in path.events if 0 < event.t <= path.t[-1]])
    return np.insert(path.t, cuts, np.nan), np.insert(values, cuts, np.nan, axis=0)


def _knows_its_map(orbit: Orbit | None) -> TypeGuard[Orbit]:
    """True if losses and sharpness of the iterates can be computed: not for an orbit from a file."""
    return orbit is not None and orbit._step is not None


def _legend(axes: Axes) -> None:
    """A legend above the panel, where it hides nothing."""
    count = len(axes.get_legend_handles_labels()[0])
    if count:
        columns = count if count <= 5 else -(-count // 2)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.03, 1.0), ncols=columns, handlelength=1.1, handletextpad=0.4,
                    columnspacing=0.8, borderaxespad=0.1, borderpad=0.2, fontsize=7)  # fmt: skip


def _mark_events(axes: Axes, path: Trajectory) -> None:
    """A faint line at each event."""
    for event in path.events[:MOST_EVENTS]:
        axes.axvline(event.t, color=INK, linewidth=0.5, linestyle=":", alpha=0.6, zorder=0)


def _draw_plane(axes: Axes, path: Trajectory, orbit: Orbit | None, loss: Loss | None) -> None:
    """The path over contours of the loss."""
    t, w = _dense(path)
    seen = w if orbit is None else np.concatenate([w, _without_runaways(orbit.w.astype(float), w)])
    lo, hi = seen.min(axis=0), seen.max(axis=0)
    pad = np.where(hi > lo, 0.12 * (hi - lo), 0.5 * np.maximum(1.0, np.abs(hi)))
    limits = np.array([lo - pad, hi + pad])
    if loss is not None:
        contours(axes, loss, Plane(np.zeros(2), np.eye(2), path.names[:2]), limits)
    if orbit is not None:
        axes.plot(*orbit.w.T.astype(float), "-", color=PALE, linewidth=0.35, alpha=0.5, zorder=1, rasterized=True)
        dots(axes, orbit.w[:, 0], orbit.w[:, 1], label="iterates", markersize=3.2)
        axes.plot(*orbit.midpoints().T, color=INK, linewidth=0.7, alpha=0.8, zorder=2, label="midpoints")
    axes.plot(*w.T, color=ACCENT, linewidth=1.6, zorder=3, label="flow")
    axes.plot(*w[0], "s", color=INK, markersize=4, zorder=4, label="start")
    axes.plot(*w[-1], "o", color=ACCENT, markersize=5, markeredgecolor="white", zorder=5, label="end")
    axes.set(xlim=limits[:, 0], ylim=limits[:, 1], xlabel=axis_label(path.names[0]), ylabel=axis_label(path.names[1]))
    axes.locator_params(nbins=5)


def _without_runaways(points: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The orbit's points that are not far off: a diverging orbit would shrink the path to a dot."""
    away = np.abs(points - w.mean(axis=0)).max(axis=1)
    return points[away <= max(10 * np.ptp(w, axis=0).max(), 5 * np.median(away))]


def _draw_weights(axes: Axes, path: Trajectory, orbit: Orbit | None, loss: Loss | None) -> None:
    """Weights against time, those that move most."""
    t, w = _dense(path)
    moved = np.sort(np.argsort(-np.ptp(w, axis=0), kind="stable")[:MOST_WEIGHTS])
    for k, colour in zip(moved, COLOURS, strict=False):
        first = k == moved[0]
        if orbit is not None:
            dots(axes, np.arange(len(orbit.z)), orbit.w[:, k], label="iterates" if first else None, color=colour, alpha=0.5,
                  markersize=3.6, markeredgewidth=0)  # fmt: skip
        if orbit is not None and len(orbit.z) > 2:
            t_middle, middle = np.arange(1, len(orbit.z) - 1), orbit.midpoints()[:, k]
            axes.plot(t_middle, middle, color=INK, linewidth=0.7, zorder=2, label="midpoints" if first else None)
        name = symbol(path.names[k]) if path.n_weights > 1 else "flow"
        axes.plot(t, w[:, k], color=colour, linewidth=1.4, zorder=3, label=name)
    shown = [w[:, moved].ravel()] + ([] if orbit is None else [_without_runaways(orbit.w.astype(float), w)[:, moved].ravel()])
    clip_range(axes, np.concatenate(shown), margin=0.1)
    _mark_events(axes, path)
    few = f" (the {len(moved)} of {path.n_weights} that move most)" if len(moved) < path.n_weights else ""
    words = axis_label(path.names[0]) if path.n_weights == 1 else "weights" + few
    axes.set(xlabel="time (steps)", xlim=time_range(path.t), ylabel=words)


def _draw_sharpness(axes: Axes, path: Trajectory, orbit: Orbit | None) -> None:
    """λ₁(H) against the edge if that is a number, as 2/η is; else λ₁(P⁻¹H) against θ, 2 without momentum."""
    scale = path.sharpness / path.edge if len(path.t) else np.ones(1)
    fixed = not np.isfinite(scale).all() or np.ptp(scale) <= 1e-9 * np.abs(scale).max()
    theta = np.full(len(path.t), 2.0) if path.theta is None else path.theta
    values = path.sharpness if fixed else path.edge * theta / 2
    border = np.full(1, 2 * scale[0]) if fixed else theta
    seen = _seen(orbit, fixed) if _knows_its_map(orbit) else None
    if seen is not None:
        dots(axes, np.arange(len(seen)), seen, label="iterates")
    axes.plot(path.t, values, color=ACCENT, linewidth=1.4, zorder=3, label="flow")
    shown = values[np.isfinite(values)]
    if np.isfinite(border).all():
        style: dict[str, Any] = {"color": WARN, "linestyle": "--", "linewidth": 0.9, "zorder": 4}
        if np.ptp(border) <= 1e-9 * border[0]:
            axes.axhline(border[0], label=f"edge {border[0]:.4g}", **style)
        else:
            axes.plot(path.t, border, label=f"edge, {border[-1]:.4g} at the end", **style)
        shown = np.append(shown, border)
    for kind, mark, colour in (("enter", "^", INK), ("leave", "v", "white")):
        times = [event.t for event in path.events[:MOST_EVENTS] if event.kind == kind]
        if times:
            style = {"color": colour, "markeredgecolor": INK, "markersize": 5, "zorder": 5, "linestyle": ""}
            axes.plot(times, np.interp(times, path.t, values), marker=mark, label=f"{kind}s", **style)
    _limits(axes, shown, shown if seen is None else seen)
    _mark_events(axes, path)
    axes.set(ylabel="sharpness λ₁(H)" if fixed else "effective sharpness λ₁(P⁻¹H)")


def _seen(orbit: Orbit, fixed: bool) -> np.ndarray | None:
    """The same at the iterates: λ₁(H) or λ₁(P⁻¹H), None if it is undefined."""
    if fixed:
        return orbit.sharpness
    return None if hovering_or_why(orbit)[0] is None else orbit.preconditioned_sharpness


def _limits(axes: Axes, line: np.ndarray, dots: np.ndarray) -> None:
    """Limits around all of the line, and the bulk of the dots unless they flatten it."""
    line, dots = line[np.isfinite(line)], dots[np.isfinite(dots)]
    if not len(line):
        return
    lo, hi = line.min(), line.max()
    room = max(1.5 * (hi - lo), 0.4 * abs(hi))
    if hi - lo <= 1e-6 * abs(hi):
        lo, hi = lo - 0.2 * abs(lo), hi + 0.2 * abs(hi)
    if len(dots):
        low, high = np.quantile(dots, [0.01, 0.99])
        lo, hi = max(min(lo, low), lo - room), min(max(hi, high), hi + room)
    pad = 0.08 * (hi - lo) or 0.08 * max(1.0, abs(hi))
    axes.set_ylim(lo - pad, hi + pad)


def _draw_loss(axes: Axes, path: Trajectory, orbit: Orbit | None) -> None:
    """The loss on the path, the average predicted, and the iterates' own loss with its average."""
    everything = [path.loss, path.predicted_loss]
    if _knows_its_map(orbit):
        raw = orbit.loss
        dots(axes, np.arange(len(raw)), raw, label="iterates")
        if len(raw) > 2:
            t, mean = _averaged(raw)
            axes.plot(t, mean, color=INK, linewidth=0.9, zorder=2, label="averaged")
        everything.append(raw if orbit.status == "done" else _within_range(raw, np.concatenate(everything)))
    axes.plot(path.t, path.loss, color=ACCENT, linewidth=1.4, zorder=3, label="flow")
    if path.rank.any():
        average = _with_gaps(path, np.where(path.rank > 0, path.predicted_loss, np.nan))
        axes.plot(*average, color=WARN, linewidth=1.2, linestyle="--", zorder=4, label="predicted average")
    _scale(axes, np.concatenate(everything))
    _mark_events(axes, path)
    axes.set(ylabel="loss")


def _within_range(raw: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values of a series within three times the range of others: it may diverge."""
    values = values[np.isfinite(values)]
    size = 3 * np.ptp(values) or np.abs(values).max(initial=0.0) or 1.0
    return raw[(raw >= values.min(initial=0.0) - size) & (raw <= values.max(initial=0.0) + size)]


def _averaged(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(r_{t−1} + 2r_t + r_{t+1})/4, and for a long series its mean over a fiftieth, for oscillations of other periods."""
    mean = (raw[:-2] + 2 * raw[1:-1] + raw[2:]) / 4
    width = max(1, len(raw) // 50) | 1
    t = np.arange(1, len(raw) - 1)[width // 2 : len(mean) - width // 2]
    return t, np.convolve(mean, np.ones(width) / width, "valid")


def _scale(axes: Axes, values: np.ndarray) -> None:
    """A logarithmic axis if the values span decades and none is negative; never more than ten decades."""
    finite = values[np.isfinite(values)]
    positive = finite[finite > 0]
    if len(positive) and finite.min() >= 0 and positive.max() > 50 * positive.min():
        low, high = np.quantile(positive, [0.0, 0.998])
        axes.set(yscale="log", ylim=(max(low, 1e-10 * high) / 1.6, high * 1.6))
    else:
        clip_range(axes, finite)


def _draw_variance(axes: Axes, path: Trajectory, orbit: Orbit | None) -> None:
    """Eigenvalues of Σ against the squared oscillation of the iterates about their midpoints."""
    spectrum = np.linalg.eigvalsh(path.covariance)[:, ::-1] if len(path.t) else np.zeros((0, 1))
    held = int(path.rank.max(initial=0))
    trace = spectrum.sum(axis=1)
    shown = [trace[trace > 0]]
    if orbit is not None and len(orbit.z) > 2:
        square = ((orbit.w[1:-1] - orbit.midpoints()).astype(float) ** 2).sum(axis=1)
        dots(axes, np.arange(1, len(square) + 1), square, label="iterates")
        shown.append(square[square > 0])
    if held:
        total = _with_gaps(path, np.where(trace > 0, trace, np.nan))
        axes.plot(*total, color=WARN, linewidth=1.5, zorder=4, label="predicted tr Σ")
    for k in range(min(held, MOST_WEIGHTS) if held > 1 else 0):
        one = np.where(spectrum[:, k] > 0, spectrum[:, k], np.nan)
        axes.plot(*_with_gaps(path, one), color=SHADES[k], linewidth=1.0, linestyle=":", zorder=5, label=f"λ{'₁₂₃₄₅₆'[k]}(Σ)")
    _variance_scale(axes, trace, np.concatenate(shown))
    _mark_events(axes, path)
    axes.set(ylabel="variance of the oscillation" + ("" if held else "\n(none in the flow)"))


def _variance_scale(axes: Axes, trace: np.ndarray, shown: np.ndarray) -> None:
    """A logarithmic axis over decades; if the oscillation is far below the prediction, it is only beginning."""
    largest = trace.max(initial=0.0) or shown.max(initial=0.0)
    if largest <= 0:
        axes.set_ylim(-0.05, 1)
        return
    high = max(largest, min(np.quantile(shown, 0.99), 1e3 * largest))
    usual = np.quantile(trace[trace > 0], 0.05) if trace.any() else 0.0
    low = max(shown.min(), 1e-6 * largest, 0.1 * usual)
    if high < 20 * low:
        axes.set_ylim(0, 1.15 * high)
    else:
        axes.set(yscale="log", ylim=(low / 2, 3 * high))
