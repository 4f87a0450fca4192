"""Candidates for a proof: approximate points of a cycle, from a user's points or from a search in a box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from flint import arb, arb_mat

from cfdyn.arguments import table
from cfdyn.certify.balls import Enclosure
from cfdyn.certify.subject import Subject
from cfdyn.errors import UsageError

ROUNDS = 200  # rounds of the period in which an orbit settles and a memory decays
TRIALS = 24  # starts in a box
Points = list[list[arb]]
STEPS, HALVINGS, CLOSE = 40, 8, 2.0**-90


def candidate(about: Subject, points: Any, period: int | None, box: Any = None) -> Points | None:
    """The points of a cycle to thirty digits, or None; never trusted. If a box is searched, smaller periods are rejected."""
    if box is None:
        return polished(about, starts(about, points, period))
    if points is not None or period is None:
        raise UsageError("give either points of the cycle, or a box and the period")
    sides = _sides(about, box)
    for start in _in_box(about, sides):
        for orbit in (_orbit(about, start, period, ROUNDS), _orbit(about, start, period, 1)):
            exact = polished(about, orbit)
            if exact is not None and not smaller_period(exact) and _lies_in(exact[0], sides):
                return exact
    return None


def _sides(about: Subject, box: Any) -> np.ndarray:
    """A box as pairs (lo, hi); for one variable also from one pair."""
    sides = table("`box`", box, 2)
    if sides.shape not in ((about.weights, 2), (about.dim, 2)) or not (sides[:, 0] < sides[:, 1]).all():
        raise UsageError(
            f"`box` is a pair (lo, hi) for each of the {about.weights} weights, or of the {about.dim} entries of the state"
        )
    return sides


def _in_box(about: Subject, sides: np.ndarray) -> Iterator[list[float]]:
    """States spread over the box, its middle first; memories that the box does not include are 0."""
    rest = [0.0] * (about.dim - len(sides))
    # Steps of the golden ratio and its generalisations: Roberts' sequence.
    ratio = max(np.roots([1.0, *[0.0] * (len(sides) - 1), -1.0, -1.0]).real)
    steps = ratio ** -np.arange(1.0, len(sides) + 1)
    for k in range(TRIALS):
        shares = (0.5 + k * steps) % 1
        yield [*(sides[:, 0] + shares * (sides[:, 1] - sides[:, 0])).tolist(), *rest]


def _lies_in(point: Sequence[arb], sides: np.ndarray) -> bool:
    return all(lo <= float(x) <= hi for x, (lo, hi) in zip(point, sides, strict=False))


def starts(about: Subject, points: Any, period: int | None = None) -> list[list[float]]:
    """Approximate states of the cycle, (n, d), from a user's points."""
    points = getattr(points, "points", points)
    if points is None:
        raise UsageError("give the points of a cycle, such as points=[0.1, 0.9, -0.4]")
    d, given = len(about.names), np.asarray(points, dtype=object)
    if given.ndim < 2:
        in_turn = about.weights == 1 and given.size == (period or given.size)
        given = given.reshape(-1, 1) if in_turn or given.size not in (about.weights, d) else given.reshape(1, -1)
    rows = table("`points`", given.tolist(), 2)
    if period is not None and len(rows) not in (1, period):
        raise UsageError(f"{len(rows)} points are not a cycle of period {period}; give {period}, or one to start from")
    if rows.shape[1] > d and about.limit:
        rows = rows[:, :d]
    if rows.shape[1] not in (about.weights, d):
        entries = f"{d} {'entry' if d == 1 else 'entries'} ({', '.join(about.names)})"
        raise UsageError(f"a point has {entries} or {about.weights}, its weights, not {rows.shape[1]}")
    if period is not None and len(rows) == 1 < period:
        return _orbit(about, [*rows[0], *[0.0] * (d - rows.shape[1])], period, ROUNDS)
    return rows.tolist() if rows.shape[1] == d else _with_memory(about, rows)


def _orbit(about: Subject, start: Sequence[float], period: int, rounds: int) -> list[list[float]]:
    """The last points of an orbit in floating point, after the given number of rounds of the period."""
    step, z, seen = about.enclosure("step", 64), list(start), []
    for _ in range(rounds * period):
        z = [float(x) for x in step([arb(x) for x in z])]
        seen.append(z)
    return seen[-period:]


