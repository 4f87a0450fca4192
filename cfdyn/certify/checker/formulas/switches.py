"""Where a formula changes its branch, and its form on either side.

A jump in a factor need not be a jump of the whole function: sign(u)·u² is continuous. Such a function is written as three
formulas, for u < 0, u = 0 and u > 0, or as two if the formula for u = 0 is shown to equal the third one there. Continuity is then
tested for the whole function, and its slopes are those of its sides, not those of a factor that jumps.
"""

from __future__ import annotations

from fractions import Fraction

from cfdyn.certify.checker.formulas.graph import Graph, Node
from cfdyn.certify.checker.formulas.joins import Joins

_OF_ONE, _OF_TWO = ("Abs", "sign", "Heaviside", "floor"), ("Max", "Min")
MOST_PARTS = 6000  # of the formula, three times as many for each place where something jumps


class Switches:
    """The switches of a graph, with the function whose sign decides each (for a floor: the function whose integer part it is)."""

    def __init__(self, graph: Graph):
        self.graph = graph

    def kind(self, node: Node) -> str:
        """The operation of a node: Abs, sign, less, …"""
        kind, *rest = self.graph.nodes[node]
        return str(rest[0]) if kind == "call" else kind

    def place(self, node: Node, sign: int = 1) -> Node | None:
        """± the deciding function, like terms collected, first coefficient 1 (not for a floor); None if it is not a switch."""
        kind, arguments = self.kind(node), self.graph.arguments(node)
        if kind not in (*_OF_ONE, *_OF_TWO, "less", "least"):
            return None
        terms = self.graph.collected([(Fraction(sign * way), a) for way, a in zip((1, -1), arguments)])
        factors = [abs(c) for n, c in terms.items() if self.graph.value(n) is None]
        scale = factors[0] if factors and kind != "floor" else Fraction(1)
        return self.graph.combined([(c / scale, n) for n, c in terms.items()])

    def first(self, node: Node) -> tuple[Node, Node] | None:
        """The first switch in a formula, which depends on no other switch, and its place, which is not a number."""
        return next(((n, place) for n in self.graph.reached([node])
                     if (place := self.place(n)) is not None and self.graph.value(place) is None), None)  # fmt: skip

    def taken(self, node: Node, place: Node, sign: int) -> Node:
        """The formula where a place has a sign, −1, 0 or 1, at each switch that it decides; floors are unchanged."""
        chosen: dict[tuple, Node] = {}
        for n in self.graph.reached([node]):
            if self.kind(n) != "floor":
                way = 1 if self.place(n) == place else -1 if self.place(n, -1) == place else 0
                if way:
                    chosen[self.graph.nodes[n]] = self._branch(n, way * sign)
        return self.graph.substituted([node], chosen)[0]

    def at_floor(self, node: Node, floor: Node, value: int) -> Node:
        """The formula with a number in place of one floor."""
        return self.graph.substituted([node], {self.graph.nodes[floor]: self.graph.const(value)})[0]

    def _branch(self, node: Node, sign: int) -> Node:
        """The value of a switch where its place has the given sign."""
        graph, kind, arguments = self.graph, self.kind(node), self.graph.arguments(node)
        if kind in ("less", "least"):
            return graph.put("true" if sign < 0 or sign == 0 and kind == "least" else "false")
        if kind in _OF_TWO:
            return arguments[0 if (sign > 0) == (kind == "Max") else 1]
        if kind == "Abs":
            return graph.mul(graph.const(sign), arguments[0])
        return graph.const(Fraction(1 + sign, 2) if kind == "Heaviside" else sign)


def taken_apart(joins: Joins, node: Node) -> Node:
    """The same function, split into several formulas at each place where a part of it jumps; unchanged if they are too many."""
    switches = Switches(joins.graph)
    places = _jumping(joins, switches, node)
    many = len(joins.graph.reached([node])) * 3 ** min(len(places), 20) > MOST_PARTS
    return node if many else _apart(joins, switches, node)


def _apart(joins: Joins, switches: Switches, node: Node) -> Node:
    """The function without parts that jump: equal at all points, also where several places are 0 together."""
    graph, places = joins.graph, _jumping(joins, switches, node)
    if not places:
        return node
    before, there, behind = (_apart(joins, switches, switches.taken(node, places[0], sign)) for sign in (-1, 0, 1))
    zero = graph.const(0)
    if not joins.meet(graph.put("less", places[0], zero), there, behind):
        behind = graph.select(graph.put("least", places[0], zero), there, behind)
    return graph.select(graph.put("less", places[0], zero), before, behind)


def _jumping(joins: Joins, switches: Switches, node: Node) -> list[Node]:
    """Where parts jump: places of sign, of Heaviside, of conditions whose branches disagree; the first depends on no other."""
    graph = joins.graph
    order = graph.reached([node])
    open_ = [graph.nodes[n][1] for n in order if graph.nodes[n][0] == "select" and not joins.continuous(n)]
    relations = {r for r in graph.reached(open_) if graph.nodes[r][0] in ("less", "least")}
    parts = [n for n in order if n in relations or switches.kind(n) in ("sign", "Heaviside")]
    places: list[Node] = []
    for n in parts:
        place, turned = switches.place(n), switches.place(n, -1)
        if place is not None and graph.value(place) is None and not {place, turned} & set(places):
            places.append(place)
    return places
