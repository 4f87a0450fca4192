"""A box, or a region of leaves in it, that is mapped into its own interior."""

from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.numbers.boxes import Interval
from cfdyn.certify.checker.numbers.meeting import Meeting
from cfdyn.certify.checker.tree import gathered

MOST_LEAVES = 1_000_000


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """The image of each leaf i lies in the interior of the box and is disjoint from each leaf x."""
    claim = fields.mapping(document["claim"], "the claim", ["box", "whole"])
    evidence = fields.mapping(document["evidence"], "the evidence", ["tree"])
    box = fields.box(claim["box"], "the box", g.d)
    root = Interval(np.concatenate([box.lo, g.lines.lo]), np.concatenate([box.hi, g.lines.hi]))
    letters, boxes = gathered(fields.text(evidence["tree"], "the tree", 20 * 2**20), root, "ix", MOST_LEAVES)
    out = letters == "x"
    if fields.truth(claim["whole"], "whole") != (not out.any()):
        raise NotValid("whole does not agree with the tree")
    if out.all() or out.any() and g.varied:
        raise NotValid("the region is empty, or a part of the box is excluded while parameters vary")
    image = g.image(boxes[~out])
    if not image.inside(box).all():
        raise NotValid("the image of a leaf is not in the interior of the box")
    if out.any() and Meeting(boxes[out][:, : g.d]).any_met(image).any():
        raise NotValid("the image of a leaf may meet a part that the region excludes")
