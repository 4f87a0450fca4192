"""A cycle in given boxes: exactly one, its least period, its multipliers and its stability."""

from typing import Any

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.shooting import MOST_SIZE, check_least_period, check_multipliers, check_stability, prove, turn


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """Krawczyk's test over the boxes of the claim and all values of the parameters; then the claims about the multipliers."""
    claim = fields.mapping(document["claim"], "the claim", ["period", "points", "stable", "multipliers"], ["names"])
    n = fields.integer(claim["period"], "the period", 1, MOST_SIZE)
    if fields.texts(claim.get("names", g.names), "the names") != g.names:
        raise NotValid("the names of the state are not those of the map")
    z = fields.boxes(claim["points"], "the points", n, g.d)
    check_least_period(z, "the cycle")
    proven = prove(g, z, g.lines, "the cycle")
    stable = fields.truth(claim["stable"], "stable", unknown=True)
    claimed = claim["multipliers"]
    if stable is not None or claimed is not None:
        around = turn(g, proven)
        check_stability(around, stable)
        if claimed is not None:
            pairs = [fields.box(pair, "a multiplier", 2) for pair in fields.sequence(claimed, "the multipliers")]
            check_multipliers(around, [(pair[0], pair[1]) for pair in pairs])
