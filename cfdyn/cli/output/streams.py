"""Standard output and standard error in all conditions: closed, full, cut off, with an encoding that lacks letters."""

import os
import sys
import threading
from typing import TextIO

from cfdyn.cli.messages import worded
from cfdyn.errors import visible

CLEAR = "\r\x1b[2K"  # the line that the cursor is in
_stderr, _passing = threading.RLock(), [False]


def prepare() -> None:
    """Make all three streams open, and replace letters that their encoding lacks."""
    # Else the next file that is opened would be standard output.
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(handle, True)
    os.close(handle)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (for as long as the process is)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def ascii_only() -> bool:
    """True if JSON on stdout should escape all other letters, so that none is lost."""
    return "utf" not in (getattr(sys.stdout, "encoding", None) or "utf").lower()


def say(words: str) -> None:
    """Write a line on stderr, if that is possible."""
    aside(f"cfdyn: {worded(words)}")


def aside(words: str) -> None:
    """Write a line on stderr, in place of a passing one."""
    with _stderr:
        passing("")
        _write(f"{visible(words)}\n")


def passing(words: str) -> None:
    """Show a line on the terminal of stderr until the next replaces it, cut at the right edge; "" removes it."""
    with _stderr:
        if words:
            _write(CLEAR + visible(worded(words)).replace("\n", " ")[: _columns() - 1])
        elif _passing[0]:
            _write(CLEAR)
        _passing[0] = bool(words)


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        abandon(sys.stderr)


def finish() -> int:
    """Flush stdout: 0, or 1 if that fails; a reader that has left (head, less) is not an error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        abandon(sys.stdout)
    except OSError as error:
        abandon(sys.stdout)
        say(f"the output cannot be written: {error.strerror or error}")
        return 1
    return 0


def abandon(stream: TextIO) -> None:
    """Let a stream discard everything from now on: a second failure at the exit must stay silent."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
