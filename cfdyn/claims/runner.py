"""Check many claims in processes of their own; what is finished is kept at once, whatever ends the run."""

import base64
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cfdyn.arguments import whole_number
from cfdyn.claims import kept
from cfdyn.claims.claim import Claim
from cfdyn.claims.sources import chosen
from cfdyn.claims.verdict import Verdict, judge, measurement
from cfdyn.machine import unfinished

LIMIT = 900.0  # seconds that a check may take
USUAL = 2.0  # seconds that a check takes whose time is not known
Say = Callable[[str], None]


def run(
    ids: Iterable[str] | None = None, source: str | None = None, processes: int | None = None, limit: float = LIMIT,
    anew: bool = False, progress: Say | None = None,
) -> list[Verdict]:  # fmt: skip
    """Verdicts on claims; what was measured before, with the same check and the same package, is not measured again.

    Parameters
    ----------
    ids : of the claims, such as "may1976.first_flip"; all if not given
    source : only the claims of this source, and those that its answers rest on
    processes : at once; as many as there are processors if not given
    limit : seconds that a check may take; one that takes longer is undecided
    anew : measure all of them again
    progress : called with what is done and how much time is left, in words

    Returns
    -------
    list of Verdict, in the order of the sources

    Raises
    ------
    UsageError : an id or a source that does not exist, or no positive number of processes

    Examples
    --------
    >>> import cfdyn as cf
    >>> [verdict.verdict for verdict in cf.claims.run(["may1976.first_flip"], processes=1)]
    ['reproduced']
    """
    if processes is not None:
        whole_number("processes", processes, 1)
    claims = chosen(ids, source)
    found = {claim.id: None if anew else kept.load(claim) for claim in claims}
    left = [claim for claim in claims if claim.measure and found[claim.id] is None]
    requests = {f"claim {claim.id}": _seconds(claim) for claim in left}
    for request, answer in _ask(requests, processes, limit, progress):
        found[request.partition(" ")[2]] = answer
    return [judge(claim, found[claim.id]) for claim in claims]


def draw(names: Iterable[str], processes: int | None = None, progress: Say | None = None) -> dict[str, bytes]:
    """Figures of sources as PNG, {"source.name": picture}; one that cannot be drawn is left out, and ``progress`` says so."""
    pictures = {name: kept.load_figure(*name.split(".", 1)) for name in dict.fromkeys(names)}
    missing = {f"figure {name}": 3 * USUAL for name, picture in pictures.items() if picture is None}
    for request, answer in _ask(missing, processes, LIMIT, progress):
        pictures[request.partition(" ")[2]] = base64.b64decode(answer.get("picture", "")) or None
        if progress and answer["undecided"]:
            progress(f"{request} could not be drawn: {answer['undecided']}")
    return {name: picture for name, picture in pictures.items() if picture is not None}


def _seconds(claim: Claim) -> float:
    from cfdyn.claims.record import on_record

    return on_record().get(claim.id, {}).get("seconds", USUAL)


class _Process:
    """A worker with what it is asked, and the thread that waits for its answers."""

    def __init__(self, answers: queue.Queue[tuple["_Process", str | None]]) -> None:
        self.process: subprocess.Popen[str] = unfinished.helper(
            "cfdyn.claims.worker", stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.request, self.since, self.late = "", 0.0, False
        threading.Thread(target=self._wait, args=(answers,), daemon=True).start()

    def _wait(self, answers: queue.Queue[tuple["_Process", str | None]]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith("\n"):  # else it was killed while it wrote
                answers.put((self, line))
        answers.put((self, None))

    def ask(self, request: str) -> None:
        """Send a request, without waiting."""
        assert self.process.stdin is not None
        self.request, self.since = request, time.monotonic()
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it has ended, and the thread says so

    def end(self) -> None:
        """It is gone when this returns."""
        self.process.kill()
        self.process.wait()


def _ask(requests: dict[str, float], processes: int | None, limit: float, progress: Say | None) -> Iterable[tuple[str, Any]]:
    """(request, answer) as they come, the longest first; ``requests``: with the seconds that each may take."""
    waiting = sorted(requests, key=lambda request: -requests[request])
    answers: queue.Queue[tuple[_Process, str | None]] = queue.Queue()
    workers: list[_Process] = []
    start = time.monotonic()
    done: dict[str, float] = {}
    try:
        for _ in range(min(len(waiting), processes or os.cpu_count() or 1)):
            workers.append(_Process(answers))
            workers[-1].ask(waiting.pop(0))
        while len(done) < len(requests):
            worker, line = _next(answers, workers, limit)
            if worker not in workers:  # another has taken its place
                continue
            request = worker.request
            if request:
                done[request] = time.monotonic() - worker.since
                yield request, json.loads(line) if line else _broken(worker, limit)
                if progress:
                    progress(_words(requests, done, time.monotonic() - start, request))
            if line is None:
                workers.remove(worker)
                if not waiting:
                    continue
                worker = _Process(answers)
                workers.append(worker)
            worker.request = ""
            if waiting:
                worker.ask(waiting.pop(0))
    finally:
        for worker in workers:
            worker.end()


def _next(answers: queue.Queue[Any], workers: Sequence[_Process], limit: float) -> tuple[_Process, str | None]:
    while True:
        for worker in workers:
            if worker.request and not worker.late and time.monotonic() - worker.since > limit:
                worker.late = True
                worker.end()
        gone = [worker for worker in workers if worker.process.poll() is not None]
        try:
            return answers.get(timeout=0.5)
        except queue.Empty:
            if gone:  # and what a check has started holds its stdout, so that it does not end
                return gone[0], None


def _broken(worker: _Process, limit: float) -> dict[str, Any]:
    if worker.late:
        return measurement({}, f"the check did not end within {limit:g} s", limit)
    return measurement({}, f"the check failed: its process ended with status {worker.process.wait()}", 0.0)


def _words(requests: dict[str, float], done: dict[str, float], passed: float, last: str) -> str:
    """How many are done, and the time left: what the others are expected to take, at the pace so far."""
    ahead = sum(seconds for request, seconds in requests.items() if request not in done)
    pace = passed / max(sum(requests[request] for request in done), 1e-9)
    return f"{len(done)} of {len(requests)} ({last.partition(' ')[2]}), about {ahead * pace:.0f} s left"
