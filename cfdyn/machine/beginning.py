"""The first moments of the program ``cfdyn``: an interrupt while it is being imported is one sentence, as it is later on."""

import _signal  # type: ignore[import-not-found]  # signal itself reads other modules first, and an interrupt may fall into that
import os
import sys
from typing import Any

WORDS = "interrupted; files are written whole or not at all, so none is damaged"


def is_program() -> bool:
    """True where this process is the command line: ``python -m cfdyn``, or a script ``cfdyn`` with our commands."""
    name = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    if name == "-m":  # what sys.argv begins with while Python looks for the module
        return sys.orig_argv[-len(sys.argv)].removeprefix("-m") == "cfdyn"
    return name in ("cfdyn", "cfdyn.exe", "cfdyn-script.py", "cfdyn-script.pyw") and "cfdyn.cli" in _imported_by_main()


def _imported_by_main() -> tuple[str, ...]:
    """Names in the code of the program that is importing this package, modules among them."""
    frame: Any = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__") != "__main__":
        frame = frame.f_back
    return () if frame is None else frame.f_code.co_names


def _end(number: int, frame: Any) -> None:
    try:
        os.write(2, f"cfdyn: {WORDS}\n".encode())
    finally:
        os._exit(128 + number)


def guard() -> None:
    """From now on Ctrl-C ends the program at once; not where that is ignored, as in what a shell runs in the background."""
    try:
        if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
            _signal.signal(_signal.SIGINT, _end)
    except ValueError:  # in a thread
        pass


def release() -> None:
    """Ctrl-C is a KeyboardInterrupt again; not in a thread, which may not say so."""
    try:
        if _signal.getsignal(_signal.SIGINT) is _end:
            _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    except ValueError:
        pass


if is_program():
    guard()
