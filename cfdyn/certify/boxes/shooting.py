"""Cycles that Newton's method suggests, proved by Krawczyk's test over boxes as large as possible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import arb, arb_mat

from cfdyn.certify.balls import ball
from cfdyn.certify.borders.continuity import refusal
from cfdyn.certify.boxes.solved import Points
from cfdyn.certify.boxes.systems import precise
from cfdyn.certify.shooting.candidates import shooting_matrix
from cfdyn.certify.shooting.krawczyk import inside, krawczyk
from cfdyn.certify.subject import Subject, in_floats

Box = Sequence[tuple[float, float]]
MOST = 1000  # cycles from one set of starts
STEPS, CLOSE = 12, 1e-9  # of Newton's method; points that are the same, relative to the size of the box
LEAST = 4e-12  # half-width of a proven box, relative to 1 + |x|: checkers in doubles need room


def suggested(subject: Subject, box: Box, period: int, starts: np.ndarray) -> list[np.ndarray]:
    """Cycles of least period n in a box that Newton's method finds from given starts, (d, starts): each (n, d), once."""
    step, jacobian = in_floats(subject, "step"), in_floats(subject, "jacobian")
    d, x = len(box), starts.copy()
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            orbit, slopes = x, np.eye(d)[:, :, None] * np.ones(x.shape[1])
            for _ in range(period):
                slopes = np.einsum("ijk,jlk->ilk", jacobian(orbit).reshape(d, d, -1), slopes)
                orbit = step(orbit)
            system = np.moveaxis(slopes, -1, 0) - np.eye(d)
            bad = ~np.isfinite(system).all((1, 2)) | ~np.isfinite(orbit).all(0)
            system[bad] = np.eye(d)
            # Krawczyk's test fails at a zero that is not simple, or nearly not.
            bad |= np.abs(np.linalg.det(system)) < 1e-7
            system[bad] = np.eye(d)
            move = np.linalg.solve(system, np.moveaxis(orbit - x, -1, 0)[:, :, None])[:, :, 0].T
            x = np.where(bad, np.nan, x - move)
        orbits = [x]
        for _ in range(period):
            orbits.append(step(orbits[-1]))
    points = np.moveaxis(np.array(orbits), -1, 0)  # (starts, n + 1, d)
    size = max(hi - lo for lo, hi in box)
    near = (np.abs(points[:, 0] - points[:, -1]).max(1) < 1e-8 * size) & (np.abs(move).max(0) < 1e-11 * size)
    return _different(points[near, :-1], box, size)


def _different(orbits: np.ndarray, box: Box, size: float) -> list[np.ndarray]:
    """The orbits among (k, n, d) that lie in the box, or on its border up to rounding, and have no shorter period; each once."""
    (lo, hi), n, room = np.array(box).T, orbits.shape[1], CLOSE * size
    with np.errstate(all="ignore"):
        wanted = (np.isfinite(orbits) & (orbits >= lo - room) & (orbits <= hi + room)).all((1, 2))
        for k in (k for k in range(1, n) if n % k == 0):
            wanted &= ~(np.abs(orbits - np.roll(orbits, k, 1)).max((1, 2)) < 1e-7 * size)
    cycles: list[np.ndarray] = []
    for orbit in orbits[wanted]:
        if not any(same(orbit, other, CLOSE * size) for other in cycles):
            cycles.append(orbit)
        if len(cycles) == MOST:
            break
    return cycles


def same(orbit: np.ndarray, other: np.ndarray, within: float) -> bool:
    """True if both run through the same points, wherever they begin."""
    first = np.abs(other - orbit[0]).max(1).argmin()
    return bool(np.abs(np.roll(other, -first, 0) - orbit).max() < within)


class Shooting:
    """Krawczyk's test for cycles of a map at fixed parameters."""

    def __init__(self, subject: Subject, box: Box):
        self.about, self.box = subject, box
        self.step, self.slopes = subject.enclosure("step"), subject.enclosure("jacobian")

    def largest(self, orbit: np.ndarray, room: float) -> Points | None:
        """Boxes around the points that contain exactly one cycle, half as wide as the test allows; None if the test fails.

        room : upper bound of the half-widths
        """
        lo, hi = np.array(self.box).T
        limit = min(room, float(min((orbit - lo).min(), (hi - orbit).min())))
        least = LEAST * (1 + np.abs(orbit).max())
        radius, good = limit / 1.01, 0
        while radius > least:
            good = good + 1 if self.holds(orbit, radius) else 0
            if good == 2:
                return _around(orbit, radius)
            radius /= 2
        return _around(orbit, radius * 2) if good else None

    def holds(self, orbit: np.ndarray, radius: float) -> bool:
        """`proves` for boxes around the points."""
        return self.proves(_around(orbit, radius))

    def proves(self, points: Points) -> bool:
        """True if the map is continuous on the boxes and Krawczyk's operator takes them well into their interiors."""
        boxes = [[ball(*ends) for ends in point] for point in points]
        d = len(self.box)
        with precise():
            matrix = shooting_matrix([arb_mat(d, d, self.slopes(box)) for box in boxes])
            zero = krawczyk(self._defects, matrix, [x for box in boxes for x in box])
            if zero is None or not inside(zero, tuple(ends for point in points for ends in point)):
                return False
            return not refusal(self.step, boxes)

    def _defects(self, flat: list[arb]) -> list[arb]:
        d = len(self.box)
        states = [flat[k : k + d] for k in range(0, len(flat), d)]
        pairs = zip(states, states[1:] + states[:1], strict=True)
        return [a - b for x, after in pairs for a, b in zip(self.step(x), after, strict=True)]


def gap(orbit: np.ndarray, others: np.ndarray) -> float:
    """The least distance, in the maximum norm, between points of an orbit and other points, or each other."""
    points = np.concatenate([orbit, others])
    distances = np.abs(orbit[:, None] - points[None]).max(2)
    distances[np.arange(len(orbit)), np.arange(len(orbit))] = np.inf
    return float(distances.min())


def _around(orbit: np.ndarray, radius: float) -> Points:
    return [[(float(v) - radius, float(v) + radius) for v in point] for point in orbit]
