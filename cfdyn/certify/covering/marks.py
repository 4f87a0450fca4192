"""Marks on a line and the covering relations of the gaps between them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb

from cfdyn.certify.balls import Enclosure, ball
from cfdyn.certify.regions.images import outward

Box = tuple[float, float]


@dataclass(frozen=True)
class Marks:
    """Boxes of points x_1 < … < x_m, disjoint, and enclosures of their images.

    ``boxes``: (m,); ``images``: for each the first mark that is known to be ≥ its image, and the last mark that is ≤ it;
    m and −1 if there is none. For a point of a cycle both are the next point.
    """

    boxes: list[Box]
    images: list[tuple[int, int]]

    @property
    def covers(self) -> list[list[int]]:
        """For each gap the gaps that its image covers, by the intermediate value theorem."""
        covers = []
        for (above_a, below_a), (above_b, below_b) in zip(self.images, self.images[1:]):
            rising, falling = range(above_a, below_b), range(above_b, below_a)
            covers.append(list(rising if len(rising) >= len(falling) else falling))
        return covers


def marks(step: Enclosure, cycles: Sequence[Sequence[Box]], numbers: Sequence[float]) -> Marks | None:
    """The marks of proven cycles, whose boxes come in the order of iteration, and of numbers; None if two of them meet."""
    places: list[tuple[Box, tuple[int, int] | None]] = [((x, x), None) for x in numbers]
    places += [(box, (k, i)) for k, cycle in enumerate(cycles) for i, box in enumerate(cycle)]
    places.sort()
    boxes = [box for box, _ in places]
    if any(a[1] >= b[0] for a, b in zip(boxes, boxes[1:])):
        return None
    at = {place: index for index, (_, place) in enumerate(places) if place is not None}
    images = []
    for box, place in places:
        if place is None:
            images.append(_between(step([ball(box[0])])[0], boxes))
        else:
            k, i = place
            following = at[k, (i + 1) % len(cycles[k])]
            images.append((following, following))
    return Marks(boxes, images)


def _between(image: arb, boxes: list[Box]) -> tuple[int, int]:
    """The first mark that is above a ball, and the last one that is below it."""
    if not image.is_finite():
        return len(boxes), -1
    lowest, highest = outward(image)
    return bisect_left(boxes, highest, key=lambda box: box[0]), bisect_right(boxes, lowest, key=lambda box: box[1]) - 1
