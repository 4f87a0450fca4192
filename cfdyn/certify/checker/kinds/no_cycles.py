"""No cycle of a period in a box, for all values of the parameters; or no cycle of any period above 1 or 2."""

from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.absence import Absence
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.kinds.fold import check_fold
from cfdyn.certify.checker.kinds.lines import checked_box, everywhere_continuous
from cfdyn.certify.checker.maps import CheckedMap, finite
from cfdyn.certify.checker.numbers.boxes import Interval, point
from cfdyn.certify.checker.shooting import MOST_SIZE
from cfdyn.certify.checker.symmetries import symmetries
from cfdyn.certify.checker.tree import leaves


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """The tree over the box and the parameters; for all periods Sharkovskii's theorem."""
    claim = fields.mapping(document["claim"], "the claim", ["period", "box"], ["names"])
    n = claim["period"]
    letters, added = ("oadqmr", ["symmetries"]) if document["version"] == 2 and not isinstance(n, str) else ("oadq", [])
    evidence = fields.mapping(document["evidence"], "the evidence", [], ["tree", "inside", "outside", "fold", *added])
    if isinstance(n, str):
        fields.one_of(n, "the period", ["all above 1", "all above 2"])
        if g.d != 1:
            raise NotValid("all periods at once are for maps of one variable")
    else:
        fields.integer(n, "the period", 2, MOST_SIZE)
    if n == "all above 2":
        if set(evidence) != {"fold"} or fields.sequence(claim["box"], "the box", 1) != [["-inf", "inf"]]:
            raise NotValid("cycles of all periods above 2 are excluded by folding the whole line")
        check_fold(evidence["fold"], g)
        return
    period = 2 if n == "all above 1" else n
    box = checked_box(claim["box"], evidence, g, period)
    if n == "all above 1" and "inside" in evidence and not everywhere_continuous(g):
        raise NotValid("the formulas do not show that the map is continuous on the whole line")
    root = Interval(np.concatenate([box.lo, g.lines.lo]), np.concatenate([box.hi, g.lines.hi]))
    text = fields.text(evidence.get("tree"), "the tree", 20 * 2**20)
    turns = symmetries(evidence.get("symmetries", []), g, box)
    Absence(g, period, box, turns=turns).check(text, root, letters, "the tree")
    if n == "all above 1":
        check_continuous(text, root, g, "oadq", "the tree")


def check_continuous(text: str, root: Interval, g: Any, allowed: str, what: str) -> None:
    """g is defined and continuous on every leaf; a leaf with unbounded slopes is bisected further, up to eight times."""
    for part in leaves(text, root, allowed, what):
        boxes = part.boxes
        for _ in range(9):
            x, lines = boxes[:, : g.d], boxes[:, g.d :]
            boxes = boxes[~finite(*g.slopes(x, lines))]
            if not len(boxes.lo):
                break
            boxes = _halves(boxes, g.d)
        if len(boxes.lo):
            raise NotValid(f"{what}: the map is not known to be continuous on a leaf")


def _halves(boxes: Interval, d: int) -> Interval:
    widest = np.argmax(boxes.hi[:, :d] - boxes.lo[:, :d], axis=1)
    rows = np.arange(len(widest))
    m = point(boxes.middle).lo[rows, widest]
    left, right = boxes.hi.copy(), boxes.lo.copy()
    left[rows, widest], right[rows, widest] = m, m
    return Interval(np.concatenate([boxes.lo, right]), np.concatenate([left, boxes.hi]))
