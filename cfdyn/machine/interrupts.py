"""Ctrl-C while numba compiles."""

import os
import signal
import threading
from typing import Any

from numba.core.event import Listener, register


class _HoldInterrupts(Listener):
    """Ctrl-C while numba compiles waits until it has finished.

    LLVM calls back through ctypes, which swallows exceptions: an interrupt there would leave a
    half-compiled function behind.
    """

    def __init__(self) -> None:
        self.depth, self.pending = 0, False
        self.previous: Any = None

    def on_start(self, event: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self.depth += 1
        if self.depth == 1:
            self.previous = signal.signal(signal.SIGINT, self._note)

    def on_end(self, event: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self.depth -= 1
        if self.depth == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler if self.previous is None else self.previous)
            if self.pending:
                self.pending = False
                signal.raise_signal(signal.SIGINT)

    def _note(self, number: int, frame: Any) -> None:
        self.pending = True

    def forget(self) -> None:
        """In a forked process nothing compiles, whatever another thread was about to do."""
        if self.depth:
            self.depth, self.pending = 0, False
            signal.signal(signal.SIGINT, signal.default_int_handler if self.previous is None else self.previous)


def hold_interrupts() -> None:
    """Let Ctrl-C wait from now on until numba has compiled."""
    held = _HoldInterrupts()
    register("numba:compiler_lock", held)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=held.forget)
