"""``cfdyn show``: one entry of a catalogue."""

from typing import Annotated

from typer import Argument

from cfdyn.cli.command import Answer, command
from cfdyn.cli.specs import CATALOGUES
from cfdyn.errors import unknown
from cfdyn.registry import catalogue, defaults, describe, text


@command("name json", place=12)
def show(name: Annotated[str, Argument(help="The name of a loss, an optimizer or a flow.")]) -> Answer:
    """Everything about one entry of the catalogue."""
    where = {entry: kind for kind in CATALOGUES for entry in catalogue(kind).names()}
    if name not in where:
        raise unknown("name", name, where, ", ".join(f"cfdyn list {kind}" for kind in CATALOGUES))
    entry = catalogue(where[name]).get(name)
    options, words = defaults(entry), text(entry)
    head = ", ".join(key if value == "required" else f"{key}={value}" for key, value in options.items())
    return Answer(lambda: {"name": name, **describe(entry), "options": options, "text": words}, text=f"{name}({head})\n\n{words}")
