"""log u where u > 0 is made of exponentials: the same function, in whose derivatives what is inside stands once."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfdyn.certify.checker.formulas.graph import Graph, Node

SMALL = Fraction(1, 2**1000)  # numbers from here to 1/SMALL have tight bounds in doubles


def logarithm(graph: Graph, u: Node) -> Node | None:
    """The logarithm of a positive number, eᵛ, cosh v, σ(v), 1 − σ(v), of sums of different ones, products, quotients and
    whole powers; None for all others, whose sign is not known."""
    kind, *parts = graph.nodes[u]
    if kind == "const":
        return _of_number(graph, parts[0])
    if kind == "call" and parts[0] in ("exp", "cosh", "sigmoid"):
        return _of_call(graph, parts[0], parts[1])
    if kind == "add":
        return _of_sum(graph, _terms(graph, u))
    if kind == "power":
        inside = logarithm(graph, parts[0])
        return None if inside is None else graph.mul(graph.const(parts[1]), inside)
    if kind not in ("mul", "div"):
        return None
    first, second = (logarithm(graph, part) for part in parts)
    if first is None or second is None:
        return None
    return graph.add(first, second if kind == "mul" else graph.neg(second))  # sub: what is undefined could cancel


def log_one_plus(graph: Graph, u: Node) -> Node | None:
    """`logarithm` of 1 + u, unless u has a number in it."""
    terms = _terms(graph, u)
    return None if any(graph.value(term) is not None for term in terms) else _of_sum(graph, [graph.const(1), *terms])


def _of_call(graph: Graph, name: str, v: Node) -> Node:
    if name == "cosh":
        return graph.call("logcosh", v)
    return v if name == "exp" else graph.neg(graph.call("softplus", graph.neg(v)))


def _of_number(graph: Graph, number: Fraction | int) -> Node | None:
    if number < SMALL or number > 1 / SMALL:
        return None
    return graph.const(0) if number == 1 else graph.put("call", "log", graph.const(number))


def _terms(graph: Graph, u: Node) -> list[Node]:
    """What a sum adds up."""
    found, left = [], [u]
    while left:
        term = left.pop()
        kind, *parts = graph.nodes[term]
        if kind == "add":
            left += parts
        else:
            found.append(term)
    return found


def _of_sum(graph: Graph, terms: list[Node]) -> Node | None:
    number = sum(graph.value(term) or 0 for term in terms)
    others = [term for term in terms if graph.value(term) is None]
    if number == 1 and len(others) == 1 and (v := _taken(graph, others[0])) is not None:
        return graph.neg(graph.call("softplus", v))
    first = [_of_number(graph, number)] if number else []
    inside = first + [logarithm(graph, term) for term in others]
    found = {node for node in inside if node is not None}
    if not found or len(found) < len(inside):
        return None
    whole, *left = sorted(found, key=lambda node: (node not in first, node))
    for other in left:  # log(eᵃ + eᵇ) = a + softplus(b − a)
        whole = graph.add(whole, graph.call("softplus", graph.sub(other, whole)))
    return whole


def _taken(graph: Graph, u: Node) -> Node | None:
    """The v of −σ(v): log(1 − σ(v)) = −softplus(v). Quotients eᵃ/(eᵃ + eᵇ) are read as σ(a − b)."""
    kind, *parts = graph.nodes[u]
    minus = graph.const(-1)
    if kind != "mul" or minus not in parts:
        return None
    share, *call = graph.nodes[parts[0] if parts[1] == minus else parts[1]]
    return call[1] if share == "call" and call[0] == "sigmoid" else None
