"""The map that a certificate is about, from the texts in the file: x → g(x, λ) and its derivatives over intervals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid, shown
from cfdyn.certify.checker.formulas.formula import Text
from cfdyn.certify.checker.formulas.graph import Graph, Node, Program
from cfdyn.certify.checker.formulas.jets import derivative
from cfdyn.certify.checker.formulas.joins import Joins
from cfdyn.certify.checker.numbers.boxes import Interval, stacked
from cfdyn.errors import FormulaError
from cfdyn.symbolic.text.parse import symbol

MOST_NAMES, MOST_ROWS, MOST_DERIVATIVES = 200, 5000, 5000
Value = Fraction | tuple[Fraction, Fraction]
NAME = re.compile(r"(?:[A-Za-z][A-Za-z0-9_]*)?")
RESERVED = ("w", "g", "gg", "h")


class CheckedMap:
    """g with the state ``names`` and the varied parameters ``varied`` {name: its two exact ends}."""

    def __init__(self, graph: Graph, names: Sequence[str], step: list[Node], varied: Mapping[str, tuple[Fraction, Fraction]]):
        self.graph, self.names, self.step, self.varied = graph, list(names), step, dict(varied)
        self.joins = Joins(graph)

    @property
    def d(self) -> int:
        return len(self.names)

    @property
    def lines(self) -> Interval:
        """The varied parameters' intervals, rounded outward: shape (number of them,)."""
        ends = np.array([fields.around(v) for v in self.varied.values()]).reshape(len(self.varied), 2)
        return Interval(ends[:, 0], ends[:, 1])

    def derivatives(self, order: int, and_parameters: bool = False) -> dict[tuple[str, ...], list[Node]]:
        """All partial derivatives up to an order, by names in the order of the state (then of the varied parameters)."""
        names = [self._inner(n) for n in self.names] + ([f"p:{n}" for n in self.varied] if and_parameters else [])
        if len(names) ** order > MOST_DERIVATIVES:
            raise NotValid("the map has too many derivatives")
        found: dict[tuple[str, ...], list[Node]] = {(): self.step}
        for k in range(1, order + 1):
            for chosen in combinations_with_replacement(names, k):
                found[chosen] = derivative(self.graph, found[chosen[:-1]], chosen[-1], self.joins.continuous)
        return found

    @staticmethod
    def _inner(name: str) -> str:
        return f"x:{name}"

    def _values(self, x: Interval, parameters: Interval) -> dict[str, Interval]:
        values = {self._inner(n): x[..., i] for i, n in enumerate(self.names)}
        return values | {f"p:{n}": parameters[..., i] for i, n in enumerate(self.varied)}

    @cached_property
    def _value(self) -> Program:
        return Program(self.graph, self.step)

    @cached_property
    def _both(self) -> Program:
        first = self.derivatives(1)
        return Program(self.graph, self.step + [first[(self._inner(n),)][i] for i in range(self.d) for n in self.names])

    def value(self, x: Interval, parameters: Interval) -> Interval:
        """g over boxes of shape (..., d) and parameters (..., p): the natural extension."""
        return self._stacked(self._value(self._values(x, parameters)), x)

    def slopes(self, x: Interval, parameters: Interval) -> tuple[Interval, Interval]:
        """g and its Jacobian, shapes (..., d) and (..., d, d); row i of the latter is the gradient of g_i."""
        found = self._both(self._values(x, parameters))
        g, j = self._stacked(found[: self.d], x), self._stacked(found[self.d :], x)
        shape = (*g.shape[:-1], self.d, self.d)
        return g, Interval(j.lo.reshape(shape), j.hi.reshape(shape))

    @cached_property
    def _second(self) -> Program:
        found = self.derivatives(2)
        return Program(self.graph, [node for key, nodes in found.items() if len(key) == 2 for node in nodes])

    def is_smooth(self, x: Interval, parameters: Interval) -> np.ndarray:
        """True where the second derivatives are bounded: there no border of a branch changes the slopes."""
        good = np.ones(x.shape[:-1], dtype=bool)
        for part in self._second(self._values(x, parameters)):
            good &= np.isfinite(part.lo) & np.isfinite(part.hi)
        return good

    @staticmethod
    def _stacked(parts: list[Interval], x: Interval) -> Interval:
        zero = np.zeros(x.shape[:-1])
        return stacked([Interval(p.lo + zero, p.hi + zero) for p in parts])


