"""A user's functions on a branch: their arguments, and their values on its rows."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np

from cfdyn.codegen.compile import Rule, compile_rule
from cfdyn.continuation.branch.system import REAL
from cfdyn.continuation.tracer import Solution, as_row
from cfdyn.errors import FormulaError, UsageError, shown
from cfdyn.kernels.rows import evaluate_rows
from cfdyn.symbolic.text.formula import Formula, formula, left_side
from cfdyn.systems.any_map import AnyMap
from cfdyn.tape.program import Program, Tape

OVER: dict[str, Any] = {"max": np.max, "min": np.min, "mean": np.mean}
CALL = re.compile(r"(?<![\w.])(max|min|mean)\s*\(", re.IGNORECASE)
MULTIPLIER = re.compile(r"(mu|modulus|angle)([1-9]\d{0,5})", re.ASCII)


class Traced(Protocol):
    """The interface of a branch for functions and their zeros, for both engines: a `BranchTracer`, or rows by products."""

    @property
    def step(self) -> AnyMap: ...
    @property
    def parameter(self) -> str: ...
    @property
    def bounds(self) -> tuple[float, float]: ...

    def points(self, z: np.ndarray) -> np.ndarray:
        """The points (rows, n, D) in unknowns (rows, ·)."""

    def multipliers(self, values: np.ndarray) -> np.ndarray:
        """The computed multipliers, (rows, K), in the values of rows."""


class Part(NamedTuple):
    """A compiled formula and its arguments; ``how``: taken over the points of the cycle, or empty for the first point."""

    rule: Rule
    names: tuple[str, ...]
    how: str


class Functions:
    """Of the state at the cycle's first point, parameters, the map's observables and the multipliers; see `continue_cycle`.

    ``texts``: by name; ``stops``: names of the functions at whose zeros a branch ends.
    """

    def __init__(self, step: AnyMap, parameter: str, given: Any = (), stop: Any = ()):
        self.step, self.parameter, self.free = step, parameter, list(step.params).index(parameter)
        own, ending = named_texts(given), named_texts(stop)
        # A stop may be the name of one of the functions.
        self.texts = {**own, **{name: text for name, text in ending.items() if name not in own}}
        self.stops = tuple(ending)
        for name in {*step.names, *step.params} & set(self.texts):
            if self.texts[name] != name:
                raise UsageError(f"{name!r} is a name of the map: rename the function {self.texts[name]!r}")
        self.parts = {name: _parts(step, text) for name, text in self.texts.items()}

    def require_multipliers(self, known: Mapping[str, int]) -> None:
        """Refuse names of more multipliers than are computed, for each kind."""
        own = {*self.step.names, *self.step.params}
        for name in (n for parts in self.parts.values() for part in parts for n in part.names if n not in own):
            match = MULTIPLIER.fullmatch(name)
            if match and int(match[2]) > known[match[1]]:
                raise UsageError(
                    f"{name}: only {known[match[1]]} multipliers are computed here; ask for more with `multipliers`"
                )

    def observed(self, name: str, points: np.ndarray, value: float) -> np.ndarray:
        """An observable of the map at points (n, D), the parameter at a value, (n,)."""
        if (code := self.step.compiled) is None:
            return self.step.at(**{self.parameter: value}).observe(name, points)
        p = code.p.copy()
        p[self.free] = value
        return code.observe(name, points, p)

    def __bool__(self) -> bool:
        return bool(self.texts)

    def along(self, tracer: Traced, rows: Sequence[Any]) -> np.ndarray:
        """The values of all functions on rows, (rows, functions)."""
        values = [self.values(name, tracer, rows) for name in self.texts]
        return np.column_stack(values) if values else np.empty((len(rows[0]), 0))

    @np.errstate(all="ignore")
    def values(self, name: str, tracer: Traced, rows: Sequence[Any]) -> np.ndarray:
        """The values of one function, (rows,)."""
        *inner, last = self.parts[name]
        source = _Source(self, tracer, rows)
        over = {f"over{k}_": source.value(part) for k, part in enumerate(inner)}
        return source.value(last, over)[:, 0]

    def at(self, name: str, tracer: Traced, solution: Solution) -> float:
        """The value of one function at a solution."""
        return float(self.values(name, tracer, as_row(solution))[0])


class _Source:
    """The values of names on some rows: (rows, n) or (rows, 1)."""

    def __init__(self, functions: Functions, tracer: Traced, rows: Sequence[Any]):
        self.functions, self.step, self.tracer, self.rows = functions, functions.step, tracer, rows
        self.points, self.parameter = tracer.points(rows[0]), rows[0][:, -1]

    def value(self, part: Part, given: Mapping[str, np.ndarray] = MappingProxyType({})) -> np.ndarray:
        """A part of a function, (rows, 1)."""
        count = self.points.shape[1] if part.how else 1
        columns = [np.broadcast_to(given[name] if name in given else self.named(name, count), (len(self.parameter), count))
                   for name in part.names]  # fmt: skip
        table = np.stack(columns, axis=-1).reshape(-1, len(columns))
        values = evaluate_rows(part.rule, table, np.zeros(1)).reshape(-1, count)
        return OVER[part.how](values, axis=1)[:, None] if part.how else values

    def named(self, name: str, count: int) -> np.ndarray:
        """The state first, then parameters, observables, multipliers."""
        step = self.step
        if name in step.names:
            return self.points[:, :count, step.names.index(name)]
        if name in step.params:
            return self.parameter[:, None] if name == self.tracer.parameter else np.array([[step.params[name]]])
        if name in step.observables:
            places = zip(self.points[:, :count], self.parameter.tolist(), strict=True)
            return np.stack([self.functions.observed(name, points, value) for points, value in places])
        kind, place = _multiplier(name)
        mu = self.tracer.multipliers(self.rows[2])[:, place - 1, None]
        if kind == "mu":
            return np.where(np.abs(mu.imag) <= REAL * np.abs(mu), mu.real, np.nan)
        return np.abs(mu) if kind == "modulus" else np.abs(np.angle(mu))


def named_texts(given: Any) -> dict[str, str]:
    """Functions by name, from a mapping, a list of texts, which are their names, or one text; "a = b" is a − b."""
    if isinstance(given, str):
        given = [given]
    if isinstance(given, Mapping):
        pairs = list(given.items())
    elif isinstance(given, (list, tuple)):
        pairs = [(text, text) for text in given]
    else:
        raise UsageError(f"functions are texts by name, {{'name': 'loss - 0.3'}}, or a list of texts, not {shown(given)}")
    for name, text in pairs:
        for what, part in (("a function on a branch is a text, such as 'loss - 0.3'", text), ("its name is one too", name)):
            if not isinstance(part, str) or not part.strip():
                raise UsageError(f"{what}, not {shown(part)}")
    return {name.strip(): left_side(text.strip()) for name, text in pairs}


def _parts(step: AnyMap, text: str) -> list[Part]:
    """The parts taken over the period, then the whole with the names over0_, over1_, … in their place."""
    inner, rest, known = [], text, known_names(step)
    while (taken := taken_over(rest)) is not None:
        how, first, last, inside = taken
        inner.append(_part(formula(inside, known), text, how))
        rest = f"{rest[:first]}over{len(inner) - 1}_{rest[last:]}"
    whole = formula(rest, (*known, *(f"over{k}_" for k in range(len(inner)))))
    return [*inner, _part(whole, text, "")]


def known_names(step: AnyMap) -> tuple[str, ...]:
    """The names that a function on a branch may use."""
    own = (*step.names, *step.params)
    more = [f"{kind}{k}" for kind in ("mu", "modulus", "angle") for k in range(1, step.dim + 1)]
    return (*own, *(name for name in (*step.observables, *more) if name not in own))


def _multiplier(name: str) -> tuple[str, int]:
    match = MULTIPLIER.fullmatch(name)
    assert match is not None
    return match[1], int(match[2])


def taken_over(text: str) -> tuple[str, int, int, str] | None:
    """The first call of max, min or mean with one argument: which, where it begins and ends, and its argument."""
    for call in CALL.finditer(text):
        depth, single = 1, True
        for place in range(call.end(), len(text)):
            depth += {"(": 1, ")": -1}.get(text[place], 0)
            single &= not (depth == 1 and text[place] == ",")
            if depth == 0:
                break
        how = call[1].lower()
        if depth == 0 and not single and how == "mean":
            raise FormulaError("mean(…) takes one formula, whose mean over the points of the cycle it is", text)
        if depth == 0 and single:
            return how, call.start(), place + 1, text[call.end() : place]
    return None


def _part(read: Formula, text: str, how: str) -> Part:
    if not read.names:
        raise UsageError(f"the function {text!r} is constant: it names no variable or parameter of the map")

    def program() -> Program:
        tape = Tape()
        return Program(tape, (read.on(tape, tape.named("z", read.names)),), len(read.names), 0, 0)

    return Part(compile_rule(f"function {read.key} of {read.names}", 1, program), read.names, how)
