"""Unbounded boxes, in one variable: what is known about a map on rays."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.formulas.graph import Node
from cfdyn.certify.checker.formulas.jets import derivative
from cfdyn.certify.checker.formulas.values import Program
from cfdyn.certify.checker.maps import CheckedMap
from cfdyn.certify.checker.numbers.boxes import Interval

MOST_DERIVATIVES, PIECES, MOST_PIECES = 6, 256, 1 << 16
LINE = [["-inf", "inf"]]


def checked_box(claimed: Any, evidence: dict[str, Any], g: CheckedMap, n: int) -> Interval:
    """The finite box that contains the cycles of period n: the box of the claim, or the box ``inside``."""
    if claimed == LINE and g.d == 1:
        if "inside" not in evidence or "outside" not in evidence:
            raise NotValid("the whole line needs a finite interval inside, and what happens outside")
        inside = fields.box(evidence["inside"], "inside", 1)
        outside = evidence["outside"]
        reason = fields.one_of(fields.mapping(outside, "outside").get("reason"), "the reason", ["growth", "bounded steps"])
        (_check_growth if reason == "growth" else _check_bounded)(outside, inside, g, n)
        return inside
    if "inside" in evidence or "outside" in evidence:
        raise NotValid("inside and outside belong to the whole line")
    return fields.box(claimed, "the box", g.d)


class Ray:
    """Functions of the one variable on rays: as nodes of the map's graph."""

    def __init__(self, g: CheckedMap):
        self.g, self.graph, self.x = g, g.graph, g.graph.put("name", f"x:{g.names[0]}")
        self.step = g.step[0]
        self.lines = _pieces(g.lines)

    def sum(self, *terms: tuple[int, Node]) -> Node:
        """Σ cᵢ·nodeᵢ with like terms collected, so that x − g(x) is lr·L′(x) if g is gradient descent."""
        return self.graph.combined([(Fraction(c), n) for c, n in terms])

    def positive(self, h: Node, start: float, left: bool = False) -> bool:
        """h > 0 on [start, ∞), or on (−∞, start]: by its derivatives at the start and the natural extension of one of them."""
        if left:
            x = self.graph.nodes[self.x]
            h, start = self.graph.substituted([h], {x: self.graph.neg(self.x)})[0], -start
        series = [h]
        for _ in range(MOST_DERIVATIVES):
            series += derivative(self.graph, [series[-1]], self.graph.nodes[self.x][1], self.g.joins.continuous)
        shown, open_ = np.zeros(len(self.lines.lo), dtype=bool), np.ones(len(self.lines.lo), dtype=bool)
        for k, node in enumerate(series):
            lines = self.lines
            beyond, at = self._values(node, start, np.inf, lines), self._values(node, start, start, lines)
            shown |= open_ & ((beyond.lo > 0) | (beyond.lo >= 0 if k else False))
            open_ &= at.lo > 0 if k == 0 else at.lo >= 0
            if shown.all() or not (open_ | shown).all():
                break
        return bool(shown.all())

    def _values(self, node: Node, lo: Any, hi: Any, lines: Interval) -> Interval:
        values = {f"x:{self.g.names[0]}": Interval(lo, hi)} | {f"p:{n}": lines[:, i] for i, n in enumerate(self.g.varied)}
        return Program(self.graph, [node])(values)[0]

    def at_most(self, h: Node, lo: float, hi: float, most: float) -> bool:
        """h ≤ most on an interval, which may be a ray; a bounded interval is bisected."""
        lines, left = self.lines, MOST_PIECES
        x = Interval(np.full(len(lines.lo), lo), np.full(len(lines.lo), hi))
        while len(x.lo):
            bad = ~(np.broadcast_to(self._values(h, x.lo, x.hi, lines).hi, x.shape) <= most)
            x, lines = x[bad], lines[bad]
            left -= int(bad.sum())
            if left < 0 or not np.isfinite([x.lo, x.hi]).all():
                return False
            m = x.middle
            x = Interval(np.concatenate([x.lo, m]), np.concatenate([m, x.hi]))
            lines = Interval(np.concatenate([lines.lo] * 2), np.concatenate([lines.hi] * 2))
        return True


def _pieces(lines: Interval) -> Interval:
    """The parameters' intervals cut into pieces: (pieces, parameters)."""
    count = lines.shape[0]
    if not count:
        return Interval(np.zeros((1, 0)), np.zeros((1, 0)))
    each = max(1, int(PIECES ** (1 / count)))
    cuts = [np.linspace(lo, hi, each + 1) for lo, hi in zip(lines.lo, lines.hi)]
    for cut, lo, hi in zip(cuts, lines.lo, lines.hi):
        cut[0], cut[-1] = lo, hi
        np.clip(np.maximum.accumulate(cut), lo, hi, out=cut)
    chosen = list(product(*[list(zip(cut[:-1], cut[1:])) for cut in cuts]))
    return Interval(np.array([[s[0] for s in c] for c in chosen]), np.array([[s[1] for s in c] for c in chosen]))


