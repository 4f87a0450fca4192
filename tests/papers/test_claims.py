"""Every claim that its own check can settle is settled as recorded, and the false statement beside it is not."""

from __future__ import annotations

import pytest

from cfdyn.claims.claim import CONTRADICTED, PROVED, REPRODUCED, UNDECIDED, Claim
from cfdyn.claims.record import on_record
from cfdyn.claims.sources import all_claims
from cfdyn.claims.verdict import judge, measure


def seconds(claim: Claim) -> float:
    return on_record().get(claim.id, {"seconds": 0.0})["seconds"]


QUICK = 0.5  # seconds that a check took when it was put on record
QUICK_PROOF = 0.2  # the others' certificates are verified in test_certificates.py, if not made anew
CHECKED = [
    pytest.param(
        claim, id=claim.id,
        marks=[pytest.mark.slow] if claim.slow or seconds(claim) > (QUICK_PROOF if claim.certify else QUICK) else [],
    )  # fmt: skip
    for claim in all_claims().values()
    if claim.measure
]


@pytest.mark.parametrize("claim", CHECKED)
def test_the_verdict_is_the_one_on_record_and_its_control_fails(claim: Claim):
    verdict = judge(claim, measure(claim))
    assert verdict.verdict == claim.settled, verdict.reason
    perturbed = claim.perturbed()
    control = judge(perturbed, measure(perturbed))
    opposite = {PROVED: CONTRADICTED, REPRODUCED: CONTRADICTED, CONTRADICTED: REPRODUCED, UNDECIDED: CONTRADICTED}
    assert control.verdict == opposite[claim.settled], f"{claim.control.words}: {control.reason}"
