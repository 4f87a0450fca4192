"""Bifurcation curves in one plane; the colour of each region between them shows its attractors."""

import re
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cfdyn.analysis.parameters.chart import Chart, Region
from cfdyn.plotting.canvas import house_style
from cfdyn.plotting.cells import widest
from cfdyn.plotting.figures.bifurcation_curve import begin, draw_curves, finish
from cfdyn.plotting.style import INK, PALE, PAPER, REGIMES, attractor_regime, tinted

# Of regions with several attractors; those with one are tinted as their regime is in maps of regimes.
TINTS = ("#d3ecd9", "#fbe5c4", "#e6d8f1", "#f8d5d0", "#cfecee", "#f3edb8", "#e3dccb", "#dbe7f5")
LOST, REST, NOTHING = "#d4d6d9", "#f4f4f4", "#ffffff"  # where all orbits diverge; of the rarer names; of too small regions
MOST_NAMES, OTHERS = len(TINTS), "other regions"
NAME = 0.06  # of the bounds, around a special point: the room of its name
NUMBERED = 0.01  # of the area: smaller regions have no number
WRAPPED = 34  # letters in a line of the legend


def draw(chart: Chart) -> Figure:
    """The curves over the regions."""
    with house_style():
        figure, axes = begin(chart.curves[0])
        handles = _tint(axes, chart)
        draw_curves(axes, chart.curves)
        for tip in chart.resonances:
            axes.plot(*tip.parameters, "o", color=INK, markersize=2.5, zorder=4, clip_on=False)
        axes.set(xlim=chart.bounds[0], ylim=chart.bounds[1])
        finish(figure, axes, chart.curves, chart.resonances, handles)
    return figure


def _tint(axes: Axes, chart: Chart) -> list[Patch]:
    """The regions, a colour for each name, and entries for the legend."""
    if not chart.regions:
        return []
    names = _names(chart.regions)
    colours = _colours(list(names.values()))
    table = ListedColormap([NOTHING, *(colours[names[region.number]] for region in chart.regions)])
    axes.imshow(chart.labels, origin="lower", extent=tuple(chart.bounds.ravel()), aspect="auto", cmap=table, vmin=-0.5,
                vmax=len(chart.regions) + 0.5, interpolation="nearest", zorder=0, gid=PAPER)  # fmt: skip
    for region in chart.regions:
        if region.share >= NUMBERED:
            x, y = _place(chart, region)
            axes.text(x, y, str(region.number), color=INK, fontsize=7, ha="center", va="center", zorder=1)
    numbers = {name: [r.number for r in chart.regions if names[r.number] == name and r.share >= NUMBERED] for name in colours}
    return [Patch(facecolor=colour, edgecolor=PALE, linewidth=0.4, label=_entry(numbers[name], name))
            for name, colour in colours.items()]  # fmt: skip


def _place(chart: Chart, region: Region) -> tuple[float, float]:
    """The position of the number of a region: in the middle of it, not on a special point or its name."""
    inside, size = chart.labels == region.number, np.array(chart.labels.shape[::-1])
    points = [*(special for curve in chart.curves for special in curve.special), *chart.resonances]
    named = np.array([point.parameters for point in points])
    column, row = np.meshgrid(*((np.arange(n) + 0.5) / n for n in size))
    for x, y in (named.reshape(-1, 2) - chart.bounds[:, 0]) / np.ptp(chart.bounds, axis=1):
        inside = inside & (np.hypot(column - x, row - y) > NAME)
    middle, _ = widest(inside if inside.any() else chart.labels == region.number)
    x, y = chart.bounds[:, 0] + (np.array(middle[::-1]) + 0.5) / size * np.ptp(chart.bounds, axis=1)
    return float(x), float(y)


def _names(regions: list[Region]) -> dict[int, str]:
    """The name of each in the legend: the names that cover most of the area, and one for all others."""
    areas: dict[str, float] = {}
    for region in regions:
        areas[region.name] = areas.get(region.name, 0.0) + region.share
    kept = sorted(areas, key=lambda name: -areas[name])[:MOST_NAMES]
    return {region.number: region.name if region.name in kept else OTHERS for region in regions}


def _colours(names: list[str]) -> dict[str, str]:
    """A tint for each name, in the order of the regions."""
    shades: dict[str, str] = {}
    fixed = {"all orbits diverge": LOST, OTHERS: REST} | {name: tint for name in names if (tint := _regime(name))}
    for name in sorted(dict.fromkeys(names), key=lambda name: name == OTHERS):
        shades[name] = fixed.get(name) or TINTS[len(set(shades.values()) - set(fixed.values()))]
    return shades


def _regime(name: str) -> str | None:
    """The tint of a region with one attractor, in the colour of its regime."""
    kind = re.fullmatch(r"(?:a |one )?(fixed point|chaos|quasi-periodic|(\d+)-cycle)", name)
    if kind is None:
        return None
    regime = attractor_regime({"chaos": "chaotic"}.get(kind[1], kind[1]), int(kind[2]) if kind[2] else None)
    return to_hex(tinted(REGIMES[regime]))


def _entry(numbers: list[int], name: str) -> str:
    """The numbers and the name, in lines that are not too long."""
    return "\n".join(wrap(f"{', '.join(map(str, numbers))}{': ' if numbers else ''}{name}", WRAPPED, break_on_hyphens=False))
