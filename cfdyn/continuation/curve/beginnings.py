"""The curves that begin at, or pass through, a point of codimension two: a start for each, and in words which do not begin."""

from typing import NamedTuple

import numpy as np

from cfdyn.continuation.curve.beside import Neighbourhood
from cfdyn.continuation.curve.born import Born, circling, cycle_beside, doubled, rotating
from cfdyn.continuation.curve.turning import turning
from cfdyn.cycles.shooting import multipliers as cycle_multipliers
from cfdyn.cycles.shooting import polish
from cfdyn.errors import CfdynError, NumericsError
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
    "cusp": "both folds that meet there belong to this curve",
    "chenciner": "the curves that begin there are folds of invariant circles, which are not cycles",
    "fold-neimark-sacker": "circles and tori of the return map are born there, not cycles",
    "double neimark-sacker": "tori are born there, not cycles",
}
TRIED, MOVED = 1e-5, 1e-3  # of the bounds: a difference, and how far from two pairs a curve of one of them is started
MOST = 800  # unknowns of the cycles beside a point, which are solved for with dense matrices
ASIDE = (0.05, 0.2, 0.01)  # of an angle: from so far on a Neimark–Sacker curve is followed back to its end


class Beginnings(NamedTuple):
    """``starts``: a point on each curve; ``cycles``: those without a curve that are followed as a branch; ``said``: in words."""

    starts: list[Born]
    cycles: list[Born]
    said: list[str]


def beginnings(
    step: Map, kind: str, points: np.ndarray, multipliers: np.ndarray, names: tuple[str, str], widths: np.ndarray
) -> Beginnings:
    """The curves that begin at a point of codimension two: ``step`` with its parameters, the cycle (n, D) and its multipliers.

    ``widths`` (2,): the units of the parameters.
    """
    beginnings = Beginnings([], [], [])
    ratio = _ratio(kind)
    if kind not in THROUGH and ratio is None:
        beginnings.said.append(f"the curves that begin at this point are not known for a {spoken(kind)}")
        return beginnings
    base = np.array([step.params[name] for name in names])
    for same in THROUGH.get(kind, ("neimark-sacker",)):
        if same == "neimark-sacker" and kind in ("resonance 1:1", "resonance 1:2"):
            beginnings.starts.extend(_beside_its_end(step, kind, points, names, widths))
        elif kind == "double neimark-sacker":
            beginnings.starts.extend(_of_each_pair(step, points, multipliers, names, widths))
            break
        else:
            beginnings.starts.append(Born(same, points, base))
    with np.errstate(all="ignore"):
        _multiplied(beginnings, step, kind, points, names, widths)
    if kind in NOTHING:
        beginnings.said.append(NOTHING[kind])
    return beginnings


def _ratio(kind: str) -> tuple[int, int] | None:
    """(p, q) of a resonance p:q."""
    parts = kind.removeprefix("resonance ").split(":")
    return (int(parts[0]), int(parts[1])) if kind.startswith("resonance ") and len(parts) == 2 else None


def _multiplied(
    beginnings: Beginnings, step: Map, kind: str, points: np.ndarray, names: tuple[str, str], widths: np.ndarray
) -> None:
    """Add the beginnings for cycles of a multiple of the period."""
    p, q = _ratio(kind) or (1, 2)
    if q < 2 or (q == 2 and kind not in DOUBLED):
        return
    what = called(q * len(points))
    if q * points.size > MOST:
        beginnings.said.append(f"the {what} is too long for a dense matrix of its {q * points.size} unknowns, at most {MOST}")
        return
    try:
        around = Neighbourhood(step, points, names, widths, np.exp(2j * np.pi * p / q) if q > 2 else -1.0, q)
        if q == 2:
            born = doubled(around, DOUBLED[kind])
            if not born:
                beginnings.said.append(f"no {spoken(DOUBLED[kind])} curve of the {what} was found to begin there")
        else:
            born = rotating(around) if q > 3 else []
            if not born:
                _single(beginnings, around, what, q)
            # Of a weaker resonance nodes in the tongue keep their multipliers real near its tip.
            born += circling(around) if q == 4 else []
    except (CfdynError, np.linalg.LinAlgError) as error:
        beginnings.said.append(f"the {what} near the point was not found: {error}")
        return
    beginnings.starts.extend(born)


def _single(beginnings: Beginnings, around: Neighbourhood, what: str, q: int) -> None:
    """State that no fold begins, with a cycle to follow if there is one."""
    cycle = cycle_beside(around)
    if cycle is None:
        beginnings.said.append(f"no {what} was found near the point")
        return
    beginnings.cycles.append(cycle)
    beginnings.said.append({
        3: f"a saddle {what} exists on all sides of the point and shrinks onto it; no fold begins there",
        4: f"a {what} shrinks onto the point, and no fold of it was found to begin there"}.get(
            q, f"no folds of the {what} were resolved: its tongue is too narrow"))  # fmt: skip


def _beside_its_end(step: Map, kind: str, points: np.ndarray, names: tuple[str, str], widths: np.ndarray) -> list[Born]:
    """A point of the Neimark–Sacker curve that ends at a double multiplier ±1, if there is one."""
    for aside in ASIDE:
        there = turning(step, points, names, widths, aside if kind == "resonance 1:1" else np.pi - aside)
        if there is not None:
            return [Born("neimark-sacker", there.points, there.parameters)]
    return []


def _of_each_pair(
    step: Map, points: np.ndarray, multipliers: np.ndarray, names: tuple[str, str], widths: np.ndarray
) -> list[Born]:
    """Near a point with two pairs on the unit circle, a point with one pair near it: along its line of constant modulus."""
    base, born = np.array([step.params[name] for name in names]), []
    upper = multipliers[np.imag(multipliers) > 0]

    def at(place: np.ndarray, pair: complex) -> tuple[np.ndarray, float]:
        there = step.at(**{name: float(v) for name, v in zip(names, base + widths * place, strict=True)})
        cycle = polish(there, points)
        if cycle is None:
            raise NumericsError("it was not found near the point")
        mu = cycle_multipliers(there, cycle)
        return cycle, float(np.abs(mu[np.argmin(np.abs(mu - pair))]))

    for pair in upper[np.argsort(np.abs(np.abs(upper) - 1))[:2]]:
        rates = np.array([at(h, pair)[1] - at(-h, pair)[1] for h in TRIED * np.eye(2)])
        along = MOVED * np.array([-rates[1], rates[0]]) / (np.linalg.norm(rates) or 1.0)
        born.append(Born("neimark-sacker", at(along, pair)[0], base + widths * along))
    return born
