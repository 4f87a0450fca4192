"""The package's messages in the words of the command line.

They name arguments and calls of Python in `quotes`, as in "ask for more with `max_steps`": here an option replaces each.
"""

import re
from collections.abc import Callable, Collection

QUOTED = re.compile(r"`([A-Za-z_][\w.]*)(?:=([^`]*)|\(([^`]*)\))?`")
# Where an option has another name than the argument; the first that the command has.
NAMES = {"params": ["set"], "max_steps": ["max-steps", "steps"], "t": ["time"], "n": ["steps"], "z0": ["start"],
         "max_step": ["steps"], "formulas": ["map", "ode"]}  # fmt: skip
_known: list[Callable[[], Collection[str]]] = [tuple]


def speak_with(options: Callable[[], Collection[str]]) -> None:
    """From now on these are the options of the command; they are computed when a message needs them."""
    _known[0] = options


def worded(text: str) -> str:
    """The text with options in place of arguments that the command has as options."""
    return QUOTED.sub(_option, text) if "`" in text else text


def _option(match: re.Match[str]) -> str:
    name, value, inside = match.groups()
    if name == "dir":
        return f"cfdyn list {str(inside).removeprefix('cf.')}"
    if name.endswith(".extended"):
        return f"cfdyn {name.removesuffix('.extended')} FILE.npz"
    if name.startswith("cf.optimizers."):
        return f"--optimizer {_spec(match[0].strip('`'))}"
    options = [f"--{option}" for option in NAMES.get(name, [name.replace("_", "-")])]
    option = next((option for option in options if option in _known[0]()), "")
    if not option:
        return match[0]
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
