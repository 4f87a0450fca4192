"""Phrases that read as translated, and are wrong in any context, are in no page, message, docstring or comment."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What to write instead is in CONTRIBUTING.md, "English".
PHRASES = """
judged are | judged is | searched is | searched are | held are | drawn are | left out is | looked at are | followed are
so many points | so many have | with g so many | a touch without | touch without a crossing is none
tells what | tells where | tells which | tells how | tell what the | tell which of
runs off | run off to | ran off | for ever | to and fro | turns round | turn round once | begins to turn | begin to turn
the chance to leave | runs are left over | no run goes on | runs that go on | a run that goes on | nothing says otherwise
behind an equals sign | stands behind | stand behind | stand in quotes | stands in quotes | such as of
put it to rest | puts to rest | puts them to rest | gone on with | goes on with | begun with | it goes forward only
let the box end | is not seen to | are not seen to | words of laps | keeps areas | keeps volumes | of which one is needed
whose past is not one | comes nearer | come nearer | else this is said | as of a | is told to write | asks nothing of
jumps away | jump away | is to be had | creeps to | a closer look finds | put to a closer look
neighbours part | neighbours meet | orbits jump | orbits run away | comes to 1 of | is no part of | that is to say so
""".replace("\n", " | ").split(" | ")  # fmt: skip


def wrong(text: str) -> list[str]:
    """The phrases in a text, as whole words, whatever its case; a sentence continues in the next line of prose, comment or code."""
    lines = (line.strip(" \t#").removeprefix('f"').strip("\"' ") for line in text.lower().splitlines())
    text = " ".join(line if line else "\n" for line in lines)
    return [phrase for phrase in filter(None, PHRASES) if phrase in text and re.search(rf"\b{phrase}\b", text)]


def test_no_phrase_reads_as_translated():
    pages = [ROOT / "README.md", *(page for page in (ROOT / "docs").rglob("*.md") if "_build" not in page.parts)]
    found = {str(file.relative_to(ROOT)): phrases for file in (*pages, *(ROOT / "cfdyn").rglob("*.py"))
             if (phrases := wrong(file.read_text(encoding="utf-8")))}  # fmt: skip
    assert not found, f"CONTRIBUTING.md says what to write instead: {found}"


def test_the_phrases_are_found():
    """In a line, over a break of prose, a comment or a text; not inside longer words."""
    assert wrong("Judged are the iterate itself") == ["judged are"]
    assert wrong("a value that begins with a minus sign stands behind\n    an equals sign") == ["behind an equals sign", "stands behind"]
    assert wrong("# the function turns\n    # round once") == ["turns round"]
    assert wrong('f"beyond {value} it runs "\n         f"off"') == ["runs off"]
    assert wrong("for every orbit, as of April; a run off-line; it stands beside") == []
    assert len(set(PHRASES)) > 60
