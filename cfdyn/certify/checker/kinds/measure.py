"""An expanding map of an interval: the hypotheses of Lasota and Yorke's theorem."""

from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.numbers.boxes import Array, Interval, above, down
from cfdyn.certify.checker.sides import Sides
from cfdyn.certify.checker.tree import gathered, halves

MOST_LEAVES, MOST_STEPS, MOST_CUTS, MOST_PARTS = 100_000, 16, 16, 400_000


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """On each leaf g maps into the interval, has finitely many pieces that are C², and gᵐ expands by the growth."""
    claim = fields.mapping(document["claim"], "the claim", ["interval", "steps", "growth"])
    evidence = fields.mapping(document["evidence"], "the evidence", ["tree"])
    if g.d != 1:
        raise NotValid("this kind is for maps of one variable")
    interval = fields.box([claim["interval"]], "the interval", 1)[0]
    if not interval.lo < interval.hi:
        raise NotValid("no density is on an interval that is a point")
    steps, growth = fields.integer(claim["steps"], "the steps", 1, MOST_STEPS), fields.number(claim["growth"], "the growth")
    if not growth > 1:
        raise NotValid("the growth is not above 1")
    root = Interval(np.concatenate([interval.lo[None], g.lines.lo]), np.concatenate([interval.hi[None], g.lines.hi]))
    parts = gathered(fields.text(evidence["tree"], "the tree", 20 * 2**20), root, "e", MOST_LEAVES).boxes
    sides = Sides(g)
    for _ in range(MOST_CUTS):
        parts = parts[~_expands(sides, parts, interval, steps, above(growth))]
        if not len(parts.lo):
            return
        if 2 * len(parts.lo) > MOST_PARTS:
            break
        parts = halves(parts, root)
    raise NotValid("on a leaf the map may leave the interval, have an end without curvature, or expand by less than is claimed")


def _expands(sides: Sides, parts: Interval, interval: Interval, steps: int, growth: float) -> Array:
    """For which parts all this is known: each row of an orbit of boxes belongs to one, ``of``, and has expanded by ``size``."""
    good, of, x = np.ones(len(parts.lo), dtype=bool), np.arange(len(parts.lo)), parts[:, 0]
    size = np.ones(len(of))
    for k in range(steps):
        known, pieces = sides.over(x, parts[of][:, 1:])
        good[of[~known]] = False
        image = Interval(*(np.concatenate([np.empty(0), *(getattr(p.image, end) for p in pieces)]) for end in ("lo", "hi")))
        size = np.concatenate([np.empty(0), *(np.maximum(down(size[p.rows] * p.slope.mignitude), 0.0) for p in pieces)])
        of = np.concatenate([np.empty(0, dtype=int), *(of[p.rows] for p in pieces)])
        if k == 0:
            good[of[~image.within(interval)]] = False
        # images of points of the interval lie in it
        lo, hi = np.maximum(image.lo, interval.lo), np.minimum(image.hi, interval.hi)
        there = (lo <= hi) & good[of]
        x, size, of = Interval(lo[there], hi[there]), size[there], of[there]
        if len(of) > MOST_PARTS:
            return np.zeros(len(good), dtype=bool)
    good[of[~(size >= growth)]] = False
    return good
