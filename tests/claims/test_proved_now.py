"""What is proved in a report is so by a certificate that is checked now, whatever a kept measurement says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cfdyn.claims import record
from cfdyn.claims.record import judge_kept, on_record
from cfdyn.claims.report import page
from cfdyn.claims.sources import all_claims, certificates

CLAIM = all_claims()["may1976.orbits_stay_proved"]


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """The certificate of the claim, in another folder."""
    (file,) = certificates(CLAIM.id)
    copy = Path(shutil.copy(file, tmp_path / file.name))
    monkeypatch.setattr(record, "certificates", lambda name: [copy] if copy.exists() else [])
    return copy


def kept():
    return judge_kept(CLAIM, on_record()[CLAIM.id])


def test_a_certificate_that_is_valid_now_proves(beside):
    assert kept().verdict == "proved"


def test_a_kept_verdict_alone_proves_nothing(beside):
    beside.unlink()
    assert (kept().verdict, kept().reason) == ("undecided", "kept as proved, but no certificate lies beside the paper")
    shown = page([kept()], {})
    assert '<span class="undecided">undecided</span> ' in shown and '<span class="proved">proved</span> 1' not in shown


def test_a_certificate_that_is_not_valid_proves_nothing(beside):
    document = json.loads(beside.read_text())
    document["claim"]["box"] = [[f"-0x1.8p+{9}", end] for _, end in document["claim"]["box"]]
    beside.write_text(json.dumps(document))
    assert kept().verdict == "undecided" and "the checker does not accept the certificate may1976.orbits_stay_proved.json" in kept().reason


def test_a_certificate_of_something_else_proves_nothing(beside):
    other = next(file for name, claim in all_claims().items() if claim.certify and name != CLAIM.id
                 for file in certificates(name) if json.loads(file.read_text())["kind"] != "trapping")  # fmt: skip
    shutil.copy(other, beside)
    assert kept().verdict == "undecided" and "proves something else: " in kept().reason


def test_a_proof_without_a_certificate_says_when_it_was_computed():
    claim = next(one for one in all_claims().values() if one.settled == "proved" and one.certify is None)
    found = judge_kept(claim, on_record()[claim.id])
    assert found.reason == f"{claim.proof}, as computed on {found.date} by version {found.version}" and found.verdict == "proved"
