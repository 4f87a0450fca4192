"""An optimizer that is a linear recursion in the gradient: the curvature at which one of its modes flips."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.formulas.graph import Graph, Node
from cfdyn.certify.checker.formulas.jets import derivative
from cfdyn.certify.checker.formulas.joins import Undecided, difference
from cfdyn.certify.checker.specification import Optimizer


def flips_at(given: Mapping[str, Any]) -> Fraction:
    """θ: a mode of the Hessian's eigenvalue λ has the multiplier −1 where lr λ = θ, and is stable for 0 < lr λ < θ.

    w → w + lr (a v + c g), v → b v + e g with numbers a, b, c, e, in exact arithmetic: of g = λw the characteristic polynomial is
    z² − (1 + b + cμ) z + b + μ(bc − ae), μ = lr λ.
    """
    o = given.get("optimizer") or {}
    if given["type"] != "optimizer" or any(o.get(name) for name in ("gradient", "probe", "shared")):
        raise NotValid("the edge is claimed of something else than descent with or without momentum")
    rate = o["params"].get("lr")
    if not (fields.numbers_between(rate, "lr")[0] if isinstance(rate, list) else fields.number(rate, "lr")) > 0:
        raise NotValid("lr is not positive")
    a, b, c, e = _coefficients(Optimizer(o, False))
    if not -1 < b < 1 or not c * (1 - b) + a * e < 0 or not a * e - c * (1 + b) > 0:
        raise NotValid("the optimizer does not descend along a mode")
    theta = 2 * (1 + b) / (a * e - c * (1 + b))
    if not -1 < b + theta * (b * c - a * e) < 1:
        raise NotValid("a mode of the optimizer turns before it flips")
    return theta


def _coefficients(o: Optimizer) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """a, b, c, e as numbers, once the rules are those and nothing else."""
    if len(o.per_weight) > 1:
        raise NotValid("the optimizer has more than one state for each weight")
    graph = Graph()
    names = {n: graph.put("name", n) for n in ("w", "g", "lr", *o.per_weight)}
    for name, value in o.params.items():
        if name != "lr":
            if isinstance(value, tuple):
                raise NotValid(f"{name} varies, and with it the edge")
            names[name] = graph.const(value)
    known = o._defined(graph, names)
    move = graph.sub(o.update["w"].on(graph, known), names["w"])
    v = names[o.per_weight[0]] if o.per_weight else graph.const(0)
    after = o.update[o.per_weight[0]].on(graph, known) if o.per_weight else v
    lr, g = names["lr"], names["g"]
    a, c = (_number(graph, graph.substituted([move], {("name", "lr"): graph.const(1)})[0], x) for x in (v, g))
    b, e = (_number(graph, after, x) for x in (v, g))
    for node, (p, q), scale in ((move, (a, c), lr), (after, (b, e), graph.const(1))):
        linear = graph.add(graph.mul(graph.const(p), v), graph.mul(graph.const(q), g))
        if not _same(graph, node, graph.mul(scale, linear)):
            raise NotValid("the optimizer is not linear in the gradient and its state")
    return a, b, c, e


def _number(graph: Graph, node: Node, name: Node) -> Fraction:
    """The coefficient of a name in a linear formula."""
    what = graph.nodes[name]
    if what[0] != "name":
        return Fraction(0)
    [slope] = derivative(graph, [node], what[1])
    try:
        found = difference(graph, slope, graph.const(0), {})
    except Undecided:
        found = {((("name", "?"), 1),): Fraction(1)}
    if any(found):
        raise NotValid("the optimizer is not linear in the gradient and its state")
    return found.get((), Fraction(0))


def _same(graph: Graph, one: Node, other: Node) -> bool:
    try:
        return not difference(graph, one, other, {})
    except Undecided:
        return False


def descent(given: Mapping[str, Any]) -> dict[str, Any]:
    """Plain gradient descent with the parameters of an optimizer, of which it uses lr."""
    return {**given, "optimizer": {"params": given["optimizer"]["params"], "update": {"w": "w - lr*g"}}, "limit": False}
