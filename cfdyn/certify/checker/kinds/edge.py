"""Where the Hessian's largest eigenvalue λ is θ/lr in a box, and whether lr·λ grows or falls along gradient flow there."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.formulas.graph import Program
from cfdyn.certify.checker.kinds.recursion import descent, flips_at
from cfdyn.certify.checker.maps import CheckedMap, read_map
from cfdyn.certify.checker.numbers.boxes import Array, Interval, down, exact, meet, point, up
from cfdyn.certify.checker.numbers.matrices import applied, product, transposed, unit
from cfdyn.certify.checker.tree import gathered, halves

MOST_LEAVES, MOST_CUTS, MOST_PARTS, SWEEPS = 100_000, 12, 200_000, 3


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """Both points are on their sides, and each leaf is below, above, or has a rate in the claimed interval."""
    claim = fields.mapping(document["claim"], "the claim", ["box", "enters", "rate"], ["threshold"])
    evidence = fields.mapping(document["evidence"], "the evidence", ["below", "above", "tree"])
    threshold = flips_at(document["map"])
    if threshold != (fields.number(claim["threshold"], "the threshold") if "threshold" in claim else 2):
        raise NotValid("the edge is at another curvature")
    g = read_map({**document, "map": descent(document["map"])})
    box = fields.box(claim["box"], "the box", g.d)
    rate = fields.box([claim["rate"]], "the rate", 1)[0]
    if not (rate.lo > 0 if fields.truth(claim["enters"], "enters") else rate.hi < 0):
        raise NotValid("the rate does not have the sign that is claimed")
    edge = _Edge(g, threshold)
    for name, sign in (("below", -1), ("above", 1)):
        ends = np.array([fields.end(x, name) for x in fields.sequence(evidence[name], f"the point {name}", g.d)])
        if not point(ends).within(box).all():
            raise NotValid(f"the point {name} is not in the box")
        good, height, _ = edge.over(point(ends)[None], g.lines[None])
        if not good[0] or not (height.hi[0] < 0 if sign < 0 else height.lo[0] > 0):
            raise NotValid(f"the largest eigenvalue is not known to be {name} the edge at the point {name}")
    root = Interval(np.concatenate([box.lo, g.lines.lo]), np.concatenate([box.hi, g.lines.hi]))
    parts = gathered(fields.text(evidence["tree"], "the tree", 20 * 2**20), root, "abe", MOST_LEAVES).boxes
    for _ in range(MOST_CUTS):
        good, height, found = edge.over(parts[:, : g.d], parts[:, g.d :])
        parts = parts[~(good & ((height.hi < 0) | (height.lo > 0) | found.within(rate)))]
        if not len(parts.lo):
            return
        if 2 * len(parts.lo) > MOST_PARTS:
            break
        parts = halves(parts, root)
    raise NotValid("a leaf is not known to be below the edge, above it, or at it with a rate in the claimed interval")


class _Edge:
    """S = 1 − θ − Dg = lr ∇²L − θ over boxes, of gradient descent g."""

    def __init__(self, g: CheckedMap, threshold: Fraction):
        self.g, self.moved, d = g, exact(threshold - 1), g.d
        names, all_ = [f"x:{n}" for n in g.names], g.derivatives(3)
        first, second = ([all_[key] for key in all_ if len(key) == k] for k in (1, 2))
        self.pairs = [tuple(names.index(n) for n in key) for key in all_ if len(key) == 2]
        # x − g(x) with like terms collected is lr ∇L
        put = g.graph.put
        moves = [g.graph.combined([(Fraction(1), put("name", n)), (Fraction(-1), node)]) for n, node in zip(names, g.step)]
        slopes = [first[k][i] for i in range(d) for k in range(d)]
        third = [node for key in all_ if len(key) == 3 for node in all_[key]]
        self.slopes, self.rest = Program(g.graph, slopes + third), Program(g.graph, moves + sum(second, []))

    def over(self, x: Interval, lines: Interval) -> tuple[Array, Interval, Interval]:
        """For boxes (N, d): where all eigenvalues of S but the largest are negative and no border crosses; what has the sign of
        the largest; and the rate of the largest where it is 0."""
        g, d, n = self.g, self.g.d, len(x.lo)
        values = g._values(x, lines)
        found = g._stacked(self.slopes(values), x)
        good = (np.isfinite(found.lo) & np.isfinite(found.hi)).all(axis=-1)
        slopes = Interval(found.lo[:, : d * d].reshape(n, d, d), found.hi[:, : d * d].reshape(n, d, d))
        q = self._bases(slopes.middle)
        s = product(product(transposed(q), -slopes - self.moved * unit(d)), q)
        negative, y = _solved(s)
        height = s[:, 0, 0]
        for i in range(d - 1):
            height = height + s[:, 0, i + 1] * y[:, i]
        vector = applied(q, Interval(*(np.concatenate([np.ones((n, 1)), part], axis=1) for part in (y.lo, y.hi))))
        return good & negative, height, self._rate(g._stacked(self.rest(values), x), vector)

    def _rate(self, found: Interval, u: Interval) -> Interval:
        """D²g[u, u] · lr ∇L / u·u."""
        d, total, size = self.g.d, point(np.zeros(len(u.lo))), point(np.zeros(len(u.lo)))
        for at, (i, k) in enumerate(self.pairs):
            weight = u[:, i] * u[:, k] * point(np.array(1.0 if i == k else 2.0))
            for j in range(d):
                total = total + weight * found[:, d + at * d + j] * found[:, j]
        for i in range(d):
            size = size + u[:, i] * u[:, i]
        return total / size

    @staticmethod
    def _bases(middle: Array) -> Interval:
        """Approximate eigenvectors, that of the least eigenvalue of Dg first; any independent columns will do."""
        sane = np.where(np.isfinite(middle).all(axis=(1, 2), keepdims=True), middle, np.eye(middle.shape[-1]))
        return point(np.linalg.eigh((sane + np.swapaxes(sane, 1, 2)) / 2)[1])


def _solved(s: Interval) -> tuple[Array, Interval]:
    """Where C of (s, b; b, C) is negative definite by Gershgorin's discs, and an enclosure of −C⁻¹b."""
    n, d = s.shape[0], s.shape[-1]
    if d == 1:
        return np.ones(n, dtype=bool), Interval(np.zeros((n, 0)), np.zeros((n, 0)))
    b, c, room = s[:, 1:, 0], s[:, 1:, 1:], np.full(n, np.inf)
    sizes = c.magnitude
    for i in range(d - 1):
        other = np.zeros(n)
        for j in range(d - 1):
            other = up(other + sizes[:, i, j]) if j != i else other
        room = np.minimum(room, down(-c.hi[:, i, i] - other))
    good = room > 0
    most = np.where(good, up(b.magnitude.max(axis=1) / np.where(good, room, 1.0)), np.inf)[:, None] * np.ones(d - 1)
    y = Interval(-most, most)
    for _ in range(SWEEPS):
        parts = []
        for i in range(d - 1):
            total = b[:, i]
            for j in range(d - 1):
                total = total + c[:, i, j] * y[:, j] if j != i else total
            parts.append(-total / c[:, i, i])
        y = meet(y, Interval(np.stack([p.lo for p in parts], 1), np.stack([p.hi for p in parts], 1)))
    return good, y
