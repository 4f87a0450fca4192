"""A second process that compiles what an analysis needs last, while this one is busy with what it needs first."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from cfdyn.machine import unfinished
from cfdyn.machine.shelf import directory
from cfdyn.machine.workers import processors

MODULE = "cfdyn.studies.compile_ahead"
IN_ORDER = b"."  # the parent's last word


def _rules(line: bool) -> list[Any]:
    """Of continuation, then of cycles on the line, those first that are called last."""
    from cfdyn.kernels.continuation import cyclic, shooting
    from cfdyn.kernels.line import closing, expanding, itineraries, paths, words

    of_lines = (itineraries.walk, expanding.single_cycle, words.cycles_of_word, paths.trace_path, closing.close_cycle,
                closing.newton)  # fmt: skip
    return [shooting.shooting, cyclic.reduce, *(of_lines if line else ())]


def _follow_nothing() -> None:
    from cfdyn.kernels.continuation.driver import Curve, System, follow

    memory, row = System.make().memory, np.zeros((1, 2))
    follow(memory, memory, Curve(row, row, row))  # a curve of one row is complete


# A study of the double well, nothing kept: 15.4 s instead of 23.5 on two busy processors (numba 0.68.1).
@contextmanager
def compiling_ahead(line: bool) -> Iterator[None]:
    """While this lasts a process without output fills the cache, if there are two processors and anything is missing.

    It compiles what continuation needs, and for maps of one variable (``line``) what their cycles need. It ends after the
    kernel that it is at, and at once if this process is killed; what both need one of them compiles.
    """
    process = _started(line) if _useful(line) else None
    try:
        yield
    finally:
        if process is not None and process.stdin is not None:
            with suppress(OSError):
                process.stdin.write(IN_ORDER)
                process.stdin.close()
            threading.Thread(target=process.wait, daemon=True).start()


def _useful(line: bool) -> bool:
    return processors() > 1 and directory() is not None and not all(rule.is_kept() for rule in _rules(line))


def _started(line: bool) -> subprocess.Popen[bytes] | None:
    try:
        return unfinished.helper(MODULE, *(["line"] if line else []), stdout=subprocess.DEVNULL)
    except OSError:
        return None


def _wait_for_the_parent() -> None:
    if sys.stdin.buffer.read() != IN_ORDER:
        unfinished.drop()
        os._exit(130)


def main() -> None:
    """Compile one kernel after the other, as long as the parent holds the other end of stdin."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    parent = threading.Thread(target=_wait_for_the_parent, daemon=True)
    parent.start()
    first, *others = _rules("line" in sys.argv)
    _ = first.compiled
    _follow_nothing()
    while parent.is_alive() and others:
        _ = others.pop(0).compiled
    os._exit(0)


if __name__ == "__main__":
    main()
