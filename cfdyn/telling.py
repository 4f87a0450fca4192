"""``progress=True`` of any function: a line on stderr that changes while the function runs, and is taken away at its end."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

CLEAR = "\r\x1b[2K"  # the line that the cursor is in
FIRST, PACE = 0.4, 0.2  # seconds: before the first words, and between words; short calls say nothing
WIDE = 100  # characters


@contextmanager
def told(name: str) -> Iterator[Callable[..., None]]:
    """A function for ``progress`` that writes what it is called with: counts, "k of n", or words."""
    begun = time.monotonic()
    last = [begun + FIRST - PACE, 0.0]  # of the last words; whether there were any

    def tell(*done: Any) -> None:
        now = time.monotonic()
        if now - last[0] >= PACE:
            last[:] = now, 1.0
            sys.stderr.write(CLEAR + line(name, now - begun, done)[:WIDE])
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if last[1]:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()


def line(name: str, seconds: float, done: tuple) -> str:
    """One line of progress: of a message, a count, (k, n), or the numbers of boxes done and waiting with the seconds left.

    >>> line("basins", 7.3, (20000,)), line("windows", 61.0, (3, 24)), line("study", 2.0, ("minima",))
    ('basins [7 s] 20,000 done', 'windows [61 s] 3 of 24', 'study [2 s] minima')
    >>> line("no_cycles", 5.0, (800, 20, 1.4))
    'no_cycles [5 s] 800 done, 20 to do, about 1 s left'
    """
    if done and isinstance(done[0], str):
        return f"{name} [{seconds:.0f} s] {done[0]}".replace("\n", " ")
    if not done or any(k is None for k in done[:2]):
        return f"{name} [{seconds:.0f} s]"
    first, *others = (f"{k:,}" if isinstance(k, int) else f"{k:.3g}" for k in done[:2])
    if len(done) == 3:
        left = "" if done[2] is None else f", about {done[2]:.0f} s left"
        return f"{name} [{seconds:.0f} s] {first} done, {others[0]} to do{left}"
    return f"{name} [{seconds:.0f} s] {first} {f'of {others[0]}' if others else 'done'}"
