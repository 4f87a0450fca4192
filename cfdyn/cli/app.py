"""The typer application: the folder ``commands`` is the registry, and nothing else lists it."""

import pkgutil
import re
from functools import cache
from importlib import import_module
from typing import Annotated

import typer

from cfdyn.cli import commands
from cfdyn.cli.command import LAST
from cfdyn.cli.help import Command, Commands

HELP = """The dynamics of optimizers: from a loss and an optimizer to a verdict on the long-term behaviour of the iterates.

Each command has its own help: cfdyn COMMAND --help.

$ cfdyn study "(w**2-1)**2/4" --optimizer gd:lr=1.2
$ cfdyn list losses
"""


def application(command: str = "") -> typer.Typer:
    """The application with one command, so that no other is imported; with all of them if there is none of that name.

    ``commands/orbit.py`` defines the function ``orbit``, the command of that name; ``list_`` becomes ``list``, ``mean_square``
    ``mean-square``.
    """
    app = typer.Typer(
        name="cfdyn", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, cls=Commands,
        context_settings={"help_option_names": ["--help", "-h"]}, help=HELP,
    )  # fmt: skip
    app.callback(cls=Commands)(_root)
    files = {module.name.rstrip("_").replace("_", "-"): module.name for module in pkgutil.iter_modules(commands.__path__)}
    functions = {name: getattr(import_module(f"{commands.__name__}.{file}"), file)
             for name, file in files.items() if name == command or command not in files}  # fmt: skip
    for name in sorted(functions, key=lambda name: (getattr(functions[name], "place", LAST), name)):
        app.command(name, cls=Command, rich_help_panel=getattr(functions[name], "group", ""))(functions[name])
    return app


@cache
def options_of(command: str) -> frozenset[str]:
    """All options of a command; none if there is no such command."""
    entry = getattr(typer.main.get_command(application(command)), "commands", {}).get(command)
    return frozenset(option for parameter in getattr(entry, "params", ()) for option in parameter.opts)


def _version(wanted: bool) -> None:
    if wanted:
        from cfdyn import __version__

        print(f"cfdyn {__version__}")
        raise typer.Exit()


def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False,
) -> None:
    pass


def protect_formulas(arguments: list[str]) -> list[str]:
    """Let a formula or a number begin with a minus sign: a leading space keeps it from being an option.

    Options of this program are --words, so a single dash is always the start of a formula.
    """
    return [f" {a}" if re.match(r"-[^-]", a) and a != "-h" else a for a in arguments]
