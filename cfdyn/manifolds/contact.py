"""The distance of two manifolds from tangency, continued in the parameters: a tangency is a zero of that distance.

At a *contact* of an unstable curve U(s) and a stable one V(t) the tangents are parallel and U − V stands at right angles to them.
The signed length of U − V there is the *gap*; it is smooth in the parameters, and 0 where the curves touch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from cfdyn.errors import NumericsError
from cfdyn.manifolds.arm import Arm
from cfdyn.manifolds.crossings import Crossing
from cfdyn.manifolds.series import STABLE, UNSTABLE, Series, series_at
from cfdyn.numerics.illinois import zero
from cfdyn.systems.map import Map

TURNS, SETTLED, ROUGH = 40, 1e-13, 1e-9  # of Newton's method; relative corrections that end it, and that are good enough
JUMP = 0.02  # of s and t: so far they may be from where they are expected after a step of a parameter
FINEST = 3e-4  # of the way: shorter steps of a parameter are given up
CLOSED = 1e-9  # a gap that is 0
IMAGES = 8  # of a tangency, forward and backward
APART = 1e-6  # relative size of the step for a derivative by a parameter


@dataclass(frozen=True)
class Contact:
    """Where two manifolds are parallel, at the ``values`` of the parameters: s, t, the point of U, the gap, and how much U bends
    against V there (``bend``, 1/length; 0 where the tangency is not quadratic)."""

    values: dict[str, float]
    s: float
    t: float
    point: np.ndarray
    gap: float
    bend: float
    arms: tuple[Arm, Arm] = field(repr=False)


@dataclass(frozen=True)
class Pair:
    """An unstable and a stable arm, for any values of the parameters: cycles (n, D), places in them, and sides.

    ``known``: series that have been computed, by kind and values; pairs of the same cycles may share it.
    """

    step: Map
    cycles: tuple[np.ndarray, np.ndarray]
    places: tuple[int, int]
    sides: tuple[int, int]
    unit: np.ndarray
    known: dict[tuple, Series] = field(default_factory=dict, repr=False, compare=False)

    def arms(self, values: Mapping[str, float], like: tuple[Arm, Arm] | None = None) -> tuple[Arm, Arm]:
        """Both, directions and cycles near those of a pair at parameters nearby."""
        made = []
        for k, kind in enumerate((UNSTABLE, STABLE)):
            series = self._series(k, kind, values, None if like is None else like[k].series)
            arm = Arm(series, self.places[k], self.sides[k], self.unit)
            made.append(arm if like is None else arm.beside(like[k]))
        return made[0], made[1]

    def _series(self, k: int, kind: str, values: Mapping[str, float], before: Series | None) -> Series:
        key = (kind, *values.items())
        if key not in self.known:
            cycle = self.cycles[k] if before is None else before.points
            direction = None if before is None else before.coefficients[0, 1]
            self.known[key] = series_at(self.step.at(**values), cycle, kind, like=direction)
        return self.known[key]

    def contact(self, values: Mapping[str, float], near: Contact, at: tuple[float, float] | None = None) -> Contact | None:
        """The contact at other values of the parameters, from one nearby, expected at (s, t); None where there is none."""
        try:
            arms = self.arms(values, near.arms)
        except NumericsError:
            return None
        s, t = at or (near.s, near.t)
        contact = contact_of(arms, s, t, dict(values))
        near_by = contact is not None and abs(contact.s - s) <= JUMP * abs(s) and abs(contact.t - t) <= JUMP * abs(t)
        return contact if near_by else None

    def begun(self, values: Mapping[str, float], first: Crossing, second: Crossing) -> Contact | None:
        """The contact between two crossings that are neighbours on both curves."""
        out, into = self.arms(values)
        chord = second.point - first.point
        normal = np.array([-chord[1] / self.unit[1], chord[0] / self.unit[0]]) / self.unit
        s_all = np.linspace(first.s, second.s, 41)[1:-1]
        points = np.array([out.at(s)[0] for s in s_all])
        far = int(np.argmax(np.abs((points - first.point) @ normal)))
        share = (points[far] - first.point) / self.unit @ (chord / self.unit) / ((chord / self.unit) @ (chord / self.unit))
        into.anchored(first.t, first.point)
        t = first.t + float(np.clip(share, 0.0, 1.0)) * (second.t - first.t)
        return contact_of((out, into), float(s_all[far]), t, dict(values))


def contact_of(arms: tuple[Arm, Arm], s: float, t: float, values: dict[str, float]) -> Contact | None:
    """The contact near s and t, by Newton's method; None if there is none."""
    out, into = arms
    unit, moved = out.unit, np.inf
    for _ in range(TURNS):
        u, v = out.at(s) / unit, into.at(t) / unit
        apart = u[0] - v[0]
        defect = np.array([_cross(u[1], v[1]), apart @ u[1]])
        matrix = np.array([[2 * _cross(u[2], v[1]), 2 * _cross(u[1], v[2])],
                           [u[1] @ u[1] + 2 * apart @ u[2], -v[1] @ u[1]]])  # fmt: skip
        if not np.isfinite(matrix).all() or np.linalg.det(matrix) == 0:
            return None
        ds, dt = np.linalg.solve(matrix, -defect)
        before, moved = moved, max(abs(ds / s), abs(dt / t))
        if moved >= before and before < ROUGH:
            break
        share = min(1.0, 0.1 / moved) if moved else 1.0
        s, t = float(s + share * ds), float(t + share * dt)
        if moved < SETTLED:
            break
    if not moved < ROUGH:
        return None
    u, v = out.at(s), into.at(t)
    speed = float(np.linalg.norm(u[1]))
    gap = _cross(u[1], u[0] - v[0]) / speed
    bend = 2 * _cross(u[1], u[2] - v[2] * (u[1] @ u[1] / (u[1] @ v[1])) ** 2) / speed**3
    return Contact(values, s, t, u[0], float(gap), float(bend), arms)


