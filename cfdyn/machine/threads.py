"""Threads of which each takes the next block of work until none is left."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from queue import SimpleQueue

Block = tuple[int, int]
Take = Callable[[int, int], None]
Progress = Callable[[int], None]

LITTLE = 10_000_000  # operations, one or two milliseconds: to wake threads for less takes longer than it saves


def equal_parts(total: int, parts: int) -> list[int]:
    """Where so many parts begin, and the last one ends; fewer if there is less than one for each."""
    parts = max(1, min(parts, total))
    return [total * k // parts for k in range(parts + 1)]


class Team:
    """``size`` threads, begun where there is work for several, kept for more of it, and gone with the last who holds this."""

    def __init__(self, size: int):
        self.size = size
        self._pool: ThreadPoolExecutor | None = None

    def share(self, blocks: Iterable[Block], take: Take, progress: Progress | None = None, operations: float = math.inf) -> None:
        """``take(first, last)`` of all blocks; ``progress`` hears how much is done, in the thread that calls.

        It does all of them itself where they come to few ``operations``.
        What a thread raises is raised here; then, and after Ctrl-C, no other block is begun.
        """
        blocks = list(blocks)
        if self.size > 1 and len(blocks) > 1 and operations >= LITTLE:
            return self._together(blocks, take, progress)
        done = 0
        for first, last in blocks:
            take(first, last)
            done += last - first
            if progress:
                progress(done)

    def _together(self, blocks: list[Block], take: Take, progress: Progress | None) -> None:
        left, lock, over = iter(blocks), threading.Lock(), threading.Event()
        told: SimpleQueue[int | None] = SimpleQueue()

        def work() -> None:
            try:
                while True:
                    with lock:
                        block = None if over.is_set() else next(left, None)
                    if block is None:
                        return
                    take(*block)
                    told.put(block[1] - block[0])
            except BaseException:
                over.set()
                raise
            finally:
                told.put(None)

        self._pool = self._pool or ThreadPoolExecutor(self.size)
        working, done = [self._pool.submit(work) for _ in range(self.size)], 0
        try:
            for _ in working:
                while (count := told.get()) is not None:
                    done += count
                    if progress:
                        progress(done)
        finally:
            over.set()
            wait(working)
        for one in working:
            one.result()
