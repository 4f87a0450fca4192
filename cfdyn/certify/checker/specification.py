"""A loss and an optimizer as described in a file: one step as nodes of a graph."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid
from cfdyn.certify.checker.formulas.formula import Text
from cfdyn.certify.checker.formulas.graph import Graph, Node
from cfdyn.certify.checker.formulas.jets import derivative
from cfdyn.certify.checker.labels import bias_correction_is_over
from cfdyn.errors import FormulaError
from cfdyn.symbolic.text.parse import symbol

MOST_NAMES, MOST_ROWS = 200, 5000
Value = Fraction | tuple[Fraction, Fraction]
NAME = re.compile(r"(?:[A-Za-z][A-Za-z0-9_]*)?")
RESERVED = ("w", "g", "gg", "h")


def check_names(names: Sequence[str], where: str) -> None:
    """Distinct names without another meaning in a formula."""
    if len(names) > MOST_NAMES or len(set(names)) < len(names):
        raise NotValid(f"{where}: the names are not distinct, or more than {MOST_NAMES}")
    for name in names:
        try:
            symbol(name)
        except FormulaError as problem:
            raise NotValid(f"{where}: {problem}") from None


def read_params(given: Any, where: str) -> dict[str, Value]:
    """Exact numbers; a parameter that varies is given as a pair of them."""
    params: dict[str, Value] = {}
    for name, value in fields.mapping(given, where).items():
        what = f"{where} {name}"
        params[name] = fields.numbers_between(value, what) if isinstance(value, list) else fields.number(value, what)
    return params


class Loss:
    """L(w), or its mean over rows of data."""

    def __init__(self, given: Any):
        parts = fields.mapping(given, "the loss", ["formula", "variables"], ["params", "columns", "rows"])
        self.variables = fields.texts(parts["variables"], "the variables")
        self.params = read_params(parts.get("params", {}), "the loss's parameter")
        self.columns = fields.texts(parts.get("columns") or [], "the columns")
        check_names([*self.variables, *self.params, *self.columns], "the loss")
        rows = fields.sequence(parts.get("rows") or [], "the rows", most=MOST_ROWS)
        if not self.variables or bool(rows) != bool(self.columns):
            raise NotValid("a loss has variables, and rows of data exactly where it has columns")
        read = [[fields.number(v, "the data") for v in fields.sequence(row, "a row", len(self.columns))] for row in rows]
        self.rows = Counter(map(tuple, read)) if rows else Counter({(): 1})
        self.formula = Text(fields.text(parts["formula"], "the loss's formula"), "the loss")

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

    def __init__(self, given: Any, limit: bool):
        parts = fields.mapping(given, "the optimizer", ["params", "update"],
                               ["name", "gradient", "probe", "define", "per_weight", "shared"])  # fmt: skip
        # It appears in the statement, next to the formulas: a name, not a sentence.
        if not NAME.fullmatch(fields.text(parts.get("name", ""), "the optimizer's name", 64)):
            raise NotValid("the optimizer's name is not one word of letters, digits and _")
        self.params = read_params(parts["params"], "the optimizer's parameter")
        self.per_weight = fields.texts(parts.get("per_weight") or [], "the states of each weight")
        self.shared = fields.texts(parts.get("shared") or [], "the shared states")
        define = fields.mapping(parts.get("define") or {}, "define")
        check_names([*self.params, *self.per_weight, *self.shared, *define], "the optimizer")
        if set(RESERVED) & {*self.params, *self.per_weight, *self.shared, *define}:
            raise NotValid("the optimizer has a name that means the weight or the gradient")
        update = fields.mapping(parts["update"], "the update", ["w", *self.per_weight, *self.shared])
        self.define, self.update = ({n: _text(v, f"the formula of {n}") for n, v in part.items()} for part in (define, update))
        self.gradient, self.probe = (
            None if parts.get(n) is None else Text(fields.text(parts[n], n), n) for n in ("gradient", "probe")
        )
        if limit and not bias_correction_is_over(update["w"], define):
            raise NotValid("limit is true, but no formula of the optimizer shows a bias correction in its limit")

    def step(
        self, graph: Graph, loss: Loss, state: Sequence[Node], own: Mapping[str, Node], of_loss: Mapping[str, Node]
    ) -> list[Node]:
        """The next state, each formula evaluated at the old one: weights, then each state of all weights, then shared states."""
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
        nodes = [self.update[s].on(graph, names) for s in ("w", *self.per_weight) for names in known]
        names = self._defined(graph, shared)
        return nodes + [self.update[s].on(graph, names) for s in self.shared]

    def _defined(self, graph: Graph, names: dict[str, Node]) -> dict[str, Node]:
        """The definitions in order, up to those whose names are available; the others belong to other states."""
        names = dict(names)
        for name, text in self.define.items():
            if text.names <= set(names):
                names[name] = text.on(graph, names)
        return names


def _text(value: Any, what: str) -> Text:
    return Text(fields.text(value, what), what)


def _squared(graph: Graph, vector: Sequence[Node]) -> Node:
    return graph.total(graph.power(v, 2) for v in vector)
