"""Chains of parallelograms along orbits that leave a saddle and come back to it, in floats: candidates, nothing more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cfdyn.certify.saddles import Plane, Saddle

RATIO = 1.15  # room that each covering relation leaves, in both directions
SAMPLES = 9  # points along each direction of a set
THINNEST = 0.02  # of a set's length: it is no thinner


@dataclass(frozen=True)
class Shape:
    """A parallelogram: centre (2,), columns of the matrix (2, 2) the stretched and the other direction, with their lengths."""

    centre: np.ndarray
    matrix: np.ndarray

    def coordinates(self, z: np.ndarray) -> np.ndarray:
        """Of points (2, …)."""
        return np.linalg.solve(self.matrix, z.reshape(2, -1) - self.centre[:, None])

    def points(self, first: np.ndarray) -> np.ndarray:
        """Points with these first coordinates, (2, n)."""
        u, v = np.meshgrid(first, np.linspace(-1, 1, SAMPLES), indexing="ij")
        return self.centre[:, None] + self.matrix @ np.array([u.ravel(), v.ravel()])


def home(plane: Plane, saddle: Saddle, along: float, across: float) -> list[Shape] | None:
    """The sets around the points of the saddle, each of which covers the next; half-widths of the first one in its own directions."""
    p = len(saddle.points)
    frames, spread = [saddle.frame], np.array([along, across])
    shapes = [Shape(saddle.points[0], saddle.frame * spread)]
    for point in saddle.points[:-1]:
        moved = _slopes(plane, point) @ frames[-1]
        spread = spread * np.linalg.norm(moved, axis=0) * np.array([1 / RATIO, RATIO])
        frames.append(moved / np.linalg.norm(moved, axis=0))
        spread = np.maximum(spread, [0, THINNEST * spread[0]])
        shapes.append(Shape(saddle.points[len(frames) - 1], frames[-1] * spread))
    return shapes if all(covers(plane, shapes[i], shapes[(i + 1) % p]) for i in range(p)) else None


def excursion(plane: Plane, base: list[Shape], orbit: np.ndarray) -> list[Shape] | None:
    """Sets around the points of an orbit from where it is out of the first set of the base until it is back in it; None where they do not cover."""
    u = base[0].coordinates(orbit.T)
    inside = (np.abs(u) <= 1).all(axis=0)
    out = np.flatnonzero(~inside)
    if not len(out) or not inside[-1] or out[0] > out[-1]:
        return None
    first, last = int(out[0]), int(out[-1])
    points = _all_steps(plane, orbit[first : last + 1])
    shapes = _along(plane, base, points)
    if shapes is None:
        return None
    chain = [base[-1], *shapes, base[0]]
    return shapes if all(covers(plane, a, b) for a, b in zip(chain, chain[1:])) else None


def covers(plane: Plane, one: Shape, other: Shape) -> bool:
    """What `hsets` proves, at sample points."""
    u = other.coordinates(plane.one(one.points(np.linspace(-1, 1, 4 * SAMPLES + 1)))).reshape(2, -1, SAMPLES)
    sides = np.sign(u[0, [0, -1]]) * (np.abs(u[0, [0, -1]]) > 1)
    apart = (sides[0] == sides[0, 0]).all() and (sides[1] == -sides[0, 0]).all() and sides[0, 0] != 0
    return bool(apart and ((np.abs(u[0]) > 1) | (np.abs(u[1]) < 1)).all())


def _along(plane: Plane, base: list[Shape], points: np.ndarray) -> list[Shape] | None:
    """Directions carried along the orbit, forward and backward; lengths as small as the next set allows, heights as the one before needs."""
    slopes = [_slopes(plane, x) for x in points]
    ahead = [_unit(_slopes(plane, base[-1].centre) @ base[-1].matrix[:, 0])]
    for m in slopes[:-1]:
        ahead.append(_unit(m @ ahead[-1]))
    back: list[np.ndarray] = []
    target = base[0].matrix[:, 1]
    for m in reversed(slopes):
        target = _unit(_adjugate(m) @ target)
        back.insert(0, target)
    frames = [np.column_stack(pair) for pair in zip(ahead, back)]
    length = [0.0] * len(points)
    wanted = 1.0
    for i in range(len(points) - 1, -1, -1):
        following = base[0].matrix if i == len(points) - 1 else frames[i + 1]
        if abs(np.linalg.det(following)) < 1e-300 or abs(np.linalg.det(frames[i])) < 1e-8:
            return None
        stretched = abs(np.linalg.solve(following, slopes[i] @ frames[i][:, 0])[0])
        wanted = length[i] = RATIO * wanted / stretched if stretched else np.inf
    if not np.isfinite(length).all():
        return None
    return _heights(plane, base[-1], points, frames, length)


def _heights(
    plane: Plane, before: Shape, points: np.ndarray, frames: list[np.ndarray], length: list[float]
) -> list[Shape] | None:
    """The sets, each as high as the image of the one before it is where it crosses."""
    shapes: list[Shape] = []
    for x, frame, a in zip(points, frames, length):
        plain = Shape(x, frame * [a, 1.0])
        here = np.linspace(-1, 1, 4 * SAMPLES + 1)
        if not shapes:  # only a small part of the first set is taken here
            here = _crossing(plane, before, plain)
            if here is None:
                return None
        u = plain.coordinates(plane.one(before.points(here)))
        height = np.abs(u[1, np.abs(u[0]) <= 1.1])
        if not len(height) or not np.isfinite(height).all():
            return None
        before = Shape(x, frame * [a, max(RATIO * float(height.max()), THINNEST * a)])
        shapes.append(before)
    return shapes


def _crossing(plane: Plane, before: Shape, there: Shape) -> np.ndarray | None:
    """First coordinates of the points that are taken to the other set, finely."""
    coarse = np.linspace(-1, 1, 2001)
    u = there.coordinates(plane.one(before.centre[:, None] + before.matrix[:, :1] * coarse))
    at = np.flatnonzero(np.diff(np.sign(u[0])) != 0)
    if len(at) != 1:
        return None
    i = int(at[0])
    rate = (u[0, i + 1] - u[0, i]) / (coarse[1] - coarse[0])
    middle = coarse[i] - u[0, i] / rate
    return middle + np.linspace(-1.3, 1.3, 4 * SAMPLES + 1) / abs(rate)


def _all_steps(plane: Plane, orbit: np.ndarray) -> np.ndarray:
    """The points between those of the iterate, too."""
    points = []
    for z in orbit:
        for _ in range(plane.period):
            points.append(z)
            z = plane.one(z[:, None])[:, 0]
    return np.array(points)


def _slopes(plane: Plane, z: np.ndarray) -> np.ndarray:
    return plane.slopes(z[:, None]).reshape(2, 2)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / (np.linalg.norm(v) or 1.0)


def _adjugate(m: np.ndarray) -> np.ndarray:
    """The inverse times the determinant: the direction that is taken to a given one, also where the determinant is 0."""
    return np.array([[m[1, 1], -m[0, 1]], [-m[1, 0], m[0, 0]]])
