"""Processes that answer requests, a line each; answers come as they are ready, whatever becomes of a process."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from cfdyn.machine import unfinished

GREETING, GREETED = -1, "are you there?"
AHEAD = 2  # requests of a crew that one process has at a time


class Answer(NamedTuple):
    """A line, or None with ``why`` there is none, and the seconds that it took."""

    line: str | None
    why: str
    seconds: float


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_serving: list[bool] = []  # one entry in a process that serves another


def usual_number(jobs: int | None) -> int:
    """Of processes at once: as asked, else one for each processor; but one where this process is itself one of several."""
    return jobs if jobs is not None else 1 if _serving else processors()


def time_left(seconds: Mapping[Any, float], done: Iterable[Any], passed: float) -> float:
    """Seconds until the rest is done at the pace so far; ``seconds``: that each was expected to take."""
    over = sum(seconds[key] for key in done)
    return (sum(seconds.values()) - over) * passed / max(over, 1e-9)


def asked(
    module: str, requests: Sequence[str], processes: int | None = None, limit: float = float("inf"),
    groups: Sequence[str] | None = None,
) -> Iterator[tuple[int, Answer]]:  # fmt: skip
    """(index, answer) of each request as they come, asked in their order; ``limit``: seconds that each may take.

    ``groups``: one for each request; a process continues with its group, then with one that no other is at, while there are such.
    ``module`` is run in each process, and calls `serve`. All of them are gone when this ends, however it ends.
    """
    waiting = _Waiting(groups or [str(k) for k in range(len(requests))])
    answers: queue.Queue[tuple[Process, str | None]] = queue.Queue()
    workers: list[Process] = []
    left = len(requests)

    def ask(worker: Process) -> None:
        index, worker.index = waiting.next(worker.index, [other.index for other in workers]), None
        if index is not None:
            worker.ask(index, requests[index])

    try:
        for _ in range(min(left, processes or processors())):
            workers.append(Process(module, answers))
            ask(workers[-1])
        while left:
            worker, line = _next(answers, workers, limit)
            if worker not in workers:  # another has taken its place
                continue
            index = worker.index
            if index is not None:
                left -= 1
                yield index, Answer(line, "" if line else worker.why(limit), time.monotonic() - worker.since)
            if line is None:
                workers.remove(worker)
                worker.end()
                if not waiting.left:
                    continue
                worker = Process(module, answers)
                workers.append(worker)
            ask(worker)
    finally:
        for worker in workers:
            worker.end()


class Crew:
    """Processes that run a module which calls `serve`, for as long as this is not ended; whoever asks goes on meanwhile.

    Each may be asked for one thing more than what it is at, so that it goes on at once.
    """

    def __init__(self, module: str, processes: int):
        self._queue: queue.Queue[tuple[Process, str | None]] = queue.Queue()
        self._over = False
        self._asked = {Process(module, self._queue): [GREETING] for _ in range(processes)}
        for worker in self._asked:
            worker.ask(GREETING, GREETED)

    def free(self) -> bool:
        """True if one has started and may be asked."""
        return self._freest() is not None

    def _freest(self) -> Process | None:
        started = [worker for worker, at in self._asked.items() if len(at) < AHEAD and GREETING not in at]
        return min(started, key=lambda worker: len(self._asked[worker]), default=None)

    def ask(self, index: int, request: str) -> None:
        """Send a request, by its index, to one that is free."""
        worker = self._freest()
        assert worker is not None
        self._asked[worker].append(index)
        worker.ask(index, request)

    def answers(self, wait: bool) -> list[tuple[int, str | None]]:
        """(index, answer) of what has been answered meanwhile, None where a process has ended; ``wait``: till something comes."""
        answers: list[tuple[int, str | None]] = []
        while True:
            try:
                worker, line = self._queue.get(block=wait)
            except queue.Empty:
                return answers
            wait = False
            if line is None:
                done = self._asked.pop(worker, [])
                if not self._over:
                    unfinished.warn_of(worker.process)
                worker.end()
            else:
                done = [self._asked[worker].pop(0)]
            answers += [(index, line) for index in done if index != GREETING]

    def end(self) -> None:
        """All of them are gone when this returns."""
        self._over = True
        for worker in self._asked:
            worker.end()


class _Waiting:
    """Requests that nobody has been asked yet, by their group in the order of the first of each."""

    def __init__(self, groups: Sequence[str]) -> None:
        self.groups, self.left = groups, dict[str, list[int]]()
        for index, group in enumerate(groups):
            self.left.setdefault(group, []).append(index)

    def next(self, last: int | None, at_work: Iterable[int | None]) -> int | None:
        """The next request for a process that was at ``last``, others being ``at_work``; None if there is none."""
        if not self.left:
            return None
        own = None if last is None else self.groups[last]
        taken = {self.groups[index] for index in at_work if index is not None and index != last}
        free = (group for group in self.left if group not in taken)
        group = own if own in self.left else next(free, None) or max(self.left, key=lambda group: len(self.left[group]))
        index = self.left[group].pop(0)
        if not self.left[group]:
            del self.left[group]
        return index


class Process:
    """A process with the request that it is at, and the thread that waits for its answers."""

    def __init__(self, module: str, answers: queue.Queue[tuple[Process, str | None]]) -> None:
        self.process: subprocess.Popen[str] = unfinished.helper(module, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        self.index: int | None = None
        self.since, self.late = 0.0, False
        self._reader = threading.Thread(target=self._wait, args=(answers,), daemon=True)
        self._reader.start()

    def _wait(self, answers: queue.Queue[tuple[Process, str | None]]) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):  # else it was killed while it wrote
                    answers.put((self, line))
        answers.put((self, None))

    def ask(self, index: int, request: str) -> None:
        """Send a request, without waiting."""
        assert self.process.stdin is not None
        self.index, self.since = index, time.monotonic()
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
        except (OSError, ValueError):
            pass  # it has ended, its pipe may be closed, and the thread says so

    def why(self, limit: float) -> str:
        """It gave no answer."""
        return f"did not end within {limit:g} s" if self.late else f"its process {self.how()}"

    def how(self) -> str:
        """It ended."""
        return unfinished.how_it_ended(self.process)

    def end(self) -> None:
        """It is gone when this returns."""
        assert self.process.stdin is not None
        self.process.kill()
        self.process.wait()
        with suppress(OSError):  # nobody reads what was still to be sent
            self.process.stdin.close()
        self._reader.join(unfinished.PATIENCE)  # not forever: what it has started may hold its stdout


def _next(answers: queue.Queue[Any], workers: Sequence[Process], limit: float) -> tuple[Process, str | None]:
    while True:
        for worker in workers:
            if worker.index is not None and not worker.late and time.monotonic() - worker.since > limit:
                worker.late = True
                worker.end()
        gone = [worker for worker in workers if worker.process.poll() is not None]
        try:
            return answers.get(timeout=0.5)
        except queue.Empty:
            if gone:  # and what it has started holds its stdout, so that it does not end
                return gone[0], None


def limit_memory(most: int) -> None:
    """From now on this process may take so many bytes in all, if the system knows limits and allows no less already."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def serve(answer: Callable[..., str], says: bool = False) -> None:
    """Answer lines of stdin on stdout until stdin ends, and end at once then: whoever asked is gone.

    ``says``: the function takes another one besides the request, which writes a line before the answer.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serving.append(True)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)  # what is called may print
    os.dup2(nothing, 0)  # and read, or close its stdin
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, lines), daemon=True).start()
    own = os.getpid()
    while True:
        asked_for = lines.get()
        further = (lambda line: print(line, file=answers, flush=True),) if says else ()
        answered = GREETED if asked_for == GREETED else answer(asked_for, *further)
        if os.getpid() != own:  # what was called has forked, and the copy of this process has nobody to answer
            os._exit(0)
        print(answered, file=answers, flush=True)


def _listen(requests: Iterable[str], lines: queue.Queue[str]) -> None:
    for line in requests:
        lines.put(line.strip())
    unfinished.drop()
    os._exit(0)
