"""While machine code is made, which takes seconds the first time: that it is, for who tells a user, and that Ctrl-C waits."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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


class HeldInterrupts:
    """Ctrl-C between `begin` and `end` waits for the end.

    LLVM calls back through ctypes, which swallows exceptions: an interrupt there would leave a
    half-compiled function behind.
    """

    def __init__(self) -> None:
        self.depth, self.pending = 0, False
        self.previous: Any = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def begin(self) -> None:
        """Numba compiles; in the main thread alone signals are handled."""
        if threading.current_thread() is not threading.main_thread():
            return
        self.depth += 1
        if self.depth == 1:
            self.previous = signal.signal(signal.SIGINT, self._note)

    def end(self) -> None:
        """It has."""
        if threading.current_thread() is not threading.main_thread():
            return
        self.depth -= 1
        if self.depth == 0:
            self._restore()
            if self.pending:
                self.pending = False
                signal.raise_signal(signal.SIGINT)

    def _note(self, number: int, frame: Any) -> None:
        self.pending = True

    def _restore(self) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler if self.previous is None else self.previous)

    def _forget(self) -> None:
        """In a forked process nothing compiles, whatever another thread was about to do."""
        if self.depth:
            self.depth, self.pending = 0, False
            self._restore()
