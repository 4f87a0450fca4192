"""Boxes with doubles for ends, and enclosures of their images under a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite, nextafter

from flint import arb, arb_mat

from cfdyn.certify.balls import Enclosure, ball
from cfdyn.certify.borders.continuity import continuous
from cfdyn.certify.borders.slopes import Slopes
from cfdyn.certify.subject import Subject

Box = list[tuple[float, float]]


def outward(x: arb) -> tuple[float, float]:
    """Doubles between which the ball lies."""
    if not x.is_finite():
        return -inf, inf
    return nextafter(float(x.lower().mid()), -inf), nextafter(float(x.upper().mid()), inf)


def common(one: Box, other: Box) -> Box:
    """The intersection of two boxes."""
    return [(max(a, c), min(b, d)) for (a, b), (c, d) in zip(one, other)]


def interior(inner: Box, outer: Box) -> bool:
    """True if the first box lies in the interior of the second."""
    return all(c < a and b < d for (a, b), (c, d) in zip(inner, outer))


@dataclass
class Images:
    """A map over boxes of states."""

    about: Subject

    @cached_property
    def step(self) -> Enclosure:
        """The map."""
        return self.about.enclosure("step")

    @cached_property
    def slopes(self) -> Slopes:
        """Its derivative."""
        return Slopes(self.about.enclosure("jacobian"))

    def after(self, box: Box) -> Box:
        """The natural extension and, if the map is continuous, the mean-value form, as far as they are finite."""
        return Path(self, box).advance()


class Path:
    """The path X_0, X_1, … of a box: each encloses the image of the one before it (convergence in
    `docs/reference/certificates.md`).

    ``centre`` p_k and ``linear`` P_k: the images under all k steps at once lie in p_k + P_k (X_0 − m); None if the map may have
    jumped. ``radius``: of a ball around the centre, in a norm, that contains these images; None if there is none.
    """

    radius: arb | None = None

    def __init__(self, images: Images, box: Box):
        self.images, self.box = images, box
        self.start = [(lo + hi) / 2 for lo, hi in box]
        self.spread = [ball(lo, hi) - m for (lo, hi), m in zip(box, self.start)]
        d = len(box)
        self.centre: list[arb] | None = [arb(m) for m in self.start]
        self.linear: arb_mat = arb_mat(d, d, [int(i == j) for i in range(d) for j in range(d)])

    def advance(self) -> Box:
        """The next box."""
        z = [ball(lo, hi) for lo, hi in self.box]
        image = [outward(v) for v in self.images.step(z)]
        if self.centre is not None and all(isfinite(x) for end in self.box for x in end) and continuous(self.images.step, z):
            d = len(z)
            slopes = arb_mat(d, d, self.images.slopes(z))
            middle = [(lo + hi) / 2 for lo, hi in self.box]
            at_middle = self.images.step([arb(m) for m in middle])
            image = common(image, _moved(at_middle, slopes, [x - m for x, m in zip(z, middle)]))
            self.centre = self.images.step(self.centre)
            self.linear = slopes * self.linear
            image = common(image, _moved(self.centre, self.linear, self.spread))
            also = self.also(slopes)
            image = image if also is None else common(image, also)
        else:
            self.centre = None
        self.box = image
        return image

    def also(self, slopes: arb_mat) -> Box | None:
        """One more box that contains the step's image, if there is one; ``slopes``: over the previous box."""
        return None


def _moved(point: Sequence[arb], matrix: arb_mat, spread: Sequence[arb]) -> Box:
    move = matrix * arb_mat(len(spread), 1, list(spread))
    return [outward(p + move[i, 0]) for i, p in enumerate(point)]
