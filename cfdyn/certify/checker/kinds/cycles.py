"""All cycles of a period in a box: each proved, and a tree that proves that there are no others."""

from typing import Any

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.absence import Absence
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.kinds.lines import checked_box
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.numbers.boxes import Interval
from cfdyn.certify.checker.shooting import MOST_SIZE, unique
from cfdyn.certify.checker.symmetries import check_closed, symmetries

MOST_CYCLES = 20_000


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """The ledger of the period, and those of its divisors if fixed points are counted."""
    claim = fields.mapping(document["claim"], "the claim", ["period", "box", "count", "complete", "fixed points"], ["names"])
    letters, added = ("oadqs?", []) if document["version"] == 1 else ("oadqsmr?", ["symmetries"])
    evidence = fields.mapping(document["evidence"], "the evidence", ["ledgers"], ["inside", "outside", *added])
    n = fields.integer(claim["period"], "the period", 1, MOST_SIZE)
    if g.varied:
        raise NotValid("cycles are counted for fixed parameters")
    box = checked_box(claim["box"], evidence, g, n)
    turns = symmetries(evidence.get("symmetries", []), g, box)
    ledgers = fields.mapping(evidence["ledgers"], "the ledgers")
    counts: dict[int, int] = {}
    whole: dict[int, bool] = {}
    for d in [d for d in range(1, n + 1) if n % d == 0 and str(d) in ledgers]:
        counts[d], whole[d] = _ledger(ledgers[str(d)], g, d, box, turns, letters)
    if n not in counts or len(counts) != len(ledgers):
        raise NotValid("there is no ledger of the period, or one of a number that does not divide it")
    if fields.integer(claim["count"], "the count", 0, MOST_CYCLES) != counts[n]:
        raise NotValid(f"{counts[n]} cycles are proved, not {claim['count']}")
    if fields.truth(claim["complete"], "complete") and not whole[n]:
        raise NotValid("leaves of the tree are undecided, so that the count is not known to be complete")
    if claim["fixed points"] is not None:
        _check_fixed_points(fields.integer(claim["fixed points"], "fixed points", 0, 10**9), n, counts, whole)


def _check_fixed_points(claimed: int, n: int, counts: dict[int, int], whole: dict[int, bool]) -> None:
    divisors = [d for d in range(1, n + 1) if n % d == 0]
    if any(not whole.get(d, False) for d in divisors):
        raise NotValid("not all divisors of the period have a complete ledger")
    total = sum(d * counts[d] for d in divisors)
    if total != claimed:
        raise NotValid(f"{total} fixed points are proved, not {claimed}")


def _ledger(given: Any, g: CheckedMap, n: int, box: Interval, turns: list[list[int]], letters: str) -> tuple[int, bool]:
    """The number of proven cycles of least period n, and whether there are no others in the box."""
    what = f"the ledger of {n}"
    ledger = fields.mapping(given, what, ["tree", "proven"])
    cycles = [fields.boxes(z, what, n, g.d) for z in fields.sequence(ledger["proven"], what, most=MOST_CYCLES)]
    _check_disjoint([z[i] for z in cycles for i in range(n)], what)
    for z in cycles:
        if not z.within(box).all():
            raise NotValid(f"{what}: a cycle's boxes are not in the box")
        unique(g, z, g.lines, what)
    check_closed(cycles, turns, what)
    text = fields.text(ledger["tree"], what, 20 * 2**20)
    return len(cycles), Absence(g, n, box, cycles, turns).check(text, box, letters, what)


def _check_disjoint(boxes: list[Interval], what: str) -> None:
    """All boxes are pairwise disjoint: by a sweep along the first coordinate."""
    order = sorted(boxes, key=lambda b: b.lo[0])
    active: list[Interval] = []
    for one in order:
        active = [other for other in active if other.hi[0] >= one.lo[0]]
        if any(not one.apart(other).any() for other in active):
            raise NotValid(f"{what}: two boxes of its cycles meet")
        active.append(one)
