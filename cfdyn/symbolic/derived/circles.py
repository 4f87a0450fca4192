"""A map some of whose entries are angles: they count modulo a period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cfdyn.symbolic.derived.derived import DerivedMap
from cfdyn.tape.program import Node, Tape
from cfdyn.tape.rebuild import rebuild


@dataclass(frozen=True)
class CircleMap(DerivedMap):
    """The base with the entries named in ``periods`` brought back, after each step, into [cut·P, cut·P + P).

    ``unrolled``: the floors of the base only take whole periods off, and are left out; ``steady``: whether the map repeats
    with these periods for other parameters too. Made and checked by `cfdyn.symbolic.angles.circle_map`.
    """

    periods: Mapping[str, float]
    unrolled: bool = False
    steady: bool = True
    cut: float = 0.0

    @property
    def switching(self) -> tuple[Node, ...]:
        """The functions at whose zeros the base changes its branch; none of what only wraps."""
        return () if self.unrolled else self.base.switching

    @cached_property
    def key(self) -> str:
        """Identifies the compiled code."""
        return f"{self.periods} {self.unrolled} {self.cut} around {self.base.key}"

    @property
    def title(self) -> str:
        """For messages and tables."""
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
