"""Special points between two rows of a matrix-free branch: flips, folds, branch points, Neimark–Sacker points."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cfdyn.continuation.between_rows import polynomial
from cfdyn.continuation.matrix_free.system import Place, System
from cfdyn.linalg.multipliers import Leading
from cfdyn.numerics.illinois import zero

REAL = 1e-9  # an imaginary part less than this, relative: a real multiplier
ON = 1e-12  # from ±1: a multiplier that is there
ACCEPTED = 1e-10  # from ±1: a multiplier that has been brought there
SAME, PARALLEL = 1e-9, {True: 0.7, False: 0.999}  # of the bounds, and a cosine (of a symmetric M or not): two that are one
VECTOR = 1e-5  # a residual: above it, an approximate eigenvalue is not a multiplier
MOST, PARTS = 10, 10  # corrections of a place; halvings of a step where some are missing
AROUND = np.array([-2e-2, -1e-2, 1e-2, 2e-2])  # of a step: where solutions beside a branch point are taken
FOLDED = 1e-5  # of a step: so far from a fold is the multiplier 1
BEYOND = 1e-9  # of a step: so far may rounding bring a place outside


class Row(NamedTuple):
    """A solution with its tangent and its multipliers."""

    place: Place
    spectrum: Leading

    @property
    def z(self) -> np.ndarray:
        """(x, λ)."""
        return self.place.z

    @property
    def tangent(self) -> np.ndarray:
        """The tangent, of length 1."""
        return self.place.tangent

    def turned(self) -> "Row":
        """The same row with its tangent reversed."""
        return self._replace(place=replace(self.place, corrections=0, tangent=-self.tangent))

    def without_vectors(self) -> "Row":
        """The same row without its vectors, in little memory."""
        return Row(Place(self.z, None, None, 0, self.tangent), self.spectrum._replace(vectors=None))  # type: ignore[arg-type]


class Event(NamedTuple):
    """A special point: its kind, the place behind ``row`` at a fraction ``share`` of the step, and its multiplier.

    The critical multiplier comes with its vector (or None) and its residual.
    """

    kind: str
    share: float
    place: Place
    multiplier: complex
    vector: np.ndarray | None
    residual: float
    row: int = 0


Between = Callable[[float], Place | None]


def between(system: System, first: Row, last: Row) -> Between:
    """The place at a fraction of the step between two rows."""
    step = last.z - first.z
    border = system.weights * first.tangent
    length = float(border @ step)
    bend = step - length * first.tangent
    return lambda t: system.solve(first.z + t * length * first.tangent + t * t * bend, border)


def beyond(values: np.ndarray, target: float) -> int:
    """The number of real multipliers beyond −1 or 1."""
    real = values.real[np.abs(values.imag) <= REAL * np.maximum(np.abs(values), 1e-300)]
    return int((target * real > 1).sum())


def events_between(system: System, first: Row, last: Row) -> list[Event]:
    """All events in the step between two rows, in order."""
    events, turns = list[Event](), first.tangent[-1] * last.tangent[-1] < 0
    place_at = between(system, first, last)
    if turns:
        events += _fold(system, first, place_at)
    folds = [event.share for event in events]
    events += _passing(system, place_at, (0.0, first.spectrum), (1.0, last.spectrum), -1.0, "flip")
    passing = _passing(system, place_at, (0.0, first.spectrum), (1.0, last.spectrum), 1.0, "branch point")
    # At a fold a multiplier passes 1, too.
    events += [event for event in passing if not any(abs(event.share - share) < FOLDED for share in folds)]
    events += _neimark_sacker(system, place_at, (0.0, first.spectrum), (1.0, last.spectrum))
    return sorted(events, key=lambda event: event.share)


def _fold(system: System, first: Row, place_at: Between) -> list[Event]:
    """The place where the tangent has no component along the parameter."""
    places = dict[float, Place]()

    def along(t: float) -> float:
        place = place_at(t)
        place = place and system.with_tangent(place, first.tangent)
        if place is None:
            raise ArithmeticError
        places[t] = place
        return float(place.tangent[-1])

    try:
        share = zero(along, 0.0, 1.0)
    except ArithmeticError:
        return []
    place = places.get(share) or place_at(share)
    if place is None:
        return []
    tangent = place.tangent[:-1] if len(place.tangent) else first.tangent[:-1]
    mu, vector, residual = place.linear.refined(tangent, 1.0)
    return [Event("fold", share, place, mu, vector, residual)]


def _passing(
    system: System, place_at: Between, first: tuple[float, Leading], last: tuple[float, Leading], target: float, kind: str,
    depth: int = 0,
) -> list[Event]:  # fmt: skip
    """Crossings of ±1 by real multipliers: as many as lie beyond it on one side and not on the other, else by bisection."""
    counts = [beyond(spectrum.values, target) for _, spectrum in (first, last)]
    number = abs(counts[0] - counts[1])
    if not number:
        return []
    events = list[Event]()
    for k in range(min(counts), max(counts)):
        event = _pass(system, place_at, first, last, target, kind, k)
        if event is not None and not any(_alike(system, event, other) for other in events):
            events.append(event)
    if len(events) >= number or depth == PARTS:
        return events
    share = (first[0] + last[0]) / 2
    middle = place_at(share)
    if middle is None:
        return events
    half = share, system.spectrum(middle, vectors=True)
    parts = (first, half), (half, last)
    split = [event for a, b in parts for event in _passing(system, place_at, a, b, target, kind, depth + 1)]
    return split if len(split) > len(events) else events


def _alike(system: System, one: Event, other: Event) -> bool:
    """True if two events coincide: at one value, with vectors that are not different directions."""
    if abs(one.place.z[-1] - other.place.z[-1]) > SAME * (system.bounds[1] - system.bounds[0]):
        return False
    if one.vector is None or other.vector is None:
        return False
    return bool(abs(one.vector @ other.vector) > PARALLEL[system.shape.symmetric])


def _ordered(values: np.ndarray, target: float) -> tuple[np.ndarray, np.ndarray]:
    """(μ − target of the real multipliers, those farthest beyond the target first; their indices)."""
    real = np.flatnonzero(np.abs(values.imag) <= REAL * np.maximum(np.abs(values), 1e-300))
    order = real[np.argsort(-target * values.real[real], kind="stable")]
    return values.real[order] - target, order


def _pass(
    system: System, place_at: Between, first: tuple[float, Leading], last: tuple[float, Leading], target: float, kind: str, k: int
) -> Event | None:  # fmt: skip
    """The place between two others where the k-th real multiplier is ±1, by secants from its values at both ends."""
    (lo, before), (hi, after) = first, last
    (a, order), (b, others) = _ordered(before.values, target), _ordered(after.values, target)
    if k >= len(a) or k >= len(b) or not a[k] * b[k] <= 0 or a[k] == b[k]:
        return None
    old, value, slope = lo, float(a[k]), float(b[k] - a[k]) / (hi - lo)
    nearer = before if abs(a[k]) <= abs(b[k]) else after
    vector = None if nearer.vectors is None else nearer.vectors[:, (order if nearer is before else others)[k]].real
    t, best = lo - value / slope, None
    for solved in range(MOST):
        if not lo - BEYOND * (hi - lo) <= t <= hi + BEYOND * (hi - lo):
            return None
        place = place_at(t) or (_around(system, place_at, t, hi - lo) if solved else None)
        if place is None:
            return None
        mu, q, residual = critical(place, vector, target, k)
        here = mu - target
        if best is None or abs(here) < abs(best.multiplier - target):
            best = Event(kind, t, place, mu, q, residual)
        slope = (here - value) / (t - old)
        old, value, vector = t, here, q
        if abs(here) <= ON * 1e-2 or not slope or abs(here / slope) <= 1e-15:
            break
        t -= here / slope
    if best is not None and target > 0 and (place := _around(system, place_at, t, hi - lo)) is not None:
        # Close to a branch point rounding moves solutions along the other branch.
        best = Event(kind, t, place, *critical(place, vector, target, k))
    good = best is not None and abs(best.multiplier - target) <= ACCEPTED and best.residual <= VECTOR
    return best if good else None


def _around(system: System, place_at: Between, t: float, width: float) -> Place | None:
    """The place on a polynomial through four places around it, as where branches meet and Newton's method fails."""
    nodes = t + width * AROUND
    places = [place_at(float(node)) for node in nodes]
    if any(place is None for place in places):
        return None
    z = polynomial(nodes, np.array([place.z for place in places if place is not None]))(t)
    return system.place(z)


