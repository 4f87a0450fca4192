"""Which curves begin at, or go through, a point of codimension two: a start for each, and in words what does not begin."""

from typing import NamedTuple

import numpy as np

from cfdyn.continuation.curve.beside import Neighbourhood
from cfdyn.continuation.curve.born import Born, cycle_beside, doubled, rotating
from cfdyn.continuation.curve.turning import turning
from cfdyn.errors import CfdynError
from cfdyn.systems.map import Map
from cfdyn.words import called, spoken

# Kuznetsov, ch. 9: the curves of the same cycle through a point of each kind, and what begins for the cycle of twice the period.
THROUGH = {
    "cusp": ("fold",), "generalized flip": ("flip",), "chenciner": ("neimark-sacker",), "fold-flip": ("fold", "flip"),
    "resonance 1:1": ("fold", "neimark-sacker"), "resonance 1:2": ("flip", "neimark-sacker"),
    "fold-neimark-sacker": ("fold", "neimark-sacker"), "flip-neimark-sacker": ("flip", "neimark-sacker"),
    "double neimark-sacker": ("neimark-sacker", "neimark-sacker"), "branch point-flip": ("branch point", "flip"),
    "branch point-neimark-sacker": ("branch point", "neimark-sacker"),
}  # fmt: skip
DOUBLED = {"generalized flip": "fold", "resonance 1:2": "neimark-sacker", "fold-flip": "neimark-sacker",
           "flip-neimark-sacker": "neimark-sacker"}  # fmt: skip
NOTHING = {
    "cusp": "both folds that meet there are this curve",
    "chenciner": "folds of invariant circles begin there, which are no cycles",
    "fold-neimark-sacker": "circles and tori of the return map are born there, no cycle",
    "double neimark-sacker": "tori are born there, no cycle",
}
ASIDE = (0.05, 0.2, 0.01)  # of an angle: from so far on a Neimark–Sacker curve is followed back to its end


class Beginnings(NamedTuple):
    """``starts``: a point on each curve; ``cycles``: those without a curve that are worth a branch; ``said``: in words."""

    starts: list[Born]
    cycles: list[Born]
    said: list[str]


def beginnings(
    step: Map, kind: str, points: np.ndarray, multipliers: np.ndarray, names: tuple[str, str], widths: np.ndarray
) -> Beginnings:
    """What begins at a point of codimension two: ``step`` with the parameters there, the cycle (n, D) and its multipliers.

    ``widths`` (2,): the units of the parameters.
    """
    found = Beginnings([], [], [])
    ratio = _ratio(kind)
    if kind not in THROUGH and ratio is None:
        found.said.append(f"nothing is known here of what begins at a {spoken(kind)}")
        return found
    base = np.array([step.params[name] for name in names])
    for same in THROUGH.get(kind, ("neimark-sacker",)):
        if same == "neimark-sacker" and kind in ("resonance 1:1", "resonance 1:2", "double neimark-sacker"):
            found.starts.extend(_beside_its_end(step, kind, points, multipliers, names, widths))
        else:
            found.starts.append(Born(same, points, base))
    with np.errstate(all="ignore"):
        _multiplied(found, step, kind, points, names, widths)
    if kind in NOTHING:
        found.said.append(NOTHING[kind])
    return found


def _ratio(kind: str) -> tuple[int, int] | None:
    """(p, q) of a resonance p:q."""
    parts = kind.removeprefix("resonance ").split(":")
    return (int(parts[0]), int(parts[1])) if kind.startswith("resonance ") and len(parts) == 2 else None


def _multiplied(
    found: Beginnings, step: Map, kind: str, points: np.ndarray, names: tuple[str, str], widths: np.ndarray
) -> None:
    """Add what begins for cycles of a multiple of the period."""
    p, q = _ratio(kind) or (1, 2)
    if q < 2 or (q == 2 and kind not in DOUBLED):
        return
    what = called(q * len(points))
    try:
        around = Neighbourhood(step, points, names, widths, np.exp(2j * np.pi * p / q) if q > 2 else -1.0, q)
        if q == 2:
            born = doubled(around, DOUBLED[kind])
            if not born:
                found.said.append(f"no {spoken(DOUBLED[kind])} of the {what} was found to begin there")
        else:
            born = rotating(around) if q > 3 else []
            if not born:
                _single(found, around, what, q)
    except (CfdynError, np.linalg.LinAlgError) as error:
        found.said.append(f"the {what} beside it was not found: {error}")
        return
    found.starts.extend(born)


def _single(found: Beginnings, around: Neighbourhood, what: str, q: int) -> None:
    """Say that no fold begins, with a cycle to follow if there is one."""
    cycle = cycle_beside(around)
    if cycle is None:
        found.said.append(f"no {what} was found beside it")
        return
    found.cycles.append(cycle)
    found.said.append({
        3: f"a saddle {what} is there on all sides of the point and shrinks onto it; no fold begins there",
        4: f"a {what} is there on all sides of the point and shrinks onto it; no fold begins there: |A| < 1"}.get(
            q, f"no folds of the {what} were resolved: its tongue is too narrow"))  # fmt: skip


def _beside_its_end(
    step: Map, kind: str, points: np.ndarray, multipliers: np.ndarray, names: tuple[str, str], widths: np.ndarray
) -> list[Born]:
    """A point of each Neimark–Sacker curve that ends at, or goes through, a double multiplier or two pairs."""
    angles = [0.0] if kind == "resonance 1:1" else [np.pi]
    if kind == "double neimark-sacker":
        onwards = multipliers[np.imag(multipliers) > 0]
        angles = [abs(float(a)) for a in np.angle(onwards[np.argsort(np.abs(np.abs(onwards) - 1))[:2]])]
    found = []
    for angle in angles:
        for aside in ASIDE:
            there = turning(step, points, names, widths, angle - aside if angle > 1 else angle + aside)
            if there is not None:
                found.append(Born("neimark-sacker", there.points, there.parameters))
                break
    return found
