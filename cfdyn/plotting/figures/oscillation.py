"""An oscillation: the log with its slow part, the fast part, and how closely it returns after each lag."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.analysis.training.oscillation import Oscillation
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import ACCENT, FAINT, INK, WARN, axis_label, clip_range, every

MOST_POINTS, JOINED = 20_000, 120  # joined by lines, so many at most


def draw(oscillation: Oscillation) -> Figure:
    """The leading direction: series and slow part, fast part between its marks, return differences."""
    with house_style():
        figure = new_figure(6.4, 5.6)
        rows = figure.subplots(3, 1, height_ratios=(1, 1, 0.9))
        t = np.arange(len(oscillation.series))[every(len(oscillation.series), MOST_POINTS)]
        rows[0].plot(t, oscillation.series[t], ".", markersize=1.8, color=FAINT, label="series")
        rows[0].plot(t, oscillation.slow[t], color=INK, linewidth=1.0, label="slow part")
        rows[0].set_ylabel(axis_label(oscillation.leading))
        rows[0].legend(ncols=2, loc="best")
        if len(t) <= JOINED:
            rows[1].plot(t, oscillation.fast[t], "-", color=ACCENT, linewidth=0.3, alpha=0.35)
        rows[1].plot(t, oscillation.fast[t], ".", color=ACCENT, markersize=1.8)
        rows[1].set(ylabel="fast part", xlabel="step")
        rows[1].sharex(rows[0])
        _mark(rows[1], oscillation)
        _returns(rows[2], oscillation)
        figure.suptitle(_title(oscillation), fontsize=9)
    return figure


def _mark(axes: Axes, oscillation: Oscillation) -> None:
    """Mark its beginning and end."""
    clip_range(axes, oscillation.fast)
    for step, name, side in ((oscillation.since, "since", "left"), (oscillation.until, "until", "right")):
        if step is not None:
            axes.axvline(step, color=WARN, linestyle="--", linewidth=0.9)
            axes.annotate(f"{name} {step}", (step, 1.02), xycoords=("data", "axes fraction"), ha=side, va="bottom", color=WARN,
                          fontsize=7.5)  # fmt: skip


def _returns(axes: Axes, oscillation: Oscillation) -> None:
    """Return differences against the lag; the period and its multiples are visible as minima."""
    values = np.asarray(oscillation.evidence["returns"])
    lags = np.arange(1, len(values) + 1)
    closed = lags % oscillation.period == 0 if oscillation.period else np.zeros(len(lags), dtype=bool)
    axes.axhline(1, color=FAINT, linewidth=0.8)
    axes.vlines(lags, 0, values, color=np.where(closed, WARN, INK), linewidth=1.0)
    axes.scatter(lags, values, s=12, color=np.where(closed, WARN, INK), zorder=3)
    axes.set(xlabel="lag p", ylabel="|u(t+p) − u(t)|, relative", xlim=(0, len(values) + 1), ylim=(0, None))
    axes.set_title(
        f"closed at multiples of {oscillation.period} (red); 1 is noise" if oscillation.period else "1 is noise, 0 a closed cycle"
    )


def _title(oscillation: Oscillation) -> str:
    if oscillation.kind == "none":
        return f"{oscillation.leading}: no oscillation"
    if oscillation.kind == "irregular":
        return f"{oscillation.leading}: irregular" + (f" in {oscillation.bands} bands" if (oscillation.bands or 1) > 1 else "")
    return f"period {oscillation.period} ({oscillation.leading}), amplitude {oscillation.amplitude:.4g}"
