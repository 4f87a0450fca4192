"""No cycle of any period above 2 for an odd map of one variable: |g| on [0, ∞) has no 2-cycle."""

from __future__ import annotations

from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.absence import Absence
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.formulas.graph import Graph, Node
from cfdyn.certify.checker.kinds.lines import Ray
from cfdyn.certify.checker.maps import CheckedMap, finite
from cfdyn.certify.checker.numbers.boxes import Array, Interval, hull
from cfdyn.certify.checker.numbers.elementary import absolute
from cfdyn.certify.checker.tree import leaves

_ODD = {"sin", "tan", "sinh", "tanh", "erf", "sign"}
_EVEN = {"cos", "cosh", "logcosh", "Abs"}


def check_fold(given: Any, g: CheckedMap) -> None:
    """The four steps of the section Fold of docs/reference/certificates.md."""
    evidence = fields.mapping(given, "the fold", ["right", "top", "tree"])
    if g.d != 1:
        raise NotValid("only maps of one variable are folded")
    right, top = (fields.end(evidence[k], k) for k in ("right", "top"))
    if not 0 < right <= top < np.inf:
        raise NotValid("the ends of the fold are not in order")
    ray = Ray(g)
    if not is_odd(g.graph, ray.step, ray.x):
        raise NotValid("the formulas do not show that the map is odd")
    if not (ray.positive(ray.sum((1, ray.x), (-1, ray.step)), right) and ray.positive(ray.sum((1, ray.x), (1, ray.step)), right)):
        raise NotValid("it is not shown that |g(x)| < x on the right ray")
    if not (ray.at_most(ray.sum((1, ray.step)), 0.0, right, top) and ray.at_most(ray.sum((-1, ray.step)), 0.0, right, top)):
        raise NotValid("it is not shown that |g(x)| stays below the top")
    folded, box = Folded(g), Interval(np.zeros(1), np.array([top]))
    root = Interval(np.concatenate([box.lo, g.lines.lo]), np.concatenate([box.hi, g.lines.hi]))
    text = fields.text(evidence["tree"], "the tree", 20 * 2**20)
    for part in leaves(text, root, "oadq"):
        if not finite(*g.slopes(part.boxes[:, :1], part.boxes[:, 1:])).all():
            raise NotValid("the map is not known to be continuous on a leaf")
    Absence(folded, 2, box).check(text, root, "oadq", "the tree")


class Folded:
    """K(x) = |g(x)| for x ≥ 0, g odd; its slope is g′ with the sign of g."""

    d = 1

    def __init__(self, g: CheckedMap):
        self.g = g

    def value(self, x: Interval, lines: Interval) -> Interval:
        return absolute(self.g.value(x, lines))

    def slopes(self, x: Interval, lines: Interval) -> tuple[Interval, Interval]:
        value, slopes = self.g.slopes(x, lines)
        _, from_zero = self.g.slopes(Interval(np.zeros_like(x.hi), x.hi), lines)
        up = (value.lo > 0) | (from_zero.lo[..., 0] > 0)
        down = (value.hi < 0) | (from_zero.hi[..., 0] < 0)
        return absolute(value), _signed(slopes, up[..., None], down[..., None])


def _signed(slopes: Interval, up: Array, down: Array) -> Interval:
    both = hull(slopes, -slopes)
    lo = np.where(up, slopes.lo, np.where(down, -slopes.hi, both.lo))
    return Interval(lo, np.where(up, slopes.hi, np.where(down, -slopes.lo, both.hi)))


def is_odd(graph: Graph, root: Node, x: Node) -> bool:
    """True if the operations show that the expression is odd in x.

    >>> graph = Graph()
    >>> w = graph.put("name", "w")
    >>> is_odd(graph, graph.sub(w, graph.call("tanh", w)), w), is_odd(graph, graph.add(w, graph.power(w, 2)), w)
    (True, False)
    """
    parity: dict[Node, str] = {}
    for node in graph.reached([root]):
        parity[node] = "odd" if node == x else _parity(graph, node, [parity[a] for a in graph.arguments(node)])
    return parity[root] in ("odd", "zero")


def _parity(graph: Graph, node: Node, parts: list[str]) -> str:
    """odd, even, zero (both) or none."""
    what = graph.nodes[node]
    kind = what[0]
    if kind == "const" and not what[1]:
        return "zero"
    if "none" in parts:
        return "none"
    if all(p in ("even", "zero") for p in parts):  # also constants and other names
        return "even"
    if kind == "add":
        rest = {p for p in parts if p != "zero"}
        return rest.pop() if len(rest) == 1 else "none"
    if kind in ("mul", "div"):
        return "even" if parts.count("odd") % 2 == 0 else "odd"
    if kind == "power":
        return "odd" if what[2] % 2 else "even"
    if kind == "call" and what[1] in _ODD | _EVEN:
        return "odd" if what[1] in _ODD else "even"
    if kind == "select" and parts[0] == "even" and parts[1] == parts[2]:
        return parts[1]
    return "none"
