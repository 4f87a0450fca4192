"""``cfdyn list``: a catalogue."""

from typing import Annotated

from typer import Argument

from cfdyn.cli.command import Answer, command
from cfdyn.cli.specs import CATALOGUES
from cfdyn.errors import unknown
from cfdyn.registry import catalogue, describe


@command("what json", place=11)
def list_(what: Annotated[str, Argument(help="losses, optimizers or flows")] = "losses") -> Answer:
    """What is in the catalogue, with references."""
    if what not in CATALOGUES:
        raise unknown("list", what, CATALOGUES)
    entries = catalogue(what)
    items = [{"name": name, **describe(entries.get(name))} for name in entries.names()]
    return Answer(lambda: {"items": items},
                  lambda screen: screen.table(("name", "summary", "reference"), items, dict.values, most=None))  # fmt: skip