def critical(place: Place, vector: np.ndarray | None, target: float, k: int) -> tuple[float, np.ndarray | None, float]:
    """(μ, its vector, residual) of the multiplier near the target that continues a vector, or is the k-th in order."""
    linear = place.linear
    products_alone = linear.shape.watched is not None and linear.matrix is None
    if products_alone:
        spectrum = linear.spectrum(vectors=True, sides=(int(target),))
        values, order = _ordered(spectrum.values, target)
        if k >= len(values):
            return np.nan, None, np.inf
        q = None if spectrum.vectors is None else spectrum.vectors[:, order[k]].real
        return float(values[k] + target), q, float(spectrum.residuals[order[k]])
    if vector is None:
        start = np.random.default_rng(3).normal(size=linear.size)
        right, nothing = np.append(start / np.linalg.norm(start), 0.0), np.zeros(linear.size)
        vector, converged, _ = linear.bordered(target, nothing, nothing, 1.0, right)
        if not converged:
            return np.nan, None, np.inf
        vector = vector[:-1]
    return linear.refined(vector, target)


def _neimark_sacker(
    system: System, place_at: Between, first: tuple[float, Leading], last: tuple[float, Leading], depth: int = 0
) -> list[Event]:  # fmt: skip
    """Crossings of the unit circle by complex pairs: as many as are outside at one end only, else by bisection."""
    counts = [int((pairs_of(spectrum.values) > 1).sum()) for _, spectrum in (first, last)]
    if counts[0] == counts[1]:
        return []
    each = (_pair_passes(system, place_at, first[0], last[0], k) for k in range(min(counts), max(counts)))
    events = [event for event in each if event is not None]
    if len(events) == abs(counts[0] - counts[1]) or depth == PARTS:
        return events
    share = (first[0] + last[0]) / 2
    middle = place_at(share)
    if middle is None:
        return events
    half = share, system.spectrum(middle)
    split = [event for a, b in ((first, half), (half, last)) for event in _neimark_sacker(system, place_at, a, b, depth + 1)]
    return split if len(split) > len(events) else events


def pairs_of(values: np.ndarray) -> np.ndarray:
    """The moduli of complex pairs, the largest first."""
    return np.sort(np.abs(values[values.imag > REAL * np.abs(values)]))[::-1]


def _pair_passes(system: System, place_at: Between, lo: float, hi: float, k: int) -> Event | None:
    """The place where the k-th complex pair by modulus is on the unit circle."""

    def size(t: float) -> float:
        place = place_at(t)
        pairs = np.empty(0) if place is None else pairs_of(system.spectrum(place).values)
        if len(pairs) <= k:
            raise ArithmeticError
        return float(pairs[k] - 1)

    try:
        share = zero(size, lo, hi)
    except ArithmeticError:
        return None
    place = place_at(share)
    if place is None:
        return None
    spectrum = system.spectrum(place)
    pairs = np.flatnonzero(spectrum.values.imag > REAL * np.abs(spectrum.values))
    j = int(pairs[np.argmin(np.abs(np.abs(spectrum.values[pairs]) - 1))]) if len(pairs) else 0
    if abs(abs(spectrum.values[j]) - 1) > ACCEPTED:
        return None
    return Event("neimark-sacker", share, place, complex(spectrum.values[j]), None, float(spectrum.residuals[j]))
