"""Boxes without ends, in one variable: what is known about a map on rays."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.boxes import Interval
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.graph import Node, Program
from cfdyn.certify.checker.jets import derivative
from cfdyn.certify.checker.maps import CheckedMap

MOST_DERIVATIVES, PIECES, MOST_PIECES = 6, 256, 1 << 16
LINE = [["-inf", "inf"]]


def checked_box(claimed: Any, evidence: dict[str, Any], g: CheckedMap, n: int | None) -> Interval:
    """The finite box that cycles of period n can lie in: the box of the claim, or what ``inside`` says; n = None: of any period."""
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
        """Σ cᵢ·nodeᵢ with like terms collected, so that x − g(x) is lr·L′(x) where g is gradient descent."""
        return combined(self.g, [(Fraction(c), n) for c, n in terms])

    def positive(self, h: Node, start: float, left: bool = False) -> bool:
        """h > 0 on [start, ∞), or on (−∞, start]: by its values and derivatives at the start and the natural extension of one of them."""
        if left:
            x = self.graph.nodes[self.x]
            h, start = self.graph.substituted([h], {x: self.graph.neg(self.x)})[0], -start
        series = [h]
        for _ in range(MOST_DERIVATIVES):
            series += derivative(self.graph, [series[-1]], self.graph.nodes[self.x][1], self.g.joins.continuous)
        return all(self._positive(series, start, lines) for lines in self.lines)

    def _positive(self, series: list[Node], start: float, lines: Interval) -> bool:
        for k, node in enumerate(series):
            beyond, at = self._values(node, start, np.inf, lines), self._values(node, start, start, lines)
            if beyond.lo > 0 or k and beyond.lo >= 0:
                return True
            if not (at.lo > 0 if k == 0 else at.lo >= 0):
                return False
        return False

    def _values(self, node: Node, lo: float, hi: float, lines: Interval) -> Interval:
        values = {f"x:{self.g.names[0]}": Interval(lo, hi)} | {f"p:{n}": lines[i] for i, n in enumerate(self.g.varied)}
        return Program(self.graph, [node])(values)[0]

    def at_most(self, h: Node, lo: float, hi: float, most: float) -> bool:
        """h ≤ most on an interval, which may be a ray: cut where it has ends."""
        program, width = Program(self.graph, [h]), MOST_PIECES
        for lines in self.lines:
            values = {f"p:{n}": lines[i] for i, n in enumerate(self.g.varied)}
            todo = [Interval(np.array([lo]), np.array([hi]))]
            while todo:
                part = todo.pop()
                found = program({f"x:{self.g.names[0]}": part, **values})[0]
                bad = np.broadcast_to(found.hi, part.shape) > most
                if not bad.any():
                    continue
                width -= int(bad.sum())
                if width < 0 or not (np.isfinite(part.lo).all() and np.isfinite(part.hi).all()):
                    return False
                m = part.middle[bad]
                todo.append(Interval(np.concatenate([part.lo[bad], m]), np.concatenate([m, part.hi[bad]])))
        return True


def _pieces(lines: Interval) -> list[Interval]:
    """The parameters' intervals, cut into pieces."""
    count = lines.shape[0]
    if not count:
        return [lines]
    each = max(1, int(PIECES ** (1 / count)))
    cuts = [np.linspace(lo, hi, each + 1) for lo, hi in zip(lines.lo, lines.hi)]
    for cut, lo, hi in zip(cuts, lines.lo, lines.hi):
        cut[0], cut[-1] = lo, hi
        np.maximum.accumulate(cut, out=cut)
    spans = [list(zip(cut[:-1], cut[1:])) for cut in cuts]
    return [Interval(np.array([s[0] for s in chosen]), np.array([s[1] for s in chosen])) for chosen in product(*spans)]


def combined(g: CheckedMap, terms: list[tuple[Fraction, Node]]) -> Node:
    """A sum with constant coefficients, sums inside it opened, like terms collected."""
    graph = g.graph
    found: dict[Node, Fraction] = {}
    stack = list(terms)
    while stack:
        c, node = stack.pop()
        what = graph.nodes[node]
        if what[0] == "add":
            stack += [(c, what[1]), (c, what[2])]
        elif what[0] == "mul" and (value := graph.value(what[1])) is not None:
            stack.append((c * value, what[2]))
        elif what[0] == "mul" and (value := graph.value(what[2])) is not None:
            stack.append((c * value, what[1]))
        else:
            found[node] = found.get(node, Fraction(0)) + c
    return graph.total(graph.mul(graph.const(c), node) for node, c in sorted(found.items()) if c)


def _check_growth(outside: dict[str, Any], inside: Interval, g: CheckedMap, n: int | None) -> None:
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


def _check_bounded(outside: dict[str, Any], inside: Interval, g: CheckedMap, n: int | None) -> None:
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
        raise NotValid("inside does not hold all that cycles can reach")


def _reach(a: float, b: float, up_: float | None, down_: float | None, n: int | None) -> tuple[Fraction, Fraction]:
    """The interval that all points of a cycle of period n lie in."""
    left, right = Fraction(a), Fraction(b)
    if up_ is not None and down_ is not None:
        return left - Fraction(down_), right + Fraction(up_)
    if n is None:
        raise NotValid("for all periods at once steps in both directions have to be bounded")
    if up_ is not None:
        return left - (n - 1) * Fraction(up_), right + Fraction(up_)
    if down_ is None:
        raise NotValid("steps are bounded in no direction")
    return left - Fraction(down_), right + (n - 1) * Fraction(down_)
