"""What a check may cost: one budget for all that is computed in it, whoever computes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MOST_WORK = 5_000_000_000  # operations on intervals in arrays: minutes
CALL = 1000  # of these in the time that any operation on an array takes, however small that is
_SPENT: ContextVar[list[int] | None] = ContextVar("spent", default=None)


class TooLarge(Exception):
    """There is more to compute than a checker computes."""


@contextmanager
def budget() -> Iterator[None]:
    """What is charged in the block is counted, up to `MOST_WORK`."""
    token = _SPENT.set([0])
    try:
        yield
    finally:
        _SPENT.reset(token)


def charge(calls: int, size: int) -> None:
    """So many operations on arrays of that size are to come; a `TooLarge` where the budget does not hold them."""
    spent = _SPENT.get()
    if spent is not None:
        spent[0] += calls * (size + CALL)
        if spent[0] > MOST_WORK:
            raise TooLarge
