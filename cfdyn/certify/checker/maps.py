"""The map of a certificate, from the texts in the file: x → g(x, λ) and its derivatives over intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from cfdyn.certify.checker import fields
from cfdyn.certify.checker.fields import NotValid, shown
from cfdyn.certify.checker.formulas.formula import Text
from cfdyn.certify.checker.formulas.graph import Graph, Node
from cfdyn.certify.checker.formulas.jets import derivative
from cfdyn.certify.checker.formulas.joins import Joins
from cfdyn.certify.checker.formulas.settled import settled
from cfdyn.certify.checker.formulas.switches import taken_apart
from cfdyn.certify.checker.formulas.values import Program
from cfdyn.certify.checker.numbers.boxes import Interval, meet, point, stacked
from cfdyn.certify.checker.numbers.matrices import applied
from cfdyn.certify.checker.specification import Loss, Optimizer, Value, check_names, read_params

MOST_DERIVATIVES = 5000
MOST_CUTS, MOST_PARTS, MOST_SETTLED = 10, 50_000, 400


class CheckedMap:
    """g with the state ``names`` and the varied parameters ``varied`` {name: its two exact ends}.

    ``written``: in the form of the formulas; ``step``: the same function, split where parts of it jump
    """

    def __init__(self, graph: Graph, names: Sequence[str], step: list[Node], varied: Mapping[str, tuple[Fraction, Fraction]]):
        self.graph, self.names, self.varied, self.joins = graph, list(names), dict(varied), Joins(graph)
        self.written, self.step = step, [taken_apart(self.joins, node) for node in step]

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
        nodes: dict[tuple[str, ...], list[Node]] = {(): self.step}
        for k in range(1, order + 1):
            for chosen in combinations_with_replacement(names, k):
                nodes[chosen] = derivative(self.graph, nodes[chosen[:-1]], chosen[-1], self.joins.continuous)
        return nodes

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

    def image(self, boxes: Interval) -> Interval:
        """X₁ ⊇ g(X, Λ), boxes of states and parameters: the natural extension, and the mean-value form if g is continuous."""
        x, lines = boxes[:, : self.d], boxes[:, self.d :]
        natural, slopes = self.slopes(x, lines)
        m = point(x.middle)
        mean = meet(natural, self.value(m, lines) + applied(slopes, x - m))
        good = finite(natural, slopes)[:, None]
        return Interval(np.where(good, mean.lo, natural.lo), np.where(good, mean.hi, natural.hi))

    def slopes(self, x: Interval, parameters: Interval) -> tuple[Interval, Interval]:
        """g and its Jacobian, shapes (..., d) and (..., d, d); row i of the latter is the gradient of g_i.

        If a border leaves the slopes unbounded, comparisons are tested again as polynomials, then the box is cut, and the
        hull of the slopes over its parts is taken: it encloses every difference quotient in the box, as g is continuous on closed
        parts that cover it.
        """
        g, j = self._slopes(x, parameters)
        bad = np.isfinite(g.lo).all(axis=-1) & ~(np.isfinite(j.lo) & np.isfinite(j.hi)).all(axis=(-1, -2))
        if not self._branching or not bad.any():
            return g, j
        before, count = x.shape[:-1], int(np.prod(x.shape[:-1]))
        ends = [
            np.broadcast_to(v, (*before, v.shape[-1])).reshape(count, v.shape[-1])
            for v in (x.lo, x.hi, parameters.lo, parameters.hi)
        ]
        flat, lines = Interval(ends[0], ends[1]), Interval(ends[2], ends[3])
        lo, hi = j.lo.reshape(-1, self.d, self.d).copy(), j.hi.reshape(-1, self.d, self.d).copy()
        rows = self._settle(np.flatnonzero(bad.ravel()), flat, lines, lo, hi)
        cut_lo, cut_hi, done = self._over_parts(flat[rows], lines[rows])
        lo[rows[done]], hi[rows[done]] = cut_lo[done], cut_hi[done]
        return g, Interval(lo.reshape(j.shape), hi.reshape(j.shape))

    def _settle(self, rows: np.ndarray, x: Interval, lines: Interval, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
        """Write the slopes of boxes over which polynomials decide a branch into ``lo`` and ``hi``; return the remaining rows."""
        left = []
        for k in rows.tolist():
            values = self._values(x[k], lines[k])
            roots = settled(self.graph, self._both.roots, values) if len(rows) <= MOST_SETTLED else None
            slopes = None if roots is None else self._stacked(Program(self.graph, roots)(values)[self.d :], x[k])
            if slopes is None or not (np.isfinite(slopes.lo) & np.isfinite(slopes.hi)).all():
                left.append(k)
            else:
                lo[k], hi[k] = slopes.lo.reshape(self.d, self.d), slopes.hi.reshape(self.d, self.d)
        return np.array(left, dtype=int)

    def _over_parts(self, x: Interval, lines: Interval) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The hull of the slopes over parts of each box (N, d), and for which boxes all parts have slopes."""
        n, d = x.shape
        lo, hi, done = np.full((n, d, d), np.inf), np.full((n, d, d), -np.inf), np.ones(n, dtype=bool)
        rows, part = np.arange(n), x
        for level in range(MOST_CUTS):
            slopes = self._slopes(part, lines[rows])[1]
            good = (np.isfinite(slopes.lo) & np.isfinite(slopes.hi)).all(axis=(-1, -2))
            np.minimum.at(lo, rows[good], slopes.lo[good])
            np.maximum.at(hi, rows[good], slopes.hi[good])
            rows, part = rows[~good], part[~good]
            if not len(rows) or level == MOST_CUTS - 1 or len(rows) > MOST_PARTS:
                break
            k, m = level % d, part.middle[:, level % d]
            left, right = part.hi.copy(), part.lo.copy()
            left[:, k], right[:, k] = m, m
            rows, part = np.concatenate([rows, rows]), Interval(np.concatenate([part.lo, right]), np.concatenate([left, part.hi]))
        done[rows] = False
        return lo, hi, done

    @cached_property
    def _branching(self) -> bool:
        kinds = [self.graph.nodes[n] for n in self.graph.reached(self.step)]
        return any(what[0] == "select" or what[:1] == ("call",) and what[1] in ("Abs", "Max", "Min", "sign") for what in kinds)

    def _slopes(self, x: Interval, parameters: Interval) -> tuple[Interval, Interval]:
        both = self._both(self._values(x, parameters))
        g, j = self._stacked(both[: self.d], x), self._stacked(both[self.d :], x)
        shape = (*g.shape[:-1], self.d, self.d)
        return g, Interval(j.lo.reshape(shape), j.hi.reshape(shape))

    @cached_property
    def _second(self) -> Program:
        derivatives = self.derivatives(2)
        return Program(self.graph, [node for key, nodes in derivatives.items() if len(key) == 2 for node in nodes])

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


