"""The conversion of the SymPy tree, which the safe parser makes of a text, to a graph."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import sympy

from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.formulas.graph import Graph, Node, logarithm
from cfdyn.certify.checker.formulas.quotients import is_sum, quotient
from cfdyn.certify.checker.numbers.elementary import FUNCTIONS
from cfdyn.errors import FormulaError
from cfdyn.symbolic.text.conditions import NOT_NEGATIVE, NOT_ZERO, POSITIVE, Condition
from cfdyn.symbolic.text.parse import parse_as_written

_ORDERS = {
    sympy.StrictLessThan: ("less", 0),
    sympy.LessThan: ("least", 0),
    sympy.StrictGreaterThan: ("less", 1),
    sympy.GreaterThan: ("least", 1),
}


class Text:
    """A parsed formula: its tree and the names in it."""

    def __init__(self, text: str, what: str):
        try:
            self.tree, self.conditions, self.cancelled = parse_as_written(text)
        except FormulaError as problem:
            raise NotValid(f"{what}: {problem}") from None
        self.what, self.names = what, {s.name for part in (self.tree, *self.conditions) for s in part.free_symbols}

    def on(self, graph: Graph, names: Mapping[str, Node]) -> Node:
        """Its node, if the names stand for these nodes; the whole line where it is not defined as written."""
        missing = sorted(self.names - set(names))
        if missing:
            raise NotValid(f"{self.what}: the name {missing[0]!r} has no value")
        done: dict[sympy.Basic, Node] = {}
        root = self._node(graph, self.tree, names, done)
        for one in self.conditions:
            root = graph.add(root, self._defined(graph, one, names, done))
        for node in (names[name] for name in self.cancelled if name in names):
            if graph.nodes[node][0] not in ("name", "const"):
                root = graph.add(root, graph.mul(graph.call("nil"), node))
        return root

    def _defined(self, graph: Graph, one: Condition, names: Mapping[str, Node], done: dict[sympy.Basic, Node]) -> Node:
        """0 where a condition holds, else the whole line."""
        u, nil = self._node(graph, one.expression, names, done), graph.call("nil")
        if one.kind == POSITIVE and logarithm(graph, u) is not None:  # made of exponentials
            return graph.const(0)
        if one.kind in (POSITIVE, NOT_NEGATIVE):
            u = graph.rational(u, Fraction(1, 2))
        guard = graph.put("div", nil, u) if one.kind in (POSITIVE, NOT_ZERO) else graph.mul(nil, u)
        for test, holds in one.path:
            branches = (guard, graph.const(0)) if holds else (graph.const(0), guard)
            guard = graph.select(self._node(graph, test, names, done), *branches)
        return guard

    def _node(self, graph: Graph, tree: sympy.Basic, names: Mapping[str, Node], done: dict[sympy.Basic, Node]) -> Node:
        stack = [tree]
        while stack:
            part = stack[-1]
            parts = [p for pair in part.args for p in pair.args] if isinstance(part, sympy.Piecewise) else list(part.args)
            missing = [p for p in parts if p not in done]
            if part in done or not missing:
                if part not in done:
                    done[part] = self._one(graph, part, [done[p] for p in parts], names, done)
                stack.pop()
            else:
                stack += missing
        return done[tree]

    def _one(self, graph: Graph, x: sympy.Basic, parts: list[Node], names: Mapping[str, Node], done: Mapping) -> Node:
        if isinstance(x, sympy.Symbol):
            return names[x.name]
        if isinstance(x, sympy.Rational):
            return graph.const(Fraction(int(x.p), int(x.q)))
        if x in (sympy.pi, sympy.E):
            return graph.call("pi" if x == sympy.pi else "e")
        if x in (sympy.true, sympy.false):
            return graph.put("true" if x == sympy.true else "false")
        if isinstance(x, sympy.Add):
            return graph.total(parts)
        if isinstance(x, (sympy.Mul, sympy.Pow)) and (quotient := _quotient(graph, x, done)) is not None:
            return quotient
        if isinstance(x, sympy.Mul):
            return _product(graph, x, parts)
        if isinstance(x, sympy.Pow):
            return _power(graph, x, parts)
        if isinstance(x, sympy.Piecewise):
            return _piecewise(graph, parts)
        if type(x) in _ORDERS:
            kind, turned = _ORDERS[type(x)]
            return graph.put(kind, *(parts[::-1] if turned else parts))
        if isinstance(x, (sympy.And, sympy.Or)):
            return _folded(graph, "and" if isinstance(x, sympy.And) else "or", parts)
        return self._call(graph, x, parts)

    def _call(self, graph: Graph, x: sympy.Basic, parts: list[Node]) -> Node:
        name = x.func.__name__
        if name in ("Max", "Min"):
            result = parts[0]
            for part in parts[1:]:
                result = graph.call(name, result, part)
            return result
        if name == "relu":
            return graph.call("Max", graph.const(0), parts[0])
        if name == "Heaviside" and x.args[1:] not in ((), (sympy.Rational(1, 2),)):
            raise NotValid(f"{self.what}: Heaviside has the value 1/2 at 0")
        if name in FUNCTIONS:
            return graph.call(name, parts[0])
        raise NotValid(f"{self.what}: no rule for {name}")


def _quotient(graph: Graph, x: sympy.Expr, done: Mapping[sympy.Basic, Node]) -> Node | None:
    """A product or a power with sums of exponentials in the denominator."""
    factors = [f.args if f.is_Pow and f.exp.is_Rational else (f, sympy.S.One) for f in sympy.Mul.make_args(x)]
    below = any(q < 0 and is_sum(graph, done[base]) for base, q in factors)
    return quotient(graph, [(done[base], Fraction(int(q.p), int(q.q))) for base, q in factors]) if below else None


def _product(graph: Graph, x: sympy.Mul, parts: list[Node]) -> Node:
    over, under = graph.const(1), graph.const(1)
    for factor, node in zip(x.args, parts):
        what = graph.nodes[node]
        if factor.is_Pow and what[0] == "power" and what[2] < 0:
            under = graph.mul(under, graph.power(what[1], -what[2]))
        else:
            over = graph.mul(over, node)
    return over if graph.value(under) == 1 else graph.div(over, under)


def _power(graph: Graph, x: sympy.Pow, parts: list[Node]) -> Node:
    exponent = graph.value(parts[1])
    if x.base == sympy.E:
        return graph.call("exp", parts[1])
    if exponent is not None:
        return graph.rational(parts[0], exponent)
    return graph.call("exp", graph.mul(parts[1], graph.call("log", parts[0])))


def _piecewise(graph: Graph, parts: list[Node]) -> Node:
    if graph.nodes[parts[-1]][0] != "true":
        raise NotValid("a Piecewise does not end with the condition True")
    result = parts[-2]
    for value, condition in zip(parts[-4::-2], parts[-3::-2]):
        result = graph.select(condition, value, result)
    return result


def _folded(graph: Graph, kind: str, parts: list[Node]) -> Node:
    result = parts[0]
    for part in parts[1:]:
        result = graph.put(kind, result, part)
    return result