def read_map(document: Mapping[str, Any]) -> CheckedMap:
    """The map of a file; a NotValid for what is none."""
    given = fields.mapping(document.get("map"), "map")
    kind = fields.one_of(given.get("type"), "the type of the map", ["optimizer", "formulas"])
    varied = {name: fields.numbers_between(ends, f"vary {name}")
              for name, ends in fields.mapping(document.get("vary", {}), "vary").items()}  # fmt: skip
    graph = Graph()
    names, step, params = (_optimizer if kind == "optimizer" else _formulas)(graph, given)
    spans = {name: value for name, value in params.items() if isinstance(value, tuple)}
    if spans != varied:
        raise NotValid(f"{shown(sorted(spans))} vary in the map and {shown(sorted(varied))} in vary, or their ends differ")
    leaves = {("name", f"s:{name}"): graph.put("name", f"x:{name}") for name in names}
    for name, value in params.items():
        leaves["name", f"s:{name}"] = graph.put("name", f"p:{name}") if isinstance(value, tuple) else graph.const(value)
    return CheckedMap(graph, names, graph.substituted(step, leaves), varied)


def _check_names(names: Sequence[str], where: str) -> None:
    if len(names) > MOST_NAMES or len(set(names)) < len(names):
        raise NotValid(f"{where}: the names are not distinct, or more than {MOST_NAMES}")
    for name in names:
        try:
            symbol(name)
        except FormulaError as problem:
            raise NotValid(f"{where}: {problem}") from None


def _params(given: Any, where: str) -> dict[str, Value]:
    """Exact numbers; a parameter that varies stands as a pair of them."""
    found: dict[str, Value] = {}
    for name, value in fields.mapping(given, where).items():
        what = f"{where} {name}"
        found[name] = fields.numbers_between(value, what) if isinstance(value, list) else fields.number(value, what)
    return found


def _formulas(graph: Graph, given: dict) -> tuple[list[str], list[Node], dict[str, Value]]:
    fields.mapping(given, "map", ["type", "variables", "formulas"], ["params"])
    names = fields.texts(given["variables"], "the variables")
    params = _params(given.get("params", {}), "the parameter")
    _check_names([*names, *params], "map")
    formulas = fields.texts(fields.sequence(given["formulas"], "the formulas", len(names)), "the formulas")
    if not names:
        raise NotValid("the map has no variables")
    known = {name: graph.put("name", f"s:{name}") for name in [*names, *params]}
    return names, [Text(f, "the formula").on(graph, known) for f in formulas], params


def _optimizer(graph: Graph, given: dict) -> tuple[list[str], list[Node], dict[str, Value]]:
    fields.mapping(given, "map", ["type", "loss", "optimizer"], ["limit"])
    loss = Loss(given["loss"])
    optimizer = Optimizer(given["optimizer"], fields.truth(given.get("limit", False), "limit"))
    called = {n: f"optimizer_{n}" if n in loss.params and n != "lr" else n for n in optimizer.params}
    if set(called.values()) & set(loss.params):
        raise NotValid("the loss and the optimizer have a parameter of one name")
    params = {**loss.params, **{called[n]: v for n, v in optimizer.params.items()}}
    own = {n: graph.put("name", f"s:{called[n]}") for n in optimizer.params}
    of_loss = {n: graph.put("name", f"s:{n}") for n in loss.params}
    names = [*loss.variables, *(f"{s}_{w}" for s in optimizer.per_weight for w in loss.variables), *optimizer.shared]
    if len({*names, *params}) < len(names) + len(params):
        raise NotValid("a state has the name of another one or of a parameter")
    state = [graph.put("name", f"s:{n}") for n in names]
    return names, optimizer.step(graph, loss, state, own, of_loss), params


