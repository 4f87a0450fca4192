"""An orbit diagram: how often states are visited over a parameter, and the largest Lyapunov exponent below it."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cfdyn.analysis.bifurcations._branch import Branch
from cfdyn.analysis.parameters.orbit_diagram import OrbitDiagram
from cfdyn.errors import UsageError
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, INK, PALETTE, PAPER, WARN, axis_label
from cfdyn.plotting.titles import map_title

ROWS, COLUMNS, THICK = 1080, 2400, 3  # of the image, the columns at most; rows that a state covers
BULK = (0.002, 0.998)  # fraction of the states: others are omitted, and the figure says so
EVEN, SHADE = 0.4, 0.5  # the darkness of states that are evenly spread, and the power of the density with which it grows
GONE = "#e9eaec"  # where every orbit escapes
DEEPEST = -2.0  # exponent that is drawn


def draw(diagram: OrbitDiagram, also: Sequence[Branch] = ()) -> Figure:
    """Density of the states above, exponents below; ``also``: branches of cycles along the parameter, over the states."""
    with house_style():
        known = np.isfinite(diagram.exponents).any()
        figure = new_figure(7.0, 4.6 if known else 3.6)
        if known:
            top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
            _draw_exponents(bottom, diagram)
        else:
            top = bottom = figure.subplots()
        colours = _colours(diagram)
        _draw_states(top, diagram, colours)
        lines = _draw_branches(top, diagram, also)
        bottom.set_xlabel(axis_label(diagram.parameter))
        handles = [
            Patch(facecolor=colours[diagram.ways.index(way)], label=f"followed {way}") for way in dict.fromkeys(diagram.ways)
        ]
        handles = (handles if len(handles) > 1 else []) + [Patch(facecolor=GONE, label="escapes")] * bool(
            (diagram.ended > 0).any()
        )
        top.legend(handles=[*handles, *lines], loc="upper left")
        top.set_title(map_title(diagram.provenance["settings"], [diagram.parameter], 90))
    return figure


def _draw_branches(axes: Axes, diagram: OrbitDiagram, branches: Sequence[Branch]) -> list[Line2D]:
    """All points of the cycles, solid lines where they are stable; returns entries of the legend."""
    limits = axes.get_xlim(), axes.get_ylim()
    for branch in branches:
        if not isinstance(branch, Branch) or branch.name != diagram.parameter or diagram.name not in branch.step.names:
            raise UsageError(f"what lies over this orbit diagram is branches of cycles over {diagram.parameter}")
        points = branch.points[:, :, branch.step.names.index(diagram.name)]
        stable = np.asarray(branch.stable, bool)
        # A row next to an unstable one ends its line, so that it begins where the stable one ends.
        near = np.convolve(~stable, [1, 1, 1], "same") > 0
        for style, shown in ((("-", 1.1), stable), ((":", 0.9), near)):
            axes.plot(branch.parameter, np.where(shown[:, None], points, np.nan), style[0], color=ACCENT, linewidth=style[1])
    axes.set(xlim=limits[0], ylim=limits[1])
    whole, dotted = Line2D([], [], color=ACCENT, label="stable"), Line2D([], [], linestyle=":", color=ACCENT, label="unstable")
    return [whole, dotted] if branches else []


def _colours(diagram: OrbitDiagram) -> list[str]:
    """A colour for each sweep direction, or for each start if there is one direction."""
    kinds = list(dict.fromkeys(diagram.ways))
    if len(kinds) > 1:
        return [PALETTE[kinds.index(way) % len(PALETTE)] for way in diagram.ways]
    return [INK] if len(diagram.ways) == 1 else [PALETTE[k % len(PALETTE)] for k in range(len(diagram.ways))]


def _draw_states(axes: Axes, diagram: OrbitDiagram, colours: list[str]) -> None:
    finite = diagram.states[np.isfinite(diagram.states)]
    lo, hi = _range(finite)
    x = np.linspace(diagram.values[0], diagram.values[-1], min(COLUMNS, max(2, 3 * len(diagram.values))))
    nearest = _nearest(x, diagram.values)
    picture = np.ones((ROWS, len(x), 3), np.float32)
    for states, colour in zip(diagram.states, colours, strict=True):
        dark = _density(states, lo, hi)[:, nearest, None]
        picture *= 1 - dark * (1 - np.array(to_rgb(colour)))
    gone = np.asarray((diagram.ended > 0).all(axis=0))[nearest]
    picture[:, gone] *= to_rgb(GONE)
    axes.imshow(picture, extent=(x[0], x[-1], lo, hi), origin="lower", aspect="auto", gid=PAPER)
    axes.set(ylabel=axis_label(diagram.name), xlim=(x[0], x[-1]), ylim=(lo, hi))
    beyond = float(((finite < lo) | (finite > hi)).mean()) if len(finite) else 0.0
    if beyond > 0:
        axes.annotate(f"{100 * beyond:.2g} % of the states are beyond", (0.01, 0.02), xycoords="axes fraction", fontsize=6.5)


def _range(finite: np.ndarray) -> tuple[float, float]:
    """The bulk of the states, or all of them if these extend little further."""
    if len(finite) == 0:
        return 0.0, 1.0
    low, high, (inner, outer) = finite.min(), finite.max(), np.quantile(finite, BULK)
    if high - low > 2 * (outer - inner):
        low, high = inner, outer
    pad = 0.03 * (high - low) or 0.05 * max(1.0, abs(high))
    return float(low - pad), float(high + pad)


def _nearest(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.searchsorted((values[1:] + values[:-1]) / 2, x)


def _density(states: np.ndarray, lo: float, hi: float) -> np.ndarray:
    """The darkness of each place of a uniform grid, (ROWS, N), in [0, 1]."""
    n, keep = states.shape
    at = np.clip((states - lo) / (hi - lo) * ROWS, -1, ROWS)
    inside = (at >= 0) & (at < ROWS)
    cells = np.where(inside, at, 0).astype(np.int64) * n + np.arange(n)[:, None]
    counts = np.bincount(cells[inside], minlength=ROWS * n).reshape(ROWS, n)
    counts = np.pad(counts, ((THICK // 2, THICK // 2), (0, 0)))
    near = sum(counts[k : k + ROWS] for k in range(THICK))
    return np.minimum(EVEN * (near * (ROWS / THICK) / keep) ** SHADE, 1.0).astype(np.float32)


def _draw_exponents(axes: Axes, diagram: OrbitDiagram) -> None:
    for k, (exponents, colour) in enumerate(zip(diagram.exponents, _colours(diagram), strict=True)):
        shown = np.where(np.isnan(exponents), np.nan, np.maximum(exponents, DEEPEST))
        axes.plot(diagram.values, shown, "--" if k else "-", color=colour, linewidth=0.6)
    axes.axhline(0, color=WARN, linewidth=0.6)
    finite = diagram.exponents[np.isfinite(diagram.exponents)]
    low, high = max(float(finite.min()), DEEPEST), max(float(finite.max()), 0.1)
    axes.set(ylabel="exponent", ylim=(low - 0.05 * (high - low), high + 0.05 * (high - low)))
    if (diagram.exponents < DEEPEST).any():
        axes.annotate(f"drawn down to {DEEPEST:g}", (0.01, 0.05), xycoords="axes fraction", fontsize=6.5)
