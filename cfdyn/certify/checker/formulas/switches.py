"""Where a formula changes its branch, and what it is on either side."""

from __future__ import annotations

from fractions import Fraction

from cfdyn.certify.checker.formulas.graph import Graph, Node

_OF_ONE, _OF_TWO = ("Abs", "sign", "Heaviside", "floor"), ("Max", "Min")


class Switches:
    """Of a graph: its switches, with the function whose sign decides each (of a floor: whose whole part it is)."""

    def __init__(self, graph: Graph):
        self.graph = graph

    def kind(self, node: Node) -> str:
        """What a node does: Abs, sign, less, …"""
        kind, *rest = self.graph.nodes[node]
        return str(rest[0]) if kind == "call" else kind

    def place(self, node: Node, sign: int = 1) -> Node | None:
        """± the deciding function, like terms collected, the first without a factor (not of a floor); None of no switch."""
        kind, arguments = self.kind(node), self.graph.arguments(node)
        if kind not in (*_OF_ONE, *_OF_TWO, "less", "least"):
            return None
        terms = self.graph.collected([(Fraction(sign * way), a) for way, a in zip((1, -1), arguments)])
        factors = [abs(c) for n, c in terms.items() if self.graph.value(n) is None]
        scale = factors[0] if factors and kind != "floor" else Fraction(1)
        return self.graph.combined([(c / scale, n) for n, c in terms.items()])

    def first(self, node: Node) -> tuple[Node, Node] | None:
        """The first switch in a formula, which needs no other one, and its place, which is no number."""
        return next(((n, place) for n in self.graph.reached([node])
                     if (place := self.place(n)) is not None and self.graph.value(place) is None), None)  # fmt: skip

    def taken(self, node: Node, place: Node, sign: int) -> Node:
        """The formula where a place has a sign, −1, 0 or 1, at each switch that it decides; floors are left."""
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
        """What a switch is where its place has a sign."""
        graph, kind, arguments = self.graph, self.kind(node), self.graph.arguments(node)
        if kind in ("less", "least"):
            return graph.put("true" if sign < 0 or sign == 0 and kind == "least" else "false")
        if kind in _OF_TWO:
            return arguments[0 if (sign > 0) == (kind == "Max") else 1]
        if kind == "Abs":
            return graph.mul(graph.const(sign), arguments[0])
        return graph.const(Fraction(1 + sign, 2) if kind == "Heaviside" else sign)