def _cross(one: np.ndarray, other: np.ndarray) -> float:
    return float(one[0] * other[1] - one[1] * other[0])


def followed(pair: Pair, begun: Contact, name: str, target: float, pieces: int = 8,
             stop: Callable[[Contact, Contact], bool] = lambda before, after: False) -> list[Contact]:  # fmt: skip
    """Contacts from one on towards a value of a parameter, as far as they can be followed, or until ``stop``."""
    contacts, start = [begun], begun.values[name]
    pace = (target - start) / pieces
    while contacts[-1].values[name] != target:
        at = contacts[-1].values[name]
        value = target if abs(target - at) <= abs(pace) else at + pace
        share = (value - at) / (at - contacts[-2].values[name]) if len(contacts) > 1 else 0.0
        before = contacts[-min(2, len(contacts))]
        ahead = [getattr(contacts[-1], what) + share * (getattr(contacts[-1], what) - getattr(before, what)) for what in "st"]
        following = pair.contact({**begun.values, name: value}, contacts[-1], (ahead[0], ahead[1]))
        if following is None:
            pace /= 2
            if abs(pace) <= FINEST * abs(target - start):
                break
            continue
        contacts.append(following)
        if stop(contacts[-2], following):
            break
        pace *= 1.5
    return contacts


def touching(pair: Pair, before: Contact, after: Contact, name: str) -> Contact | None:
    """The tangency between two contacts with gaps of different sign."""
    last = before

    def gap(value: float) -> float:
        nonlocal last
        contact = pair.contact({**before.values, name: value}, last)
        last = last if contact is None else contact
        return np.nan if contact is None else contact.gap

    value = float(zero(gap, before.values[name], after.values[name]))
    contact = pair.contact({**before.values, name: value}, last)
    return contact if contact is not None and abs(contact.gap) <= CLOSED * max(1.0, abs(before.gap), abs(after.gap)) else None


def slope(pair: Pair, contact: Contact, name: str, width: float) -> float:
    """∂gap/∂(parameter), by a central difference; NaN where there is none."""
    value, step = contact.values[name], APART * width
    sides = [pair.contact({**contact.values, name: value + way * step}, contact) for way in (-1, 1)]
    if sides[0] is None or sides[1] is None:
        return np.nan
    return (sides[1].gap - sides[0].gap) / (2 * step)


def images(pair: Pair, contact: Contact) -> Iterator[tuple[Pair, Contact]]:
    """The images of a tangency, forward and backward, with the halves that they lie on, itself among them."""
    out, into = contact.arms
    for k in range(-IMAGES, IMAGES + 1):
        s, t = contact.s * out.series.multiplier**k, contact.t * into.series.multiplier**k
        point, sides = out.at(s)[0], (int(np.sign(s)), int(np.sign(t)))
        arms = tuple(replace(arm, side=side) for arm, side in zip((out, into), sides, strict=True))
        image = contact_of((arms[0], arms[1].anchored(t, point)), s, t, contact.values)
        if image is not None and abs(image.gap) <= CLOSED:
            yield replace(pair, sides=sides), image


def mildest(pair: Pair, contact: Contact, box: np.ndarray) -> tuple[Pair, Contact]:
    """Of the images of a tangency in a box (2, 2) that one where the curves bend least against one another."""
    inside = [one for one in images(pair, contact) if ((one[1].point >= box[:, 0]) & (one[1].point <= box[:, 1])).all()]
    return min(inside, key=lambda one: abs(one[1].bend), default=(pair, contact))


def balanced(pair: Pair, contact: Contact) -> tuple[Pair, Contact]:
    """Of the images of a tangency farther on that one which is followed best: t V′(t) is about as long as the unit.

    Before, the stretching of the inverse carries it away; farther on U turns within round-off.
    """
    def length(contact: Contact) -> float:
        into = contact.arms[1]
        return abs(contact.t) * float(np.linalg.norm(into.at(contact.t)[1] / into.unit))

    ahead = [one for one in images(pair, contact) if abs(one[1].t) <= abs(contact.t)]
    return min(ahead, key=lambda one: abs(np.log(length(one[1]))), default=(pair, contact))
