"""A map on numbers of any precision."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from cfdyn.arguments import whole_number
from cfdyn.machine.portable import Portable
from cfdyn.tape.evaluate import Algebra, Ready, mp_algebra


class PreciseMap(Portable):
    """A map in arbitrary precision: parameters and data are taken at their exact binary values.

    >>> import cfdyn as cf
    >>> step = cf.Map.from_text("r*x*(1-x)", params={"r": 3.5}).precise(30)
    >>> step([step.number(0.5)])
    [mpf('0.875')]
    """

    def __init__(self, step: Any, digits: int):
        self._map, self.digits = step, whole_number("digits", digits, 1, 10_000)

    @cached_property
    def algebra(self) -> Algebra:
        """Numbers of that many digits, and the functions of them."""
        return mp_algebra(self.digits)

    @cached_property
    def number(self) -> Callable[[Any], Any]:
        """The exact value of a float, as such a number."""
        return self.algebra.functions["number"]

    @cached_property
    def _ready(self) -> dict[str, Ready]:
        return {}

    @cached_property
    def _inputs(self) -> tuple[list, list]:
        data = self._map.spec.data
        table = [] if data is None else [[self.number(v) for v in row] for row in np.asarray(data).tolist()]
        return [self.number(v) for v in self._map.spec.params.values()], table

    def evaluate(self, what: str, z: Sequence) -> list:
        """Outputs of one of the map's programs at a state of mpmath numbers."""
        parameters, data = self._inputs
        if what not in self._ready:
            self._ready[what] = Ready(self._map._program(what), self.algebra, data)
        return self._ready[what](z, parameters)

    def __call__(self, z: Sequence) -> list:
        """f(z)."""
        return self.evaluate("step", z)
