"""Where the Hessian's largest eigenvalue λ is θ/lr in a box, and whether lr·λ grows or falls along gradient flow there."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.formulas.values import Program
from cfdyn.certify.checker.kinds.recursion import Scale, descent, flips_at
from cfdyn.certify.checker.maps import CheckedMap, read_map
from cfdyn.certify.checker.numbers.boxes import Array, Interval, down, exact, meet, point, up
from cfdyn.certify.checker.numbers.matrices import applied, product, transposed
from cfdyn.certify.checker.tree import gathered, halves

MOST_LEAVES, MOST_CUTS, MOST_PARTS, SWEEPS = 100_000, 12, 200_000, 3


def check(document: dict[str, Any], g: CheckedMap) -> None:
    """Both points are on their sides, and each leaf is below, above, or has a rate in the claimed interval."""
    claim = fields.mapping(document["claim"], "the claim", ["box", "enters", "rate"], ["threshold", "scale"])
    evidence = fields.mapping(document["evidence"], "the evidence", ["below", "above", "tree"])
    threshold, scale = flips_at(document["map"], claim.get("scale"))
    if threshold != (fields.number(claim["threshold"], "the threshold") if "threshold" in claim else 2):
        raise NotValid("the edge is at another curvature")
    g = read_map({**document, "map": descent(document["map"])})
    n = 2 * g.d if scale else g.d
    box = fields.box(claim["box"], "the box", n)
    rate = fields.box([claim["rate"]], "the rate", 1)[0]
    if not (rate.lo > 0 if fields.truth(claim["enters"], "enters") else rate.hi < 0):
        raise NotValid("the rate does not have the sign that is claimed")
    edge = _Edge(g, threshold, scale)
    for name, sign in (("below", -1), ("above", 1)):
        ends = np.array([fields.end(x, name) for x in fields.sequence(evidence[name], f"the point {name}", n)])
        if not point(ends).within(box).all():
            raise NotValid(f"the point {name} is not in the box")
        good, height, _ = edge.over(point(ends)[None], g.lines[None])
        if not good[0] or not (height.hi[0] < 0 if sign < 0 else height.lo[0] > 0):
            raise NotValid(f"the largest eigenvalue is not known to be {name} the edge at the point {name}")
    root = Interval(np.concatenate([box.lo, g.lines.lo]), np.concatenate([box.hi, g.lines.hi]))
    parts = gathered(fields.text(evidence["tree"], "the tree", 20 * 2**20), root, "abe", MOST_LEAVES).boxes
    for _ in range(MOST_CUTS):
        good, height, growth = edge.over(parts[:, :n], parts[:, n:])
        parts = parts[~(good & ((height.hi < 0) | (height.lo > 0) | growth.within(rate)))]
        if not len(parts.lo):
            return
        if 2 * len(parts.lo) > MOST_PARTS:
            break
        parts = halves(parts, root)
    raise NotValid("a leaf is not known to be below the edge, above it, or at it with a rate in the claimed interval")


class _Edge:
    """S = 1 − Dg − θp = lr ∇²L − θp over boxes, for gradient descent g; p = 1 without a scale."""

    def __init__(self, g: CheckedMap, threshold: Fraction, scale: Scale | None):
        self.g, self.threshold, self.scale, d = g, exact(threshold), scale, g.d
        names, all_ = [f"x:{n}" for n in g.names], g.derivatives(3)
        first, second = ([all_[key] for key in all_ if len(key) == k] for k in (1, 2))
        self.pairs = [tuple(names.index(n) for n in key) for key in all_ if len(key) == 2]
        # x − g(x) with like terms collected is lr ∇L
        put = g.graph.put
        moves = [g.graph.combined([(Fraction(1), put("name", n)), (Fraction(-1), node)]) for n, node in zip(names, g.step)]
        slopes = [first[k][i] for i in range(d) for k in range(d)]
        third = [node for key in all_ if len(key) == 3 for node in all_[key]]
        self.slopes, self.rest = Program(g.graph, slopes + third), Program(g.graph, moves + sum(second, []))
        self.sizes = None if scale is None else Program(scale.graph, [scale.size, scale.slope])

    def over(self, x: Interval, lines: Interval) -> tuple[Array, Interval, Interval]:
        """For boxes (N, d or 2d): where all eigenvalues of S except the largest are negative and no border crosses; a quantity
        with the sign of the largest; and the rate of change of the largest eigenvalue of lr ∇²L over p where it equals θ.
        """
        g, d, n = self.g, self.g.d, len(x.lo)
        z, states = x[:, :d], x[:, d:]
        values = g._values(z, lines)
        rows = g._stacked(self.slopes(values), z)
        good = (np.isfinite(rows.lo) & np.isfinite(rows.hi)).all(axis=-1)
        slopes = Interval(rows.lo[:, : d * d].reshape(n, d, d), rows.hi[:, : d * d].reshape(n, d, d))
        sizes, growth = self._scaled(states)
        good &= (sizes.lo > 0).all(axis=-1) & np.isfinite(sizes.hi).all(axis=-1)
        q = self._bases(slopes.middle, np.where(good[:, None], sizes.middle, 1.0))
        edge = point(np.ones((n, d))) - self.threshold * sizes
        s = product(product(transposed(q), -slopes + _diagonal(edge)), q)
        negative, y = _solved(s)
        height = s[:, 0, 0]
        for i in range(d - 1):
            height = height + s[:, 0, i + 1] * y[:, i]
        vector = applied(q, Interval(*(np.concatenate([np.ones((n, 1)), part], axis=1) for part in (y.lo, y.hi))))
        rest = g._stacked(self.rest(values), z)
        moves = self._moved(rest[:, :d], states, growth, values)
        return good & negative, height, self._rate(rest, vector, sizes, moves)

    def _scaled(self, states: Interval) -> tuple[Interval, Interval]:
        """p and dp/dν, (N, d) each."""
        shape = (len(states.lo), self.g.d)
        if self.sizes is None or self.scale is None:
            return point(np.ones(shape)), point(np.zeros(shape))
        one, two = self.sizes({self.scale.state: states})
        return one, Interval(np.broadcast_to(two.lo, shape), np.broadcast_to(two.hi, shape))

    def _moved(self, moves: Interval, states: Interval, growth: Interval, values: dict[str, Interval]) -> Interval:
        """dp/dt = dp/dν κ(g² − ν), (N, d), from lr ∇L."""
        if self.scale is None:
            return point(np.zeros(moves.shape))
        rate = values.get("p:lr")
        gradient = moves / (exact(self.scale.lr) if rate is None else Interval(rate.lo[:, None], rate.hi[:, None]))
        return growth * exact(self.scale.kappa) * (gradient * gradient - states)

    def _rate(self, slopes: Interval, u: Interval, sizes: Interval, moves: Interval) -> Interval:
        """(D²g[u, u] · lr ∇L/p − θ u·(dp/dt)u) / u·pu."""
        d, total, size = self.g.d, point(np.zeros(len(u.lo))), point(np.zeros(len(u.lo)))
        for at, (i, k) in enumerate(self.pairs):
            weight = u[:, i] * u[:, k] * point(np.array(1.0 if i == k else 2.0))
            for j in range(d):
                total = total + weight * slopes[:, d + at * d + j] * slopes[:, j] / sizes[:, j]
        for i in range(d):
            square = u[:, i] * u[:, i]
            total, size = total - square * self.threshold * moves[:, i], size + square * sizes[:, i]
        return total / size

    @staticmethod
    def _bases(middle: Array, sizes: Array) -> Interval:
        """Approximate eigenvectors over p, that of the least eigenvalue of Dg − 1 first; any independent columns are valid."""
        sane = np.where(np.isfinite(middle).all(axis=(1, 2), keepdims=True), middle, 0.0) - np.eye(middle.shape[-1])
        root = sizes[:, :, None] ** -0.5
        scaled = root * (sane + np.swapaxes(sane, 1, 2)) / 2 * np.swapaxes(root, 1, 2)
        return point(root * np.linalg.eigh(scaled)[1])


def _diagonal(x: Interval) -> Interval:
    on = np.eye(x.shape[-1], dtype=bool)
    return Interval(np.where(on, x.lo[:, :, None], 0.0), np.where(on, x.hi[:, :, None], 0.0))


def _solved(s: Interval) -> tuple[Array, Interval]:
    """Where C in (s, b; b, C) is negative definite by Gershgorin's discs, and an enclosure of −C⁻¹b."""
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
