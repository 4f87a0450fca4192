"""A branch or a curve and what follows on one of its ends, as one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

Followed = TypeVar("Followed", bound=Any)


def joined(record: Followed, more: Followed, side: int, rows: Sequence[str], special: str) -> Followed:
    """Both as one; a row is in common. A closed one begins and ends at its start.

    ``rows``: names of the arrays with a row for each point; ``special``: that of the list of special points.
    """
    if more.closed:
        record = _cut(record, side, rows, special)
    first, second = (record, more) if side else (more, record)
    shift = len(first) - 1
    both = {name: np.concatenate([getattr(first, name)[:-1], getattr(second, name)]) for name in rows}
    points = [*getattr(first, special), *(replace(s, place=s.place + shift) for s in getattr(second, special))]
    ends, paces = (first.ends[0], second.ends[1]), (first.paces[0], second.paces[1])
    if more.closed:
        ends, paces = more.ends, more.paces
    return replace(record, **both, **{special: points}, ends=ends, paces=paces, closed=more.closed,
                   start=record.start + (0 if side else shift))  # fmt: skip


def _cut(record: Followed, side: int, rows: Sequence[str], special: str) -> Followed:
    """From its start to that end only."""
    first, last = (record.start, len(record)) if side else (0, record.start + 1)
    kept = {name: getattr(record, name)[first:last] for name in rows}
    points = [replace(s, place=s.place - first) for s in getattr(record, special) if first <= s.place < last - 1]
    return replace(record, **kept, **{special: points}, start=record.start - first)
