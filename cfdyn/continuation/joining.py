"""A branch or a curve and what follows on one of its ends, as one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cfdyn.errors import UsageError


def sides_to_extend(record: Any, what: str) -> list[int]:
    """At which of its two ends (0, 1) a branch or curve ran out of steps.

    Raises
    ------
    UsageError : at none
    """
    sides = [side for side in (0, 1) if record.paces[side] > 0]
    if not sides:
        raise UsageError(f"the {what} did not run out of steps; it ends: {'; '.join(record.ends)}")
    return sides


def joined(record: Any, more: Any, side: int, rows: Sequence[str], special: str) -> dict[str, Any]:
    """The fields of both as one that are not those of ``record``; a row is in common. A closed one begins and ends at its start.

    ``rows``: names of the arrays with a row for each point; ``special``: that of the list of special points.
    """
    if more.closed:
        record = _cut(record, side, rows, special)
    first, second = (record, more) if side else (more, record)
    shift = len(first) - 1
    both: dict[str, Any] = {name: np.concatenate([getattr(first, name)[:-1], getattr(second, name)]) for name in rows}
    both[special] = [*getattr(first, special), *(replace(s, place=s.place + shift) for s in getattr(second, special))]
    ends, paces = (first.ends[0], second.ends[1]), (first.paces[0], second.paces[1])
    if more.closed:
        ends, paces = more.ends, more.paces
    return both | {"ends": ends, "paces": paces, "closed": more.closed, "start": record.start + (0 if side else shift)}


def _cut(record: Any, side: int, rows: Sequence[str], special: str) -> Any:
    """From its start to that end only."""
    first, last = (record.start, len(record)) if side else (0, record.start + 1)
    kept = {name: getattr(record, name)[first:last] for name in rows}
    points = [replace(s, place=s.place - first) for s in getattr(record, special) if first <= s.place < last - 1]
    return replace(record, **kept, **{special: points}, start=record.start - first)
