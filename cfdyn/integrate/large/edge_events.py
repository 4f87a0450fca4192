"""`EdgeEvents`: when modes meet and leave the edge, and where a step should end for a smooth path; `Lags` of Σ."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.integrate.equations import Rates, covariance_now, diagonal, dots, packed, rank_of
from cfdyn.integrate.large.mode_solver import Point
from cfdyn.integrate.options import Options
from cfdyn.integrate.trajectory import Event

LASTING = 4  # steps without a part in X, after which a mode has left however close it is
OFF = 10.0  # relative to rtol: how far off the edge a held mode may get in a step, relative to the edge
WORDS = ("enter", "leave")
FEWEST = 8  # steps that say how late Σ is
SLIGHT = 0.02  # relative to Σ: a negligible lag
FADED = 0.02  # relative to the largest trace of Σ: where it has almost vanished


class EdgeEvents:
    """The events of a path. ``rank``: modes with a part in X in the last step; ``waiting``: for each mode by which that is less
    than the last event states, the time and the number of steps since when.
    """

    def __init__(self, options: Options):
        self.options, self.rank, self.events = options, 0, list[Event]()
        self.waiting: list[tuple[float, int]] = []

    def arrival(self, point: Point, h: float, size: float) -> float:
        """The time until another mode meets the edge, if a step h would smooth the path's kink there by more than the tolerance
        of weights of that ``size``; else ∞.
        """
        if point.rates is None or point.near <= self.rank:
            return math.inf
        gaps, places = 2.0 - point.values[: point.near], diagonal(point.near)
        gaps[: self.rank] = 0.0
        try:
            x = covariance_now(point.rates, gaps, 0.0)
        except NumericsError:  # which ends the step, and states the reason there
            return math.inf
        closing = -(point.rates.alpha + point.rates.beta @ packed(x))[places]
        coming = (closing > 0) & (gaps > 0) & (np.diag(x) == 0)
        times = np.where(coming, gaps / np.where(coming, closing, 1.0), math.inf)
        first = int(np.argmin(times))
        meets, beta = float(times[first]), point.rates.beta[places[first], places[first]]
        if not meets < h or beta <= 0:
            return math.inf
        third = point.thirds[places[first]][None]
        push = math.sqrt(dots(third, third, (0.5 * point.edge.speed) ** 2)[0, 0])  # |½MT|
        smoothed = float(gaps[first]) / beta * push * (1 - meets / h)
        return meets if smoothed > self.options.atol + self.options.rtol * size else math.inf

    def note(self, t: float, steps: int, h: float, x: np.ndarray, point: Point, reached: Point) -> None:
        """Records how the step h with X from a point to another, after ``steps`` steps, has changed the number of modes
        at the edge.

        A mode is at the edge from when it has a part in X. It is no longer there from when it lost that part, if it then moves
        farther from the edge than a step may leave a held mode, 10 ``rtol`` of it, or has no part in X for `LASTING` steps: X is
        complementary to the gap only to the accuracy of steps, which add and remove modes with a small part in turn. Steps in
        which it returns to the edge from the start on do not count: the last step that held it was off by that distance, and
        short steps need many to correct it.
        """
        there, now = self.events[-1].rank if self.events else 0, rank_of(x)
        self.rank = now
        del self.waiting[max(0, there - now) :]
        self.waiting += [(float(t), steps)] * (there - now - len(self.waiting))
        for rank in range(there + 1, now + 1):
            after = 0.0 if point.rates is None else min(h, _meeting(point.rates, x, rank - 1, 2.0 - point.values[rank - 1]))
            last = self.events[-1].t if self.events else 0.0
            self.events.append(Event(max(float(t + after), last), "enter", rank))
        for n, (_, begun) in enumerate(self.waiting):
            old, new = (values[there - 1 - n :][:1] for values in (point.values, reached.values))
            if begun == steps and len(old) == len(new) and (new > old).any():
                self.waiting[n] = (float(t + h), steps + 1)
        while self.waiting:
            since, begun = self.waiting[0]
            off = 1.0 - reached.values[there - 1 :][:1] / 2.0  # of nothing where so many modes are followed no more
            if (off <= OFF * self.options.rtol).any() and steps + 1 - begun < LASTING:
                break
            there -= 1
            self.waiting.pop(0)
            self.events.append(Event(since, "leave", there))

    def snapshot(self) -> dict[str, np.ndarray]:
        """All but the rank, as arrays."""
        events = np.array([[e.t, WORDS.index(e.kind), e.rank] for e in self.events]).reshape(-1, 3)
        return {"events": events, "gone": np.array(self.waiting).reshape(-1, 2)}

    def restore(self, given: dict[str, np.ndarray]) -> None:
        """Restore a `snapshot`."""
        self.events = [Event(float(t), WORDS[int(kind)], int(rank)) for t, kind, rank in given["events"]]
        waiting = given.get("gone", np.zeros((0, 2)))  # none in files of an older version
        self.waiting = [(float(t), int(steps)) for t, steps in waiting]


def _meeting(rates: Rates, x: np.ndarray, mode: int, gap: float) -> float:
    """The time until a mode, which had no part in X (k, k), closes its gap to the edge; 0 if it moves away."""
    others, place = x.copy(), diagonal(len(x))[mode]
    others[mode] = others[:, mode] = 0.0
    rate = float(rates.alpha[place] + rates.beta[place] @ packed(others))
    return max(0.0, gap / -rate) if rate < 0 else 0.0


class Lags:
    """The excess of Σ at the ends of steps over the Σ that held the edge during them. ``steps``: for each the tr X that held it,
    and the fraction by which the mean of tr X at both ends exceeds it.

    The force is constant over a step and stiff weights follow it: the X that their slope requires at the end is up to half a
    step late. No error of the weights shows that.
    """

    def __init__(self) -> None:
        self.steps = list[tuple[float, float]]()

    def add(self, begun: np.ndarray, x: np.ndarray, ended: np.ndarray) -> None:
        """Record a step with X, from one to another X with the same number of modes; nothing if these numbers differ."""
        if len(x) and rank_of(begun) == rank_of(x) == rank_of(ended) > 0:
            driven = float(np.trace(x))
            self.steps.append((driven, float(np.trace(begun) + np.trace(ended)) / (2 * driven) - 1))

    @property
    def notes(self) -> list[str]:
        """Notes for the user about the steps, excluding those in which Σ has almost vanished."""
        most = max((driven for driven, _ in self.steps), default=0.0)
        off = np.array([more for driven, more in self.steps if driven > FADED * most])
        if len(off) < FEWEST or abs(usual := float(np.median(off))) <= SLIGHT:
            return []
        often, way = float(np.quantile(np.abs(off), 0.9)), "more" if usual > 0 else "less"
        return [f"Σ is late by a fraction of a step: at the ends of steps it is {abs(usual):.1%} {way} than what held the edge "
                f"over them (median; over {often:.1%} in a tenth of them); a smaller `rtol` reduces this"]  # fmt: skip

    def snapshot(self) -> dict[str, np.ndarray]:
        """As an array."""
        return {"lags": np.array(self.steps).reshape(-1, 2)}

    def restore(self, given: Mapping[str, np.ndarray]) -> None:
        """Restore a `snapshot`; nothing from a file of an older version."""
        self.steps = [(float(driven), float(more)) for driven, more in given.get("lags", np.zeros((0, 2)))]
