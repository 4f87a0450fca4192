"""Each conjecture rests on claims that exist and says what would refute it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cfdyn.claims.sources import all_claims

TEXT = (Path(__file__).parents[2] / "papers" / "conjectures.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("section", SECTIONS, ids=[section.split(".")[0] for section in SECTIONS])
def test_a_conjecture_has_evidence_and_says_what_refutes_it(section: str):
    assert [section.count(f"*{part}") for part in ("Conjecture.*", "Evidence.*", "Refuted by*")] == [1, 1, 1]
    cited = set(re.findall(r"`([a-z]+\d{4}[a-z]?(?:_[a-z]+)?\.[a-z_]+)`", section))
    assert cited
    assert cited <= set(all_claims())
