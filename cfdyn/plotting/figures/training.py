"""A training run and its models: loss, edge, variance, distance, and the oscillation itself."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import legend_below
from cfdyn.plotting.style import ACCENT, DASHED, INK, PALE, PALETTE, REGIMES, WARN, dots, letters_on, regime_name
from cfdyn.plotting.titles import optimizer_title, spelled_out
from cfdyn.training.run import Run

WIDTH = 11.4  # inches
WINDOW, STRIDE = 32, 4  # steps of a short-time spectrum, and from one to the next
STRIPS, STRIP = 4, 0.028  # eigenvectors whose periods are at its foot, and the height of each
DECADES = 4  # of the power that a spectrogram shows
SHOWN, HELD = 3, 1e-2  # directions whose variances are drawn; of the widest one's: where Σ has less, nothing is held there
MODELS = {"central": WARN, "stable": PALETTE[2], "gradient": PALETTE[2], "rod": PALETTE[3], "edge": PALETTE[4]}


def draw(run: Run) -> Figure:
    """Six panels of a `Run`: loss, eigenvalues, variance, distance, spectrogram, and (x, y) of self-stabilisation."""
    with house_style():
        figure = new_figure(WIDTH, 6.6)
        panels = figure.subplots(2, 3)
        parts = (_loss, _eigenvalues, _variance, _distance, _spectrogram, _stabilisation)
        for axes, part in zip(panels.ravel(), parts, strict=True):
            part(axes, run)
        handles = dict(zip(*reversed(panels[0, 0].get_legend_handles_labels()), strict=True))
        legend_below(figure, WIDTH, list(handles.values()), list(handles))
        config = run.config
        batch = f", batches of {config.batch}" if config.batch else ""
        subject = config.subject if config.own else spelled_out(config.subject)
        figure.suptitle(f"{subject}, {optimizer_title(config.optimizer)}{batch}", fontsize=9.5)
    return figure


def _loss(axes: Axes, run: Run) -> None:
    """The loss at the iterates, averaged over neighbours, and that of the models."""
    steps = np.arange(len(run.loss))
    dots(axes, steps, run.loss, label="iterates")
    axes.plot(steps, run.average_loss, color=ACCENT, linewidth=1.1, zorder=3, label="average of neighbours")
    for name, row in run.models.items():
        if not np.isfinite(row.predicted_loss).any():
            continue  # the optimizer ended before it began
        what = "predicted by the central flow" if name == "central" else f"{name} flow"
        axes.plot(run.t, row.predicted_loss, color=MODELS[name], linestyle=DASHED, linewidth=1.3, zorder=4, label=what)
    axes.set(xlabel="step", ylabel="loss", yscale="log", title="loss")


def _eigenvalues(axes: Axes, run: Run) -> None:
    """Eigenvalues at the midpoints, against the edge; the sharpness of the models dashed."""
    for k, values in enumerate(run.eigenvalues.T):
        axes.plot(run.t, values, color=ACCENT, alpha=max(1 - 0.22 * k, 0.25), linewidth=1.1)
    for name, row in run.models.items():
        axes.plot(run.t, row.sharpness, color=MODELS[name], linestyle=DASHED, linewidth=1.3)
    axes.plot(run.t, run.edge, color=INK, linewidth=0.8, linestyle=":")
    finite = np.flatnonzero(np.isfinite(run.edge))
    if len(finite):
        axes.annotate(" edge", (1.0, run.edge[finite[-1]]), xycoords=("axes fraction", "data"), fontsize=7, va="center")
    axes.set(xlabel="step", ylabel="eigenvalues at the midpoints", title="eigenvalues against the edge")


def _variance(axes: Axes, run: Run) -> None:
    """The variance of the iterates about their midpoints, averaged over neighbours, and as predicted (for mini-batches with slow
    parts); by direction if more than one is held.
    """
    name, held = _held(run)
    if len(held) > 1:
        _variances(axes, run, name, held)
        return
    steps, average = np.arange(len(run.swing)), run.average_swing
    axes.plot(steps, average, color=ACCENT, linewidth=1.1)
    for name, row in run.models.items():
        if np.nanmax(row.trace, initial=0.0) > 0:
            axes.plot(run.t, row.trace, color=MODELS[name], linestyle=DASHED, linewidth=1.3)
    title = "swing, and tr Σ with its slow parts" if run.config.batch else "variance: measured, predicted"
    axes.set(xlabel="step", ylabel="‖w − midpoint‖² and tr Σ", title=title)


def _held(run: Run) -> tuple[str, list[int]]:
    """The first model with a Σ, and the directions along which it has one; none for mini-batches, whose Σ has slow parts."""
    for name, row in run.models.items():
        if run.config.batch is None and np.nanmax(row.variance, initial=0.0) > 0:
            largest = np.nanmax(row.variance, axis=0, initial=0.0)
            return name, np.flatnonzero(largest > HELD * largest.max())[:SHOWN].tolist()
    return "", []


def _variances(axes: Axes, run: Run, name: str, held: list[int]) -> None:
    """The variance along each of the sharpest directions: measured as dots, predicted by the model as lines."""
    predicted, steps = run.models[name].variance, np.arange(len(run.variance))
    for k in held:
        dots(axes, steps, run.variance[:, k], color=PALETTE[k], alpha=0.45)
        axes.plot(run.t, predicted[:, k], color=PALETTE[k], linewidth=1.3, label=f"v{k + 1}")
    least = HELD**2 * float(np.nanmax(predicted[:, held]))
    axes.set(xlabel="step", ylabel=f"dots measured, lines of the {name} flow", title="variance along each direction")
    axes.set(yscale="log", ylim=(least, None))
    axes.legend(fontsize=7, ncols=len(held), handlelength=1.2, columnspacing=1.0)


def _distance(axes: Axes, run: Run) -> None:
    """The distance of each model from the midpoints, on a logarithmic axis."""
    drawn = False
    for name, row in run.models.items():
        seen = np.isfinite(row.distance) & (row.distance > 0)
        axes.plot(run.t[seen], row.distance[seen], color=MODELS[name], linewidth=1.3)
        drawn = drawn or bool(seen.any())
    if drawn:
        axes.set_yscale("log")
    else:
        axes.text(0.5, 0.5, "no model for comparison", transform=axes.transAxes, ha="center")
    axes.set(xlabel="step", ylabel="distance to the midpoints", title="distance of the models")


def _spectrogram(axes: Axes, run: Run) -> None:
    """Spectrogram of the coordinate along the sharpest direction: power over time and frequency, each window scaled to 1."""
    axes.set(xlabel="step", ylabel="frequency (per step)", title="oscillation along the sharpest direction")
    x = run.coordinates[:, 0]
    there = np.flatnonzero(np.isfinite(x))
    if len(there) < WINDOW:
        axes.text(0.5, 0.5, "too few steps", transform=axes.transAxes, ha="center")
        return
    first, x = int(there[0]), x[there[0] : there[-1] + 1]
    starts = np.arange(0, len(x) - WINDOW + 1, STRIDE)
    windows = np.stack([x[a : a + WINDOW] for a in starts]) * np.hanning(WINDOW)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    shown = np.log10(np.maximum(power / max(float(power.max()), 1e-300), 10.0**-DECADES))
    end = first + starts[-1] + STRIDE + WINDOW / 2
    extent = (first + WINDOW / 2, end, -0.5 / WINDOW, 0.5 + 0.5 / WINDOW)
    image = axes.imshow(shown.T, origin="lower", aspect="auto", extent=extent, cmap="magma_r", vmin=-DECADES, vmax=0.0)
    axes.figure.colorbar(image, ax=axes, label="log₁₀ power", pad=0.01)
    _strips(axes, run)
    axes.set(xlim=(0, len(run.loss) - 1), ylim=(0.0, 0.5))


def _strips(axes: Axes, run: Run) -> None:
    """At the bottom a strip for each eigenvector, with the period and the duration of its oscillation."""
    for one in run.usual_periods.episodes:
        if one["direction"] > STRIPS:
            continue
        place, width = (one["direction"] - 1) * STRIP, one["until"] - one["since"]
        colour = REGIMES["chaotic" if one["period"] is None else regime_name(f"period {one['period']}")]
        axes.barh(place, width, STRIP, one["since"], align="edge", color=colour, edgecolor="white", linewidth=0.6, zorder=3)
        if width > len(run.loss) / 6:
            words = f"v{one['direction']}: {'irregular' if one['period'] is None else 'period ' + str(one['period'])}"
            middle = (one["since"] + width / 2, place + STRIP / 2)
            axes.text(*middle, words, fontsize=5.5, ha="center", va="center", zorder=4, **letters_on(colour))


def _stabilisation(axes: Axes, run: Run) -> None:
    """x, the coordinate with its alternation removed, and y, the excess of the sharpness over the edge, coloured by time."""
    axes.set(xlabel="x: (−1)ᵗ × coordinate", ylabel="y: sharpness − edge", title="self-stabilisation")
    steps = run.t[np.isfinite(run.edge)].astype(int)
    if not len(steps):
        axes.text(0.5, 0.5, "no edge to measure against", transform=axes.transAxes, ha="center")
        return
    every = np.arange(steps[0], steps[-1] + 1)
    y = np.interp(every, run.t, run.sharpness - run.edge)
    x = run.coordinates[every, 0] * (-1.0) ** every
    axes.plot(x, y, color=PALE, linewidth=0.6, zorder=1)
    points = axes.scatter(x, y, c=every, s=5, cmap="viridis", zorder=2)
    axes.axhline(0.0, color=INK, linewidth=0.8, linestyle=":")
    axes.figure.colorbar(points, ax=axes, label="step", pad=0.01)
