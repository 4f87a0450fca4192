"""An optimizer that is a linear recursion in the gradient, or in a scaled one: the curvature at which one of its modes flips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.formulas.formula import Text
from cfdyn.certify.checker.formulas.graph import Graph, Node
from cfdyn.certify.checker.formulas.jets import derivative
from cfdyn.certify.checker.formulas.joins import Undecided, difference
from cfdyn.certify.checker.specification import Optimizer


@dataclass
class Scale:
    """p of P = p/lr, a formula of the state ν, with dν/dt = κ(g² − ν): the nodes of p and dp/dν, whose one name is that state's;
    ``lr``: the least value of lr."""

    graph: Graph
    state: str
    size: Node
    slope: Node
    kappa: Fraction
    lr: Fraction


def flips_at(given: Mapping[str, Any], scale: Any = None) -> tuple[Fraction, Scale | None]:
    """θ: a mode of the eigenvalue λ has the multiplier −1 where lr λ = θ, and is stable for 0 < lr λ < θ.

    w → w + lr (a v + c g), v → b v + e g with numbers a, b, c, e, in exact arithmetic: for g = λw the characteristic polynomial
    is z² − (1 + b + cμ) z + b + μ(bc − ae), μ = lr λ. With the text ``scale`` w → w + lr (a v + c g)/p(ν₊), ν₊ = βν + (1 − β)g²,
    and a slow gradient moves w by −lr g/p; λ is then an eigenvalue of the Hessian over p.
    """
    o = given.get("optimizer") or {}
    if given["type"] != "optimizer" or any(o.get(name) for name in ("gradient", "probe", "shared")):
        raise NotValid("the edge is claimed of something else than descent with or without momentum")
    rate = o["params"].get("lr")
    lr = fields.numbers_between(rate, "lr")[0] if isinstance(rate, list) else fields.number(rate, "lr")
    if not lr > 0:
        raise NotValid("lr is not positive")
    step = _Step(Optimizer(o, False))
    divided = None if scale is None else step.divided(Text(fields.text(scale, "the scale", 1000), "the scale"), lr)
    a, b, c, e = step.coefficients()
    if not -1 < b < 1 or not c * (1 - b) + a * e < 0 or not a * e - c * (1 + b) > 0:
        raise NotValid("the optimizer does not descend along a mode")
    if divided and c * (1 - b) + a * e != b - 1:
        raise NotValid("a slow gradient does not move the weights by itself over the scale")
    theta = 2 * (1 + b) / (a * e - c * (1 + b))
    if not -1 < b + theta * (b * c - a * e) < 1:
        raise NotValid("a mode of the optimizer turns before it flips")
    return theta, divided


class _Step:
    """The change of the weight in a step, ``move``, and the next value of each state, with all parameters but lr as numbers."""

    def __init__(self, o: Optimizer):
        graph = self.graph = Graph()
        names = {n: graph.put("name", n) for n in ("w", "g", "lr", *o.per_weight)}
        for name, value in o.params.items():
            if name != "lr":
                if isinstance(value, tuple):
                    raise NotValid(f"{name} varies, and with it the edge")
                names[name] = graph.const(value)
        known = o._defined(graph, names)
        self.names, self.params = names, {n: names[n] for n in o.params if n != "lr"}
        self.move = graph.sub(o.update["w"].on(graph, known), names["w"])
        self.states = {s: o.update[s].on(graph, known) for s in o.per_weight}

    def divided(self, text: Text, lr: Fraction) -> Scale:
        """The scale as a formula of the one state that it names. It verifies that this state is an average of squares and that
        ``move`` is divided by the scale of the state's next value; ``move`` is then replaced by its value without the scale. (If
        the state is read elsewhere, the step has no coefficients.)
        """
        graph, named = self.graph, [s for s in self.states if s in text.names]
        if len(named) != 1:
            raise NotValid("the scale is not a formula of one state of each weight")
        [state] = named
        old, g, after = self.names[state], self.names["g"], self.states.pop(state)
        beta = _number(graph, after, old)
        average = graph.add(graph.mul(graph.const(beta), old), graph.mul(graph.const(1 - beta), graph.power(g, 2)))
        if not 0 < beta < 1 or not _same(graph, after, average):
            raise NotValid(f"{state} is not an average of squares of the gradient")
        size = text.on(graph, {**self.params, state: old})
        next_size = text.on(graph, {**self.params, state: after})
        mark = graph.put("name", "the scale")
        [move] = graph.substituted([self.move], {graph.nodes[next_size]: mark})
        [whole] = graph.substituted([move], {("name", "the scale"): graph.const(1)})
        if graph.value(size) is not None or not _same(graph, move, graph.div(whole, mark)):
            raise NotValid("the step is not one that is divided by the scale")
        self.move = whole
        [slope] = derivative(graph, [size], state)
        return Scale(graph, state, size, slope, (1 - beta) / beta, lr)

    def coefficients(self) -> tuple[Fraction, Fraction, Fraction, Fraction]:
        """a, b, c, e as numbers, after verifying that the rules have this form and no other terms."""
        if len(self.states) > 1:
            raise NotValid("the optimizer has more than one state for each weight")
        graph, names, move = self.graph, self.names, self.move
        v, after = next(((names[s], node) for s, node in self.states.items()), (graph.const(0), graph.const(0)))
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
        terms = difference(graph, slope, graph.const(0), {})
    except Undecided:
        terms = {((("name", "?"), 1),): Fraction(1)}
    if any(terms):
        raise NotValid("the optimizer is not linear in the gradient and its state")
    return terms.get((), Fraction(0))


def _same(graph: Graph, one: Node, other: Node) -> bool:
    try:
        return not difference(graph, one, other, {})
    except Undecided:
        return False


def descent(given: Mapping[str, Any]) -> dict[str, Any]:
    """Plain gradient descent with the parameters of an optimizer; it uses only lr."""
    return {**given, "optimizer": {"params": given["optimizer"]["params"], "update": {"w": "w - lr*g"}}, "limit": False}
