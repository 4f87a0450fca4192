"""Compile in a second process the kernels that a path needs last: the loop over steps, then those that hold modes at an edge."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from cfdyn.integrate._kernels.steppers import methods, stepping
from cfdyn.machine import ahead
from cfdyn.machine.jit import DISABLED
from cfdyn.machine.kernel_cache import is_kept

MODULE = "cfdyn.integrate.compile_ahead"


# A first central flow, empty cache: 5 of 8 processor seconds remain for this process, 7 of 10.5 if it reaches the edge.
@contextmanager
def compiling_ahead(edge: bool) -> Iterator[None]:
    """A context in which a silent process fills the cache, if there are two processors and the loop is not cached."""
    with ahead.beside(ahead.started(MODULE, *(["edge"] if edge else [])) if _useful() else None):
        yield


def _useful() -> bool:
    loop: Any = stepping.advance
    return not (DISABLED or loop.overloads or is_kept(loop)) and ahead.useful()


def _advance_nothing() -> None:
    clock, numbers = methods.Clock.make(begun=1), np.zeros(3)  # a finished clock
    rules, counts = np.zeros(5, np.int64), np.zeros(2, np.int64)
    stepping.advance(
        0, rules, numbers, numbers, counts, clock.memory, numbers, numbers, numbers, *methods.memory_for(3, False),
        np.zeros((1, 2)), np.zeros((1, 8, 3)),
    )  # fmt: skip


def _at_edge() -> list[Any]:
    """The rules that a path needs once it reaches an edge, those that are called last first."""
    from cfdyn.integrate._kernels.edge import checks, forces
    from cfdyn.kernels.edge import modes

    return [forces.start, modes.renew, checks.project, forces.hold, forces.push, modes.follow, modes.turn_reference]


def main() -> None:
    """Compile one kernel after the other."""
    rules = _at_edge() if "edge" in sys.argv else []
    ahead.one_after_the_other([_advance_nothing, *(partial(getattr, rule, "compiled") for rule in rules)])


if __name__ == "__main__":
    main()
