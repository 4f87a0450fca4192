"""A certificate: the graph of the map with proven boxes, parts of a box with what is known of each, or sets that cover others."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch, Polygon, Rectangle

from cfdyn.certify.boxes.tree import leaves
from cfdyn.certify.certificate import Certificate
from cfdyn.certify.exact import above, below, exact
from cfdyn.errors import UsageError
from cfdyn.plotting.canvas import house_style, new_figure
from cfdyn.plotting.figures._certified_map import graph
from cfdyn.plotting.panels import columns
from cfdyn.plotting.style import ACCENT, FAINT, INK, PALE, PALETTE, WARN, axis_label, symbol
from cfdyn.plotting.titles import typeset, values
from cfdyn.words import called, shortened

SAMPLES = 1201
Pair = tuple[float, float]
# What is known of a part of a box, with its colour: lightness alone distinguishes them too.
KNOWN = {
    "a": ("no image meets it", "#d7e3f0"), "o": ("leaves the box", "#f3f1ec"), "d": ("moved by the map", "#9dbcdc"),
    "q": ("fewer steps return too", "#5f8fc2"), "s": ("in a proven cycle", "#1f4f88"),
    "m": ("mirrored elsewhere", "#ece6f2"), "r": ("a later point is greater", "#dbe9e2"), "i": ("mapped inside", "#9dbcdc"),
    "g": ("mapped to other parts", "#d7e3f0"), "x": ("not of the region", "#f3f1ec"), "?": ("undecided", "#ffffff"),
}  # fmt: skip

EDGE = {
    "b": ("λ below the edge", "#d7e3f0"), "a": ("λ above it", "#5f8fc2"),
    "e": ("λ may be at the edge; the sign of its rate is known", "#1f4f88"),
}  # fmt: skip


def draw(certificate: Certificate) -> Figure:
    """The map with its proven boxes, or parts of a box, or parallelograms, depending on the kind of theorem."""
    if certificate.document is None:
        raise UsageError(f"nothing is proved here that could be drawn: {certificate.reason}")
    document = certificate.document
    kind = document["kind"]
    if kind not in _DRAWN:
        raise UsageError(f"there is no figure for a certificate of the kind {kind!r}; there is one for {', '.join(_DRAWN)}")
    with house_style():
        figure = new_figure(*_SIZES.get(kind, (4.6, 4.4)))
        _DRAWN[kind](figure, document)
        about = document["map"]
        if about["type"] == "optimizer":
            head = typeset(f"{about['optimizer']['name']} on {about['loss']['formula']}", 60)
        else:
            rules = zip(about["variables"], about["formulas"], strict=True)
            head = typeset("; ".join(f"{name} → {formula}" for name, formula in rules), 60)
        head = head if "$" in head else shortened(head, 60)
        figure.suptitle(", ".join([f"proved: {_claim(document)}", *_parameters(document)]) + f"   ·   {head}", fontsize=8.5)
    return figure


def _claim(document: Mapping[str, Any]) -> str:
    """What is proved, in a few words: a stable 2-cycle."""
    kind, claim = document["kind"], document["claim"]
    if kind not in ("cycle", "branch"):
        return str(kind.replace("_", " "))
    stable = {True: "stable ", False: "unstable "}.get(claim.get("stable"), "")
    return f"{stable}{called(claim['period'] if kind == 'branch' else len(claim['points']))}"


def _parameters(document: Mapping[str, Any]) -> list[str]:
    """The intervals of the parameters that vary, and the values of a few others."""
    varied = [f"{lo} ≤ {symbol(name)} ≤ {hi}" for name, (lo, hi) in document["vary"].items()]
    about = document["map"]
    given = about["optimizer"]["params"] if about["type"] == "optimizer" else about["params"]
    numbers = {name: value for name, value in given.items() if name not in document["vary"] and isinstance(value, str)}
    return [*varied, *values({name: float(exact(value)) for name, value in numbers.items()}, ())]


def ends(interval: Sequence[str]) -> Pair:
    """An interval of a file as two doubles."""
    lo, hi = (float(e) if "inf" in e else float.fromhex(e) for e in interval)
    return lo, hi


def _boxes(cycle: Sequence[Sequence[Sequence[str]]]) -> list[list[Pair]]:
    return [[ends(interval) for interval in box] for box in cycle]


def _cycle(figure: Figure, document: Mapping[str, Any]) -> None:
    axes = figure.subplots()
    _all_cycles(axes, document, [_boxes(document["claim"]["points"])])


def _cycles(figure: Figure, document: Mapping[str, Any]) -> None:
    axes, claim = figure.subplots(), document["claim"]
    ledger = document["evidence"]["ledgers"][str(claim["period"])]
    _all_cycles(axes, document, [_boxes(cycle) for cycle in ledger["proven"]])
    count = f"{'exactly' if claim['complete'] else 'at least'} {claim['count']}"
    axes.set_title(f"{count} of period {claim['period']}", fontsize=8)


def _all_cycles(axes: Axes, document: Mapping[str, Any], cycles: Sequence[list[list[Pair]]]) -> None:
    """The graph with a cobweb through the boxes of each cycle, or the boxes in the plane of the first two entries."""
    if not cycles or len(cycles[0][0]) == 1:
        where = document["evidence"].get("inside", document["claim"].get("box", []))
        _graph(axes, document, [box[0] for cycle in cycles for box in cycle] or [ends(where[0])])
        for k, cycle in enumerate(cycles):
            x = np.array([sum(box[0]) / 2 for box in cycle])
            corners = np.repeat(np.append(x, x[0]), 2)
            axes.plot(corners[:-1], corners[1:], color=PALETTE[k % len(PALETTE)], linewidth=0.9)
            axes.plot(x, np.roll(x, -1), "o", markersize=3.5, color=PALETTE[k % len(PALETTE)])
        return
    for k, cycle in enumerate(cycles):
        points = np.array([[sum(box[i]) / 2 for i in (0, 1)] for box in [*cycle, cycle[0]]])
        axes.plot(*points.T, "o-", markersize=3.5, linewidth=0.8, color=PALETTE[k % len(PALETTE)])
    axes.set(xlabel=_name(document, 0), ylabel=_name(document, 1))
    axes.margins(0.1)


def _graph(axes: Axes, document: Mapping[str, Any], spans: Sequence[Pair]) -> tuple[float, float]:
    """y = g(x) and y = x over the intervals, with a margin."""
    lo, hi = min(a for a, _ in spans), max(b for _, b in spans)
    size = max(1.0, abs(lo), abs(hi))
    margin = 0.12 * (hi - lo) if hi - lo > 1e-6 * size else 0.5 * size
    x = np.linspace(lo - margin, hi + margin, SAMPLES)
    axes.plot(x, x, color=FAINT, linewidth=0.8)
    axes.plot(*graph(document["map"], x), color=INK, linewidth=1.2)
    axes.set(xlim=(x[0], x[-1]), ylim=(x[0], x[-1]), xlabel=_name(document, 0), ylabel=f"next {_name(document, 0)}")
    return float(x[0]), float(x[-1])


def _name(document: Mapping[str, Any], k: int) -> str:
    about = document["map"]
    if about["type"] == "formulas":
        return axis_label(about["variables"][k])
    weights, own = about["loss"]["variables"], about["optimizer"]
    names = [*weights, *(f"{s}_{w}" for s in own["per_weight"] for w in weights), *own["shared"]]
    return axis_label(names[k])


def _chaos(figure: Figure, document: Mapping[str, Any]) -> None:
    """The graph with the cycle, and below it the intervals that cover each other, darker if they contain more orbits."""
    axes, claim = figure.subplots(), document["claim"]
    cycles = [_boxes(claim["points"])] if claim["points"] else []
    marks = [box[0] for c in [*cycles, *map(_boxes, document["evidence"]["cycles"])] for box in c]
    marks += [(float.fromhex(x),) * 2 for x in document["evidence"]["numbers"]]
    lo, hi = _graph(axes, document, [ends(claim["interval"])])
    at, weights = np.sort([sum(mark) / 2 for mark in marks]), np.array(document["evidence"]["vector"], dtype=float)
    shades = 0.15 + 0.85 * np.sqrt(weights / max(weights.max(initial=0.0), 1.0))
    for left, right, weight, shade in zip(at[:-1], at[1:], weights, shades, strict=False):
        if weight > 0:
            axes.add_patch(Rectangle((left, lo), right - left, 0.05 * (hi - lo), facecolor=ACCENT, alpha=shade, edgecolor="none"))
    strip = Patch(facecolor=ACCENT, alpha=0.6, label="intervals that cover each other, darker with more orbits")
    axes.legend(handles=[strip], loc="upper center", bbox_to_anchor=(0.5, -0.14))
    for cycle in cycles:
        x = np.array([sum(box[0]) / 2 for box in cycle])
        corners = np.repeat(np.append(x, x[0]), 2)
        axes.plot(corners[:-1], corners[1:], color=WARN, linewidth=1.0)
    words = [f"a cycle of period {claim['period']}"] if claim["period"] else []
    words += [f"entropy at least {float(claim['entropy']):.6f}"] if claim["entropy"] else []
    axes.set_title(", ".join(words) + f"; {int((weights > 0).sum())} intervals", fontsize=8)


def _measure(figure: Figure, document: Mapping[str, Any]) -> None:
    """The graph over the interval, in the square that it does not leave."""
    axes, claim = figure.subplots(), document["claim"]
    lo, hi = ends(claim["interval"])
    _graph(axes, document, [(lo, hi)])
    axes.add_patch(Rectangle((lo, lo), hi - lo, hi - lo, facecolor="none", edgecolor=ACCENT, linewidth=0.9))
    slope = "|f′|" if claim["steps"] == 1 else f"|(f^{claim['steps']})′|"
    axes.set_title(f"{slope} ≥ {float(claim['growth']):.6g}: an invariant density, no stable cycle", fontsize=8)


def _edge(figure: Figure, document: Mapping[str, Any]) -> None:
    """The parts of the box on the sides of the edge, and one point on either side."""
    axes = _tree(figure, document, EDGE)
    if not document["vary"]:
        for side, colour in (("below", INK), ("above", WARN)):
            point = [float.fromhex(x) for x in document["evidence"][side]]
            axes.plot(point[0], point[1] if len(point) > 1 else 0.5, "o", color=colour, markersize=4)
    (lo, hi), scale = ends(document["claim"]["rate"]), document["claim"].get("scale", "")
    if scale and len(document["claim"]["box"]) == 2:
        squares = next(s for s in document["map"]["optimizer"]["per_weight"] if f"({s})" in scale)
        axes.set_ylabel(axis_label(f"{squares}_{document['map']['loss']['variables'][0]}"))
    way, size = "entered" if document["claim"]["enters"] else "left", "λ" if scale else "(ηλ)"
    axes.set_title(f"{way}: d{size}/dt in [{lo:.4g}, {hi:.4g}]", fontsize=8)


def _tree(figure: Figure, document: Mapping[str, Any], known: Mapping[str, tuple[str, str]] = KNOWN) -> Axes:
    """The parts of the box, over the varied parameter if there is one, coloured by what is known of each."""
    axes, evidence = figure.subplots(), document["evidence"]
    fold = evidence.get("fold")
    box = [(0.0, float.fromhex(fold["top"]))] if fold else [ends(i) for i in evidence.get("inside", document["claim"]["box"])]
    vary = [(below(exact(lo)), above(exact(hi))) for lo, hi in document["vary"].values()]
    root = [*box, *vary]
    across, up = (len(box), 0) if vary else (0, min(1, len(root) - 1))
    parts = list(leaves((fold or evidence)["tree"], root))
    flat = across == up
    corners = [_rectangle(part[across], (0.0, 1.0) if flat else part[up]) for _, part in parts]
    colours = [known[letter][1] for letter, _ in parts]
    axes.add_collection(PolyCollection(corners, facecolors=colours, edgecolors=PALE, linewidths=0.15))
    axes.set(xlim=root[across], ylim=(0, 1) if flat else root[up])
    axes.set_xlabel(axis_label(next(iter(document["vary"]))) if vary else _name(document, 0))
    axes.set_ylabel("" if flat else f"|{_name(document, 0)}|" if fold else _name(document, up))
    if flat:
        axes.set_yticks([])
    seen = {letter for letter, _ in parts}
    kinds = [Patch(facecolor=colour, edgecolor=PALE, label=words) for key, (words, colour) in known.items() if key in seen]
    fit = columns([str(kind.get_label()) for kind in kinds], figure.get_figwidth())
    axes.legend(handles=kinds, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=min(3, fit))
    axes.set_title(f"{len(parts)} parts", fontsize=8)
    return axes


def _rectangle(x: Pair, y: Pair) -> list[Pair]:
    return [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]


def _branch(figure: Figure, document: Mapping[str, Any]) -> None:
    """The proven boxes in the first entry of the state, slab by slab, and the cycle in their middles."""
    axes, colour = figure.subplots(), ACCENT if document["claim"]["stable"] is not False else WARN
    slabs = sorted((ends(slab["vary"]), [box[0] for box in _boxes(slab["points"])]) for slab in document["evidence"]["slabs"])
    for (lo, hi), points in slabs:
        for low, high in points:
            axes.add_patch(Rectangle((lo, low), hi - lo, high - low, facecolor=colour, alpha=0.25, edgecolor="none"))
    axes.plot([sum(vary) / 2 for vary, _ in slabs], [[sum(point) / 2 for point in sorted(points)] for _, points in slabs],
              color=colour, linewidth=1.1)  # fmt: skip
    boxes = Patch(facecolor=colour, alpha=0.25, label="proven boxes")
    handles = [boxes, Line2D([], [], color=colour, label="middles of the boxes")]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    axes.autoscale_view()
    axes.margins(0.05)
    axes.set(xlabel=axis_label(next(iter(document["vary"]))), ylabel=_name(document, 0))


def _horseshoe(figure: Figure, document: Mapping[str, Any]) -> None:
    """The parallelograms with their numbers, and arrows from each to those that it covers."""
    plane, axes = figure.subplots(1, 2)
    sets = document["evidence"]["sets"]
    for k, one in enumerate(sets):
        centre = np.array(ends(one["centre"]))
        a, b = (np.array(ends(column)) for column in one["columns"])
        plane.add_patch(Polygon([centre + s * a + t * b for s, t in ((-1, -1), (1, -1), (1, 1), (-1, 1))], closed=True,
                                facecolor=PALETTE[k % len(PALETTE)], alpha=0.5, edgecolor=INK, linewidth=0.6))  # fmt: skip
        plane.annotate(str(k), tuple(centre), fontsize=6, ha="center", va="center")
    plane.autoscale_view()
    plane.margins(0.08)
    plane.set(xlabel=_name(document, 0), ylabel=_name(document, 1))
    angle = 2 * np.pi * np.arange(len(sets)) / max(len(sets), 1)
    at = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for i, j in document["claim"]["transitions"]:
        if i == j:
            axes.plot(*(1.16 * at[i]), "o", markersize=9, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=0.7)
        else:
            look: dict[str, Any] = {"connectionstyle": "arc3,rad=0.15", "arrowstyle": "-|>", "mutation_scale": 8}
            axes.add_patch(FancyArrowPatch(tuple(at[i]), tuple(at[j]), shrinkA=6, shrinkB=6, linewidth=0.8, color=INK, **look))
    for k, (x, y) in enumerate(at):
        axes.plot(x, y, "o", markersize=9, color=PALETTE[k % len(PALETTE)])
        axes.annotate(str(k), (x, y), fontsize=6, ha="center", va="center", color="white")
    axes.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), aspect="equal")
    axes.axis("off")
    axes.set_title(f"covers; entropy at least {float(document['claim']['entropy']):.4f}", fontsize=8)


def _bifurcation(figure: Figure, document: Mapping[str, Any]) -> None:
    """The cycle at the bifurcation, and a sketch of what the proved signs mean: solid if the critical direction is stable."""
    left, right = figure.subplots(1, 2)
    claim = document["claim"]
    _all_cycles(left, document, [_boxes(claim["points"])])
    kind, way = claim["type"], 1 if claim["side"] == "above" else -1
    amount, name = np.linspace(0, 1, 101), symbol(claim["parameter"])
    if kind == "fold":
        right.plot(way * amount, np.sqrt(amount), color=INK)
        right.plot(way * amount, -np.sqrt(amount), color=INK)
    else:
        new, old = ("-", "--") if claim["supercritical"] else ("--", "-")
        right.plot(way * amount, 0 * amount, old, color=INK, label="the cycle")
        right.plot(-way * amount, 0 * amount, new, color=INK)
        born = "a cycle of twice the period" if kind == "flip" else "an invariant circle"
        right.plot(way * amount, np.sqrt(amount), new, color=ACCENT, label=born)
        right.plot(way * amount, -np.sqrt(amount), new, color=ACCENT)
        right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)
    lo, hi = ends(document["evidence"]["parameter"])
    right.plot(0, 0, "o", color=WARN, markersize=4)
    place = f"{name} = {(lo + hi) / 2:.9g}"
    right.set(xlim=(-1.1, 1.1), xticks=[0], xticklabels=[place], yticks=[], ylabel="distance from the cycle")
    critical = {True: "supercritical ", False: "subcritical "}.get(claim.get("supercritical"), "")
    low, high = ends(claim["coefficient"])
    left.set_title(f"coefficient in [{low:.5g}, {high:.5g}]", fontsize=8)
    right.set_title(f"{critical}{kind} (a sketch)", fontsize=8)


_SIZES = {"horseshoe": (7.0, 3.6), "bifurcation": (7.0, 3.6), "no_cycles": (5.6, 4.4)}
_DRAWN: dict[str, Callable[[Figure, Mapping[str, Any]], Any]] = {
    "cycle": _cycle, "cycles": _cycles, "chaos": _chaos, "no_cycles": _tree, "trapping": _tree, "convergence": _tree,
    "branch": _branch, "horseshoe": _horseshoe, "edge": _edge, "bifurcation": _bifurcation,
    "measure": _measure,
}  # fmt: skip
