"""Candidates for a proof: approximate points of a cycle, from what a person gives or from a search in a box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from flint import arb

from cfdyn.arguments import table
from cfdyn.certify.shooting.newton import Points, polished
from cfdyn.certify.subject import Subject
from cfdyn.errors import UsageError

ROUNDS = 200  # of the period, that an orbit settles and a memory forgets
TRIALS = 24  # starts in a box


def candidate(about: Subject, points: Any, period: int | None, box: Any = None) -> Points | None:
    """The points of a cycle to thirty digits, or None; never believed. One of a smaller period is none if a box is searched."""
    if box is None:
        return polished(about, starts(about, points, period))
    if points is not None or period is None:
        raise UsageError("give either points of the cycle, or a box and the period")
    sides = _sides(about, box)
    for start in _in_box(about, sides):
        for orbit in (_orbit(about, start, period, ROUNDS), _orbit(about, start, period, 1)):
            found = polished(about, orbit)
            if found is not None and not smaller_period(found) and _lies_in(found[0], sides):
                return found
    return None


def _sides(about: Subject, box: Any) -> np.ndarray:
    """A box as pairs (lo, hi), of one variable also from one pair."""
    sides = table("`box`", box, 2)
    if sides.shape not in ((about.weights, 2), (about.dim, 2)) or not (sides[:, 0] < sides[:, 1]).all():
        raise UsageError(
            f"`box` is a pair (lo, hi) for each of the {about.weights} weights, or of the {about.dim} entries of the state"
        )
    return sides


def _in_box(about: Subject, sides: np.ndarray) -> Iterator[list[float]]:
    """States spread over the box, its middle first; memories that it does not speak of are 0."""
    rest = [0.0] * (about.dim - len(sides))
    # Steps of the golden ratio and its kin: Roberts' sequence.
    ratio = max(np.roots([1.0, *[0.0] * (len(sides) - 1), -1.0, -1.0]).real)
    steps = ratio ** -np.arange(1.0, len(sides) + 1)
    for k in range(TRIALS):
        shares = (0.5 + k * steps) % 1
        yield [*(sides[:, 0] + shares * (sides[:, 1] - sides[:, 0])).tolist(), *rest]


def _lies_in(point: Sequence[arb], sides: np.ndarray) -> bool:
    return all(lo <= float(x) <= hi for x, (lo, hi) in zip(point, sides, strict=False))


def starts(about: Subject, points: Any, period: int | None = None) -> list[list[float]]:
    """Approximate states of the cycle, (n, d), from what a person gives."""
    points = getattr(points, "points", points)
    if points is None:
        raise UsageError("give the points of a cycle, such as points=[0.1, 0.9, -0.4]")
    d, given = len(about.names), np.asarray(points, dtype=object)
    if given.ndim < 2:
        in_turn = about.weights == 1 and given.size == (period or given.size)
        given = given.reshape(-1, 1) if in_turn or given.size not in (about.weights, d) else given.reshape(1, -1)
    rows = table("`points`", given.tolist(), 2)
    if period is not None and len(rows) not in (1, period):
        raise UsageError(f"{len(rows)} points are no cycle of period {period}; give {period}, or one to start from")
    if rows.shape[1] > d and about.limit:
        rows = rows[:, :d]
    if rows.shape[1] not in (about.weights, d):
        entries = f"{d} {'entry' if d == 1 else 'entries'} ({', '.join(about.names)})"
        raise UsageError(f"a point has {entries} or {about.weights}, its weights, not {rows.shape[1]}")
    if period is not None and len(rows) == 1 < period:
        return _orbit(about, [*rows[0], *[0.0] * (d - rows.shape[1])], period, ROUNDS)
    return rows.tolist() if rows.shape[1] == d else _with_memory(about, rows)


def _orbit(about: Subject, start: Sequence[float], period: int, rounds: int) -> list[list[float]]:
    """The last points of an orbit in floating point, after so many rounds of the period."""
    step, z, seen = about.enclosure("step", 64), list(start), []
    for _ in range(rounds * period):
        z = [float(x) for x in step([arb(x) for x in z])]
        seen.append(z)
    return seen[-period:]


def _with_memory(about: Subject, weights: np.ndarray) -> list[list[float]]:
    """The states of which only the weights are known: the memory is what it comes to when the weights go round."""
    step, k = about.enclosure("step", 64), weights.shape[1]
    memory = [0.0] * (len(about.names) - k)
    found: list[list[float]] = []
    for turn in range(ROUNDS):
        found = []
        for row in weights.tolist():
            found.append([*row, *memory])
            memory = [float(x) for x in step([arb(x) for x in found[-1]])[k:]]
        if turn and max((abs(a - b) for a, b in zip(found[0][k:], memory, strict=True)), default=0.0) < 1e-15:
            break
    return found


def smaller_period(points: Sequence[Sequence[arb]]) -> int:
    """The period of which the points are repetitions; 0 if they are not."""
    n = len(points)
    for m in range(1, n):
        if n % m == 0 and all(abs(float(a - b)) < 1e-9 * (1 + abs(float(a))) for i in range(n)
                              for a, b in zip(points[i], points[(i + m) % n], strict=True)):  # fmt: skip
            return m
    return 0
