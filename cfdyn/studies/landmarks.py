"""`landmarks`: the bifurcations over the learning rate, their values, and closed forms for some of them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from cfdyn.analysis.attractors.bands import Bands
from cfdyn.analysis.attractors.classify import classify
from cfdyn.analysis.parameters.cascade import Cascade, cascade
from cfdyn.analysis.parameters.windows import Window, windows_and_gaps
from cfdyn.analysis.training.edge import Edge
from cfdyn.symbolic.exact.short import PATIENCE, report_forms
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map

PERIOD = 3  # the least that implies all others
MOST_KNOWN = 3  # bands whose cycle is followed
LEVELS = 8  # flips of the cascade: δ to four digits
SHOWN = 5  # flips of a cascade in the table
BEFORE = 0.95  # of the edge: where the fixed point is still stable
SAME = 1e-9  # relative: a value and the formula that gives it


class Landmark(NamedTuple):
    """A value of the learning rate, what happens there, and its formula, or ""."""

    value: float
    what: str
    formula: str


@contextmanager
def formulas(
    loss: Loss, optimizer: Optimizer, once: Callable[[Callable[[], Any]], Any] = lambda compute: compute()
) -> Iterator[Callable[[], tuple[list[dict[str, Any]], str]]]:
    """Search for closed forms concurrently; the returned function waits for them and returns them. ``once``: if not known.

    A dict each: ``name``, ``text``, ``latex``, ``value``; and in words what was not computed, or "".
    """
    with ThreadPoolExecutor(1) as pool:
        forms = pool.submit(once, lambda: report_forms(loss, optimizer, PATIENCE))
        yield lambda: ([form._asdict() for form in forms.result()[0]], forms.result()[1])


def doublings(step: Map, border: Edge | None, over: Bands) -> Cascade | None:
    """The cascade from the flip of the lowest minimum; None without a flip in the bands, a NumericsError if it is lost."""
    if border is None or border.kind != "flip" or not border.smooth:
        return None
    lo, hi = float(over.values[0]), float(over.values[-1])
    start = max(lo, BEFORE * border.value)
    if not lo <= start < border.value < hi:
        return None
    return cascade(step.at(**{over.parameter: start}), border.points, over.parameter, (lo, hi), LEVELS)


def three_cycle_windows(
    step: Map, z0: np.ndarray, over: Bands, box: Sequence[tuple[float, float]] | None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Window], str]:  # fmt: skip
    """The windows of 3-cycles over the range of the bands, and why none could be searched for, in words, or "".

    For maps of one variable the box is searched; for others only windows whose 3-cycle the orbit from z0 meets.
    """
    known = [] if step.dim == 1 else _met(step, z0, over)
    if step.dim > 1 and not known:
        return [], ""
    bounds = float(over.values[0]), float(over.values[-1])
    windows, gaps = windows_and_gaps(step, PERIOD, over.parameter, bounds, box, known, progress=progress)
    others = f" (and at {len(gaps) - 1} other values)" if len(gaps) > 1 else ""
    return windows, f"at {gaps[0]}{others}" if gaps else ""


def _met(step: Map, z0: np.ndarray, over: Bands) -> list[tuple[float, Any]]:
    """(value, points) of 3-cycles in the middle of the widest bands of period 3."""
    name = f"period {PERIOD}"
    widest = sorted((b for b in over.bands if b[2] == name), key=lambda b: b[0] - b[1])[:MOST_KNOWN]
    met = []
    for lo, hi, _ in widest:
        value = (lo + hi) / 2
        regime = classify(step.at(**{over.parameter: value}), z0)
        if regime.period == PERIOD:
            met.append((value, regime.points))
    return met


def landmarks(study: Any) -> list[Landmark]:
    """The edge, the doublings and the windows of a study in order of the learning rate, with formulas if known."""
    marks = [] if study.edge is None else [(study.edge.value, f"edge of the lowest minimum ({study.edge.kind})")]
    if study.cascade is not None:
        flips = zip(study.cascade.flips[1:SHOWN], study.cascade.periods[1:SHOWN], strict=True)
        marks += [(value, f"flip of the {n}-cycle") for value, n in flips]
        marks.append((study.cascade.accumulation, "the doublings accumulate"))
    for window in study.windows:
        n = window.period
        marks += [(window.opens, f"fold: a {n}-cycle is born"), (window.superstable, f"superstable {n}-cycle"),
                  (window.flips, f"flip of the {n}-cycle"), (window.closes, f"crisis: the {n}-cycle's window ends")]  # fmt: skip
    return sorted(Landmark(value, what, _formula(study.exact, value)) for value, what in marks if value is not None)


def _formula(exact: Sequence[dict[str, Any]], value: float) -> str:
    return next((form["text"] for form in exact if abs(form["value"] - value) <= SAME * abs(value)), "")
