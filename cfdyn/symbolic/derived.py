"""Maps derived from another map: with angles, with parameters as states, or lifted to the centre and swing of an oscillation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
from typing import Any, ClassVar, Self

from cfdyn.errors import UsageError, unknown
from cfdyn.symbolic.loss import merged, shortened
from cfdyn.tape.program import Node, Tape
from cfdyn.tape.rebuild import rebuild

# For each kind of lift what the names of the entries behind the centre begin with.
LIFTS: Mapping[str, str] = {"rod": "delta", "edge": "swing"}


@dataclass(frozen=True)
class DerivedMap:
    """A map that takes every attribute that it does not define itself from its ``base``."""

    base: Any
    # As of `cfdyn.symbolic.maps.LossMap`; ``rest`` is None where a start needs the state behind the weights.
    names: ClassVar = property(attrgetter("base.names"))
    n_weights: ClassVar = property(attrgetter("base.n_weights"))
    rest: ClassVar = property(attrgetter("base.rest"))
    params: ClassVar = property(attrgetter("base.params"))
    observed: ClassVar = property(attrgetter("base.observed"))
    data: ClassVar = property(attrgetter("base.data"))
    switching: ClassVar = property(attrgetter("base.switching"))

    def at(self, params: Mapping[str, float]) -> Self:
        return replace(self, base=self.base.at(params))


@dataclass(frozen=True)
class ExtendedMap(DerivedMap):
    """(z, α) → (f(z; α), α), the last states being the parameters in ``moved``: its derivatives are those in z and α together."""

    moved: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.moved:
            if name not in self.base.params:
                raise unknown("parameter of the map", name, self.base.params)
        if len(set(self.moved)) < len(self.moved):
            raise UsageError(f"the parameters must be distinct, not {', '.join(self.moved)}")

    # The loss may depend on a parameter that has become a state; a reader of the whole orbit needs the base.
    observed = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        return (*self.base.names, *self.moved)

    @property
    def rest(self) -> tuple[float, ...] | None:
        return None if self.base.rest is None else (*self.base.rest, *(self.base.params[name] for name in self.moved))

    @cached_property
    def params(self) -> dict[str, float]:
        return {name: value for name, value in self.base.params.items() if name not in self.moved}

    def at(self, params: Mapping[str, float]) -> ExtendedMap:
        merged(self.params, params, "parameter of the map")
        return super().at(params)

    @property
    def key(self) -> str:
        return f"{self.moved} as states of {self.base.key}"

    @property
    def title(self) -> str:
        return shortened(f"{self.base.title} with {', '.join(self.moved)} as states")


@dataclass(frozen=True)
class LiftedMap(DerivedMap):
    """A map z → f(z) in coordinates of the centre of its oscillation; ``kind`` "rod" or "edge", as in `cfdyn.systems.lifts`.

    The state is the centre, followed by the swing about it. A start must include the swing: weights alone are not a start. The
    loss is evaluated at the centre.
    """

    kind: str

    rest = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        return (*self.base.names, *(f"{LIFTS[self.kind]}_{name}" for name in self.base.names))

    @property
    def key(self) -> str:
        return f"{self.kind} lift of {self.base.key}"

    @property
    def title(self) -> str:
        return shortened(f"{self.kind} lift of {self.base.title}")


@dataclass(frozen=True)
class FieldMap:
    """z → z + F(z) of the right-hand side of a smooth flow: its fixed points are the equilibria of the flow."""

    flow: Any
    names: ClassVar = property(attrgetter("flow.names"))
    n_weights: ClassVar = property(lambda self: len(self.flow.names))
    params: ClassVar = property(attrgetter("flow.params"))
    data: ClassVar = property(attrgetter("flow.data"))
    switching: ClassVar = property(attrgetter("flow.map.switching"))
    observed: ClassVar[Any] = None
    rest: ClassVar[tuple[float, ...]] = ()

    def at(self, params: Mapping[str, float]) -> FieldMap:
        return replace(self, flow=self.flow.at(params))

    @property
    def key(self) -> str:
        return f"field of {self.flow.key}"

    @property
    def title(self) -> str:
        return shortened(f"equilibria of {self.flow.title}")


@dataclass(frozen=True)
class CircleMap(DerivedMap):
    """The base with the entries named in ``periods`` reduced, after each step, to [cut·P, cut·P + P).

    ``unrolled``: the floors of the base only subtract whole periods, and are omitted; ``steady``: whether the map has these
    periods for other parameters too. Made and checked by `cfdyn.symbolic.programs.angles.circle_map`.
    """

    periods: Mapping[str, float]
    unrolled: bool = False
    steady: bool = True
    cut: float = 0.0

    @property
    def switching(self) -> tuple[Node, ...]:
        return () if self.unrolled else self.base.switching

    @cached_property
    def key(self) -> str:
        return f"{self.periods} {self.unrolled} {self.cut} around {self.base.key}"

    @property
    def title(self) -> str:
        return f"{self.base.title} (mod {', '.join(f'{P:.6g} in {name}' for name, P in self.periods.items())})"

    def wrapped(self, tape: Tape, outputs: list[Node]) -> list[Node]:
        """The next state with its angles between the two ends of the cut circle."""
        result = list(outputs)
        for name, period in self.periods.items():
            k, whole, first = self.names.index(name), tape.exactly(period), tape.exactly(self.cut * period)
            turns = tape.apply("floor", tape.div(tape.sub(result[k], first), whole))
            result[k] = tape.sub(result[k], tape.mul(whole, turns))
        return result


def without_floors(tape: Tape, outputs: list[Node]) -> list[Node]:
    """The outputs with 0 in place of each floor."""
    return rebuild(tape, outputs, tape, expansions={"floor": lambda t, x: t.const(0)})
