"""The command line: each subcommand parses, makes one public call, and prints, saves or plots."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cfdyn.errors import CfdynError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status.

    0 done, 1 the numerics failed, 2 wrong usage, 130 interrupted; never a traceback.
    """
    import click

    from cfdyn.cli.app import app, protect_formulas

    try:
        arguments = protect_formulas(list(sys.argv[1:] if arguments is None else arguments))
        status = app(arguments, prog_name="cfdyn", standalone_mode=False) or 0
    except click.exceptions.Abort:
        status = _interrupted()
    except KeyboardInterrupt:
        status = _interrupted()
    except click.ClickException as error:
        where = f" See: {error.ctx.command_path} --help" if getattr(error, "ctx", None) else ""
        status = _fail(_sentence(error.format_message()) + where, 2)
    except CfdynError as error:
        status = _fail(str(error), error.exit_status)
    except BrokenPipeError:
        # The reader (head, less) has left; a second failure at exit must stay silent too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except MemoryError:
        status = _fail("out of memory; ask for fewer steps or a smaller grid", 1)
    except OSError as error:
        name = f" {error.filename}" if error.filename else ""
        status = _fail(f"the system refused{name}: {error.strerror or error}", 1)
    sys.exit(status)


def _sentence(text: str) -> str:
    return " ".join(text.split()).rstrip(".") + "."


def _fail(message: str, status: int) -> int:
    print(f"cfdyn: {message}", file=sys.stderr)
    return status


def _interrupted() -> int:
    return _fail("interrupted; nothing was written after the last complete file", 130)
