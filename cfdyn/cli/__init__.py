"""The command line: each subcommand parses, makes one public call, and prints, saves or plots."""

from __future__ import annotations

import difflib
import gc
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from cfdyn.errors import CfdynError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status.

    0 done, 1 the numerics failed, 2 wrong usage, 130 interrupted; never a traceback.
    """
    # Looking for cyclic garbage among a million imported objects takes a fifth of a short command's time.
    gc.set_threshold(100_000, 50, 50)
    with warnings.catch_warnings():
        warnings.showwarning = _warn  # type: ignore[assignment]
        warnings.filterwarnings("ignore", "overflow|invalid value|divide by zero", RuntimeWarning)
        status = _run(list(sys.argv[1:] if arguments is None else arguments))
    if status == 130:
        _fail("interrupted; files are written whole or not at all, so none is damaged", status)
        # Python forgets the status if the interrupt fell into code run from a string, as imports do.
        sys.stdout.flush()
        os._exit(status)
    gc.freeze()
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    try:
        import typer

        from cfdyn.cli import app_branches, app_cycles, app_exact  # noqa: F401 (their commands)
        from cfdyn.cli.app import app, protect_formulas

        # typer brings its own copy of click, whose errors it does not export.
        parsing_error: Any = typer.BadParameter.__mro__[2]
        try:
            return app(protect_formulas(arguments), prog_name="cfdyn", standalone_mode=False) or 0
        except typer.Abort:
            return 130
        except parsing_error as error:
            return _fail(_sentence(error), 2)
    except KeyboardInterrupt:
        return 130
    except CfdynError as error:
        return _fail(str(error), error.exit_status)
    except BrokenPipeError:
        # The reader (head, less) has left; a second failure at exit must stay silent too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _fail("out of memory; ask for fewer steps or a smaller grid", 1)
    except Exception as error:  # whatever else went wrong: one sentence, never a traceback
        return _unexpected(error)


def _warn(message: Any, *_: Any) -> None:
    print(f"cfdyn: warning: {message}", file=sys.stderr)


def _unexpected(error: Exception) -> int:
    if isinstance(error, OSError):
        name = f" {error.filename}" if error.filename else ""
        return _fail(f"the system refused{name}: {error.strerror or error}", 1)
    text = " ".join(str(error).split())[:300]
    return _fail(f"this is a defect of cfdyn, please report it: {type(error).__name__}: {text}", 1)


def _sentence(error: Any) -> str:
    """One line for an error of the option parser, with the nearest option and where to look."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return "a command is missing, such as: cfdyn study double_well. See: cfdyn --help"
    text = re.sub(r" \(Possible options:.*\)", "", " ".join(error.format_message().split()).rstrip("."))
    near = difflib.get_close_matches(getattr(error, "option_name", ""), getattr(error, "possibilities", None) or [], n=1)
    if near and "id you mean" not in text:
        text += f"; did you mean {near[0]}?"
    command = error.ctx.command_path if getattr(error, "ctx", None) else "cfdyn"
    return f"{text[:1].lower()}{text[1:]}{'' if text.endswith('?') else '.'} See: {command} --help"


def _fail(message: str, status: int) -> int:
    print(f"cfdyn: {message}", file=sys.stderr)
    return status

