"""Records of paths: the map of a record, also of a loaded one, and the continuation from ends where it ran out of steps."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import numpy as np

from cfdyn.errors import UsageError
from cfdyn.systems.map import Map
from cfdyn.systems.recipes import make_map_again

Followed = TypeVar("Followed", bound=Any)


class SpecialPoint(Protocol):
    """The part of a special point, a `cfdyn.analysis.bifurcations._branch.Bifurcation`, that switching branches needs."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def parameter(self) -> float: ...
    @property
    def points(self) -> np.ndarray: ...
    @property
    def period(self) -> int: ...
    @property
    def multipliers(self) -> np.ndarray: ...
    @property
    def tangent(self) -> np.ndarray: ...
    @property
    def critical(self) -> np.ndarray | None: ...
    @property
    def step(self) -> Map: ...


class WithMap:
    """A record with its map, also if it was loaded."""

    _step: Map | None
    provenance: dict

    @property
    def step(self) -> Map:
        """The map, with its parameters as they were at the start.

        UsageError: the record was loaded, and its map cannot be reconstructed from the saved data
        """
        return self._step or make_map_again(self.provenance.get("recipe"))


def extended(
    record: Followed, what: str, further: Callable[[Followed, int], Followed], rows: Sequence[str], special: Sequence[str],
    others: Callable[[Followed, Followed, int], dict[str, Any]] = lambda record, more, side: {},
) -> Followed:  # fmt: skip
    """A branch or curve, continued from those of its ends (0, 1) at which it ran out of steps.

    ``further`` makes the record of the continuation, which begins or ends with that end; ``rows``: names of the arrays with a row
    for each point; ``special``: names of lists of points with a place; ``others``: the fields that are joined in another way.

    UsageError: neither end ran out of steps
    """
    sides = [side for side in (0, 1) if record.paces[side] > 0]
    if not sides:
        raise UsageError(f"the {what} did not run out of steps; it ends: {'; '.join(record.ends)}")
    for side in sides:
        if not record.closed:
            more = further(record, side)
            record = replace(_joined(record, more, side, rows, special), **others(record, more, side))
    return record


def _joined(record: Followed, more: Followed, side: int, rows: Sequence[str], special: Sequence[str]) -> Followed:
    """Both as one record; they share a row. A closed one begins and ends at its start."""
    if more.closed:
        record = _cut(record, side, rows, special)
    first, second = (record, more) if side else (more, record)
    shift = len(first) - 1
    both = {name: np.concatenate([getattr(first, name)[:-1], getattr(second, name)]) for name in rows}
    points = {
        name: [*getattr(first, name), *(replace(s, place=s.place + shift) for s in getattr(second, name))] for name in special
    }
    ends, paces = (first.ends[0], second.ends[1]), (first.paces[0], second.paces[1])
    if more.closed:
        ends, paces = more.ends, more.paces
    return replace(record, **both, **points, ends=ends, paces=paces, closed=more.closed,
                   start=record.start + (0 if side else shift))  # fmt: skip


def _cut(record: Followed, side: int, rows: Sequence[str], special: Sequence[str]) -> Followed:
    """From its start to that end only."""
    first, last = (record.start, len(record)) if side else (0, record.start + 1)
    kept = {name: getattr(record, name)[first:last] for name in rows}
    points = {name: [replace(s, place=s.place - first) for s in getattr(record, name) if first <= s.place < last - 1]
              for name in special}  # fmt: skip
    return replace(record, **kept, **points, start=record.start - first)
