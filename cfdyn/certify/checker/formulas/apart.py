"""A jump that may be none: sign(u)·u² jumps in one of its factors, and is continuous.

Such a function is written as three formulas, for u < 0, u = 0 and u > 0, or as two where that for u = 0 is shown to be the third
one there. Then whether it is continuous is asked of the whole, and its slopes are those of its sides, not of a factor that jumps.
"""

from __future__ import annotations

from cfdyn.certify.checker.formulas.graph import Node
from cfdyn.certify.checker.formulas.joins import Joins
from cfdyn.certify.checker.formulas.switches import Switches

MOST_PARTS = 6000  # of the formula, three times as many for each place where something jumps


def taken_apart(joins: Joins, node: Node) -> Node:
    """The same function, of several formulas at each place where a part of it jumps; as it was if that is too many."""
    switches = Switches(joins.graph)
    places = _jumping(joins, switches, node)
    many = len(joins.graph.reached([node])) * 3 ** min(len(places), 20) > MOST_PARTS
    return node if many else _apart(joins, switches, node)


def _apart(joins: Joins, switches: Switches, node: Node) -> Node:
    """The function without parts that jump: the same at all points, also where several places are 0 together."""
    graph, places = joins.graph, _jumping(joins, switches, node)
    if not places:
        return node
    before, there, behind = (_apart(joins, switches, switches.taken(node, places[0], sign)) for sign in (-1, 0, 1))
    zero = graph.const(0)
    if not joins.meet(graph.put("less", places[0], zero), there, behind):
        behind = graph.select(graph.put("least", places[0], zero), there, behind)
    return graph.select(graph.put("less", places[0], zero), before, behind)


def _jumping(joins: Joins, switches: Switches, node: Node) -> list[Node]:
    """Where parts jump: the places of sign, of Heaviside, of conditions whose branches do not meet; the first needs no other."""
    graph = joins.graph
    order = graph.reached([node])
    open_ = [graph.nodes[n][1] for n in order if graph.nodes[n][0] == "select" and not joins.continuous(n)]
    relations = {r for r in graph.reached(open_) if graph.nodes[r][0] in ("less", "least")}
    parts = [n for n in order if n in relations or switches.kind(n) in ("sign", "Heaviside")]
    found: list[Node] = []
    for n in parts:
        place, turned = switches.place(n), switches.place(n, -1)
        if place is not None and graph.value(place) is None and not {place, turned} & set(found):
            found.append(place)
    return found
