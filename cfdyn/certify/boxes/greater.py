"""Points of cycles that need no examination: those with a greater point on the same cycle or on a mirror image of it.

Points are compared by their first coordinate, then by the next if these are equal, and so on. A turn is a signed permutation that
commutes with the map: it maps cycles to cycles. Among all points of a cycle and its images one is the greatest
(docs/reference/certificates.md, "Greatest points").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Turn = tuple[int, ...]  # (2, -1) takes (x, y) to (y, -x)
Points = Sequence[Sequence[tuple[float, float]]]


def turned(x: Sequence[Any], turn: Turn) -> list[Any]:
    """The image of a point, or of a box of intervals that support negation.

    >>> turned([3, 5], (2, -1))
    [5, -3]
    """
    return [x[k - 1] if k > 0 else -x[-k - 1] for k in turn]


def turned_box(box: Sequence[tuple[float, float]], turn: Turn) -> list[tuple[float, float]]:
    """The image of a box with doubles for ends, exactly."""
    return [box[k - 1] if k > 0 else (-box[-k - 1][1], -box[-k - 1][0]) for k in turn]


def mirrored(turns: Sequence[Turn], lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Which boxes (coordinates, boxes) have a turn that makes no point smaller: its first moved coordinate is at most the image.

    >>> mirrored([(-1,)], np.array([[-1.0, -1.0, 0.0]]), np.array([[0.0, 1.0, 2.0]]))
    array([ True, False, False])
    """
    greater = np.zeros(lo.shape[1], bool)
    for turn in turns:
        k = next((i for i, j in enumerate(turn) if j != i + 1), None)
        if k is not None:
            j = turn[k]
            greater |= hi[k] <= (lo[j - 1] if j > 0 else -hi[-j - 1])
    return greater


def round_from_least(points: Points) -> tuple:
    """The boxes of a cycle, from the least one on: the same for a given cycle wherever its list begins."""
    boxes = [tuple((lo + 0.0, hi + 0.0) for lo, hi in box) for box in points]  # without −0
    k = boxes.index(min(boxes))
    return (*boxes[k:], *boxes[:k])


def with_images(points: Points, turns: Sequence[Turn]) -> list[Points]:
    """A cycle and all its images, each once, itself first."""
    images: dict[tuple, Points] = {round_from_least(points): points}
    queue = [points]
    while queue:
        one = queue.pop(0)
        for turn in turns:
            image = [turned_box(box, turn) for box in one]
            if images.setdefault(round_from_least(image), image) is image:
                queue.append(image)
    return [*images.values()]
