"""A user's functions on a matrix-free branch: the interface for `branch.functions` and `branch.function_zeros`."""

from typing import Any

import numpy as np

from cfdyn.continuation._kernels.driver import Curve
from cfdyn.continuation.between_rows import Between
from cfdyn.continuation.branch.function_zeros import Zero, nearest_stops, stop_words, zero_fields, zeros
from cfdyn.continuation.branch.functions import Functions
from cfdyn.continuation.matrix_free.events import Event, Row, between
from cfdyn.continuation.matrix_free.system import Place, System
from cfdyn.continuation.tracer import Solution
from cfdyn.errors import NumericsError


class Watched:
    """Rows of a branch for `Functions`: their values are the multipliers, the largest modulus first."""

    def __init__(self, system: System, rows: list[Row]):
        self.system, self.rows, self.bounds = system, rows, system.bounds
        self.step, self.parameter = system.steps.step, system.steps.parameter
        self.count = max((len(row.spectrum.values) for row in rows), default=0)
        self.table = Curve(np.array([row.z for row in rows]), np.array([row.tangent for row in rows]),
                           np.array([self._sorted(row.spectrum.values) for row in rows]))  # fmt: skip

    def _sorted(self, values: np.ndarray) -> np.ndarray:
        ordered = np.full(self.count, np.nan, dtype=complex)
        order = np.argsort(-np.abs(values), kind="stable")[: self.count]
        ordered[: len(order)] = values[order]
        return ordered

    def points(self, z: np.ndarray) -> np.ndarray:
        """The points (rows, n, D) in unknowns (rows, D + 1)."""
        steps = self.system.steps
        if steps.n == 1:
            return z[:, None, :-1]
        return np.array([steps.at(row[:-1], float(row[-1])).points for row in z])

    def multipliers(self, values: np.ndarray) -> np.ndarray:
        """The computed multipliers, (rows, K)."""
        return values

    def way(self, k: int) -> Between:
        """Solutions between a row and the next."""
        place_at = between(self.system, self.rows[k], self.rows[k + 1])

        def solution(t: float) -> Solution | None:
            place: Place | None = place_at(t)
            return None if place is None else Solution(place.z, place.z, self._sorted(self.system.spectrum(place).values))

        return solution

    def row(self, zero: Zero) -> Row:
        """A zero as a row."""
        if not zero.share:
            return self.rows[zero.row]
        place = between(self.system, self.rows[zero.row], self.rows[zero.row + 1])(zero.share)
        place = place and self.system.with_tangent(place, self.rows[zero.row].tangent)
        if place is None:
            raise NumericsError(f"there is no solution at the zero of {zero.name}")
        return Row(place, self.system.spectrum(place)).without_vectors()


def with_functions(
    system: System, rows: list[Row], events: list[Event], ends: tuple[str, str], start: int, functions: Functions
) -> tuple[list[Row], list[Event], tuple[str, str], int, dict[str, Any]]:  # fmt: skip
    """Rows, special points, ends and start up to the stops, and the fields of the record about the functions."""
    watched = Watched(system, rows)
    known = dict.fromkeys(("mu", "modulus", "angle"), watched.count)
    functions.require_multipliers(known)
    hits, said = zeros(watched, watched.table, functions, watched.way), list(ends)
    after, before = nearest_stops(hits, functions, start)
    if after is not None:
        rows = [*rows[: after.row + (after.share > 0)], watched.row(after)]
        events, hits = _until(events, after), _until(hits, after)
        said[1] = stop_words(watched, functions, after)
    if before is not None:
        rows, start = [watched.row(before), *rows[before.row + 1 :]], start - before.row
        events, hits = _from(events, before), _from(hits, before)
        said[0] = stop_words(watched, functions, before)
    seen = Watched(system, rows)
    return rows, events, (said[0], said[1]), start, {
        "functions": functions.texts, "stops": list(functions.stops), "quantities": functions.along(seen, seen.table),
        "zeros": [zero_fields(watched, zero, functions) for zero in hits],
    }  # fmt: skip


def _until(these: list[Any], zero: Zero) -> list[Any]:
    return [s for s in these if (s.row, s.share) <= (zero.row, zero.share)]


def _from(these: list[Any], zero: Zero) -> list[Any]:
    return [s._replace(row=s.row - zero.row) for s in these if (s.row, s.share) >= (zero.row, zero.share)]
