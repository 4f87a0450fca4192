"""Curves of bifurcations in one plane, the regions between them tinted by what lives there."""

from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cfdyn.analysis.chart import Chart, Region
from cfdyn.plotting.figures.bifurcation_curve import begin, draw_curves, finish
from cfdyn.plotting.style import INK, PALE, house_style

TINTS = ("#e3ecf6", "#d8ecdf", "#f8e7cf", "#eadff2", "#f7dcd8", "#d9eef0", "#f2edc8", "#e2e0d6", "#e0e6c6", "#f3dcea")
LOST, NOTHING = "#d4d6d9", "#ffffff"  # where all orbits run off; where nothing is known
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
    colours = _colours(chart.regions)
    if not chart.regions:
        return []
    table = ListedColormap([NOTHING, *(colours[region.name] for region in chart.regions)])
    axes.imshow(chart.labels, origin="lower", extent=tuple(chart.bounds.ravel()), aspect="auto", cmap=table, vmin=-0.5,
                vmax=len(chart.regions) + 0.5, interpolation="nearest", zorder=0)  # fmt: skip
    for region in chart.regions:
        if region.share >= NUMBERED:
            axes.text(*region.samples[0], str(region.number), color=PALE, fontsize=7, ha="center", va="center", zorder=1)
    return [Patch(facecolor=colour, edgecolor=PALE, linewidth=0.4, label=_entry(chart.regions, name)) for name, colour in colours.items()]


def _colours(regions: list[Region]) -> dict[str, str]:
    """A tint for each name, in the order of the regions."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(region.name for region in regions):
        found[name] = LOST if name == "all orbits run off" else TINTS[len(set(found.values()) - {LOST}) % len(TINTS)]
    return found


def _entry(regions: list[Region], name: str) -> str:
    """The numbers and the name, in lines that are not too long."""
    numbers = ", ".join(str(region.number) for region in regions if region.name == name and region.share >= NUMBERED)
    lines = [""]
    for word in f"{numbers}{': ' if numbers else ''}{name}".split():
        if lines[-1] and len(lines[-1]) + len(word) >= WRAPPED:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{word}"
    return "\n".join(lines)
