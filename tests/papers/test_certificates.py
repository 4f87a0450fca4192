"""Every certificate beside the papers is valid and says what its claim says."""

from __future__ import annotations

import pytest

import cfdyn as cf
from cfdyn.claims.claim import PROVED
from cfdyn.claims.proofs import facts
from cfdyn.claims.record import on_record
from cfdyn.claims.sources import certificates
from cfdyn.claims.verdict import judge, measurement
from tests.certificates import FOLDER, kept, made, names, proved_claims

CLAIMS = proved_claims()
QUICK = 0.2  # seconds that making and verifying took when it was put on record


def seconds(claim) -> float:
    return on_record().get(claim.id, {"seconds": 0.0})["seconds"]


def test_every_file_belongs_to_a_claim_and_they_are_small():
    files = {file for claim in CLAIMS for file in certificates(claim.id)}
    assert {file.name for file in FOLDER.iterdir()} == {file.name for file in files}
    sizes = [file.stat().st_size for file in files]
    assert max(sizes) <= 100_000 and sum(sizes) <= 2_000_000


def test_there_are_many_on_many_losses():
    formulas = {str(kept(file)["map"].get("loss", {}).get("formula")) for claim in CLAIMS for file in certificates(claim.id)}
    assert len(CLAIMS) >= 30 and len(formulas - {"None"}) >= 10


@pytest.mark.parametrize(
    "claim", [pytest.param(c, id=c.id, marks=[pytest.mark.slow] if c.slow or seconds(c) > 1 else []) for c in CLAIMS]
)
def test_its_files_are_valid_and_prove_the_claim(claim):
    """The facts that the claim expects are read from the files, which the checker verifies from their text."""
    files = certificates(claim.id)
    assert [file.name for file in files] == names(claim, len(files)) != []
    assert [cf.certify.check(file)[:3] for file in files] == [(True, kept(file)["statement"], "") for file in files]
    found = facts([kept(file) for file in files])
    verdict = judge(claim, measurement(found, "", 0.0))
    assert verdict.verdict == PROVED, verdict.reason
    assert found["statement"] == on_record()[claim.id]["measured"]["statement"]


@pytest.mark.parametrize(
    "claim", [pytest.param(c, id=c.id, marks=[pytest.mark.slow] if c.slow or seconds(c) > QUICK else []) for c in CLAIMS]
)
def test_its_files_are_about_what_its_check_proves(claim):
    """The map, all its parameters and what varies are those of the certificate that the check makes now."""
    fresh = [given(one.document) for one in made(claim)]
    assert [given(kept(file)) for file in certificates(claim.id)] == fresh != []


def given(document):
    """What the certificate is about; where a bifurcation is was found, and not given."""
    names = ("kind", "map") if document["kind"] == "bifurcation" else ("kind", "map", "vary")
    return {name: document[name] for name in names}
