"""Processes that judge parts of large batches of boxes in parallel with the searching process."""

from __future__ import annotations

import base64
import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import numpy as np

from cfdyn.certify.boxes.judging import Judge, Question
from cfdyn.certify.boxes.solved import Solved
from cfdyn.machine.workers import Crew, serve, usual_number

FEW, MANY, LEAST = 128, 1024, 512  # boxes judged at once; boxes of a batch that is shared
SOON = 0.5  # seconds of processor time of a search before other processes are started
Judged = Callable[[np.ndarray, np.ndarray, Solved], tuple[np.ndarray, np.ndarray]]


class Helpers:
    """At most ``jobs`` processes including this one (default: the number of processors). The others start once a search takes
    long, and end with the context. Letters do not depend on which process computed them, so neither does any result.
    """

    def __init__(self, jobs: int | None = None):
        self.others, self.begun = usual_number(jobs) - 1, time.process_time()
        self.crew: Crew | None = None

    def __enter__(self) -> Helpers:
        return self

    def __exit__(self, *problem: object) -> None:
        if self.crew is not None:
            self.crew.end()

    def judge(self, question: Question) -> Judged:
        """A `Judge` that uses these processes."""
        own = Judge(question)

        @cache
        def text() -> str:
            return packed(question._replace(subject=replace(question.subject)))  # without its cached values

        def judged(lo: np.ndarray, hi: np.ndarray, solved: Solved) -> tuple[np.ndarray, np.ndarray]:
            if lo.shape[1] < LEAST or not self._called():
                return own(lo, hi, solved)
            return self._shared(own, text(), lo, hi, solved)

        return judged

    def _called(self) -> bool:
        """True once the other processes have started or are starting."""
        if self.crew is None and self.others > 0 and time.process_time() - self.begun > SOON:
            self.crew = Crew("cfdyn.certify.boxes.helping", self.others)
        return self.crew is not None

    def _shared(
        self, own: Judge, question: str, lo: np.ndarray, hi: np.ndarray, solved: Solved
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pieces of the batch, each judged by the next free process; pieces of a process that has died are judged here."""
        assert self.crew is not None
        cycles, parts = packed([list(cycle) for cycle in solved.cycles]), dict[int, tuple[np.ndarray, np.ndarray]]()
        sizes = dict(_pieces(lo.shape[1], self.others + 1))
        open_, asked = [*sizes][::-1], set[int]()

        def boxes(k: int) -> tuple[np.ndarray, np.ndarray]:
            return lo[:, k : k + sizes[k]], hi[:, k : k + sizes[k]]

        while open_ or asked:
            while open_ and self.crew.free():
                k = open_.pop()
                asked.add(k)
                self.crew.ask(k, f"{question} {cycles} {packed(boxes(k))}")
            if open_:
                k = open_.pop()
                parts[k] = own(*boxes(k), solved)
            for k, line in self.crew.answers(wait=bool(asked) and not open_):
                asked.discard(k)
                if line is None:
                    open_.append(k)
                else:
                    parts[k] = unpacked(line)
        letters, scores = zip(*(parts[k] for k in sizes), strict=True)
        return np.concatenate(letters), np.concatenate(scores, axis=1)


def _pieces(count: int, processes: int) -> Iterator[tuple[int, int]]:
    """(first, number) of the boxes of each piece: smaller ones towards the end, so that no process waits long for the others."""
    at = 0
    while at < count:
        size = min(MANY, max(FEW, (count - at) // (2 * processes)), count - at)
        yield at, size
        at += size


def packed(what: Any) -> str:
    """Text for another process of this package."""
    return base64.b64encode(pickle.dumps(what)).decode()


def unpacked(text: str) -> Any:
    """The object that was packed by the process at the other end of the pipe: no data of a user or a file arrives here."""
    return pickle.loads(base64.b64decode(text))


@lru_cache(maxsize=4)
def _judge(question: str) -> Judge:
    return Judge(Question(*unpacked(question)))


@lru_cache(maxsize=4)
def _solved(period: int, cycles: str) -> Solved:
    return Solved(period, unpacked(cycles))


def answer(request: str) -> str:
    """Letters and scores of some boxes."""
    question, cycles, boxes = request.split()
    judge, (lo, hi) = _judge(question), unpacked(boxes)
    return packed(judge(lo, hi, _solved(judge.tests.period, cycles)))


if __name__ == "__main__":
    serve(answer)
