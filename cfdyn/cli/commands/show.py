"""``cfdyn show``: one entry of a catalogue, one claim or one paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument

from cfdyn.cli.command import Answer, command
from cfdyn.cli.input.options import offers
from cfdyn.cli.input.specs import CATALOGUES
from cfdyn.cli.output.layout import reflowed
from cfdyn.cli.output.screen import width
from cfdyn.errors import UsageError, unknown
from cfdyn.registry import catalogue, defaults, describe, text

if TYPE_CHECKING:
    from cfdyn.claims.claim import Claim
    from cfdyn.cli.output.screen import Screen


@command("name json", group="Catalogues and cache", place=91)
def show(name: Annotated[str, Argument(help="A name from 'cfdyn list', or a paper.", autocompletion=offers(*CATALOGUES))]) -> Answer:  # noqa: E501
    """Show one loss, optimizer, flow, claim or paper.

    Its formula, its options with their defaults, and its reference.

    $ cfdyn show heavy_ball
    $ cfdyn show double_well
    """
    if name.endswith(".npz"):
        raise UsageError(f"{name} is a record; give a name from the catalogue. "
                         "To read and draw a record in Python: cf.load, cf.plot")  # fmt: skip
    kinds = [kind for kind in CATALOGUES if name in catalogue(kind).names()]
    if not kinds:
        return _claim_or_paper(name, list(dict.fromkeys(entry for kind in CATALOGUES for entry in catalogue(kind).names())))
    entries = {kind: catalogue(kind).get(name) for kind in kinds}
    described = {kind: {"name": name, **describe(e), "options": defaults(e), "text": text(e)} for kind, e in entries.items()}
    if len(kinds) == 1:
        return Answer(lambda: described[kinds[0]], text=reflowed(_words(described[kinds[0]]), width()))
    parts = [f"{kind}: {_words(one)}" for kind, one in described.items()]
    others = {kind: described[kind] for kind in kinds[1:]}
    return Answer(lambda: {**described[kinds[0]], "also": others}, text=reflowed("\n\n\n".join(parts), width()))


def _words(entry: dict[str, Any]) -> str:
    """The options with their defaults, and the docstring."""
    head = ", ".join(key if value == "required" else f"{key}={value}" for key, value in entry["options"].items())
    return f"{entry['name']}({head})\n\n{entry['text']}"


def _claim_or_paper(name: str, others: list[str]) -> Answer:
    from cfdyn.claims.sources import all_claims, modules, papers_of

    source = name.partition(".")[0]
    claims = getattr(papers_of([source]).get(source), "CLAIMS", ())
    if claims and name == source:
        lines = [f"{claim.id}: {claim.statement}" for claim in claims]
        text = "\n\n".join([claims.entry, claims.summary, *lines])
        document = {"name": name, "reference": claims.entry, "text": claims.summary, "claims": [claim.id for claim in claims]}
        return Answer(lambda: document, text=reflowed(text, width()))
    named = [claim for claim in claims if claim.id == name]
    if not named:
        known = [*others, *modules(), *(all_claims() if "." in name else ())]
        raise unknown("name", name, known, ", ".join(f"cfdyn list {kind}" for kind in (*CATALOGUES, "claims")))
    return _claim(named[0])


def _claim(claim: Claim) -> Answer:
    """The claim as last measured on this machine, or as on record."""
    from cfdyn.claims import kept
    from cfdyn.claims.record import judge_kept, recorded
    from cfdyn.claims.sources import certificates, paper_named
    from cfdyn.claims.verdict import shown

    here = kept.load(claim)
    verdict = judge_kept(claim, here) if here else recorded(claim)
    measured, files = verdict.measured, [str(file) for file in certificates(claim.id)]
    facts = [
        ("source", paper_named(claim.source).CLAIMS.entry), ("where", f"{claim.where}; read: {claim.read}"),
        ("domain", claim.domain), ("checked on", claim.examples),
        ("computed", claim.how),
        ("options", shown(verdict.options)),
        *((name, f"{shown(measured.get(name, 'not measured'))}; expected {text}") for name, text in verdict.expected.items()),
        *((name, shown(value)) for name, value in measured.items() if name not in verdict.expected),
        ("verdict", f"{verdict.verdict}: {verdict.reason}"),
        ("certificate", ", ".join(files)),
        ("does not hold", claim.control.words if claim.control else ""),
        ("date", f"{verdict.date}, version {verdict.version}" if verdict.date else ""),
    ]  # fmt: skip

    def tables(screen: Screen) -> None:
        screen.heading(claim.id)
        screen.print()
        screen.print(claim.statement)
        screen.facts(*(fact for fact in facts if fact[1]))

    return Answer(lambda: {"name": claim.id, **verdict.to_json(), "certificates": files}, tables)
