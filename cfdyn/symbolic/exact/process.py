"""Run the algebra in a separate process, which can be stopped: SymPy has no time limits."""

import json
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from cfdyn.arguments import number
from cfdyn.errors import UsageError
from cfdyn.machine.fingerprints import fingerprint
from cfdyn.machine.shelf import Shelf
from cfdyn.machine.unfinished import helper, last_words

MODULE = "cfdyn.symbolic.exact.algebra.worker"
TOO_LATE = "it was stopped at the time limit"
NOT_STARTED = "the process for the algebra could not be started"
EARLY = "the process for the algebra ended early"
ENDED_EARLY = f"{EARLY}; it may have run out of memory"
OUT_OF_TIME = 75  # the worker's status then, where no signal ends it
_STATUS_IN_TIME = (OUT_OF_TIME, -getattr(signal, "SIGPROF", 0))
UNFINISHED = (TOO_LATE, NOT_STARTED, EARLY)


def checked_limit(seconds: Any) -> float:
    """A time limit, a positive number, else a UsageError."""
    limit = number("the time limit", seconds)
    if not limit > 0:
        raise UsageError(f"the time limit is a positive number of seconds, not {limit:g}")
    return limit


def answers(asked: dict[str, Any], time_limit: float) -> tuple[list[dict[str, Any]], str]:
    """(answers, one dict each; why some are missing, or ""), within ``time_limit`` seconds of processor time.

    If other processes use the processor too, this takes longer by the clock. An answer that did not reach the limit is kept
    between runs.
    """
    question = json.dumps(asked)
    kept = _shelf().read(question)
    if kept is not None:
        parts, reason = json.loads(kept)
        return parts, reason
    parts, reason = _ask(question, time_limit)
    if not reason.startswith(UNFINISHED):
        _shelf().write(question, json.dumps([parts, reason]).encode())
    return parts, reason


@cache
def _shelf() -> Shelf:
    return Shelf("exact", fingerprint(("symbolic",), ("sympy", "mpmath", "python-flint")))


_begun: list[tuple[float, subprocess.Popen[str]]] = []


@contextmanager
def begun(time_limit: float) -> Iterator[None]:
    """A process for the next question with this time limit, ended with this context; it needs a while to import SymPy."""
    with suppress(OSError):
        _begun.append((time_limit, _begin(time_limit)))
    try:
        yield
    finally:
        while _begun:
            _end(_begun.pop()[1])


# Not pebble's process: it executes a script without a main guard a second time, returns nothing before the end, and its limit
# is of the clock, not of the processor.
def _begin(time_limit: float) -> subprocess.Popen[str]:
    return helper(MODULE, str(time_limit), stdout=subprocess.PIPE, text=True, encoding="utf-8")


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _ask(question: str, time_limit: float) -> tuple[list[dict[str, Any]], str]:
    """The worker's answers; the worker is ended when this returns or raises, and ends by itself if this process ends."""
    ready = [_begun.pop() for _ in _begun[:1] if _begun[0][0] == time_limit]
    process = ready[0][1] if ready else _begin(time_limit)
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(question + "\n")
        process.stdin.flush()
        parts, reason = _collected(process.stdout)
        if reason == ENDED_EARLY:
            reason = TOO_LATE if process.wait() in _STATUS_IN_TIME else _with_its_words(reason, process)
        return parts, reason
    except OSError:
        return [], _with_its_words(NOT_STARTED, process)
    finally:
        _end(process)


def _with_its_words(reason: str, process: Any) -> str:
    """The reason, with the message of the process in place of a guess."""
    words = last_words(process)
    return f"{reason.partition(';')[0]}: {words}" if words else reason


def _collected(lines: Iterable[str]) -> tuple[list[dict[str, Any]], str]:
    parts: list[dict[str, Any]] = []
    for line in lines:
        if not line.endswith("\n"):  # it was cut off
            break
        message = json.loads(line)
        if "end" in message:
            return parts, message["end"]
        parts.append(message)
    return parts, ENDED_EARLY
