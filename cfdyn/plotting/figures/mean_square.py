"""Mean-square stability of SGD at a point: the radius over the learning rate, and measures relative to their thresholds."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, AXES, DASHED, FAINT, INK, PALE, WARN
from cfdyn.plotting.titles import loss_title
from cfdyn.systems.sgd.mean_square import MeanSquare

MOST = 3.0  # thresholds that are shown of a measure


def draw(measured: MeanSquare) -> Figure:
    """The radius of SGD and of gradient descent if learning rates were given; value/threshold of each measure."""
    with house_style():
        curve = len(measured.rates) > 0
        figure = new_figure(6.4, 5.4 if curve else 3.0)
        panels = figure.subplots(2 if curve else 1, 1, squeeze=False)[:, 0]
        if curve:
            _radius(panels[0], measured)
        _measures(panels[-1], measured)
        loss, drawn = measured.provenance["settings"]["loss"], "with" if measured.replace else "without"
        batches = f"batches of {measured.batch} of {measured.rows} rows, drawn {drawn} replacement"
        figure.suptitle(f"{loss_title(loss)}: {batches}", fontsize=9)
    return figure


def _radius(axes: Axes, measured: MeanSquare) -> None:
    """Both radii over η, their edges, and the position of the point."""
    sharpest = next(m.value for m in measured.measures if m.name == "sharpness")
    radii = np.where(measured.radii > 0, measured.radii, np.nan)
    axes.plot(measured.rates, radii, color=ACCENT, label="SGD, on the directions that are sharp there")
    axes.plot(
        measured.rates, (1 - measured.rates * sharpest) ** 2, color=PALE, linestyle=DASHED, label="gradient descent, (1 − ηλ₁)²"
    )
    axes.axhline(1, color=FAINT, linewidth=0.8)
    axes.axvline(2 / sharpest, color=PALE, linestyle=":", label="2/λ₁")
    if np.isfinite(measured.largest_lr):
        axes.axvline(measured.largest_lr, color=WARN, linestyle=":", label=f"largest stable, {measured.largest_lr:.4g}")
    axes.plot(
        [measured.lr],
        [measured.radius],
        "o",
        color=INK,
        markersize=4,
        label=f"η = {measured.lr:.4g}, radius {measured.radius:.4g}",
    )
    axes.set(xlabel=AXES["lr"], ylabel="factor of the mean square", xlim=(0, max(measured.rates[-1], measured.lr)), ylim=(0, 2))
    axes.legend(loc="upper left")


def _measures(axes: Axes, measured: MeanSquare) -> None:
    """A bar for each measure; undefined ones are blank."""
    names = [m.name for m in measured.measures][::-1]
    ratios = np.array([m.ratio for m in measured.measures])[::-1]
    shown = np.clip(np.nan_to_num(ratios, nan=0.0, posinf=MOST, neginf=0.0), 0, MOST)
    axes.barh(names, shown, height=0.6, color=[WARN if r > 1 else ACCENT for r in ratios])
    for place, ratio in enumerate(ratios):
        words = "not defined" if np.isnan(ratio) else "∞" if np.isinf(ratio) else f"{ratio:.3g}"
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
        axes.annotate(words, (shown[place], place), (4, 0), textcoords="offset points", va="center", fontsize=7, bbox=box)
    axes.axvline(1, color=INK, linewidth=0.9, zorder=0.5)
    axes.set(xlabel="value / threshold", xlim=(0, max(1.25, 1.1 * shown.max())))