def _with_memory(about: Subject, weights: np.ndarray) -> list[list[float]]:
    """States from their weights alone: the memory is its limit when the weights repeat their cycle."""
    step, k = about.enclosure("step", 64), weights.shape[1]
    memory = [0.0] * (len(about.names) - k)
    states: list[list[float]] = []
    for turn in range(ROUNDS):
        states = []
        for row in weights.tolist():
            states.append([*row, *memory])
            memory = [float(x) for x in step([arb(x) for x in states[-1]])[k:]]
        if turn and max((abs(a - b) for a, b in zip(states[0][k:], memory, strict=True)), default=0.0) < 1e-15:
            break
    return states


def smaller_period(points: Sequence[Sequence[arb]]) -> int:
    """The smaller period with which the points repeat; 0 if they do not repeat."""
    n = len(points)
    for m in range(1, n):
        if n % m == 0 and all(abs(float(a - b)) < 1e-9 * (1 + abs(float(a))) for i in range(n)
                              for a, b in zip(points[i], points[(i + m) % n], strict=True)):  # fmt: skip
            return m
    return 0


def polished(subject: Subject, points: Sequence[Sequence[float]]) -> Points | None:
    """The points of a cycle near the given ones, (n, d), to some thirty digits; None if Newton's method does not converge."""
    step, slopes = subject.enclosure("step"), subject.enclosure("jacobian")
    middle = [p.mid() for p in step.parameters]
    z = [[arb(x) for x in point] for point in points]
    defect = _defects(step, z, middle)
    for _ in range(STEPS):
        size = _size(defect)
        if size is None:
            return None
        if size == 0:
            return z
        move = _direction(slopes, z, defect, middle)
        if move is None:
            return None
        far = max(
            abs(float(m)) / (1 + abs(float(x)))
            for row, moves in zip(z, move, strict=True)
            for x, m in zip(row, moves, strict=True)
        )
        z, defect = _moved(step, z, move, size, middle)
        if far < CLOSE:
            return z
    return z if (_size(defect) or 1.0) < 1e-20 else None


def _defects(step: Enclosure, z: Points, parameters: list[arb]) -> Points:
    images = [step(point, parameters) for point in z]
    return [[(a - b).mid() for a, b in zip(image, z[(i + 1) % len(z)], strict=True)] for i, image in enumerate(images)]


def _size(defect: Points) -> float | None:
    """The largest defect; None if the map is not defined."""
    if not all(x.is_finite() for row in defect for x in row):
        return None
    return max(abs(float(x)) for row in defect for x in row)


def _direction(slopes: Enclosure, z: Points, defect: Points, parameters: list[arb]) -> Points | None:
    n, d = len(z), len(z[0])
    matrix = shooting_matrix([arb_mat(d, d, slopes(point, parameters)) for point in z]).mid()
    try:
        solution = matrix.solve(arb_mat(n * d, 1, [-x for row in defect for x in row]))
    except (ZeroDivisionError, ValueError):
        return None
    moves = [x.mid() for x in solution.entries()]
    return [moves[d * i : d * (i + 1)] for i in range(n)] if all(x.is_finite() for x in moves) else None


def _moved(step: Enclosure, z: Points, move: Points, size: float, parameters: list[arb]) -> tuple[Points, Points]:
    """The points after a step, which is halved as long as it increases the defects."""
    share = 1.0
    for _ in range(HALVINGS):
        trial = [[(x + share * m).mid() for x, m in zip(row, moves, strict=True)] for row, moves in zip(z, move, strict=True)]
        defect = _defects(step, trial, parameters)
        now = _size(defect)
        if now is not None and (now <= size or now < CLOSE):
            break
        share /= 2
    return trial, defect


def shooting_matrix(slopes: Sequence[arb_mat]) -> arb_mat:
    """The derivative of g(z_i) − z_{i+1}, i = 0…n−1, from the d × d slopes of g at each point."""
    n, d = len(slopes), slopes[0].nrows()
    rows: list[list[Any]] = [[0] * (n * d) for _ in range(n * d)]
    for i, slope in enumerate(slopes):
        entries = slope.entries()
        for k in range(d):
            rows[d * i + k][d * i : d * (i + 1)] = entries[d * k : d * (k + 1)]
            column = d * ((i + 1) % n) + k
            rows[d * i + k][column] = rows[d * i + k][column] - 1
    return arb_mat(rows)
