"""Many studies: their attractors over the learning rate, a row for each loss and optimizer."""

import re
from collections import Counter, defaultdict
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.panels import legend_below
from cfdyn.plotting.style import AXES, FAINT, HATCHES, INK, ON_COLOUR, REGIMES, attractor_regime
from cfdyn.plotting.titles import in_line, loss_title, optimizer_title
from cfdyn.studies.collection import Studies

WIDE = 30.0  # of the largest over the least learning rate: their axis is logarithmic
DECADES = (-100, 100)  # that an axis shows; tiles beyond stand at its ends
TILE = 1 / 36  # half of the widest tile, over the range of the learning rates
NAMED, NUMBERED = 36, 60  # rows with their names beside them; studies with their periods on them
WIDTH, ROW, AROUND, MOST = 6.8, 0.24, 1.3, 8.5  # inches: of a figure, of a row, around the panel, of the highest figure
TALL = 0.8  # a tile, of a row
FAILED = "failed"
COLOURS = {**REGIMES, FAILED: "none"}
RATE = re.compile(r"\blr=([-+.\de]+),?")
Rows = dict[tuple[str, str, int], list[int]]  # of loss, optimizer and of studies that differ in neither nor in the rate


def draw(studies: Studies) -> Figure:
    """Tiles in the colours of the regimes; a line across a row: the edge of stability of the loss's lowest minimum."""
    with house_style():
        rates, kinds = _rates(studies), [_kind(studies, k) for k in range(len(studies))]
        rows = _rows(studies, rates)
        figure = new_figure(WIDTH, min(ROW * len(rows) + AROUND, MOST))
        axes = figure.subplots()
        _set_axes(axes, rates, rows)
        for place, row in enumerate(rows.values()):
            _draw_row(axes, place, studies, rates, kinds, row)
        counts = Counter(kinds)
        entries: list[Patch | Line2D] = [_entry(kind, counts[kind]) for kind in COLOURS if counts[kind]]
        lo, hi = axes.get_xlim()
        if ((lo < studies.edge) & (studies.edge < hi)).any():
            entries.append(Line2D([], [], color=INK, linewidth=1.4, label="edge of stability"))
        legend_below(figure, WIDTH, entries, [str(entry.get_label()) for entry in entries])
        figure.suptitle(f"{len(studies)} stud{'ies' if len(studies) > 1 else 'y'}", fontsize=9)
    return figure


def _rates(studies: Studies) -> np.ndarray:
    """The learning rates, for failed studies as requested; NaN if there is none."""
    told = [RATE.search(str(optimizer)) for optimizer in studies.optimizer]
    asked_for = np.array([float(rate[1]) if rate else np.nan for rate in told])
    return np.where(np.isfinite(studies.lr), studies.lr, asked_for)


def _kind(studies: Studies, k: int) -> str:
    return FAILED if studies.failure[k] else attractor_regime(str(studies.regime[k]), int(studies.period[k]) or None)


def _rows(studies: Studies, rates: np.ndarray) -> Rows:
    """The studies of each row, which differ in the learning rate; those with one rate, from other starts, in further rows."""
    seen: Counter[tuple[str, str, str]] = Counter()
    rows: Rows = defaultdict(list)
    for k, (title, optimizer, rate) in enumerate(zip(studies.title, studies.optimizer, rates, strict=True)):
        rest = RATE.sub("", str(optimizer)).strip(":,")
        seen[title, rest, str(rate)] += 1
        rows[str(title), rest, seen[title, rest, str(rate)]].append(k)
    return dict(rows)


def _set_axes(axes: Axes, rates: np.ndarray, rows: Rows) -> None:
    """Room for all tiles, and a name next to each row if there is room for letters."""
    known = rates[np.isfinite(rates)]
    lo, hi = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    if 0 < lo < hi / WIDE:
        axes.set_xscale("log")
        decades = np.log10([lo, hi])
        room = 2 * TILE * np.ptp(decades)
        axes.set_xlim(*10.0 ** np.clip(decades + [-room, room], *DECADES))
    else:
        room = 2 * TILE * (hi - lo or abs(hi) or 1.0)
        axes.set_xlim(lo - room, hi + room)
    axes.set(xlabel=AXES["lr"], ylim=(len(rows) - 0.4, -0.6))
    if len(rows) > NAMED:
        axes.set(ylabel=f"{len(rows)} rows, in the order of the list", yticks=[])
        return
    several = len({optimizer for _, optimizer, _ in rows}) > 1
    names = [in_line(loss_title(title, 34)) + several * f", {optimizer_title(optimizer)}" for title, optimizer, _ in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=7)
    axes.tick_params(axis="y", length=0)


def _draw_row(axes: Axes, place: int, studies: Studies, rates: np.ndarray, kinds: list[str], row: list[int]) -> None:
    """A tile for each study, up to the middle between it and its neighbours; at the left end those without a learning rate."""
    scale = axes.xaxis.get_transform()
    lo, hi = scale.transform(np.array(axes.get_xlim()))
    size, at = TILE * (hi - lo), np.where(np.isfinite(rates[row]), rates[row], axes.get_xlim()[0])
    at = np.clip(scale.transform(at), lo, hi)
    for k, x in zip(row, at, strict=True):
        half = min(size, np.abs(at - x)[at != x].min(initial=np.inf) / 2)
        left, right = scale.inverted().transform(np.array([x - half, x + half]))
        axes.add_patch(Rectangle((left, place - TALL / 2), right - left, TALL, **_filled(kinds[k], 0.5 if half == size else 0)))
        words = "×" if kinds[k] == FAILED else str(studies.period[k]) if kinds[k] == "period" else ""
        if words and half > size / 2 and len(studies) <= NUMBERED:
            letters: dict[str, Any] = {"color": INK} if kinds[k] == FAILED else {"color": "white", "gid": ON_COLOUR}
            axes.text(float(rates[k]) if np.isfinite(rates[k]) else left, place, words, ha="center", va="center", fontsize=6.5,
                      clip_on=True, **letters)  # fmt: skip
    for edge in {float(studies.edge[k]) for k in row if np.isfinite(studies.edge[k])}:
        axes.plot([edge, edge], [place - 0.5, place + 0.5], color=INK, linewidth=1.4, solid_capstyle="butt", scalex=False)


def _entry(kind: str, count: int) -> Patch:
    return Patch(label=f"{'other periods' if kind == 'period' else kind} ({count})", **_filled(kind, 0.5))


def _filled(kind: str, line: float) -> dict[str, Any]:
    ink = INK if kind in HATCHES else FAINT
    return {"facecolor": COLOURS[kind], "edgecolor": ink, "hatch": HATCHES.get(kind), "linewidth": line}
