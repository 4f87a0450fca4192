"""The parts of a map: a loss and an optimizer, formulas, maps in sequence, or a map lifted or with parameters as states.

Each has ``names`` of the state, of which the first ``n_weights`` are weights, ``rest``: initial values behind these, None if a
start must give them; ``params``, and ``at``: a copy with other parameter values; ``observed``: the loss that is evaluated along
an orbit, ``data``: the table that is read at run time, or None; ``switching``: the functions at whose zeros the map changes
branch; ``key`` identifies the compiled code, ``title`` is for messages and tables.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

from cfdyn.arguments import converted
from cfdyn.errors import FormulaError, UsageError, shown
from cfdyn.symbolic.derived import CircleMap, ExtendedMap, FieldMap, LiftedMap
from cfdyn.symbolic.loss import LossSpec, merged, natural_order, shortened, split_names
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.text.formula import AsSystem, Formula, check_names, formula
from cfdyn.tape.program import Node

TIME = "t"  # its name in the formulas of a flow
USUAL_VARIABLE = re.compile(r"[uvwxyz]_?\d*", re.ASCII)


@dataclass(frozen=True)
class LossMap:
    """One optimizer step on a loss; the state is (weights, per-weight states, shared states).

    If loss and optimizer have a parameter of the same name, that of the optimizer is called ``optimizer_…``.
    """

    loss: LossSpec
    optimizer: Optimizer
    observed = property(attrgetter("loss"))
    data = property(attrgetter("loss.table"))
    n_weights = property(lambda self: len(self.loss.variables))

    def __post_init__(self) -> None:
        self.optimizer.beside(self.loss.params)  # which refuses equal names

    @cached_property
    def names(self) -> tuple[str, ...]:
        return (*self.loss.variables, *self.optimizer.state_names(self.loss))

    @cached_property
    def rest(self) -> tuple[float, ...]:
        return self.optimizer.initial_state(self.loss)

    @cached_property
    def params(self) -> dict[str, float]:
        own = self.optimizer.beside(self.loss.params)
        return {**self.loss.params, **{own[name]: value for name, value in self.optimizer.params.items()}}

    def at(self, params: Mapping[str, float]) -> LossMap:
        merged(self.params, params, "parameter of the map")
        loss = {k: v for k, v in params.items() if k in self.loss.params}
        optimizer = {k: params[name] for k, name in self.optimizer.beside(self.loss.params).items() if name in params}
        return LossMap(self.loss.at(**loss), self.optimizer.at(**optimizer))

    @property
    def switching(self) -> tuple[Node, ...]:
        return (*self.loss.switching, *self.optimizer.switching)

    @cached_property
    def key(self) -> str:
        return f"loss {self.loss.key} / optimizer {self.optimizer.key}"

    @property
    def title(self) -> str:
        return f"{self.optimizer} on {self.loss.title}"


@dataclass(frozen=True)
class FormulaMap:
    """x → f(x), with one formula for each entry of the state."""

    formulas: tuple[Formula, ...]
    names: tuple[str, ...]
    params: Mapping[str, float]

    data = None
    observed = None
    rest: tuple[float, ...] = ()
    n_weights = property(lambda self: len(self.names))

    @cached_property
    def switching(self) -> tuple[Node, ...]:
        return tuple(s for f in self.formulas for s in f.switching)

    def at(self, params: Mapping[str, float]) -> FormulaMap:
        return FormulaMap(self.formulas, self.names, merged(self.params, params, "parameter of the map"))

    @cached_property
    def key(self) -> str:
        return f"map {[f.key for f in self.formulas]}|{self.names}|{tuple(self.params)}"

    @property
    def title(self) -> str:
        return shortened("; ".join(f"{n} → {f.text.strip()}" for n, f in zip(self.names, self.formulas, strict=True)))


@dataclass(frozen=True)
class ComposedMap:
    """The parts applied in turn, the first one first; made by `compose_specs`.

    ``renamed`` maps, for each part, the names of its parameters to those in the composition; ``observed`` is the loss that is
    evaluated along an orbit, if all parts share one.
    """

    parts: tuple[Any, ...]
    renamed: tuple[dict[str, str], ...]
    observed: LossSpec | None = None
    names = property(lambda self: self.parts[0].names)
    n_weights = property(lambda self: self.parts[0].n_weights)
    rest = property(lambda self: self.parts[0].rest)

    def __post_init__(self) -> None:
        first = self.parts[0]
        for part in self.parts[1:]:
            if part.names != first.names:
                raise UsageError(f"maps with the states {first.names} and {part.names} cannot be composed")
        tables = {id(p.data): p.data for p in self.parts if p.data is not None}
        if len(tables) > 1:
            raise UsageError("maps whose losses read different data tables cannot be composed")

    @cached_property
    def params(self) -> dict[str, float]:
        """Parameters of all parts under their names in the composition."""
        pairs = zip(self.parts, self.renamed, strict=True)
        return {new: part.params[old] for part, names in pairs for old, new in names.items()}

    @property
    def switching(self) -> tuple[Node, ...]:
        return tuple(s for part in self.parts for s in part.switching)

    @property
    def data(self) -> Any:
        """The data table that the parts share, or that the loss is measured on, or None."""
        tables = [*(p.data for p in self.parts), None if self.observed is None else self.observed.table]
        return next((table for table in tables if table is not None), None)

    def at(self, params: Mapping[str, float]) -> ComposedMap:
        merged(self.params, params, "parameter of the map")
        parts = tuple(
            part.at({old: params[new] for old, new in names.items() if new in params})
            for part, names in zip(self.parts, self.renamed, strict=True)
        )
        observed = self.observed and self.observed.at(**{k: v for k, v in params.items() if k in self.observed.params})
        return ComposedMap(parts, self.renamed, observed)

    @cached_property
    def key(self) -> str:
        parts = [(p.key, names) for p, names in zip(self.parts, self.renamed, strict=True)]
        return f"compose {parts} seen by {self.observed and self.observed.key}"

    @property
    def title(self) -> str:
        return shortened(" then ".join(part.title for part in self.parts))


def compose_specs(parts: Sequence[Any], observed: LossSpec | None = None) -> ComposedMap:
    """The parts in sequence as one map, which observes ``observed`` or the loss that they have in common.

    A parameter with one value in all parts keeps its name and stays one parameter; one whose values
    differ becomes ``lr_1``, ``lr_2``, … (numbered by part).
    """
    if not parts:
        raise UsageError("compose needs at least one map")
    values: dict[str, set[float]] = {}
    for part in parts:
        for name, value in part.params.items():
            values.setdefault(name, set()).add(value)
    renamed = tuple(
        {name: f"{name}_{i}" if len(values[name]) > 1 else name for name in part.params} for i, part in enumerate(parts, 1)
    )
    return ComposedMap(tuple(parts), renamed, observed or _common_loss(parts))


def _common_loss(parts: Sequence[Any]) -> LossSpec | None:
    """The loss, with one set of parameters and one table, that all parts share."""
    first = parts[0].observed
    if first is None or any(
        p.observed is None or p.observed.key != first.key or p.observed.params != first.params or p.data is not parts[0].data
        for p in parts
    ):
        return None
    return first


def make_map(
    formulas: AsSystem, variables: str | int | Sequence[str] | None,
    params: Mapping[str, float] | None, what: str = "map",
) -> FormulaMap:  # fmt: skip
    """A FormulaMap from text, one formula for each variable; ``what``: a map or a flow, for messages.

    For a flow ``t`` is the time, unless it is a parameter or a variable with a formula of its own.
    """
    if isinstance(formulas, str) and ";" in formulas:
        formulas = formulas.split(";")
    if inspect.isfunction(formulas):
        from cfdyn.symbolic.traced import traced

        formulas, variables, params = traced(formulas, split_names(variables), params)
    params = converted("params", {} if params is None else params, Mapping[str, float])
    try:
        given = (formulas,) if isinstance(formulas, str) or _expression(formulas) else tuple(formulas)  # type: ignore
    except TypeError:
        given = ()
    if not given:
        raise FormulaError(f"a {what} needs one formula for each variable, not {shown(formulas)}")
    read = tuple(formula(f) for f in given)
    used = {name for f in read for name in f.names}
    names = split_names(variables) or natural_order(sorted(used - set(params)))
    timed = what == "flow" and TIME not in params and len(set(names) - {TIME}) == len(read)
    names, used = [name for name in names if not (timed and name == TIME)], used - {TIME} if timed else used
    if variables and len(names) < len(read):
        raise FormulaError(f"a {what} needs one formula for each variable, not {_mismatch(len(read), names, True)}")
    check_names(name for name in (*names, *params) if name not in used)
    for name in natural_order(sorted(set(names) & set(params))):
        raise UsageError(f"{name!r} cannot be a variable and a parameter at once")
    for name in natural_order(sorted(used - set(names) - set(params))):
        raise FormulaError(f"the name {name!r} in the {what} has no value; give one, such as `params={{{name!r}: 1}}`")
    if not names:
        raise FormulaError(f"the {what} has no variables: its formulas are constants; name one for each, such as `variables='x'`")
    if len(names) != len(read):
        raise FormulaError(f"a {what} needs one formula for each variable, not {_mismatch(len(read), names, bool(variables))}")
    return FormulaMap(read, tuple(names), merged(dict(params), params, f"parameter of the {what}"))


def _expression(given: Any) -> bool:
    """True for one expression of SymPy, and not for a matrix of them."""
    return hasattr(given, "free_symbols") and not hasattr(given, "__len__")


def _mismatch(count: int, names: Sequence[str], given: bool) -> str:
    """Too many or too few formulas, and what to do."""
    kind = "variable" if given else "name"
    what = f"{count} formula{'s' * (count != 1)} for the {kind}{'s' * (len(names) != 1)} {', '.join(names)}"
    if given and len(names) > count:
        return f"{what}; write one for each, such as `formulas={['…'] * len(names)!r}`"
    if len(names) > count:
        likely = next((name for name in names if not USUAL_VARIABLE.fullmatch(name)), names[0])
        return f"{what}; give each that is a parameter a value, such as `params={{{likely!r}: 1}}`"
    return f"{what}; name the others too, such as `variables='x y'`"


MapSpec = LossMap | FormulaMap | ComposedMap | LiftedMap | ExtendedMap | CircleMap | FieldMap
