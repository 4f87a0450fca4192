"""Every claim that its own check can settle is settled as recorded, and the false statement beside it is not."""

from __future__ import annotations

import pytest

from cfdyn.claims.claim import AGREES, CONTRADICTED, REPRODUCED, Claim, Control
from cfdyn.claims.record import on_record
from cfdyn.claims.sources import all_claims
from cfdyn.claims.verdict import judge, measure


def seconds(claim: Claim) -> float:
    return on_record().get(claim.id, {"seconds": 0.0})["seconds"]


VERY_QUICK, QUICK, BEARABLE, BEARABLE_PROOF = 0.02, 0.1, 0.5, 0.2  # seconds that a check took when it was put on record
ALL = [claim for claim in all_claims().values() if claim.measure]


def everyday() -> set[str]:
    """Of each source what is quick, and one that is bearable where nothing is; `make test-all` checks the rest."""
    found = set[str]()
    for source in {claim.source for claim in ALL}:
        mine = [c for c in ALL if c.source == source and not c.slow and seconds(c) <= (BEARABLE_PROOF if c.certify else BEARABLE)]
        quick = {claim.id for claim in mine if seconds(claim) <= QUICK}
        found |= quick or {min(mine, key=seconds).id for _ in mine[:1]}
    return found


EVERYDAY = everyday()
CHECKED = [pytest.param(claim, id=claim.id, marks=[pytest.mark.slow] if claim.id not in EVERYDAY else []) for claim in ALL]


def test_every_source_has_claims_that_are_checked_every_day():
    """But for those whose checks all take long."""
    sources = {claim.source for claim in ALL}
    assert len({name.partition(".")[0] for name in EVERYDAY}) >= 0.75 * len(sources) and len(EVERYDAY) >= 250


@pytest.mark.parametrize("claim", CHECKED)
def test_the_verdict_is_the_one_on_record_and_its_control_fails(claim: Claim):
    verdict = judge(claim, measure(claim))
    assert verdict.verdict == claim.settled, verdict.reason
    perturbed = claim.perturbed()
    control = judge(perturbed, measure(perturbed))
    opposite = (REPRODUCED, AGREES) if claim.settled == CONTRADICTED else (CONTRADICTED,)
    assert control.verdict in opposite, f"{claim.control.words}: {control.reason}"


def marks(claim: Claim, by: Control) -> list[pytest.MarkDecorator]:
    """A run that claims of a file share is on record as none of the second one's seconds, and such claims are slow."""
    return [pytest.mark.slow] if by.changes and (claim.slow or seconds(claim) > VERY_QUICK) else []


PERTURBED = [
    pytest.param(claim, by, id=f"{claim.id}-{k}", marks=marks(claim, by)) for claim in ALL for k, by in enumerate(claim.perturbations)
]


@pytest.mark.parametrize(("claim", "by"), PERTURBED)
def test_each_perturbation_turns_the_verdict(claim: Claim, by: Control):
    """One that changes what is expected, and nothing else, is held against what is on record."""
    false = claim.perturbed(by)
    verdict = judge(false, measure(false) if by.changes or claim.id not in on_record() else on_record()[claim.id])
    assert verdict.refutes, f"{by.words}: {verdict.verdict}, {verdict.reason}"
