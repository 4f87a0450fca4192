"""Bifurcation diagrams: branches of cycles over the attractors of the map."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cfdyn.analysis.bifurcations._branch import Branch
from cfdyn.analysis.bifurcations.branches import Branches
from cfdyn.errors import UsageError
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import label_above, label_gap, legend_below, spread, thin_line
from cfdyn.plotting.style import ACCENT, DASHED, INK, REGIMES, WARN, axis_label, line_colour, regime_name, specks, symbol
from cfdyn.plotting.sweeps import equal_runs, middles, swept
from cfdyn.plotting.titles import map_title
from cfdyn.words import called, shortened, shown, spoken

COLUMNS, DISPLACED = 600, 1e-6  # of states next to a fixed point, larger than where orbits start
ORBIT = "#7d8793"
FEW = 3  # values above the axes with the name of their parameter
MARKS = {"flip": ("o", "white"), "fold": ("s", INK), "branch point": ("D", "white"), "neimark-sacker": ("^", WARN),
         "border collision": ("X", WARN)}  # fmt: skip
ZEROS = ("P", "*", "v", "p", "h", "d")
WIDTH, MOST_LABELS = 7.2, 36  # inches; above the axes


def draw(record: Branch | Branches, orbit: bool = True) -> Figure:
    """A `Branch`, or `Branches`: stable solid, unstable dashed, special points marked, over an orbit diagram."""
    branches = list(record.branches) if isinstance(record, Branches) else [record]
    with house_style():
        figure = new_figure(WIDTH, 4.8)
        axes = figure.subplots()
        said, name, bounds = branches[0].provenance["settings"], record.name, branches[0].bounds
        ended = orbit_diagram(axes, branches, name, bounds) if orbit else np.zeros(0)
        for branch in branches:
            _branch(axes, branch, colours(branches)[branch.period])
        kinds = _specials(axes, branches, bounds)
        functions = _zeros(axes, branches)
        axes.set(xlabel=axis_label(name), ylabel=axis_label(said["names"][0]), xlim=bounds)
        _limit(axes, branches, ended)
        orbits = [Line2D([], [], color=ORBIT, marker=".", linestyle="", label="orbit")] if len(ended) else []
        handles = [*_legend(branches, kinds), *functions, *orbits]
        legend_below(figure, WIDTH, handles, [str(handle.get_label()) for handle in handles])
        figure.suptitle(map_title(said, [name], 110), fontsize=9.5)
    return figure


def orbit_diagram(axes: Axes, branches: list[Branch], name: str, bounds: tuple[float, float]) -> np.ndarray:
    """The first coordinates of the attractors of orbits from the stable parts of branches, (n,), drawn over the parameter.

    Nothing for a branch that was loaded without the formulas of its map, nor for one in many weights.
    """
    try:
        step = branches[0].step
    except UsageError:
        return np.zeros(0)
    if len(branches[0].residuals):
        return np.zeros(0)
    rows = [(b, k) for b in branches for k in middles(b.stable)] or [(branches[0], 0)]
    x, y = swept(step, name, np.linspace(*bounds, COLUMNS), ((b.parameter[k], b.points[k, 0]) for b, k in rows))
    specks(axes, x, y, color=ORBIT, alpha=0.7, zorder=1)
    return y


def colours(branches: list[Branch]) -> dict[int, str]:
    """The colour of each period in maps, dark enough for lines, in increasing order."""
    periods = sorted({b.period for b in branches})
    regimes = {n: regime_name(f"period {n}") if n > 1 else "fixed point" for n in periods}
    return {n: line_colour(REGIMES[regime]) for n, regime in regimes.items()}


def _branch(axes: Axes, branch: Branch, shade: str) -> None:
    """Each point of the cycle as a curve; a piece between two changes of stability has one style."""
    # Those that have all points of the cycle.
    special = {s.place: (s.parameter, s.points[:, 0]) for s in branch.bifurcations if len(s.points) == branch.period}
    rows = list(zip(branch.parameter, branch.points[:, :, 0], strict=True))
    for first, last in ((first, last + 1) for first, last in equal_runs(branch.stable)):
        # Up to the special points on both sides, or to the next row.
        before = [special[first - 1]] if first - 1 in special else []
        after = [special[last - 1]] if last - 1 in special else rows[last : last + 1]
        x, y = zip(*before, *rows[first:last], *after, strict=True)
        stable = bool(branch.stable[first])
        axes.plot(x, y, color=shade, linewidth=1.3 if stable else 0.9, linestyle="-" if stable else DASHED,
                  alpha=1.0 if stable else 0.75, zorder=3 if stable else 2)  # fmt: skip


def _specials(axes: Axes, branches: list[Branch], bounds: tuple[float, float]) -> list[str]:
    """Marks of all special points, their values along the upper edge; returns the kinds that occur."""
    tops: dict[str, tuple[float, float]] = {}
    for s in _marked(branches):
        text, top = f"{float(shown(s.parameter, bounds)):.5g}".replace("-", "−"), float(s.points[:, 0].max())
        tops[text] = s.parameter, max(top, tops.get(text, (0.0, top))[1])
    for s in (s for branch in branches for s in branch.bifurcations):
        mark, fill = MARKS[s.kind]
        # Smaller the longer the cycle, whose points lie closer together.
        axes.plot(np.full(len(s.points), s.parameter), s.points[:, 0], mark, color=WARN if fill == "white" else fill,
                  markerfacecolor=fill, markersize=max(4.4 - 0.7 * np.log2(len(s.points)), 1.8), zorder=5,
                  markeredgewidth=0.9 if len(s.points) < 4 else 0.6)  # fmt: skip
    name = f"{symbol(branches[0].name)} = " if len(tops) <= FEW else ""
    _values(axes, sorted((value, top, name + text) for text, (value, top) in tops.items()), bounds)
    kinds = {s.kind for branch in branches for s in branch.bifurcations}
    return [kind for kind in MARKS if kind in kinds]


def _marked(branches: list[Branch]) -> list[Any]:
    """All special points and zeros of functions."""
    return [s for branch in branches for s in [*branch.bifurcations, *branch.zeros]]


def _zeros(axes: Axes, branches: list[Branch]) -> list[Line2D]:
    """Marks of the zeros of functions, a shape for each; returns the entries for the legend."""
    names = list(dict.fromkeys(zero.function for branch in branches for zero in branch.zeros))
    styles: list[dict[str, Any]] = [
        {"marker": mark, "linestyle": "", "color": ACCENT, "markersize": 5.5, "markeredgecolor": "white", "markeredgewidth": 0.4}
        for mark in ZEROS
    ]
    for zero in (zero for branch in branches for zero in branch.zeros):
        style = styles[names.index(zero.function) % len(styles)]
        axes.plot(np.full(len(zero.points), zero.parameter), zero.points[:, 0], zorder=6, **style)
    return [Line2D([], [], label=_equation(name), **styles[k % len(styles)]) for k, name in enumerate(names)]


def _equation(function: str) -> str:
    """The name of a function as the equation that holds at its zeros."""
    text = function if "=" in function or function.isidentifier() else f"{function} = 0"
    return shortened(text, 40).replace("-", "−")


def _values(axes: Axes, marked: list[tuple[float, float, str]], bounds: tuple[float, float]) -> None:
    """The values above the axes, moved apart, each with a line to its highest mark."""
    chosen = marked[:: max(1, -(-len(marked) // MOST_LABELS))]
    places = spread([value for value, _, _ in chosen], label_gap(axes) * (bounds[1] - bounds[0]), bounds[1])
    for place, (value, top, text) in zip(places, chosen, strict=True):
        axes.annotate("", (value, top), (value, 1.0), textcoords=axes.get_xaxis_transform(), zorder=0, arrowprops=thin_line(0.5))
        label_above(axes, value, place, 1.03, text, line=0.5, rotation=90, ha="center")


def _limit(axes: Axes, branches: list[Branch], ended: np.ndarray) -> None:
    """Limits around the bulk of stable parts, the marks and the attractors; unstable parts extend them by their size at most."""
    stable = any(b.stable.any() for b in branches)
    lo, hi = _bulk([(b, b.stable) for b in branches if b.stable.any()] if stable else [(b, ~b.stable) for b in branches])
    marked = [s.points[:, 0] for s in _marked(branches)]
    if marked:
        lo, hi = min(lo, np.concatenate(marked).min()), max(hi, np.concatenate(marked).max())
    if len(ended):
        inner, outer = np.quantile(ended, [0.002, 0.998])
        lo, hi = min(lo, inner), max(hi, outer)
    if hi - lo < DISPLACED * (1 + max(abs(lo), abs(hi))):  # orbits that have not reached a fixed point yet
        lo, hi = lo - 0.5, hi + 0.5
    least, most = _bulk([(b, np.ones(len(b), bool)) for b in branches])
    wide = hi - lo
    lo, hi = min(lo, max(least, lo - wide)), max(hi, min(most, hi + wide))
    wide = hi - lo
    axes.set_ylim(lo - 0.06 * wide, hi + 0.08 * wide)


def _bulk(parts: list[tuple[Branch, np.ndarray]]) -> tuple[float, float]:
    """Quantiles of the points in some rows of branches, which a diverging one must not flatten."""
    values = np.concatenate([b.points[rows][..., 0].ravel() for b, rows in parts])
    # A row counts for the parameter's change there: those that diverge at one value are many.
    steps = [np.abs(np.gradient(b.parameter)) if len(b) > 1 else np.zeros(len(b)) for b, _ in parts]
    width = np.concatenate([np.repeat(step[rows], b.period) for step, (b, rows) in zip(steps, parts, strict=True)])
    return _quantiles(values, width + 1e-9 * max(width.max(), 1e-300))


def _quantiles(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Quantiles that exclude a fiftieth of the weight at either end."""
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    first, last = np.searchsorted(below, np.array([0.02, 0.98]) * below[-1])
    return float(values[order[first]]), float(values[order[min(last, len(order) - 1)]])


def _legend(branches: list[Branch], kinds: list[str]) -> list[Line2D]:
    """Periods, the meaning of dashes, the marks."""
    lines = [Line2D([], [], color=shade, linewidth=1.3, label=called(period)) for period, shade in colours(branches).items()][:5]
    lines.append(Line2D([], [], color=INK, linewidth=0.9, linestyle=DASHED, label="unstable"))
    for kind, (mark, fill) in ((kind, MARKS[kind]) for kind in kinds):
        style: dict[str, Any] = {"color": WARN if fill == "white" else fill, "markerfacecolor": fill, "markersize": 4.2}
        lines.append(Line2D([], [], marker=mark, linestyle="", label=spoken(kind), **style))
    return lines
