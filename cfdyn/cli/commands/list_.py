"""``cfdyn list``: a catalogue."""

from collections.abc import Callable, Iterator
from typing import Annotated

from typer import Argument

from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import offers
from cfdyn.cli.input.specs import CATALOGUES
from cfdyn.errors import unknown
from cfdyn.registry import catalogue, describe


@command("what csv json", group="Catalogues and cache", place=90)
def list_(what: Annotated[str, Argument(help="losses, optimizers, flows, networks, data or claims.", autocompletion=offers(others=(*CATALOGUES, "claims")))] = "losses") -> Answer:  # noqa: E501
    """List the losses, optimizers, flows, networks, data or claims.

    Each with a summary and its reference.

    $ cfdyn list losses
    $ cfdyn list optimizers --json
    """
    if what not in (*CATALOGUES, "claims"):
        raise unknown("list", what, (*CATALOGUES, "claims"))
    items = _claims() if what == "claims" else [{"name": name, **describe(entry)} for name, entry in _entries(what)]
    return Answer(lambda: {"items": items},
                  lambda screen: screen.table(("name", "summary", "reference"), items, dict.values, most=None))  # fmt: skip


def _entries(what: str) -> Iterator[tuple[str, Callable]]:
    entries = catalogue(what)
    return ((name, entries.get(name)) for name in entries.names())


def _claims() -> list[dict[str, str]]:
    from cfdyn.claims.sources import papers

    of_papers = [(paper.CLAIMS.entry, claim) for paper in papers().values() for claim in paper.CLAIMS]
    return [{"name": claim.id, "summary": claim.statement, "reference": f"{entry} {claim.where}"} for entry, claim in of_papers]
