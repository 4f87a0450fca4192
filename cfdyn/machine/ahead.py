"""A second process that compiles what is needed last, while this one is busy with what is needed first."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cfdyn.machine import unfinished
from cfdyn.machine.shelf import directory
from cfdyn.machine.workers import processors

IN_ORDER = b"."  # the parent's last word


def useful() -> bool:
    """True if there are two processors, and a folder to hand code over in."""
    return processors() > 1 and directory() is not None


def started(module: str, *arguments: str) -> "subprocess.Popen[bytes] | None":
    """The process, which runs ``module``: that calls `one_after_the_other`."""
    try:
        return unfinished.helper(module, *arguments, stdout=subprocess.DEVNULL)
    except OSError:
        return None


@contextmanager
def beside(process: "subprocess.Popen[bytes] | None") -> Iterator[None]:
    """While this lasts the process fills the cache; it ends after the kernel that it is at, and at once if this one is killed.

    What both need one of them compiles.
    """
    try:
        yield
    finally:
        if process is not None and process.stdin is not None:
            if process.poll():
                unfinished.warn_of(process)
            with suppress(OSError):
                process.stdin.write(IN_ORDER)
                process.stdin.close()
            threading.Thread(target=process.wait, daemon=True).start()


def _wait_for_the_parent() -> None:
    if sys.stdin.buffer.read() != IN_ORDER:
        unfinished.drop()
        os._exit(130)


def one_after_the_other(compilations: Iterable[Callable[[], Any]]) -> None:
    """Call them, as long as the parent holds the other end of stdin."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    parent = threading.Thread(target=_wait_for_the_parent, daemon=True)
    parent.start()
    for compile in compilations:
        if not parent.is_alive():
            break
        compile()
    os._exit(0)
