"""log u where u > 0 is made of exponentials: the same function, in whose derivatives what is inside stands once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfdyn.certify.checker.formulas.graph import Graph, Node


def logarithm(graph: Graph, u: Node) -> Node | None:
    """The logarithm of 1, eᵛ, cosh v, σ(v), 1 − σ(v), of sums of different ones, of products, quotients and whole powers; None
    for all others, whose sign is not known."""
    kind, *parts = graph.nodes[u]
    if graph.value(u) == 1:
        return graph.const(0)
    if kind == "call" and parts[0] in ("exp", "cosh", "sigmoid"):
        return _of_call(graph, parts[0], parts[1])
    if kind == "add":
        return _of_sum(graph, u)
    if kind == "power":
        inside = logarithm(graph, parts[0])
        return None if inside is None else graph.mul(graph.const(parts[1]), inside)
    if kind not in ("mul", "div"):
        return None
    first, second = (logarithm(graph, part) for part in parts)
    if first is None or second is None:
        return None
    return graph.add(first, second) if kind == "mul" else graph.sub(first, second)


def log_one_plus(graph: Graph, u: Node) -> Node | None:
    """`logarithm` of 1 + u."""
    return _of_sum(graph, u, graph.const(1))


def _of_call(graph: Graph, name: str, v: Node) -> Node:
    if name == "cosh":
        return graph.call("logcosh", v)
    return v if name == "exp" else graph.neg(graph.call("softplus", graph.neg(v)))


def _of_sum(graph: Graph, *terms: Node) -> Node | None:
    found: set[Node] = set()
    left = list(terms)
    while left:
        term = left.pop()
        kind, *parts = graph.nodes[term]
        inside = _one_minus(graph, *parts) if kind == "add" else logarithm(graph, term)
        if kind == "add" and inside is None:
            left += parts
        elif inside is None or inside in found:
            return None
        else:
            found.add(inside)
    whole, *others = sorted(found, key=lambda node: (graph.value(node) != 0, node))
    for other in others:  # log(eᵃ + eᵇ) = a + softplus(b − a)
        whole = graph.add(whole, graph.call("softplus", graph.sub(other, whole)))
    return whole


def _one_minus(graph: Graph, a: Node, b: Node) -> Node | None:
    """The logarithm of 1 − σ(v) = σ(−v)."""
    if graph.value(b) == 1:
        a, b = b, a
    kind, *factors = graph.nodes[b]
    if graph.value(a) != 1 or kind != "mul" or graph.const(-1) not in factors:
        return None
    what = graph.nodes[factors[0] if graph.value(factors[1]) == -1 else factors[1]]
    return graph.neg(graph.call("softplus", what[2])) if what[:2] == ("call", "sigmoid") else None