def everywhere_continuous(g: CheckedMap) -> bool:
    """True if the operations are defined and continuous for all states: no pole, no root, no jump."""
    graph, states = g.graph, {g.graph.put("name", f"x:{n}") for n in g.names}
    depends: dict[Node, bool] = {}
    for node in graph.reached(g.step):
        what = graph.nodes[node]
        depends[node] = node in states or any(depends[a] for a in graph.arguments(node))
        if depends[node] and not _tame(g, node, what, depends):
            return False
    at = {f"x:{n}": Interval(0.0, 0.0) for n in g.names} | {f"p:{n}": g.lines[i] for i, n in enumerate(g.varied)}
    fixed = [
        n
        for n in graph.reached(g.step)
        if not depends[n] and graph.nodes[n][0] not in ("less", "least", "and", "or", "true", "false")
    ]
    return all(np.isfinite(v.lo) and np.isfinite(v.hi) for v in Program(graph, fixed)(at))


_TAME = {"exp", "sin", "cos", "sinh", "cosh", "tanh", "erf", "sigmoid", "softplus", "logcosh", "Abs", "Max", "Min"}


def _tame(g: CheckedMap, node: Node, what: tuple, depends: dict[Node, bool]) -> bool:
    kind = what[0]
    if kind == "select":
        return g.joins.continuous(node)
    if kind == "div":
        return not depends[what[2]]
    if kind == "power":
        return what[2] > 0
    return kind in ("name", "add", "mul", "less", "least", "and", "or") or kind == "call" and what[1] in _TAME


def _check_growth(outside: dict[str, Any], inside: Interval, g: CheckedMap, n: int) -> None:
    """|g(x)| > |x| for |x| ≥ R."""
    fields.mapping(outside, "outside", ["reason", "radius", "left", "right"])
    radius = fields.end(outside["radius"], "the radius")
    if not 0 < radius < np.inf or inside.lo[0] != -radius or inside.hi[0] != radius:
        raise NotValid("inside is not the interval from −radius to radius")
    ray = Ray(g)
    for side, sign in (("right", 1), ("left", -1)):
        same = fields.one_of(outside[side], side, ["same", "other"]) == "same"
        h = ray.sum((sign if same else -sign, ray.step), (-sign, ray.x))
        if not ray.positive(h, sign * radius, left=sign < 0):
            raise NotValid(f"it is not shown that |g(x)| > |x| on the {side} ray")


def _check_bounded(outside: dict[str, Any], inside: Interval, g: CheckedMap, n: int) -> None:
    """δ = g(x) − x is positive on the left ray, negative on the right one, and bounded above or below: cycles lie inside."""
    fields.mapping(outside, "outside", ["reason", "left", "right", "up", "down"])
    a, b = fields.end(outside["left"], "left"), fields.end(outside["right"], "right")
    up_, down_ = (None if outside[k] is None else fields.end(outside[k], k) for k in ("up", "down"))
    if not -np.inf < a < b < np.inf or any(s is not None and not 0 <= s < np.inf for s in (up_, down_)):
        raise NotValid("the ends outside are not in order, or a bound of a step is not finite")
    ray = Ray(g)
    delta, opposite = ray.sum((1, ray.step), (-1, ray.x)), ray.sum((-1, ray.step), (1, ray.x))
    if not ray.positive(delta, a, left=True) or not ray.positive(opposite, b):
        raise NotValid("it is not shown that steps lead inward from both rays")
    for bound, h, ends in ((up_, delta, ((-np.inf, a), (a, b))), (down_, opposite, ((a, b), (b, np.inf)))):
        if bound is not None and not all(ray.at_most(h, lo, hi, bound) for lo, hi in ends):
            raise NotValid("it is not shown that steps are as short as claimed")
    lo, hi = _reach(a, b, up_, down_, n)
    if not Fraction(float(inside.lo[0])) <= lo or not Fraction(float(inside.hi[0])) >= hi:
        raise NotValid("inside does not contain all points that cycles can reach")


def _reach(a: float, b: float, up_: float | None, down_: float | None, n: int) -> tuple[Fraction, Fraction]:
    """The interval that contains all points of a cycle of period n."""
    left, right = Fraction(a), Fraction(b)
    if up_ is not None and down_ is not None:
        return left - Fraction(down_), right + Fraction(up_)
    if up_ is not None:
        return left - (n - 1) * Fraction(up_), right + Fraction(up_)
    if down_ is None:
        raise NotValid("steps are bounded in no direction")
    return left - Fraction(down_), right + (n - 1) * Fraction(down_)
