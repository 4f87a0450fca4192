"""Chains of parallelograms along orbits that leave a saddle and return to it, in floats: candidates only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cfdyn.certify.covering.saddles import Plane, Saddle

RATIO = 1.15  # margin of each covering relation, in both directions
CORNERS = np.array([[-1.0, -1.0, 1.0, 1.0], [-1.0, 1.0, -1.0, 1.0]])
ALONG, SAMPLES = 61, 5  # points along the stretched direction of a set, on as many lines
LINES = np.array([x.ravel() for x in np.meshgrid(np.linspace(-1, 1, ALONG), np.linspace(-1, 1, SAMPLES), indexing="ij")])
THINNEST = 0.02  # relative to a set's length: its least thickness


@dataclass(frozen=True)
class Shape:
    """A parallelogram: centre (2,), columns of the matrix (2, 2): the stretched and the other direction, with their lengths."""

    centre: np.ndarray
    matrix: np.ndarray

    @cached_property
    def inverse(self) -> np.ndarray:
        """The inverse of the matrix, by its determinant: nearly parallel columns are not an error."""
        with np.errstate(all="ignore"):
            return _adjugate(self.matrix) / (self.matrix[0, 0] * self.matrix[1, 1] - self.matrix[0, 1] * self.matrix[1, 0])

    @cached_property
    def reach(self) -> float:
        """The greatest distance of its points from the centre."""
        return float(np.hypot(*np.abs(self.matrix).sum(axis=1)))

    @cached_property
    def corners(self) -> np.ndarray:
        """The four corners, (2, 4)."""
        return self.centre[:, None] + self.matrix @ CORNERS

    def coordinates(self, z: np.ndarray) -> np.ndarray:
        """The coordinates of points (2, …)."""
        return self.inverse @ (z.reshape(2, -1) - self.centre[:, None])

    def apart(self, other: Shape) -> bool:
        """True if an edge of one of the two separates them."""
        if np.hypot(*(self.centre - other.centre)) > 1.01 * (self.reach + other.reach):
            return True
        for u in (self.coordinates(other.corners), other.coordinates(self.corners)):
            if (u.min(axis=1) > 1.001).any() or (u.max(axis=1) < -1.001).any():
                return True
        return False

    @cached_property
    def points(self) -> np.ndarray:
        """Sample points along lines in the stretched direction, (2, ALONG · SAMPLES)."""
        return self.centre[:, None] + self.matrix @ LINES


def home(plane: Plane, saddle: Saddle, along: float, across: float) -> list[Shape] | None:
    """Sets around the points of the saddle, each of which covers the next; half-widths of the first one in its directions."""
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
    """Sets around the points of an orbit from its exit from the base to its return; None if they do not cover each other."""
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
    """The covering relation of `hsets`, tested at sample points."""
    u = _image(plane, one, other)
    sides = np.where(np.abs(u[0, [0, -1]]) > 1, np.sign(u[0, [0, -1]]), 0)
    apart = (sides[0] == sides[0, 0]).all() and (sides[1] == -sides[0, 0]).all() and sides[0, 0] != 0
    return bool(apart) and _height(u) < 1


def _image(plane: Plane, one: Shape, other: Shape) -> np.ndarray:
    """The image of lines along the first direction, in the coordinates of another set: (2, points, lines)."""
    return other.coordinates(plane.one(one.points)).reshape(2, ALONG, SAMPLES)


def _height(u: np.ndarray) -> float:
    """The largest |u_2| of those lines where |u_1| ≤ 1.02, linear between points; infinite if the lines are not finite."""
    if not np.isfinite(u).all():
        return np.inf
    (x, y), (dx, dy) = u[:, :-1], np.diff(u, axis=1)
    with np.errstate(all="ignore"):
        cuts = np.sort([np.where(dx != 0, (side - x) / dx, np.inf * side) for side in (-1.02, 1.02)], axis=0)
    first, last = np.clip(cuts[0], 0, 1), np.clip(cuts[1], 0, 1)
    met = (cuts[0] <= 1) & (cuts[1] >= 0) & ((dx != 0) | (np.abs(x) <= 1.02))
    size = np.maximum(np.abs(y + first * dy), np.abs(y + last * dy))
    return float(size[met].max(initial=0.0))


def _along(plane: Plane, base: list[Shape], points: np.ndarray) -> list[Shape] | None:
    """Sets with directions carried along the orbit, forward and back; lengths fit the next set, heights the previous one."""
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
    """The sets, each as high as the image of the previous set where that image crosses it."""
    shapes: list[Shape] = []
    for x, frame, a in zip(points, frames, length):
        height = _height(_image(plane, before, Shape(x, frame * [a, 1.0])))
        if not np.isfinite(height):
            return None
        before = Shape(x, frame * [a, max(RATIO * height, THINNEST * a)])
        shapes.append(before)
    return shapes


def _all_steps(plane: Plane, orbit: np.ndarray) -> np.ndarray:
    """The orbit including the points between those of the iterate."""
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
    """The inverse times the determinant: the direction that is mapped to a given one, also if the determinant is 0."""
    return np.array([[m[1, 1], -m[0, 1]], [-m[1, 0], m[0, 0]]])
