"""``cfdyn claims``: claims of the literature, checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from cfdyn.cli.command import Answer, command
from cfdyn.cli.output.screen import Say, Screen
from cfdyn.errors import UsageError

if TYPE_CHECKING:
    from cfdyn.claims.claim import Claim, Question
    from cfdyn.claims.verdict import Verdict

LEAST = 0.05  # seconds that a claim takes with all that goes with it
KEYS = "id verdict settled reason statement domain examples where read how measured expected options figure seconds date version"


@command("ids source within anew processes report review csv json", group="Proofs and claims", place=82)
def claims(
    say: Say,
    ids: Annotated[list[str] | None, Argument(metavar="[ID]...", help="Claims from 'cfdyn list claims', such as may1976.first_flip (all if none is given), or a FILE.py of claims.", show_default=False)] = None,  # noqa: E501
    source: Annotated[str | None, Option("--source", help="Only the claims of this paper and those on which its answers depend.", metavar="NAME")] = None,  # noqa: E501
    within: Annotated[float | None, Option("--within", min=0.0, help="Stop computing after this many seconds; report the other claims as recorded.", metavar="VALUE")] = None,  # noqa: E501
    anew: Annotated[bool, Option("--anew", help="Compute again even if a result is stored.")] = False,
    processes: Annotated[int | None, Option("--processes", min=1, help="Number of processes (one for each processor if not given).", show_default=False)] = None,  # noqa: E501
    report: Annotated[Path | None, Option("--report", help="Write a report into this folder: an HTML page, tables, figures.", metavar="DIR")] = None,  # noqa: E501
    review: Annotated[bool, Option("--review", help="Print a review sheet for each of these claims.")] = False,
) -> Answer:  # fmt: skip
    """Claims of the literature, checked by computing them.

    The exit status is 1 if a verdict differs from the one on record. A file of your own claims: cfdyn claims ./mine2026.py

    $ cfdyn claims may1976.first_flip
    $ cfdyn claims may1976.first_flip --review
    """
    from cfdyn.claims.record import recorded
    from cfdyn.claims.report import folder, write
    from cfdyn.claims.runner import run
    from cfdyn.claims.sources import chosen, own, paper_named

    into = folder(report) if report else None
    if review and (report or within is not None or anew):
        raise UsageError("--review recomputes and prints only review sheets; omit --report, --within and --anew")
    if any(name.endswith(".py") for name in ids or ()):
        if len(ids or ()) > 1 or source:
            raise UsageError("a file of claims is given alone, without ids, other files or --source")
        ids, source = None, own((ids or [""])[0])
    wanted = chosen(ids or None, source)
    if review:
        return _sheets(say, wanted if ids or source else [])
    now = _affordable(wanted, within)
    say("claims")
    anew = anew or within is not None
    results = {v.id: v for v in run(now, processes=processes, anew=anew, progress=say)} if now else {}
    verdicts = [results[claim.id] if claim.id in results else recorded(claim) for claim in wanted]
    fresh = {name for name, verdict in results.items() if anew and verdict.date}
    questions = getattr(paper_named(source), "QUESTIONS", ()) if source else ()
    files = write(verdicts, into, processes, say) if into else []
    different = [v for v in verdicts if v.date and not v.as_settled]  # a claim that was not computed yet has no differing verdict

    def tables(screen: Screen) -> None:
        _print(screen, verdicts, questions, fresh)
        for verdict in different:
            screen.print(f"{verdict.id}. Recorded: {verdict.settled}. Now: {verdict.verdict}. {verdict.reason}.")
        for certificate in _certificates(verdicts) if ids else ():
            screen.file("certificate", certificate)
        for file in files[:1]:
            screen.file("report", file)

    return Answer(lambda: _document(verdicts, fresh, different, files), tables, status=1 if different else 0)


def _sheets(say: Say, wanted: Sequence[Claim]) -> Answer:
    """The referee's sheets of these claims; the exit status is 1 if a perturbation does not change the verdict."""
    from cfdyn.claims.review import sheet

    if not wanted:
        raise UsageError("name the claims to review, or their source: cfdyn claims may1976.first_flip --review")
    sheets = []
    for claim in wanted:
        say(f"review of {claim.id}")
        sheets.append(sheet(claim))

    def tables(screen: Screen) -> None:
        for made in sheets:
            screen.heading(made["claim"])
            screen.print()
            screen.print(made["statement"])
            screen.facts(*(fact for fact in _facts(made) if fact[1]))
            screen.print()

    status = 0 if all(one["turned"] for made in sheets for one in made["perturbations"]) else 1
    return Answer(lambda: {"reviews": sheets}, tables, status=status)


