"""Cycles in closed form as lines over an orbit diagram from iteration, their bifurcations as ticks with formulas."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser

from cfdyn.errors import UsageError
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import label_above, spread
from cfdyn.plotting.style import ACCENT, DASHED, WARN, axis_label, clip_range, specks, symbol
from cfdyn.plotting.sweeps import middles, swept
from cfdyn.symbolic.exact.families import ExactCurves, ExactRoot
from cfdyn.symbolic.exact.record import ExactCycles
from cfdyn.systems.map import Map
from cfdyn.words import called

COUNT = 400
APART = 0.035  # of the width, between labels
COLOURS = (ACCENT, "#2e7d5b", "#8a5aa8", "#b07d1e")
SHORT = {"branch point": "branch", "neimark-sacker": "NS"}


def draw(record: ExactCycles, span: Sequence[float] | None = None, also: Sequence[ExactCycles] = ()) -> Figure:
    """One panel: dots are iterates, solid lines stable cycles, dashed lines unstable ones."""
    if not (isinstance(also, Sequence) and all(isinstance(r, type(record)) for r in also)):
        raise UsageError(f"also= takes a list of cycles in closed form, not {also!r}")
    records = [*also, record]
    if not record.families or not record.parameters:
        raise UsageError(f"there is nothing to draw: {record.reason or 'no parameter stayed a symbol'}")
    lo, hi = checked_span(span) if span is not None else _range(record)
    parameter = record.parameters[0]
    with house_style():
        figure = new_figure(6.4, 4.2)
        axes = figure.subplots()
        curves = [r.curves(parameter, lo, hi, COUNT) for r in records]
        dots = _iterates(record, parameter, curves)
        if span is None:
            lo, hi = _settled(record, dots[0], lo, hi)
        specks(axes, *dots)
        shown = [dots[1]]
        for k, (r, curve) in enumerate(zip(records, curves)):
            _draw_branches(axes, r, curve, COLOURS[k % len(COLOURS)])
            shown.append(curve.points.ravel())
        clip_range(axes, np.concatenate(shown))
        axes.set(xlabel=axis_label(parameter), ylabel=axis_label(record.names[0]), xlim=(lo, hi))
        _draw_ticks(axes, records, parameter, lo, hi)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3)
        figure.suptitle(_title(record), fontsize=9)
    return figure


def checked_span(span: Sequence[float]) -> tuple[float, float]:
    """The range of a figure, lo < hi."""
    try:
        lo, hi = (float(v) for v in span)
    except (TypeError, ValueError):
        raise UsageError(f"a span is two numbers (lo, hi), not {span!r}") from None
    if not (np.isfinite([lo, hi, hi - lo]).all() and lo < hi):
        raise UsageError(f"a span needs finite lo < hi, not {lo:g}:{hi:g}")
    return lo, hi


def _range(record: ExactCycles) -> tuple[float, float]:
    """Around the bifurcations of this record, or around the parameter's value if there is none."""
    values, now = [root.value for _, root in record.bifurcations], record.params[record.parameters[0]]
    if now > 0:
        values = [v for v in values if v > 0]
    if not values:
        return (now - 0.5 * abs(now), now + 0.5 * abs(now)) if now else (-1.0, 1.0)
    lo, hi = min(values), max(values)
    pad = max(0.5 * (hi - lo), 0.08 * max(abs(lo), abs(hi)), 1e-3)
    return (max(lo - pad, 0.1 * lo) if now > 0 else lo - pad), hi + pad


def _settled(record: ExactCycles, values: np.ndarray, lo: float, hi: float) -> tuple[float, float]:
    """The range up to the value beyond which all orbits escape, with the bifurcations in it."""
    inside = [root.value for _, root in record.bifurcations if lo <= root.value <= hi]
    if not len(values):
        return lo, hi
    room = 0.02 * (hi - lo)
    return max(lo, min([values.min(), *inside]) - room), min(hi, max([values.max(), *inside]) + room)


def _iterates(record: ExactCycles, parameter: str, curves: Sequence[ExactCurves]) -> tuple[np.ndarray, np.ndarray]:
    """(values, states) of the attractors of orbits from the middle of each stable piece of the cycles; without one, from all."""
    step = Map.from_text([f.text for f in record.formulas], record.names, {n: record.params[n] for n in record.parameters})
    seeds = [(c, row, k) for c in curves for row, stable in zip(c.points, c.stable) for k in middles(stable)]
    if not seeds:
        seeds = [(c, row, k) for c in curves for row in c.points for k in np.flatnonzero(np.isfinite(row))[:: COUNT // 4]]
    starts = ((float(c.values[k]), np.array([row[k], *([0.0] * (step.dim - 1))])) for c, row, k in seeds)
    return swept(step, parameter, curves[0].values, starts)


def _draw_branches(axes: Axes, record: ExactCycles, exact: ExactCurves, colour: str) -> None:
    for row, stable in zip(exact.points, exact.stable):
        axes.plot(exact.values, np.where(stable, row, np.nan), color=colour, linewidth=1.6)
        axes.plot(exact.values, np.where(stable, np.nan, row), color=colour, linewidth=0.9, linestyle=DASHED)
    axes.plot([], [], color=colour, linewidth=1.6, label=f"{called(record.period, several=True)}, exact (dashed: unstable)")


def _draw_ticks(axes: Axes, records: Sequence[ExactCycles], name: str, lo: float, hi: float) -> None:
    """Each bifurcation once, labelled along the upper edge."""
    seen: dict[float, list[str]] = {}
    labels: dict[float, str] = {}
    for r in records:
        for kind, root in r.bifurcations:
            if lo <= root.value <= hi:
                key = round(root.value, 12)
                seen.setdefault(key, [])
                words = SHORT.get(kind, kind.split()[0]) + f", period {r.period}" * (r.period > 1)
                if words not in seen[key] and not (words.startswith(("birth", "branch")) and seen[key]):
                    seen[key].append(words)
                labels[key] = _label(root)
    keys = sorted(seen)
    for key, place in zip(keys, spread(keys, APART * (hi - lo))):
        axes.axvline(key, color=WARN, linewidth=0.6, alpha=0.7, zorder=0)
        words = f"{'; '.join(seen[key])}: {symbol(name)} = {labels[key]}"
        label_above(axes, key, place, 1.06, words, line=0.6, rotation=60, ha="left")


def _label(root: ExactRoot) -> str:
    if root.formula is not None and len(root.formula.tex) <= 40 and _drawable(root.formula.tex):
        return f"${root.formula.tex}$"
    return f"{root.value:.7g}"


def _drawable(tex: str) -> bool:
    try:
        MathTextParser("path").parse(f"${tex}$")
    except ValueError:
        return False
    return True


def _title(record: ExactCycles) -> str:
    tex = rf"{record.names[0]} \mapsto {record.formulas[0].tex}"
    return f"${tex}$" if len(tex) <= 90 and _drawable(tex) else record.title[:80]