class Loss:
    """L(w), or its mean over rows of data."""

    def __init__(self, given: Any):
        found = fields.mapping(given, "the loss", ["formula", "variables"], ["params", "columns", "rows"])
        self.variables = fields.texts(found["variables"], "the variables")
        self.params = _params(found.get("params", {}), "the loss's parameter")
        self.columns = fields.texts(found.get("columns") or [], "the columns")
        _check_names([*self.variables, *self.params, *self.columns], "the loss")
        rows = fields.sequence(found.get("rows") or [], "the rows", most=MOST_ROWS)
        if not self.variables or bool(rows) != bool(self.columns):
            raise NotValid("a loss has variables, and rows of data exactly where it has columns")
        read = [[fields.number(v, "the data") for v in fields.sequence(row, "a row", len(self.columns))] for row in rows]
        self.rows = Counter(map(tuple, read)) if rows else Counter({(): 1})
        self.formula = Text(fields.text(found["formula"], "the loss's formula"), "the loss")

    def gradient(self, graph: Graph, weights: Sequence[Node], params: Mapping[str, Node]) -> list[Node]:
        """∂L/∂wᵢ at some weights."""
        fresh = {n: graph.put("name", f"fresh:{n}") for n in self.variables}
        terms = []
        for row, times in self.rows.items():
            data = {n: graph.const(v) for n, v in zip(self.columns, row)}
            value = self.formula.on(graph, {**fresh, **params, **data})
            terms.append((graph.const(Fraction(times, self.rows.total())), value))
        slopes = [graph.total(graph.mul(c, derivative(graph, [v], f"fresh:{n}")[0]) for c, v in terms) for n in self.variables]
        return graph.substituted(slopes, {("name", f"fresh:{n}"): w for n, w in zip(self.variables, weights)})


class Optimizer:
    """The update of an optimizer, from its texts."""

    def __init__(self, given: Any, limit: bool | None):
        found = fields.mapping(given, "the optimizer", ["params", "update"],
                               ["name", "gradient", "probe", "define", "per_weight", "shared"])  # fmt: skip
        # It stands in the statement, beside the formulas: a name, and no sentence.
        if not NAME.fullmatch(fields.text(found.get("name", ""), "the optimizer's name", 64)):
            raise NotValid("the optimizer's name is not one word of letters, digits and _")
        self.params = _params(found["params"], "the optimizer's parameter")
        self.per_weight = fields.texts(found.get("per_weight") or [], "the states of each weight")
        self.shared = fields.texts(found.get("shared") or [], "the shared states")
        define = fields.mapping(found.get("define") or {}, "define")
        _check_names([*self.params, *self.per_weight, *self.shared, *define], "the optimizer")
        if set(RESERVED) & {*self.params, *self.per_weight, *self.shared, *define}:
            raise NotValid("the optimizer has a name that means the weight or the gradient")
        update = fields.mapping(found["update"], "the update", ["w", *self.per_weight, *self.shared])
        self.define, self.update = ({n: _text(v, f"the formula of {n}") for n, v in part.items()} for part in (define, update))
        self.gradient, self.probe = (
            None if found.get(n) is None else Text(fields.text(found[n], n), n) for n in ("gradient", "probe")
        )
        self.limit = limit

    def step(
        self, graph: Graph, loss: Loss, state: Sequence[Node], own: Mapping[str, Node], of_loss: Mapping[str, Node]
    ) -> list[Node]:
        """The next state, all formulas seeing the old one: weights, then each state of all weights, then the shared ones."""
        d, k = len(loss.variables), len(self.per_weight)
        shared = {**own, **dict(zip(self.shared, state[d * (1 + k) :]))}
        each = [{"w": state[i], **{s: state[d * (j + 1) + i] for j, s in enumerate(self.per_weight)}} for i in range(d)]
        slopes = loss.gradient(graph, state[:d], of_loss)
        if self.gradient is not None:
            shared["gg"] = _squared(graph, slopes)
            slopes = [self.gradient.on(graph, {**shared, **e, "g": g}) for e, g in zip(each, slopes)]
        shared["gg"] = _squared(graph, slopes)
        for e, g in zip(each, slopes):
            e["g"] = g
        if self.probe is not None:
            points = [self.probe.on(graph, {**shared, **e}) for e in each]
            for e, h in zip(each, loss.gradient(graph, points, of_loss)):
                e["h"] = h
        known = [self._defined(graph, {**shared, **e}) for e in each]
        found = [self.update[s].on(graph, names) for s in ("w", *self.per_weight) for names in known]
        names = self._defined(graph, shared)
        return found + [self.update[s].on(graph, names) for s in self.shared]

    def _defined(self, graph: Graph, names: dict[str, Node]) -> dict[str, Node]:
        """The definitions in order, as far as their names are there; the others belong to other states."""
        names = dict(names)
        for name, text in self.define.items():
            if text.names <= set(names):
                names[name] = text.on(graph, names)
        return names


def _text(value: Any, what: str) -> Text:
    return Text(fields.text(value, what), what)


def _squared(graph: Graph, vector: Sequence[Node]) -> Node:
    return graph.total(graph.power(v, 2) for v in vector)
