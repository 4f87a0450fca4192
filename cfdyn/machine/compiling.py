"""Whether machine code is being made, which takes seconds the first time: for those who tell a user what the wait is for."""

from collections.abc import Iterator
from contextlib import contextmanager

_under_way: list[None] = []  # one for each compilation, in whatever thread


def begin() -> None:
    """A compilation begins."""
    _under_way.append(None)


def end() -> None:
    """One of them ended."""
    if _under_way:
        _under_way.pop()


@contextmanager
def told() -> Iterator[None]:
    """Meanwhile something is compiled."""
    begin()
    try:
        yield
    finally:
        end()


def under_way() -> bool:
    """True while something is compiled in this process.

    >>> with told():
    ...     under_way()
    True
    >>> under_way()
    False
    """
    return bool(_under_way)
