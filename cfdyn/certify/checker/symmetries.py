"""Signed permutations that map cycles to cycles: S(x, y) = (y, −x) is [2, -1]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.formulas.mirrors import commutes
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.numbers.boxes import Interval

MOST = 47  # those of a cube


def symmetries(given: Any, g: CheckedMap, box: Interval) -> list[list[int]]:
    """The turns of a file: none is the identity, each maps the box to itself and commutes with the map for all parameters."""
    turns = [fields.sequence(turn, "a symmetry", g.d) for turn in fields.sequence(given, "the symmetries", most=MOST)]
    states = [g.graph.put("name", f"x:{name}") for name in g.names]
    if turns and not (box.lo < box.hi).all():  # a flat box lies entirely on a mirror, where no image is greater
        raise NotValid("symmetries are of a box with an interior")
    for turn in turns:
        if sorted(abs(fields.integer(k, "a symmetry", -g.d, g.d)) for k in turn) != list(range(1, g.d + 1)):
            raise NotValid(f"the symmetry {fields.shown(turn)} is not a signed permutation")
        if first_moved(turn) is None:
            raise NotValid("the identity must not be listed as a symmetry")
        image = turned(box, turn)
        if not ((image.lo == box.lo) & (image.hi == box.hi)).all():
            raise NotValid(f"the symmetry {fields.shown(turn)} does not take the box to itself")
        if not commutes(g.graph, g.written, states, turn):
            raise NotValid(f"the formulas do not show that {fields.shown(turn)} is a symmetry of the map")
    return turns


def first_moved(turn: Sequence[int]) -> int | None:
    """The first coordinate that differs from its image."""
    return next((k for k, j in enumerate(turn) if j != k + 1), None)


def turned(x: Interval, turn: Sequence[int]) -> Interval:
    """The images of boxes (…, d)."""
    places, minus = np.abs(turn) - 1, np.array(turn) < 0
    lo, hi = x.lo[..., places], x.hi[..., places]
    return Interval(np.where(minus, -hi, lo), np.where(minus, -lo, hi))


def check_closed(cycles: Sequence[Interval], turns: Sequence[Sequence[int]], what: str) -> None:
    """The images of all cycles (n, d) are among them, with the same boxes."""
    known = {_round(z) for z in cycles}
    if any(_round(turned(z, turn)) not in known for z in cycles for turn in turns):
        raise NotValid(f"{what}: the image of a cycle under a symmetry is missing")


def _round(z: Interval) -> tuple[tuple[float, ...], ...]:
    """The boxes from the least one on: the same wherever the list of a cycle begins."""
    boxes = [tuple(row) for row in np.concatenate([z.lo, z.hi], axis=1) + 0.0]
    k = boxes.index(min(boxes))
    return (*boxes[k:], *boxes[:k])
