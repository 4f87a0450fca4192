"""Covering relations of parallelograms in the plane (h-sets with one stretched direction), and the entropy that they force."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.kinds.growth import check_growth
from cfdyn.certify.checker.maps import CheckedMap, finite
from cfdyn.certify.checker.numbers.boxes import Array, Interval, above, below, point, stacked
from cfdyn.certify.checker.numbers.matrices import applied, product

MOST_SETS, MOST_TRANSITIONS, MOST_CUTS, MOST_CELLS, CHUNK = 1000, 20_000, 4096, 4_000_000, 1 << 15


class Parallelogram(NamedTuple):
    """c + M u, |u₁|, |u₂| ≤ 1; ``inverse`` encloses M⁻¹."""

    centre: Interval
    matrix: Interval
    inverse: Interval

    def inside_out(self, x: Interval) -> Interval:
        """The coordinates u of points (..., 2)."""
        return applied(self.inverse, x - self.centre)


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """Regular and disjoint sets, each transition a covering relation, growth."""
    claim = fields.mapping(document["claim"], "the claim", ["transitions", "growth", "entropy"])
    evidence = fields.mapping(document["evidence"], "the evidence", ["sets", "cuts", "vector"])
    if g.d != 2:
        raise NotValid("this kind is for maps of two variables")
    sets = [_parallelogram(s) for s in fields.sequence(evidence["sets"], "the sets", most=MOST_SETS)]
    _check_disjoint(sets)
    pairs = [tuple(fields.integer(i, "a transition", 0, len(sets) - 1) for i in fields.sequence(t, "a transition", 2))
             for t in fields.sequence(claim["transitions"], "the transitions", most=MOST_TRANSITIONS)]  # fmt: skip
    if len(set(pairs)) < len(pairs) or not pairs:
        raise NotValid("the transitions are not distinct, or there are none")
    if max(max(p) for p in pairs) != len(sets) - 1:
        raise NotValid("the last set is in no transition")
    cuts = fields.sequence(evidence["cuts"], "the cuts", len(pairs))
    left = MOST_CELLS
    for (i, j), cut in zip(pairs, cuts):
        s, t = (fields.integer(k, "a cut", 1, MOST_CUTS) for k in fields.sequence(cut, "a cut", 2))
        left -= s * t
        if left < 0:
            raise NotValid(f"there are more than {MOST_CELLS} cells")
        if not _covers(g, sets[i], sets[j], s, t):
            raise NotValid(f"it is not shown that set {i} covers set {j}")
    covers = [{j for i, j in pairs if i == a} for a in range(len(sets))]
    check_growth(covers, evidence["vector"], claim["growth"], claim["entropy"])


def _parallelogram(given: Any) -> Parallelogram:
    parts = fields.mapping(given, "a set", ["centre", "columns"])
    centre = _doubles(parts["centre"], "a centre")
    a, b = (_doubles(c, "a column") for c in fields.sequence(parts["columns"], "the columns", 2))
    matrix = point(np.array([a, b]).T)
    det = matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]
    if not det.without_zero():
        raise NotValid("a parallelogram has no area")
    rows = [[matrix[1, 1] / det, -matrix[0, 1] / det], [-matrix[1, 0] / det, matrix[0, 0] / det]]
    return Parallelogram(point(centre), matrix, stacked([stacked(row) for row in rows], axis=0))


def _doubles(given: Any, where: str) -> Array:
    doubles = np.array([fields.end(x, where) for x in fields.sequence(given, where, 2)])
    if not np.isfinite(doubles).all():
        raise NotValid(f"{where} is not finite")
    return doubles


def _check_disjoint(sets: list[Parallelogram]) -> None:
    corners = [s.centre + applied(s.matrix, point(np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]]))) for s in sets]
    for a in range(len(sets)):
        for b in range(a):
            if not (_beside(sets[a], corners[b]) or _beside(sets[b], corners[a])):
                raise NotValid(f"sets {b} and {a} are not known to be disjoint")


def _beside(one: Parallelogram, corners: Interval) -> bool:
    u = one.inside_out(corners)
    return bool(((u.lo > 1).all(axis=0) | (u.hi < -1).all(axis=0)).any())


def _covers(g: CheckedMap, source: Parallelogram, target: Parallelogram, s: int, t: int) -> bool:
    """No cell meets the target's upper or lower edge or leaves past one; the two short edges are mapped to different sides."""
    first, second = _cuts(s), _cuts(t)
    rows = max(1, CHUNK // t)
    for k in range(0, s, rows):
        cells = _product(first[k : k + rows], second)
        f, good = _image(g, source, target, cells)
        met = (f.hi[:, 0] < -1) | (f.lo[:, 0] > 1) | (f.lo[:, 1] > -1) & (f.hi[:, 1] < 1)
        if not (good & met).all():
            return False
    sides = []
    for end in (-1.0, 1.0):
        f, good = _image(g, source, target, _product(point(np.array([end])), second))
        if not good.all():
            return False
        sides.append(-1 if (f.hi[:, 0] < -1).all() else 1 if (f.lo[:, 0] > 1).all() else 0)
    return sorted(sides) == [-1, 1]


def _cuts(n: int) -> Interval:
    """[−1, 1] in n pieces, rounded outward."""
    ends = [Fraction(2 * k, n) - 1 for k in range(n + 1)]
    return Interval(np.array([below(e) for e in ends[:-1]]), np.array([above(e) for e in ends[1:]]))


def _product(first: Interval, second: Interval) -> Interval:
    """All pairs: (N, 2)."""
    lo, hi = (
        np.stack(np.meshgrid(getattr(first, e), getattr(second, e), indexing="ij"), axis=-1).reshape(-1, 2) for e in ("lo", "hi")
    )
    return Interval(lo, hi)


def _image(g: CheckedMap, source: Parallelogram, target: Parallelogram, cells: Interval) -> tuple[Interval, Array]:
    """f over cells in the coordinates of the target, by the mean-value form; and where g is known to be continuous."""
    m = point(cells.middle)
    lines = Interval(
        np.broadcast_to(g.lines.lo, (len(m.lo), g.lines.shape[0])), np.broadcast_to(g.lines.hi, (len(m.lo), g.lines.shape[0]))
    )
    natural, slopes = g.slopes(source.centre + applied(source.matrix, cells), lines)
    at = target.inside_out(g.value(source.centre + applied(source.matrix, m), lines))
    turned = product(product(target.inverse, slopes), source.matrix)
    return at + applied(turned, cells - m), finite(natural, slopes)
