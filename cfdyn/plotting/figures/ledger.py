"""A ledger of cycles: proven boxes on the line or in the plane; several of them along a parameter."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cfdyn.certify.exact import exact
from cfdyn.certify.ledger import Ledger
from cfdyn.errors import UsageError
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.style import FAINT, INK, PALETTE, WARN, axis_label
from cfdyn.words import shortened


def draw(ledger: Ledger, also: Sequence[Ledger] = ()) -> Figure:
    """The proven cycles, a row for each period that divides n, a colour for each cycle, and what is undecided in red.

    also : ledgers of the same map at other values of one parameter: then all points over that parameter
    """
    with house_style():
        figure = new_figure(4.8, 3.4 if also or len(ledger.box) > 1 else 1.6 + 0.35 * (1 + len(ledger.divisors)))
        axes = figure.subplots()
        if also:
            _along(axes, [ledger, *also])
        elif len(ledger.box) == 1:
            _line(axes, ledger)
        else:
            _plane(axes, ledger)
        words = f"proved: cycles of period {ledger.period}" if also else _words(ledger)
        figure.suptitle(shortened(words, 76), fontsize=8.5)
    return figure


def _words(ledger: Ledger) -> str:
    """How many cycles are proved, and whether they are all."""
    count, n = ledger.count, ledger.period
    how = ("exactly" if ledger.complete else "at least") if count else ""
    left = "" if ledger.complete else f", {len(ledger.undecided)} box{'es' * (len(ledger.undecided) != 1)} undecided"
    return " ".join(f"proved: {how} {count or 'no'} cycle{'s' * (count != 1)} of period {n}{left}".split())


def _line(axes: Axes, ledger: Ledger) -> None:
    """One row for each period."""
    rows = {**ledger.divisors, ledger.period: ledger}
    for at, (_, part) in enumerate(rows.items()):
        axes.axhline(at, color=FAINT, linewidth=0.8, zorder=0)
        for k, cycle in enumerate(part.proven):
            x = [sum(box[0]) / 2 for box in cycle]
            axes.plot(x, [at] * len(x), "|", markersize=11, markeredgewidth=1.3, color=PALETTE[k % len(PALETTE)])
        for box, _ in part.undecided:
            _mark(axes, box[0], at - 0.3, 0.6)
    axes.set(xlim=ledger.box[0] if np.isfinite(ledger.box[0]).all() else None, ylim=(-0.6, len(rows) - 0.4),
             yticks=range(len(rows)), yticklabels=[f"period {d}" for d in rows], xlabel=_names(ledger)[0])  # fmt: skip


def _mark(axes: Axes, span: Sequence[float], low: float, height: float) -> None:
    """Mark undecided boxes: a box, and a line if it is too narrow to be visible."""
    axes.add_patch(Rectangle((span[0], low), span[1] - span[0], height, facecolor=WARN, alpha=0.4, edgecolor="none"))
    axes.plot([sum(span) / 2] * 2, [low, low + height], color=WARN, linewidth=1.0)


def _plane(axes: Axes, ledger: Ledger) -> None:
    """The first two entries of the state."""
    for k, cycle in enumerate(ledger.proven):
        points = np.array([[sum(box[i]) / 2 for i in (0, 1)] for box in [*cycle, cycle[0]]])
        axes.plot(*points.T, "o-", markersize=3.5, linewidth=0.8, color=PALETTE[k % len(PALETTE)])
    for box, _ in ledger.undecided:
        (a, b), (c, d) = box[:2]
        axes.add_patch(Rectangle((a, c), b - a, d - c, facecolor=WARN, alpha=0.4, edgecolor=WARN))
    names = _names(ledger)
    axes.set(xlim=ledger.box[0], ylim=ledger.box[1], xlabel=names[0], ylabel=names[1])


def _along(axes: Axes, ledgers: Sequence[Ledger]) -> None:
    """All points over the parameter in which the ledgers differ; hollow where there may be more cycles."""
    tables = [_parameters(ledger) for ledger in ledgers]
    differ = [name for name in tables[0] if len({table.get(name) for table in tables}) > 1]
    if len(differ) != 1 or len({ledger.period for ledger in ledgers}) > 1:
        raise UsageError("ledgers are drawn together if they are of one map and period, at several values of one parameter")
    for ledger, table in zip(ledgers, tables, strict=True):
        value = float(exact(table[differ[0]]))
        points = [sum(box[0]) / 2 for cycle in ledger.proven for box in cycle]
        axes.plot([value] * len(points), points, "o", markersize=3, color=INK, markerfacecolor=INK if ledger.complete else "none")
        for box, _ in ledger.undecided:
            axes.plot([value] * 2, box[0], "_-", color=WARN, linewidth=1.6)
    axes.set(xlabel=axis_label(differ[0]), ylabel=_names(ledgers[0])[0])
    axes.margins(0.06)


def _document(ledger: Ledger) -> dict:
    if ledger.certificate is None or ledger.certificate.document is None:
        raise UsageError("the ledger has no certificate that identifies its map")
    return dict(ledger.certificate.document["map"])


def _parameters(ledger: Ledger) -> dict[str, str]:
    about = _document(ledger)
    return dict(about["params"]) if about["type"] == "formulas" else {**about["loss"]["params"], **about["optimizer"]["params"]}


def _names(ledger: Ledger) -> list[str]:
    """The names of the state's entries."""
    about = _document(ledger)
    if about["type"] == "formulas":
        return [axis_label(name) for name in about["variables"]]
    weights, own = about["loss"]["variables"], about["optimizer"]
    names = [*weights, *(f"{s}_{w}" for s in own["per_weight"] for w in weights), *own["shared"]]
    return [axis_label(name) for name in names]
