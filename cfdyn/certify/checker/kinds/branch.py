"""One cycle in a tube for every value of a parameter: slabs, and boxes at the joints that lie in both neighbours."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.numbers.boxes import Interval, meet
from cfdyn.certify.checker.shooting import MOST_SIZE, check_stability, drawn_together, primes, step, turns

MOST_SLABS, CHUNK = 100_000, 512


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """Krawczyk's test over each slab and at each joint, whose boxes lie in those of both slabs."""
    claim = fields.mapping(document["claim"], "the claim", ["period", "slabs", "stable", "first", "last"], ["names"])
    evidence = fields.mapping(document["evidence"], "the evidence", ["slabs", "joints"])
    n = fields.integer(claim["period"], "the period", 1, MOST_SIZE)
    if fields.texts(claim.get("names", g.names), "the names") != g.names:
        raise NotValid("the names of the state are not those of the map")
    if len(g.varied) != 1:
        raise NotValid("one parameter has to vary along a branch")
    slabs = fields.sequence(evidence["slabs"], "the slabs", most=MOST_SLABS)
    if not slabs or fields.integer(claim["slabs"], "the number of slabs", 1, MOST_SLABS) != len(slabs):
        raise NotValid("the number of slabs is not the one claimed")
    read = [fields.mapping(s, "a slab", ["vary", "points"]) for s in slabs]
    lines = fields.box([s["vary"] for s in read], "a slab", len(read))
    points = [fields.boxes(s["points"], "a slab", n, g.d) for s in read]
    for name, z in (("first", points[0]), ("last", points[-1])):
        said = fields.boxes(claim[name], f"the {name} boxes", n, g.d)
        if not (said.within(z) & z.within(said)).all():
            raise NotValid(f"the {name} boxes are not those of that slab")
    _check_ends(lines, g)
    stable = fields.truth(claim["stable"], "stable", unknown=True)
    _check_slabs(g, _all(points), Interval(lines.lo[:, None], lines.hi[:, None]), stable)
    _check_joints(g, evidence["joints"], points, lines, n)


def _all(points: list[Interval]) -> Interval:
    return Interval(np.array([z.lo for z in points]), np.array([z.hi for z in points]))


def _chunk(z: Interval) -> int:
    """The number of systems verified together: their matrices take some 100 MB."""
    return max(1, min(CHUNK, 2_000_000 // (z.shape[1] * z.shape[2]) ** 2))


def _check_ends(lines: Interval, g: CheckedMap) -> None:
    low, high = next(iter(g.varied.values()))
    if not (lines.lo < lines.hi).all() or not (lines.lo[1:] == lines.hi[:-1]).all():
        raise NotValid("a slab does not begin at the end of the previous one")
    if not Fraction(float(lines.lo[0])) <= low or not Fraction(float(lines.hi[-1])) >= high:
        raise NotValid("the slabs do not reach both ends of the parameter's interval")


def _check_slabs(g: CheckedMap, z: Interval, lines: Interval, stable: bool | None) -> None:
    n = z.shape[1]
    for p in primes(n):
        if not z[:, 0].apart(z[:, n // p]).any(axis=-1).all():
            raise NotValid(f"a slab's boxes do not distinguish the period {n} from {n // p}")
    chunk = _chunk(z)
    for start in range(0, len(z.lo), chunk):
        part, at = z[start : start + chunk], lines[start : start + chunk]
        inside, k = step(g, part, at)
        if not inside.all():
            raise NotValid("Krawczyk's test does not show exactly one cycle in the boxes of a slab")
        if stable is not None:
            around = turns(g, drawn_together(g, meet(k, part), at), at)
            for one in range(len(around.lo)):
                check_stability(around[one], stable)


def _check_joints(g: CheckedMap, given: Any, points: list[Interval], lines: Interval, n: int) -> None:
    """At a parameter value that two slabs share, boxes inside those of both slabs contain a cycle: it is the cycle of both."""
    joints = [fields.mapping(j, "a joint", ["at", "points"]) for j in fields.sequence(given, "the joints", len(points) - 1)]
    if not joints:
        return
    at = np.array([fields.end(j["at"], "a joint") for j in joints])
    if not (at == lines.hi[:-1]).all():
        raise NotValid("a joint is not at the value that two slabs share")
    z, before, after = (
        _all(p) for p in ([fields.boxes(j["points"], "a joint", n, g.d) for j in joints], points[:-1], points[1:])
    )
    if not (z.within(before) & z.within(after)).all():
        raise NotValid("the boxes of a joint do not lie in those of both slabs")
    chunk = _chunk(z)
    for start in range(0, len(z.lo), chunk):
        here = at[start : start + chunk, None]
        inside, _ = step(g, z[start : start + chunk], Interval(here, here))
        if not inside.all():
            raise NotValid("Krawczyk's test does not show exactly one cycle in the boxes of a joint")
