"""The progress of a command, on stderr: a line that changes on a terminal, otherwise a line now and then."""

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cfdyn.cli.output import streams
from cfdyn.cli.output.screen import Say
from cfdyn.machine import compiling

NUMBER = r"\d[\d.,]*(?:e[+-]?\d+)?"
SHARE = re.compile(rf"({NUMBER}) of ({NUMBER})")
AT_ONCE, TICK = 0.4, 0.2  # seconds: before the first words on a terminal, and from then on
READ = 0.05  # seconds from one look at the words to the next
FIRST, PACE, SLOWER = 2.0, 10.0, 20  # without one; a long wait has a line each 20th part of it
_is_program = [False]


def begin_program() -> None:
    """From now on progress is also shown without a terminal; a caller of ``main`` in Python gets none."""
    _is_program[0] = True


class Progress:
    """The current work, its start, and the remaining time.

    Words that contain "k of n" determine the time left, from the pace since the words first differed only in their numbers; if
    there are several, the last counts, and the time left is that of a stage.
    """

    def __init__(self, words: str, now: float):
        self.begun, self.ends = now, 0.0
        self._said, self._read = (words, now), ("", now)
        self._kind, self._first, self._last, self._what = "", (now, 0.0), 0.0, ""

    def say(self, words: str, now: float) -> None:
        """Set the current work; words in quick succession are evaluated only now and then."""
        self._said = (words, now)
        if now - self._read[1] >= READ:
            self._look()

    def _look(self) -> None:
        words, now = self._said
        if words is self._read[0]:
            return
        self._read, self.ends = (words, now), 0.0
        shares = SHARE.findall(words)
        share = _share(*shares[-1]) if shares else None
        self._what = " of this stage" if len(shares) > 1 else ""
        kind = "" if share is None else re.sub(NUMBER, "", words)
        if share is None or kind != self._kind or share < self._last:
            self._kind, self._first = kind, (now, share or 0.0)
        self._last = share or 0.0
        since, first = self._first
        if share is not None and share > first:
            self.ends = now + (now - since) * (1 - share) / (share - first)

    def line(self, now: float) -> str:
        """Elapsed time, current work, time left.

        >>> about = Progress("study", 0.0)
        >>> about.say("10 of 100 cells", 1.0); about.say("30 of 100 cells", 3.0); about.line(4.0)
        '[4 s, about 6 s left] 30 of 100 cells'
        """
        self._look()
        words = self._said[0]
        known = self.ends > now and not words.endswith(" left")
        left = f", about {duration(self.ends - now)}{self._what} left" if known else ""
        return f"[{duration(now - self.begun)}{left}] {words}{'; compiling, once' if compiling.under_way() else ''}"


def _share(done: str, total: str) -> float | None:
    """The finished fraction, if there is one."""
    try:
        k, n = float(done.replace(",", "")), float(total.replace(",", ""))
    except ValueError:
        return None
    return k / n if 0 <= k <= n and n > 0 else None


def duration(seconds: float) -> str:
    """A duration in whole seconds, minutes and seconds, or hours and minutes.

    >>> duration(7.2), duration(200), duration(4000)
    ('7 s', '3 min 20 s', '1 h 6 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def pause(passed: float, terminal: bool) -> float:
    """Seconds until the next words after these.

    >>> [pause(passed, False) for passed in (0.0, 2.0, 1000.0)]
    [2.0, 10.0, 50.0]
    """
    if terminal:
        return TICK if passed else AT_ONCE
    return max(PACE, passed / SLOWER) if passed else FIRST


@contextmanager
def progress(words: str, quiet: bool = False) -> Iterator[Say]:
    """A context that shows the progress of a function with a callback for words; ``words``: shown before its first call."""
    terminal = sys.stderr.isatty()
    if quiet or not (terminal or _is_program[0]):
        yield lambda words: None
        return
    about, over = Progress(words, time.monotonic()), threading.Event()

    def tell() -> None:
        while not over.wait(pause(time.monotonic() - about.begun if told else 0.0, terminal)):
            told.append(True)
            (streams.passing if terminal else streams.aside)(about.line(time.monotonic()))

    told: list[bool] = []
    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield lambda words: about.say(words, time.monotonic())
    finally:
        over.set()
        thread.join()
        streams.passing("")
