"""From a start beyond the edge to the closest state on it, for any supplier of modes and forces."""

from __future__ import annotations

from typing import NamedTuple, Protocol, Self, TypeVar

import numpy as np

from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.equations import MOST_MODES, NO_SOLUTION, Rates, multipliers
from cfdyn.integrate.supply.supplier import Supplier

ATTEMPTS, LEAST = 200, 0.1  # number of states; least fraction of a move if moves alternate
SETTLED = 1e-7  # relative to the total displacement: a next move this short changes nothing
FAR = 100  # times the size of the start: a state this far away is unrelated to it
NEAR = 0.2  # below the edge of 2: modes that a move keeps from it
ROUND_OFF, SHORT = 2e-13, 0.3  # above the edge of 2; a short move, of the start's size


class Place(Protocol):
    """A state ``z`` (n,) with data there on modes near the edge; ``whole``: no other place has taken over its memory."""

    @property
    def z(self) -> np.ndarray: ...

    @property
    def top(self) -> float:
        """The largest eigenvalue; the edge is 2."""

    @property
    def whole(self) -> bool: ...

    def at(self, z: np.ndarray) -> Self:
        """The place at another state nearby; a NumericsError if the edge is not defined there."""

    def to_edge(self, origin: np.ndarray) -> np.ndarray | None:
        """The move from z to the state closest to ``origin`` within the edge linearised here; None if there is none."""


class Search(NamedTuple):
    """At most ``attempts`` from the start until moves are ``close``, and as many of Newton's method, in ``short`` moves, until
    the edge is exact to ``round_off``.
    """

    attempts: int
    close: float
    short: float
    round_off: float


P = TypeVar("P", bound=Place)


def onto_edge(place: P, search: Search) -> tuple[P | None, P]:
    """The place of a state with θP − H ⪰ 0 near one beyond the edge, or None without one, and the last place examined.

    The edge is linearised repeatedly; each iterate is the start plus forces Σ Y B, Y ⪰ 0 complementary to the remaining
    gap: the conditions of a projection, for gradient descent the Euclidean one, so that the state is the closest. Newton's method
    makes the edge exact, and is also tried from the start.
    """
    start = place.z
    placed, last = _moved(place, True, search)
    if placed is None and last.whole:
        placed, last = _moved(last, False, search)
    if placed is None:
        placed, last = _moved(last.at(start), False, search)
    if placed is not None and np.abs(placed.z - start).max() > FAR * max(1.0, float(np.abs(start).max())):
        return None, last
    return placed, last


def no_state() -> NumericsError:
    """The error if there is no such state."""
    return NumericsError("the start is beyond the edge (H is not below θP), and no state on the edge was found near it; "
                         "start elsewhere, lower lr, or give the optimizer's state with the start")  # fmt: skip


def refused(beyond: str) -> UsageError:
    """The error if a start must be on the right side of the edge; ``beyond``: λ₁ > θ."""
    return UsageError(f"the start is beyond the edge: {beyond}; start elsewhere, lower lr, or omit `strict`, to start from "
                      "a state on the edge")  # fmt: skip


def _moved(place: P, from_start: bool, search: Search) -> tuple[P | None, P]:
    """The iteration from the start, or short moves of Newton's method from its current state; the last place, too."""
    start, inside, before, share = place.z, None, None, 1.0
    for _ in range(search.attempts):
        if place.top <= 2.0 + search.round_off:
            inside = place.z  # the state alone, for memory
            if not from_start:
                break
        move = place.to_edge(start if from_start else place.z)
        if move is None:
            break
        size = float(np.linalg.norm(move))
        # A point inside the edge may be farther away than necessary.
        if inside is place.z and size <= SETTLED * np.linalg.norm(place.z - start):
            break
        if from_start:
            if inside is not place.z and size <= search.close:
                return None, place
            share = _relaxed(share, before, move)
            before = move.copy()
            move *= share
        elif not move.any():
            break
        else:
            move *= min(1.0, search.short / size)
        for halving in range(30):
            try:
                place = place.at(place.z + move * 0.5**halving)
                break
            except NumericsError:
                continue
        else:
            break
    if inside is None:
        return None, place
    if inside is not place.z or not place.whole:
        place = place.at(inside)
    return place, place


def _relaxed(share: float, before: np.ndarray | None, move: np.ndarray) -> float:
    """The fraction of a move to make, from the last move and the fraction of it that was made (Aitken's rule for vectors)."""
    if before is None or not (change := before - move).any():
        return share
    return min(1.0, max(LEAST, share * float(before @ change) / float(change @ change)))


def kept_below(gaps: np.ndarray, rates: Rates) -> np.ndarray | None:
    """Y (m,) of forces that keep modes with these ``gaps`` (k,) below the linearised edge; None if there are none."""
    y, status, _ = multipliers(np.diag(gaps)[np.triu_indices(len(gaps))] + rates.alpha, rates.beta)
    return None if status == NO_SOLUTION or not np.isfinite(y).all() else y


class Compiled:
    """The `Place` of a supplier that knows all modes; for an optimizer with a state of its own only that state is moved."""

    whole = True

    def __init__(self, supplier: Supplier, z: np.ndarray):
        self.supplier, self.z, self.modes = supplier, z, supplier.modes(z)

    @property
    def top(self) -> float:
        """The largest eigenvalue."""
        return float(self.modes.values[-1])

    def at(self, z: np.ndarray) -> Compiled:
        """Another state."""
        return Compiled(self.supplier, z)

    def to_edge(self, origin: np.ndarray) -> np.ndarray | None:
        """From z to the state closest to an origin."""
        n, d, (values, vectors, p) = self.supplier.dim, self.supplier.n_weights, self.modes
        count = min(max(int((values > 2.0 - NEAR).sum()), 1), MOST_MODES)  # the top one also where a move went far inside
        directions = vectors[:, -count:].T
        a, b = (part * (np.arange(n) >= (d if n > d else 0)) for part in self.supplier.forces(self.z, directions / np.sqrt(p)))
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            return None
        gaps = 2.0 - values[-count:]
        y = kept_below(gaps, Rates(a @ (origin - self.z), a @ b.T))
        return None if y is None else origin + y @ b - self.z


def into_feasible(supplier: Supplier, z: np.ndarray) -> np.ndarray:
    """A state with θP − H ⪰ 0, the closest if possible; a NumericsError without such a state."""
    placed, _ = onto_edge(Compiled(supplier, z), Search(ATTEMPTS, 0.0, SHORT * (1.0 + float(np.abs(z).max())), ROUND_OFF))
    if placed is None:
        raise no_state()
    return placed.z
