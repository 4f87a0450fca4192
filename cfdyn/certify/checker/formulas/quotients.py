"""Quotients by sums of exponentials that are positive everywhere, as equal functions that contain the inner terms once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import prod

from cfdyn.certify.checker.formulas.graph import SMALL, Graph, Node, logarithm

MOST = 64  # the highest power of a share, and the largest number of terms into which sums in a numerator are expanded

GROWING = (("call", "exp"), ("call", "cosh"))
GAPS = ("log", "log1p", "tan")


def quotient(graph: Graph, factors: Sequence[tuple[Node, Fraction]]) -> Node | None:
    """A product of powers with such sums in the denominator: 1/(1 + e⁻ᵛ) = σ(v), eᵃ/(eᵃ + eᵇ) = σ(a − b), (eᵃ − eᵇ)/(eᵃ + eᵇ) =
    tanh((a − b)/2), eᵃ/sⁿ = exp(a − n log s). None if a part that may be undefined would cancel.
    """
    powers = _product(graph, factors)
    below = {node: -n for node, n in powers.items() if n < 0 and is_sum(graph, node)}
    result = _quotient(graph, {node: n for node, n in powers.items() if node not in below}, below, MOST)
    return result if _needed(graph, factors) <= _needed(graph, [(result, Fraction(1))]) else None


def _needed(graph: Graph, factors: Iterable[tuple[Node, Fraction]]) -> set[tuple[str, Node]]:
    """Conditions under which a product of powers is defined: expressions that must not be 0, split into their factors, and
    arguments of roots and of functions with gaps. Sums that are positive everywhere are not among them.
    """
    needed, under = set(), []
    powers = [(graph.nodes[part][1], Fraction(graph.nodes[part][2])) for part in graph.reached(node for node, _ in factors)
              if graph.nodes[part][0] in ("power", "rational")]  # fmt: skip
    for node, n in [*factors, *powers]:
        needed |= {("root", node)} if n.denominator > 1 and not is_sum(graph, node) else set()
        under += [node] if n < 0 else []
    for part in graph.reached(node for node, _ in factors):
        kind, *parts = graph.nodes[part]
        if kind == "call" and parts[0] in GAPS:
            needed.add((parts[0], parts[1]))
        under += parts[1:] if kind == "div" else []
    while under:
        node = under.pop()
        kind, *parts = graph.nodes[node]
        if kind in ("mul", "div", "power"):
            under += graph.arguments(node)
        elif not graph.value(node) and not is_sum(graph, node):
            needed.add(("0", node))
    return needed


def _product(graph: Graph, factors: Iterable[tuple[Node, Fraction]]) -> dict[Node, Fraction]:
    """A product with the products, quotients and integer powers in it expanded. Inverses of what may be 0 cancel nothing."""
    powers: dict[Node, Fraction] = {}
    left = list(factors)
    while left:
        node, n = left.pop()
        kind, *parts = graph.nodes[node]
        if n.denominator == 1 and kind in ("mul", "div"):
            left += [(parts[0], n), (parts[1], n if kind == "mul" else -n)]
        elif n.denominator == 1 and kind == "power":
            left.append((parts[0], n * parts[1]))
        else:
            part, k = (node, n) if n > 0 or is_sum(graph, node) else (graph.rational(node, n), Fraction(1))
            powers[part] = powers.get(part, Fraction(0)) + k
    return {node: n for node, n in powers.items() if n}


def is_sum(graph: Graph, node: Node) -> bool:
    """True for cosh v and for sums of exponentials that are positive everywhere."""
    kind = graph.nodes[node][:2]
    if kind[0] != "add" or all(graph.nodes[part][:2] not in GROWING for part in graph.reached([node])):
        return kind == ("call", "cosh")
    return logarithm(graph, node) is not None


def _summands(graph: Graph, node: Node) -> list[Node]:
    """The terms of a sum, with numerical factors of inner sums multiplied out."""
    return [graph.mul(graph.const(c), part) for part, c in graph.collected([(Fraction(1), node)]).items()]


def _quotient(graph: Graph, above: dict[Node, Fraction], below: dict[Node, Fraction], most: int) -> Node:
    """A sum in the numerator that is not positive everywhere is a tanh, or is expanded, into ``most`` terms with all sums."""
    sums = [node for node, n in above.items() if n >= 1 and n.denominator == 1 and _is_open(graph, node)]
    for node in sums:
        for other, k in below.items():
            bend = _tanh(graph, _terms(graph, node), _terms(graph, other)) if k.denominator == 1 else None
            if bend is not None:
                both = min(above[node], k)
                left = _quotient(graph, _less(above, node, both), _less(below, other, both), most)
                return graph.mul(graph.power(bend, int(both)), left)
    parts = {node: _summands(graph, node) for node in sums if above[node] == 1 and graph.nodes[node][0] == "add"}
    many = prod(map(len, parts.values()))
    for node, terms in parts.items():
        opened = [_product(graph, [(part, Fraction(1))]) for part in terms]
        if many <= most and any(graph.nodes[f][:2] in GROWING for part in opened for f in part):
            others = _less(above, node, Fraction(1)).items()
            products = [_product(graph, [*others, *part.items()]) for part in opened]
            return graph.total(_quotient(graph, product, below, most // len(terms)) for product in products)
    return _whole(graph, above, below)


def _is_open(graph: Graph, node: Node) -> bool:
    kind = graph.nodes[node]
    return kind[:2] == ("call", "sinh") or kind[0] == "add" and not is_sum(graph, node)


def _whole(graph: Graph, above: dict[Node, Fraction], below: dict[Node, Fraction]) -> Node:
    """eᵃ and the other factors of the numerator, over sums of exponentials: each sum is in a `_share` of it, or in a."""
    a, over, under = graph.const(0), graph.const(1), graph.const(1)
    for node, n in above.items():
        if graph.nodes[node][:2] == ("call", "exp") or is_sum(graph, node):
            a = graph.add(a, graph.mul(graph.const(n), graph.call("log", node)))
        elif graph.nodes[node][0] == "power" and graph.nodes[node][2] < 0:
            under = graph.mul(under, graph.power(graph.nodes[node][1], int(-n * graph.nodes[node][2])))
        else:
            over = _times(graph, over, graph.rational(node, n))
    for node, n in sorted(below.items(), key=lambda item: _share(graph, a, *item) is None):
        share = _share(graph, a, node, n)
        if share is None:
            a = graph.sub(a, graph.mul(graph.const(n), graph.call("log", node)))
        else:
            a, over = graph.const(0), _times(graph, share, over)
    whole = over if graph.value(under) == 1 else graph.div(over, under)
    return whole if graph.value(a) == 0 else graph.mul(graph.call("exp", a), whole)


def _share(graph: Graph, a: Node, node: Node, n: Fraction) -> Node | None:
    """eᵃ/sⁿ if s has a term c eᵇ with a = n b: the power n of σ(b − log of the other terms/c)/c."""
    terms = _terms(graph, node) or {}
    b = next((b for b in terms if graph.mul(graph.const(n), b) == a), None)
    if b is None or n.denominator > 1 or n > MOST or len(terms) < 2 or not SMALL <= terms[b] ** int(n) <= 1 / SMALL:
        return None
    others = [_scaled(graph, c / terms[b], other) for other, c in terms.items() if other != b]
    whole = logarithm(graph, graph.total(others))
    if whole is None:
        return None
    share = graph.call("sigmoid", _difference(graph, b, whole))
    return graph.mul(graph.const(1 / terms[b] ** int(n)), graph.power(share, int(n)))


def _scaled(graph: Graph, c: Fraction, exponent: Node) -> Node:
    return graph.mul(graph.const(c), graph.const(1) if graph.value(exponent) == 0 else graph.call("exp", exponent))


def _tanh(graph: Graph, above: dict[Node, Fraction] | None, below: dict[Node, Fraction] | None) -> Node | None:
    """c (eᵃ − eᵇ)/(d (eᵃ + eᵇ)) = c/d tanh((a − b)/2)."""
    if above is None or below is None or len(below) != 2 or set(above) != set(below):
        return None
    a, b = below
    if above[a] != -above[b] or below[a] != below[b]:
        return None
    p, x = _multiple(graph, _difference(graph, a, b))
    return graph.mul(graph.const(above[a] / below[a]), graph.call("tanh", graph.mul(graph.const(p / 2), x)))


def _terms(graph: Graph, node: Node) -> dict[Node, Fraction] | None:
    """{a: c} of a sum of c eᵃ; None for other sums."""
    kind, *parts = graph.nodes[node]
    if kind == "call" and parts[0] in ("cosh", "sinh"):
        half, v = Fraction(1, 2), parts[1]
        return {v: half, graph.neg(v): half if parts[0] == "cosh" else -half}
    terms: dict[Node, Fraction] = {}
    for part in _summands(graph, node):
        c, a = Fraction(1), graph.const(0)
        for factor, n in _product(graph, [(part, Fraction(1))]).items():
            number, inside = graph.value(factor), logarithm(graph, factor)
            if number is not None:
                c *= number ** int(n)
            elif inside is None:
                return None
            else:
                a = graph.add(a, graph.mul(graph.const(n), inside))
        terms[a] = terms.get(a, Fraction(0)) + c
    return terms


def _difference(graph: Graph, a: Node, b: Node) -> Node:
    """a − b, with multiples of one node collected: a variable in it then occurs once."""
    (p, x), (q, y) = (_multiple(graph, node) for node in (a, b))
    if x == y or not p or not q:
        return graph.mul(graph.const(p - q), x if p else y)
    return graph.sub(a, b)


def _times(graph: Graph, a: Node, b: Node) -> Node:
    """a b, with their numerical factors multiplied."""
    (p, x), (q, y) = (_multiple(graph, node) for node in (a, b))
    return graph.mul(graph.mul(graph.const(p), graph.const(q)), graph.mul(x, y))


def _multiple(graph: Graph, node: Node) -> tuple[Fraction, Node]:
    """A node as a number times a node: a number is that number times 1."""
    kind, *parts = graph.nodes[node]
    for number, inside in (parts, parts[::-1]) if kind == "mul" else [(node, graph.const(1))]:
        if (c := graph.value(number)) is not None:
            return c, inside
    return Fraction(1), node


def _less(powers: Mapping[Node, Fraction], node: Node, n: Fraction) -> dict[Node, Fraction]:
    """The product with the power of one of its nodes reduced."""
    return {other: k - n if other == node else k for other, k in powers.items() if other != node or k != n}
