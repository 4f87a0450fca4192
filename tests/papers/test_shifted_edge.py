"""A fault of 3 % in the edge of stability of every optimizer does not go unnoticed by the claims that compute with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cfdyn.analysis.training import edge as edges
from cfdyn.claims.record import on_record
from cfdyn.claims.sources import all_claims
from cfdyn.claims.verdict import judge, measure
from cfdyn.symbolic.optimizer import Optimizer

MOST = 5.0  # seconds that a check took when it was put on record
SHIFT = 1.03


@pytest.mark.slow
def test_the_claims_that_compute_with_the_edge_notice_that_it_is_3_percent_off(monkeypatch):
    """Of those of a few seconds; `entered` counts the calls of the edge of one fixed point and of an optimizer's threshold."""
    entered, limit, edge = [], Optimizer.limit.fget, edges.edge

    def shifted_limit(self):
        entered.append("limit")
        value = limit(self)
        return None if value is None else SHIFT * value

    def shifted_edge(*arguments, **options):
        entered.append("edge")
        known = edge(*arguments, **options)
        return replace(known, value=SHIFT * known.value)

    monkeypatch.setattr(Optimizer, "limit", property(shifted_limit))
    monkeypatch.setattr(edges, "edge", shifted_edge)
    noticed, missed = [], []
    for claim in all_claims().values():
        if claim.measure is None or claim.slow or on_record().get(claim.id, {"seconds": 0.0})["seconds"] > MOST:
            continue
        entered.clear()
        verdict = judge(claim, measure(claim))
        if entered:
            (missed if verdict.verdict == claim.settled else noticed).append(claim.id)
    assert len(noticed) >= 20 and len(noticed) >= 0.95 * len(noticed + missed), missed
