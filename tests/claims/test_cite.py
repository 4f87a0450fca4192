"""What `cf.cite` says of the toolkit, of claims and of sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cfdyn as cf
from cfdyn.claims.cite import cite
from cfdyn.claims.sources import papers
from cfdyn.errors import UsageError

ROOT = Path(__file__).parents[2]
FIELD = re.compile(r"  (\w+) = \{(.*)\},")


def fields(bibtex: str) -> dict[str, str]:
    """The fields of an entry, which has one on each line."""
    head, *lines, end = bibtex.splitlines()
    assert re.fullmatch(r"@(?:misc|software)\{\w+,", head) and end == "}"
    found = [FIELD.fullmatch(line) for line in lines]
    assert all(found), bibtex
    return {one[1]: one[2] for one in found if one}


def test_the_toolkit_is_cited_as_in_its_citation_file():
    cited = dict(re.findall(r"^([\w-]+): (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE))
    own = fields(cf.cite().bibtex)
    assert own["title"].strip("{}") == cited["title"].strip('"') and own["version"] == cited["version"] == cf.__version__
    assert f"Copyright (c) {own['year']}, the cfdyn developers" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_every_source_has_a_title_a_year_and_authors():
    assert len(papers()) > 100
    for name in papers():
        entry = fields(cite(name).bibtex)
        assert entry["title"] and entry["author"] and 1900 < int(entry["year"]) < 2100, name
        assert all(text.count("{") == text.count("}") for text in entry.values()), name
        assert "*" not in cite(name).text + cite(name).bibtex, name


def test_names_a_title_in_two_parts_and_a_number():
    entry = fields(cite("cohen2024").bibtex)
    assert entry["author"] == "J. M. Cohen and A. Damian and A. Talwalkar and J. Z. Kolter and J. D. Lee"
    assert (entry["year"], entry["eprint"], entry["archivePrefix"]) == ("2024", "2410.24206", "arXiv")
    assert fields(cite("thread2025").bibtex)["author"] == "{A forum thread}"


def test_a_claim_has_the_entry_of_its_source():
    one = next(iter(papers()["may1976"].CLAIMS))
    assert cite(one) == cite(one.id) == cite("may1976") == cite(papers()["may1976"].CLAIMS)
    assert str(cite(one)).endswith(cite(one).bibtex) and "```bibtex" in cite(one)._repr_markdown_()


@pytest.mark.parametrize(("subject", "words"), [("may1967", "did you mean 'may1976'"), ("may1976.frist_flip", "did you mean 'may1976.first_flip'"), (3, "not 3")])  # fmt: skip
def test_what_cannot_be_cited(subject, words):
    with pytest.raises(UsageError, match=words):
        cf.cite(subject)
