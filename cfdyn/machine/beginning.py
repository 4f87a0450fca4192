"""The first moments of the program ``cfdyn``: an interrupt while it is being imported is one sentence, as it is later on.

Nothing is imported here that Python has not imported before: ``python -m`` looks first in the folder where the user is.
"""

import _signal  # type: ignore[import-not-found]  # signal itself reads other modules first, and an interrupt may fall into that
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

WORDS = "interrupted; files are written whole or not at all, so none is damaged"


def is_program() -> bool:
    """True where this process is the command line: ``python -m cfdyn``, or a script ``cfdyn`` with our commands."""
    name = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    if name == "-m":  # what sys.argv begins with while Python looks for the module
        return sys.orig_argv[-len(sys.argv)].removeprefix("-m") == "cfdyn"
    return name in ("cfdyn", "cfdyn.exe", "cfdyn-script.py", "cfdyn-script.pyw") and "cfdyn.cli" in _imported_by_main()


def _imported_by_main() -> tuple[str, ...]:
    """Names in the code of the program that is importing this package, modules among them."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__") != "__main__":
        frame = frame.f_back
    return () if frame is None else frame.f_code.co_names


def _end(number: int, frame: "FrameType | None") -> None:
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


def leave_the_folder() -> None:
    """``python -m`` puts the folder where the user is first in the path: nothing of it is imported any more but this package."""
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    try:
        here = os.path.realpath(os.curdir)
    except OSError:  # it is gone
        return
    if sys.argv[0] == "-m" and not sys.flags.safe_path and os.path.realpath(sys.path[0]) == here != own:
        del sys.path[0]


if is_program():
    guard()
    leave_the_folder()
