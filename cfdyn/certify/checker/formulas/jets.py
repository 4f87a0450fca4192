"""Derivatives of a graph, forward: of each node from those of its arguments.

Formal derivatives are taken branch by branch, as an optimizer's gradient is defined, with 0 for sign and floor. True derivatives
are the whole line where a branch may change and the function is not proved continuous, so that no test that uses a slope passes.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from cfdyn.certify.checker.formulas.graph import Graph, Node


def derivative(graph: Graph, roots: list[Node], name: str, continuous: Callable[[Node], bool] | None = None) -> list[Node]:
    """d/dname of some nodes; ``continuous``: whether a node with branches is continuous where they meet; None: formal."""
    zero, one = graph.const(0), graph.const(1)
    slopes: dict[Node, Node] = {}
    for node in graph.reached(roots):
        what = graph.nodes[node]
        if what == ("name", name):
            slopes[node] = one
        elif what[0] in ("const", "name", "less", "least", "and", "or", "true", "false"):
            slopes[node] = zero
        else:
            slopes[node] = _one(graph, node, what, slopes, continuous)
    return [slopes[r] for r in roots]


def _one(graph: Graph, node: Node, what: tuple, slopes: dict[Node, Node], continuous: Callable[[Node], bool] | None) -> Node:
    kind, inner = what[0], [slopes[a] for a in graph.arguments(node)]
    if kind == "add":
        return graph.add(*inner)
    if kind == "mul":
        return graph.add(graph.mul(inner[0], what[2]), graph.mul(what[1], inner[1]))
    if kind == "div":
        over = graph.sub(inner[0], graph.mul(node, inner[1]))
        return graph.div(over, what[2])
    if kind in ("power", "rational"):
        ramp = _ramp(graph, what) if kind == "power" and what[2] > 1 else None
        if ramp is not None:  # Max(0, u)ⁿ is smooth: n Max(0, u)ⁿ⁻¹ u′
            return graph.mul(graph.mul(graph.const(what[2]), graph.power(what[1], what[2] - 1)), slopes[ramp])
        slope = graph.mul(graph.const(what[2]), graph.rational(what[1], Fraction(what[2]) - 1))
        return graph.mul(slope, inner[0])
    if kind in ("select", "jump"):
        whole = kind == "jump" or continuous is not None and not continuous(node)
        return graph.select(what[1], inner[1], inner[2], "jump" if whole else "select")
    if kind == "at":
        return graph.put("at", what[1], what[2])
    return _of_call(graph, node, what, inner, continuous is None)


def _ramp(graph: Graph, what: tuple) -> Node | None:
    """The u of Max(0, u)ⁿ."""
    inner = graph.nodes[what[1]]
    if inner[:2] != ("call", "Max"):
        return None
    return next((b for a, b in (inner[2:], inner[:1:-1]) if graph.value(a) == 0), None)


def _of_call(graph: Graph, node: Node, what: tuple, inner: list[Node], formal: bool) -> Node:
    name, arguments = what[1], what[2:]
    if not arguments:
        return graph.call("nowhere") if name == "nowhere" else graph.const(0)
    if name == "between":
        return graph.call("nowhere")
    if name in ("Max", "Min"):
        first, second = graph.put("less", *arguments), graph.put("less", *arguments[::-1])
        # at a tie both slopes stay possible: neither condition holds there
        return _between(graph, *((first, second) if name == "Min" else (second, first)), *inner)
    u = arguments[0]
    if name in ("sign", "Heaviside", "floor"):
        return graph.const(0) if formal else graph.put("at", u, name == "floor")
    return graph.mul(_slope(graph, node, name, u), inner[0])


def _between(graph: Graph, first: Node, second: Node, a: Node, b: Node) -> Node:
    """``a`` where the first condition holds, ``b`` where the second one does, anything between in neither."""
    return a if a == b else graph.select(first, a, graph.select(second, b, graph.put("call", "between", a, b)))


def _slope(graph: Graph, node: Node, name: str, u: Node) -> Node:
    one = graph.const(1)
    if name == "Abs":
        return graph.call("sign", u)
    if name == "sigmoid":  # s(1 − s), with s once
        return graph.sub(graph.const(Fraction(1, 4)), graph.power(graph.sub(node, graph.const(Fraction(1, 2))), 2))
    if name == "tanh":
        return graph.sub(one, graph.power(node, 2))
    if name == "tan":
        return graph.add(one, graph.power(node, 2))
    if name == "cos":
        return graph.neg(graph.call("sin", u))
    if name == "erf":
        scale = graph.div(graph.const(2), graph.rational(graph.call("pi"), Fraction(1, 2)))
        return graph.mul(scale, graph.call("exp", graph.neg(graph.power(u, 2))))
    if name in ("log", "log1p"):
        return graph.div(one, u if name == "log" else graph.add(one, u))
    if name == "exp":
        return node
    others = {"sin": "cos", "sinh": "cosh", "cosh": "sinh", "softplus": "sigmoid", "logcosh": "tanh"}
    return graph.call(others[name], u)
