"""The report on claims: one HTML page that asks nothing of the network, a Markdown table, the numbers, the figures."""

import base64
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from types import ModuleType
from typing import Any

from cfdyn.claims.answers import filled
from cfdyn.claims.claim import VERDICTS
from cfdyn.claims.markdown import answers, table
from cfdyn.claims.record import FILE, record_text
from cfdyn.claims.runner import draw
from cfdyn.claims.sources import certificates, named, papers_of
from cfdyn.claims.verdict import Verdict, shown
from cfdyn.records.files import folder_for_writing, written_whole

_STYLE = Path(__file__).with_name("report.css")


def folder(path: Path) -> Path:
    """The folder for the report, made if need be.

    Raises
    ------
    UsageError : it cannot be made or written
    """
    return folder_for_writing(path, "; choose another with --report")


def write(
    verdicts: Sequence[Verdict], into: Path, processes: int | None = None, progress: Callable[[str], None] | None = None
) -> list[Path]:
    """Write ``index.html``, ``claims.md``, ``answers.md``, ``verdicts.json`` and the figures that claims and answers name.

    Each is written whole or not at all.

    Raises
    ------
    UsageError : one of them cannot be written
    NumericsError : the disk is full
    """
    shown_in = list(_papers(verdicts).values())
    pictures = draw(_figures(verdicts, shown_in), processes, progress)
    files = {"index.html": page(verdicts, pictures), "claims.md": table(verdicts), FILE: record_text(verdicts)}
    questions = [question for paper in shown_in for question in getattr(paper, "QUESTIONS", ())]
    files["answers.md"] = answers(questions, {verdict.id: verdict for verdict in verdicts})
    contents = {name: text.encode() for name, text in files.items()}
    contents |= {f"{name}.png": picture for name, picture in pictures.items()}
    for name, content in contents.items():
        with written_whole(into / name, follow=False) as temporary:
            Path(temporary).write_bytes(content)
    return [into / name for name in contents]


def _papers(verdicts: Iterable[Verdict]) -> dict[str, ModuleType]:
    return papers_of(verdict.id.partition(".")[0] for verdict in verdicts)


def _figures(verdicts: Iterable[Verdict], shown_in: Iterable[ModuleType]) -> list[str]:
    """Of the claims and of the questions: "source.figure" each, once."""
    of_claims = [f"{v.id.partition('.')[0]}.{v.figure}" for v in verdicts if v.figure]
    of_questions = [q.figure for paper in shown_in for q in getattr(paper, "QUESTIONS", ()) if q.figure]
    return list(dict.fromkeys(of_questions + of_claims))


def page(verdicts: Sequence[Verdict], pictures: dict[str, bytes]) -> str:
    """The HTML page: how many of each verdict, questions with their answers, then the sources with their claims."""
    by_id = {verdict.id: verdict for verdict in verdicts}
    with_claims = _papers(verdicts)
    asked = [_question(q, by_id, pictures) for paper in with_claims.values() for q in getattr(paper, "QUESTIONS", ())]
    sources = [_source(name, paper, verdicts, pictures) for name, paper in with_claims.items()]
    counts = "".join(
        f"<li>{_badge(kind)} {count}</li>" for kind in VERDICTS if (count := sum(v.verdict == kind for v in verdicts))
    )
    contents = "".join(f'<li><a href="#{name}">{name}</a></li>' for name in with_claims)
    style = _STYLE.read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>Claims about the dynamics of optimizers</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        "<h1>Claims about the dynamics of optimizers</h1>\n"
        "<p>Statements of the literature, each computed and held against what its source says. <em>Reproduced</em> means that "
        "floating-point evidence agrees within the tolerance shown; only <em>proved</em> is a proof. Open a claim to see "
        "what was computed, with which options, and the statement beside it that does not hold.</p>\n"
        f'<ul class="counts">{counts}</ul>\n'
        + "\n".join([*asked, f'<nav aria-label="Sources"><ul>{contents}</ul></nav>', *sources])
        + "\n</main>\n</body>\n</html>\n"
    )


def _question(question: Any, by_id: dict[str, Verdict], pictures: dict[str, bytes]) -> str:
    claims = "".join(
        f'<li><a href="#{name}">{name}</a> {_badge(by_id[name].verdict)}</li>' for name in question.claims if name in by_id
    )
    return (
        f'<section class="question" id="{escape(question.id)}"><h2>{escape(question.id)}. {escape(question.asked)}</h2>\n'
        f"<p>{escape(filled(question, by_id))}</p>{_picture(question.figure, question.asked, pictures)}"
        f'<ul class="claims">{claims}</ul></section>'
    )


def _source(name: str, paper: ModuleType, verdicts: Sequence[Verdict], pictures: dict[str, bytes]) -> str:
    own = [verdict for verdict in verdicts if verdict.id.startswith(f"{name}.")]
    summary = "".join(f"<p>{escape(part)}</p>" for part in paper.CLAIMS.summary.split("\n\n") if part.strip())
    figures = dict.fromkeys(f"{name}.{verdict.figure}" for verdict in own if verdict.figure)
    drawn = "".join(_picture(figure, figure, pictures) for figure in figures)
    entry = escape(paper.CLAIMS.entry).replace("*", "")
    return f'<section id="{name}"><h2>{entry}</h2>\n{summary}\n' + "\n".join(map(_claim, own)) + f"\n{drawn}</section>"


def _claim(verdict: Verdict) -> str:
    control = named(verdict.id).control
    rows = "".join(
        f"<tr><th>{escape(key)}</th><td>{escape(verdict.expected.get(key, ''))}</td><td>{escape(shown(value))}</td></tr>"
        for key, value in (dict.fromkeys(verdict.expected, "–") | verdict.measured).items()
    )
    facts = {
        "where": verdict.where, "read": verdict.read, "computed": verdict.how, "options": shown(verdict.options),
        "reason": verdict.reason,
        "certificate": ", ".join(file.name for file in certificates(verdict.id)),
        "settled as": "" if verdict.as_settled else verdict.settled, "does not hold": control.words if control else "",
        "date": f"{verdict.date}, version {verdict.version}" if verdict.date else "",
    }  # fmt: skip
    listed = "".join(f"<dt>{key}</dt><dd>{escape(text)}</dd>" for key, text in facts.items() if text)
    numbers = f"<table><tr><td></td><th>expected</th><th>measured</th></tr>{rows}</table>" if rows else ""
    name, words = escape(verdict.id), f"{_badge(verdict.verdict)} {escape(verdict.statement)}"
    return (
        f'<details id="{name}"><summary>{words} <code>{name}</code></summary>'
        f'<div class="scroll">{numbers}</div><dl>{listed}</dl></details>'
    )


def _badge(kind: str) -> str:
    return f'<span class="{kind}">{kind}</span>'


def _picture(name: str, words: str, pictures: dict[str, bytes]) -> str:
    if name not in pictures:
        return ""
    data = base64.b64encode(pictures[name]).decode()
    return f'<figure><img alt="{escape(words)}" src="data:image/png;base64,{data}"></figure>'