def _facts(made: dict[str, Any]) -> list[tuple[str, str]]:
    from cfdyn.claims.verdict import shown

    second, measured = made["second"], made["measured"]
    false = [f"{one['words']}: {one['verdict']} ({one['reason']})" for one in made["perturbations"]]
    return [
        *((key, made[name]) for key, name in (("domain", "domain"), ("checked on", "examples"), ("source", "source"))),
        ("read", f"{made['read']}; {made['where']}"), ("check", made["how"]), ("it calls", ", ".join(made["entered"])),
        *((name, f"{shown(measured.get(name, 'not measured'))}; expected {text}") for name, text in made["expected"].items()),
        ("verdict", f"{made['verdict']}: {made['reason']}"),
        ("second", "; ".join(f"{name}: {shown(value)}" for name, value in second["values"].items())),
        ("second calls", ", ".join(second["entered"])),
        *((f"false {k}", words) for k, words in enumerate(false, 1)),
    ]  # fmt: skip


def _document(verdicts: list[Verdict], fresh: set[str], different: list[Verdict], files: Sequence[Path]) -> dict[str, Any]:
    """The document of --json; ``fresh``: the ids that were computed now."""
    listed = [{**{key: getattr(v, key) for key in KEYS.split()}, "certificates": _certificates([v]), "now": v.id in fresh}
              for v in verdicts]  # fmt: skip
    return {"claims": listed, "different": [v.id for v in different], "report": [str(file) for file in files]}


def _certificates(verdicts: list[Verdict]) -> list[str]:
    """The files that prove them, for `cfdyn check`."""
    from cfdyn.claims.sources import certificates

    return [str(file) for verdict in verdicts for file in certificates(verdict.id)]


def _affordable(wanted: list[Any], within: float | None) -> list[str]:
    """The ids that are computed now: all, or the quickest of those whose time is on record, until the time is spent."""
    from cfdyn.claims.record import on_record

    checked = [claim.id for claim in wanted if claim.measure]
    if within is None:
        return [claim.id for claim in wanted]
    chosen, spent = [], 0.0
    for name in sorted((name for name in checked if name in on_record()), key=lambda name: on_record()[name]["seconds"]):
        spent += max(on_record()[name]["seconds"], LEAST)
        if spent <= within:
            chosen.append(name)
    return chosen


def _print(screen: Screen, verdicts: list[Verdict], questions: tuple[Question, ...], fresh: set[str]) -> None:
    """Answers with the claims under each where the source has them, else a table; then how many of each verdict."""
    from cfdyn.claims.answers import filled
    from cfdyn.claims.claim import VERDICTS

    by_id = {verdict.id: verdict for verdict in verdicts}
    for question in questions:
        screen.heading(f"{question.id}  {question.asked}")
        screen.print()
        screen.print(filled(question, by_id))
        screen.table(("", "", ""), [by_id[name] for name in question.claims], lambda v: _row(v, fresh), most=None)
        screen.print()
    if not questions:
        screen.table(("claim", "verdict", "computed"), verdicts, lambda v: _row(v, fresh), most=None)
    counts = {kind: sum(v.verdict == kind for v in verdicts) for kind in VERDICTS}
    screen.print(", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "no claims")


def _row(verdict: Verdict, fresh: set[str]) -> tuple[str, str, str]:
    when = "now" if verdict.id in fresh else f"{verdict.date}, version {verdict.version}" if verdict.date else verdict.reason
    return verdict.id, verdict.verdict, when