def finite(value: Interval, slopes: Interval) -> np.ndarray:
    """True where g is known to be defined and continuous: its value and slopes are bounded."""
    one = np.isfinite(value.lo).all(axis=-1) & np.isfinite(value.hi).all(axis=-1)
    return one & np.isfinite(slopes.lo).all(axis=(-1, -2)) & np.isfinite(slopes.hi).all(axis=(-1, -2))


def read_map(document: Mapping[str, Any]) -> CheckedMap:
    """The map of a file; a NotValid if the file has no valid map."""
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


def _formulas(graph: Graph, given: dict) -> tuple[list[str], list[Node], dict[str, Value]]:
    fields.mapping(given, "map", ["type", "variables", "formulas"], ["params"])
    names = fields.texts(given["variables"], "the variables")
    params = read_params(given.get("params", {}), "the parameter")
    check_names([*names, *params], "map")
    formulas = fields.texts(fields.sequence(given["formulas"], "the formulas", len(names)), "the formulas")
    if not names:
        raise NotValid("the map has no variables")
    known = {name: graph.put("name", f"s:{name}") for name in [*names, *params]}
    return names, [Text(f, "the formula").on(graph, known) for f in formulas], params


def _optimizer(graph: Graph, given: dict) -> tuple[list[str], list[Node], dict[str, Value]]:
    fields.mapping(given, "map", ["type", "loss", "optimizer"], ["limit"])
    loss = Loss(given["loss"])
    optimizer = Optimizer(given["optimizer"], bool(fields.truth(given.get("limit", False), "limit")))
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
