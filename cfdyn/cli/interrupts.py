"""Ctrl-C and other signals that end the program: in order if that is soon, otherwise at once.

Python sees a signal only between two of its own instructions, and compiling takes seconds without one. So a thread also waits for
signals; code that runs that long holds no lock that would stop the thread.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cfdyn.machine import beginning, unfinished

GRACE, PATIENCE = 0.5, 5.0  # seconds for an end in order; the same once there is something to write
_ENDS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_ending = threading.Lock()
_received = [signal.SIGINT]
_asked: list[bool] = []
_grace, _words = [GRACE], [beginning.WORDS]


def watch() -> None:
    """From now on each of these signals is an interrupt, and ends the program half a second later."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in _ENDS[1:]:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(reading,), daemon=True).start()


def _interrupt(number: int, frame: Any) -> None:
    _received[0] = signal.Signals(number)
    handler = signal.getsignal(signal.SIGINT)  # which waits while numba compiles
    (handler if callable(handler) else signal.default_int_handler)(number, frame)


def _wait(reading: int) -> None:
    number = 0
    while number not in _ENDS:
        (number,) = os.read(reading, 1)
    _asked.append(True)
    _received[0] = signal.Signals(number)
    time.sleep(_grace[0])
    end()


def asked() -> bool:
    """True after a signal: later failures may be due to removed files and helpers."""
    return bool(_asked)


def patience() -> None:
    """From now on there is a partial result that is written after an interrupt, which takes a moment."""
    _grace[0] = PATIENCE


@contextmanager
def finishing() -> Iterator[None]:
    """A context in which no other thread ends the program."""
    with _ending:
        yield


def words(text: str) -> None:
    """The words shown at the end."""
    _words[0] = text


def end() -> None:
    """Report the interrupt, remove temporary files, and end with 128 + the signal: 130 for Ctrl-C."""
    if not _ending.acquire(blocking=False):  # the other thread is about to
        return time.sleep(60)
    unfinished.drop()
    with suppress(OSError, ValueError):
        begin = "\r\x1b[2K" if sys.stderr.isatty() else ""  # progress may stand there
        print(f"{begin}cfdyn: {_words[0]}", file=sys.stderr, flush=True)
    # Python forgets the status if the interrupt fell into code run from a string, as imports do.
    os._exit(128 + _received[0])
