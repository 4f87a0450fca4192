"""Processes that compute for a page: one that makes scenes, and one for each job, killed when it is cancelled or late."""

from __future__ import annotations

import json
import pickle
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import count
from typing import Any

from cfdyn.errors import CfdynError, UsageError
from cfdyn.explorer.question import Question
from cfdyn.machine.workers import Process
from cfdyn.systems.loss import Loss
from cfdyn.systems.map import Map

MODULE = "cfdyn.explorer.worker"
SCENE_SECONDS, JOB_SECONDS = 30.0, 600.0
MOST_JOBS, MOST_KEPT, MOST_WAITING = 2, 16, 16


class Busy(CfdynError):
    """So much is computed already that no more is begun."""


class Worker:
    """A process that is asked one thing at a time."""

    def __init__(self) -> None:
        self.lines: queue.Queue[tuple[Process, str | None]] = queue.Queue()
        self.process = Process(MODULE, self.lines)

    def ask(self, request: str, seconds: float, say: Callable[[str], None] = lambda words: None) -> dict[str, Any]:
        """{"answer": …} or {"error": sentence}; it is gone if it is late."""
        self.process.ask(0, request)
        last = time.monotonic() + seconds
        while True:
            try:
                _, line = self.lines.get(timeout=max(0.0, last - time.monotonic()))
            except queue.Empty:
                self.end()
                return {"error": f"stopped after {seconds:g} s, the most that a page may ask for"}
            if line is None:
                return {"error": f"its process {self.process.how()}"}
            message = json.loads(line)
            if "progress" not in message:
                return message
            say(message["progress"])

    def end(self) -> None:
        """It is gone when this returns."""
        self.process.end()


class Job:
    """One computation in a process of its own. ``state``: running, done, failed or cancelled."""

    def __init__(self, request: str):
        self.state, self.words, self.result = "running", "starting", dict[str, Any]()
        self.worker = Worker()
        threading.Thread(target=self._run, args=(request,), daemon=True).start()

    def _run(self, request: str) -> None:
        found = self.worker.ask(request, JOB_SECONDS, self._say)
        if self.state == "running":
            self.result, self.state = found, "failed" if "error" in found else "done"
        self.worker.end()

    def _say(self, words: str) -> None:
        self.words = words

    def cancel(self) -> None:
        """End its process, unless it is done."""
        if self.state == "running":
            self.state = "cancelled"
            self.worker.end()

    def tell(self) -> dict[str, Any]:
        """For the page."""
        return {"state": self.state, "progress": self.words, **self.result}


class Computing:
    """All that the pages of a server have computed; ``own``: the loss or map that it was started with, shown over ``ranges``."""

    def __init__(self, own: Loss | Map | None, ranges: Mapping[str, Any]):
        self.own, self.ranges = pickle.dumps(own).hex(), {name: list(pair) for name, pair in ranges.items()}
        self.jobs: dict[int, Job] = {}
        self._numbers, self._turn, self._waiting, self._lock = count(1), threading.Lock(), 0, threading.Lock()
        self._scenes = Worker()

    def _request(self, task: str, question: Question, **more: Any) -> str:
        ranges = {} if question.formula else self.ranges
        return json.dumps({"task": task, "question": asdict(question), "own": self.own, "ranges": ranges, **more})

    def scene(self, question: Question) -> dict[str, Any]:
        """{"answer": scene} or {"error": sentence}, one after the other in a process that is kept."""
        with self._lock:
            if self._waiting >= MOST_WAITING:
                raise Busy("too many pages are asked for at once; try again")
            self._waiting += 1
        try:
            with self._turn:
                if self._scenes.process.process.poll() is not None:
                    self._scenes = Worker()
                return self._scenes.ask(self._request("scene", question), SCENE_SECONDS)
        finally:
            with self._lock:
                self._waiting -= 1

    def begin(self, task: str, question: Question, period: int, over: Any = None) -> int:
        """The number of a new job."""
        with self._lock:
            if sum(job.state == "running" for job in self.jobs.values()) >= MOST_JOBS:
                raise Busy(f"{MOST_JOBS} computations are running; cancel one or wait")
            while len(self.jobs) >= MOST_KEPT:
                del self.jobs[next(number for number, job in self.jobs.items() if job.state != "running")]
            number = next(self._numbers)
            self.jobs[number] = Job(self._request(task, question, period=period, over=over))
            return number

    def job(self, number: int) -> Job:
        """By its number; a UsageError if there is none."""
        if number not in self.jobs:
            raise UsageError("there is no such computation any more")
        return self.jobs[number]

    def end(self) -> None:
        """All processes are gone when this returns."""
        for job in [*self.jobs.values()]:
            job.cancel()
        self._scenes.end()
