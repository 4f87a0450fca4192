"""A run of the command line: its exit status, and every error in one sentence."""

import difflib
import gc
import json
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from cfdyn.cli import interrupts, messages, progress
from cfdyn.cli.output import streams
from cfdyn.errors import CfdynError, readable
from cfdyn.machine import beginning

OF_OPTIMIZERS = ("--lr", "--learning-rate", "--eta", "--momentum", "--beta", "--beta1", "--beta2", "--weight-decay")
NO_NUMBER = re.compile(r"Invalid value for '([^']+)': Input should be a valid (integer|number)\b.*")
BEYOND = re.compile(r"Invalid value for '([^']+)': Input should be (greater|less) than or equal to (\S+)\b.*")
NUMBERS = {"integer": "whole number", "number": "number"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status.

    0 done, 1 the numerics failed or the output cannot be written (with --json a document too, ``{"error": …}``), 2 wrong
    usage, 130 interrupted; never a traceback.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        streams.prepare()
        if arguments is None:
            interrupts.watch()
            progress.begin_program()
        beginning.release()
        # Looking for cyclic garbage among a million imported objects takes a fifth of a short command's time.
        gc.set_threshold(100_000, 50, 50)
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: streams.say(f"warning: {readable(str(message))}")  # type: ignore[assignment]
            warnings.filterwarnings("ignore", "overflow|invalid value|divide by zero", RuntimeWarning)
            status, trouble = _run(given)
        if status == 1 and interrupts.asked():
            status, trouble = 130, ""
        if trouble:
            _tell(trouble, document=status == 1 and "--json" in given)
        status = streams.finish() or status
    except KeyboardInterrupt:
        status = 130
    if status == 130:  # which typer may return, too
        interrupts.end()
    gc.freeze()
    sys.exit(status)


def _run(arguments: list[str]) -> tuple[int, str]:
    """The exit status, and the error in one sentence."""
    try:
        import typer

        from cfdyn.cli.app import application, options_of, protect_formulas

        command = next((argument for argument in arguments if not argument.startswith("-")), "")
        messages.speak_with(lambda: options_of(command))
        # typer brings its own copy of click, whose errors it does not export.
        parsing_error: Any = typer.BadParameter.__mro__[2]
        try:
            return application(command)(protect_formulas(arguments), prog_name="cfdyn", standalone_mode=False) or 0, ""
        except typer.Abort:
            return 130, ""
        except parsing_error as error:
            return 2, _sentence(error)
    except CfdynError as error:
        return error.exit_status, str(error)
    except (BrokenPipeError, SystemExit):  # which click makes of it
        streams.abandon(sys.stdout)
        return 0, ""
    except MemoryError:
        return 1, "out of memory; ask for fewer steps or a smaller grid"
    except Exception as error:  # whatever else went wrong: one sentence, never a traceback
        return 1, _unexpected(error)


def _tell(trouble: str, document: bool) -> None:
    """Report an error on stderr and, if requested, in a document on stdout."""
    trouble = messages.worded(trouble)
    streams.say(trouble)
    if document:
        try:
            print(json.dumps({"error": trouble}, ensure_ascii=streams.ascii_only()), flush=True)
        except OSError:
            streams.abandon(sys.stdout)


def _unexpected(error: Exception) -> str:
    if isinstance(error, OSError):
        name = f" {error.filename}" if error.filename else ""
        return readable(f"the system refused{name}: {error.strerror or error}")
    text = " ".join(str(error).split())
    return readable(f"this is a defect of cfdyn, please report it: {type(error).__name__}: {text}")


def _sentence(error: Any) -> str:
    """One line for an error of the option parser, with the closest option and where to find help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return "a command is missing, such as: cfdyn study double_well. See: cfdyn --help"
    text = re.sub(r" \(Possible options:.*\)", "", " ".join(error.format_message().split()).rstrip("."))
    text = NO_NUMBER.sub(lambda match: f"{match[1]} takes a {NUMBERS[match[2]]}", text)
    text = BEYOND.sub(lambda match: f"{match[1]} is {match[3]} or {'more' if match[2] == 'greater' else 'less'}", text)
    context = getattr(error, "ctx", None)
    taken = {name for parameter in context.command.params for name in parameter.opts} if context else set[str]()
    wanted = getattr(error, "option_name", None) or ""
    near = difflib.get_close_matches(wanted, getattr(error, "possibilities", None) or [], n=1, cutoff=0.7)
    if wanted in OF_OPTIMIZERS and "--optimizer" in taken:
        text += "; it is a part of the optimizer, such as --optimizer gd:lr=0.1 or heavy_ball:lr=0.1,momentum=0.9"
    elif wanted == "--map" and "--optimizer" in taken:
        text += "; this command is about a loss; for maps use classify, cycles, branch, diagram and others"
    elif near and "id you mean" not in text:
        text += f"; did you mean {near[0]}?"
    command = context.command_path if context else "cfdyn"
    return readable(f"{text[:1].lower()}{text[1:]}{'' if text.endswith('?') else '.'} See: {command} --help")
