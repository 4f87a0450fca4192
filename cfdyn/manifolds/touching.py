"""A tangency continued in two parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cfdyn.manifolds.contact import Contact, Pair

LONGEST, FINEST = 0.05, 1e-5  # steps, of the bounds' widths
APART = 1e-5  # of the bounds, for the gradient of the gap
CORRECTIONS, CLOSED = 12, 1e-13  # Newton's steps back to the curve, and a gap that is 0, in units of s W′(s)
TURN = 0.9  # the cosine between directions of two rows
FASTER = 1.4


@dataclass(frozen=True)
class Side:
    """Contacts with gap 0 from a start on, and in words why they end."""

    rows: list[Contact]
    end: str


def traced(pair: Pair, start: Contact, names: tuple[str, str], bounds: np.ndarray, way: int, most: int,
           say: Callable[[int], None]) -> Side:  # fmt: skip
    """The curve gap = 0 from a tangency on, to the bounds (2, 2) or as far as it can be followed; ``way`` ±1."""
    plane = _Plane(pair, names, bounds[:, 0], bounds[:, 1] - bounds[:, 0])
    rows, pace, slopes = [start], LONGEST, plane.slopes(start)
    if slopes is None:
        return Side(rows, "the gap has no derivative by the parameters here")
    direction = way * _along(slopes)
    while len(rows) < most:
        place = plane.place(rows[-1]) + pace * direction
        inside = bool((place >= 0).all() and (place <= 1).all())
        contact = plane.corrected(place, rows[-1], slopes) if inside else plane.on_the_edge(rows[-1], direction, slopes)
        if contact is not None and not inside:
            rows.append(contact)
            return Side(rows, plane.edge(contact))
        following = None if contact is None else plane.slopes(contact)
        turn = 0.0 if following is None else float(_along(following) @ direction)
        if contact is None or following is None or abs(turn) < TURN:
            pace /= 2
            if pace < FINEST:
                return Side(rows, "cannot be continued further here: the curves no longer touch, or bend too sharply")
            continue
        rows.append(contact)
        say(len(rows))
        if contact.bend * rows[-2].bend < 0:
            return Side(rows, "the tangency is cubic: the curves bend alike")
        direction, slopes, pace = np.sign(turn) * _along(following), following, min(pace * FASTER, LONGEST)
    return Side(rows, "out of steps")


def _along(slopes: np.ndarray) -> np.ndarray:
    """The direction in which the gap does not change."""
    across = np.array([-slopes[0, 1], slopes[0, 0]])
    return across / np.linalg.norm(across)


@dataclass(frozen=True)
class _Plane:
    """The gap as a function of the two parameters, each from 0 to 1 over its bounds."""

    pair: Pair
    names: tuple[str, str]
    low: np.ndarray
    widths: np.ndarray

    def place(self, contact: Contact) -> np.ndarray:
        return (np.array([contact.values[name] for name in self.names]) - self.low) / self.widths

    def at(self, place: np.ndarray, near: Contact, slopes: np.ndarray) -> Contact | None:
        """The contact at a place, from one nearby with the slopes of its gap, s and t."""
        values = {name: float(v) for name, v in zip(self.names, self.low + place * self.widths, strict=True)}
        s, t = np.array([near.s, near.t]) + slopes[1:] @ (place - self.place(near))
        return self.pair.contact(values, near, (float(s), float(t)))

    def slopes(self, contact: Contact) -> np.ndarray | None:
        """∂(gap, s, t)/∂place, (3, 2)."""
        place, result = self.place(contact), np.empty((3, 2))
        for k, shift in enumerate(APART * np.eye(2)):
            below, above = (self.at(place + way * shift, contact, np.zeros((3, 2))) for way in (-1, 1))
            if below is None or above is None:
                return None
            result[:, k] = [getattr(above, what) - getattr(below, what) for what in ("gap", "s", "t")]
        return result / (2 * APART) if np.abs(result[0]).max() > 0 else None

    def corrected(self, place: np.ndarray, near: Contact, slopes: np.ndarray, along: np.ndarray | None = None) -> Contact | None:
        """The tangency near a place, along the gradient of the gap or another direction."""
        way = slopes[0] if along is None else along
        contact: Contact | None = None
        for _ in range(CORRECTIONS):
            contact = self.at(place, near if contact is None else contact, slopes)
            if contact is None or abs(contact.gap) <= CLOSED * self._size(contact):
                return contact
            place = place - contact.gap * way / (slopes[0] @ way)
        return None

    def on_the_edge(self, near: Contact, direction: np.ndarray, slopes: np.ndarray) -> Contact | None:
        """The tangency where the curve leaves the bounds: one parameter stays at its bound."""
        place = self.place(near)
        with np.errstate(divide="ignore"):
            ways = np.where(direction > 0, (1 - place) / direction, -place / direction)
        k = int(np.argmin(ways))
        start = place + ways[k] * direction
        start[k] = float(direction[k] > 0)
        return self.corrected(start, near, slopes, np.eye(2)[1 - k])

    def edge(self, contact: Contact) -> str:
        """The bound that a contact lies on, in words."""
        place = self.place(contact)
        k = int(np.argmin(np.minimum(np.abs(place), np.abs(1 - place))))
        return f"{self.names[k]} = {contact.values[self.names[k]]:.10g}"

    def _size(self, contact: Contact) -> float:
        return max(1.0, abs(contact.s) * float(np.linalg.norm(contact.arms[0].at(contact.s)[1])))
