"""The package's messages in the words of the command line.

They name arguments and calls of Python in `quotes`, as in "ask for more with `max_steps`": here an option stands for each.
"""

from __future__ import annotations

import re
import sys
from functools import cache

QUOTED = re.compile(r"`([A-Za-z_][\w.]*)(?:=([^`]*)|\(([^`]*)\))?`")
# Where an option has another name than the argument; the first that the command has.
NAMES = {"params": ["set"], "max_steps": ["max-steps", "steps"], "t": ["time"], "n": ["steps"], "z0": ["start"],
         "max_step": ["steps"], "formulas": ["map", "ode"]}  # fmt: skip


def worded(text: str) -> str:
    """The text with options in place of arguments that the command has as options."""
    return QUOTED.sub(_option, text) if "`" in text else text


def _option(found: re.Match[str]) -> str:
    name, value, inside = found.groups()
    if name == "dir":
        return f"cfdyn list {str(inside).removeprefix('cf.')}"
    if name.endswith(".extended"):
        return f"cfdyn {name.removesuffix('.extended')} FILE.npz"
    if name.startswith("cf.optimizers."):
        return f"--optimizer {_spec(found[0].strip('`'))}"
    options = [f"--{option}" for option in NAMES.get(name, [name.replace("_", "-")])]
    option = next((option for option in options if option in _options(_command())), "")
    if not option:
        return found[0]
    return option if value is None else f"{option} {_value(name, value)}"


def _value(name: str, value: str) -> str:
    if value.startswith("{"):
        return re.sub(r"\{'(\w+)': (.*)\}", r"\1=\2", value)
    if name == "formulas":
        return '"' + re.sub(r"', '", "; ", value.strip("[]'")) + '"'
    return _spec(value) if name == "optimizer" else value.strip("'").replace(" ", ",")


def _spec(call: str) -> str:
    """``"cf.optimizers.gd(lr=0.1)"`` → ``"gd:lr=0.1"``."""
    return re.sub(r"cf\.optimizers\.(\w+)\((.*)\)", r"\1:\2", call)


_now = [""]


def begin(arguments: list[str]) -> None:
    """The command that speaks from now on."""
    _now[0] = next((argument for argument in arguments if not argument.startswith("-")), "")


def _command() -> str:
    return _now[0]


@cache
def _options(name: str) -> frozenset[str]:
    """All options of a command."""
    if "cfdyn.cli.app" not in sys.modules:
        return frozenset()
    import typer

    from cfdyn.cli.app import app

    command = getattr(typer.main.get_command(app), "commands", {}).get(name)
    return frozenset(option for parameter in getattr(command, "params", ()) for option in parameter.opts)
