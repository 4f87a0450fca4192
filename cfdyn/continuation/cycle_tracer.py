"""What the systems of cycles have in common: points, free parameters, and the functions at whose zeros the map is not smooth."""

from __future__ import annotations

import numpy as np

from cfdyn.continuation.tracer import Tracer
from cfdyn.systems.map import Map


class CycleTracer(Tracer):
    """Unknowns: ``n`` blocks of ``stride`` entries, the first D = ``d`` of each a point; the parameters ``names`` at the end.

    The last ``watched`` = n · ``switches`` tests are the switching functions at the points.
    """

    step: Map
    n: int
    d: int
    stride: int
    switches: int
    names: tuple[str, ...]

    def points(self, z: np.ndarray) -> np.ndarray:
        """The points (…, n, D) in unknowns (…, m)."""
        blocks = z[..., : self.n * self.stride].reshape(*z.shape[:-1], self.n, self.stride)
        return np.ascontiguousarray(blocks[..., : self.d])

    def map_at(self, z: np.ndarray) -> Map:
        """The map with the parameters in unknowns (m,)."""
        values = z[-len(self.names) :]
        return self.step.at(**{name: float(value) for name, value in zip(self.names, values, strict=True)})

    def switching(self, solution_values: np.ndarray) -> np.ndarray:
        """Of a solution's values the switching functions at the points, (n · switches,)."""
        return solution_values[self.width - self.watched :]
