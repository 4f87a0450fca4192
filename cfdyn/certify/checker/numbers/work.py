"""The cost limit of a check: one budget for all computations in it, wherever they take place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MOST_WORK = 5_000_000_000  # operations on intervals in arrays: minutes
CALL = 1000  # of these per operation on an array, however small the array
_SPENT: ContextVar[list[int] | None] = ContextVar("spent", default=None)


class TooLarge(Exception):
    """The check needs more operations than the budget allows."""


@contextmanager
def budget() -> Iterator[None]:
    """A context in which operations are counted, up to `MOST_WORK`."""
    token = _SPENT.set([0])
    try:
        yield
    finally:
        _SPENT.reset(token)


def charge(calls: int, size: int) -> None:
    """Count ``calls`` operations on arrays of that size before they run; a `TooLarge` if they exceed the budget."""
    spent = _SPENT.get()
    if spent is not None:
        spent[0] += calls * (size + CALL)
        if spent[0] > MOST_WORK:
            raise TooLarge
