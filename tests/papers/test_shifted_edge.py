"""A fault of 3 % in the edge of stability of every optimizer does not go unnoticed by the claims whose numbers it changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST = 5.0  # seconds that a check took when it was put on record
SHARE = 0.95  # of those whose numbers change; where a flow stays below the edge they do not
SHIFTED = """
import json, sys
from dataclasses import replace
from cfdyn.analysis.training import edge as edges
from cfdyn.claims.record import on_record
from cfdyn.claims.review import watched
from cfdyn.claims.sources import all_claims
from cfdyn.claims.verdict import judge, measure
from cfdyn.symbolic.optimizer import Optimizer
from cfdyn.symbolic.recursion import Recursion

SHIFT, most, chosen, asked = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:], []
begin, limit, edge = Recursion.__init__, Optimizer.limit.fget, edges.edge

def of_flows(self, *arguments):  # where a mode of oscillation flips, for all flows
    begin(self, *arguments)
    self.coefficients = self.coefficients._replace(edge=self.tape.mul(self.tape.const(SHIFT), self.coefficients.edge))

def of_a_point(*arguments, **options):
    asked.append(True)
    known = edge(*arguments, **options)
    return replace(known, value=SHIFT * known.value)

Recursion.__init__, Recursion.check_flip = of_flows, lambda self, optimizer: None
Optimizer.limit = property(lambda self: None if limit(self) is None else SHIFT * limit(self))
edges.edge = of_a_point

def digits(value):  # six of each number
    if isinstance(value, dict):
        return {name: digits(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [digits(one) for one in value]
    return f"{value:.6g}" if isinstance(value, float) else value

found = {}
for claim in all_claims().values():
    if claim.measure is None or claim.slow or on_record().get(claim.id, {"seconds": 0.0})["seconds"] > most:
        continue
    if chosen and claim.id not in chosen:
        continue
    asked.clear()
    measured, names = watched(lambda: measure(claim))
    if asked or "flows.central.central" in names:
        numbers = {name: value for name, value in (measured.get("measured") or {}).items() if name in claim.expected}
        found[claim.id] = [judge(claim, measured).verdict == claim.settled, digits(numbers)]
json.dump(found, sys.stdout)
"""


def _measured(shift, folder, *chosen):
    """{id: [whether it agrees, its numbers]} of the claims that compute with the edge, all or the chosen."""
    own = {**os.environ, "CFDYN_CACHE_DIR": str(folder)}  # what is kept of flows has the edge as it was
    command = [sys.executable, "-c", SHIFTED, str(shift), str(MOST), *chosen]
    return json.loads(subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
def test_the_claims_that_compute_with_the_edge_notice_that_it_is_3_percent_off(tmp_path):
    """Those whose check takes a few seconds, calls `cf.flows.central` or `cf.analysis.edge`, and measures something else then."""
    shifted = _measured(1.03, tmp_path / "shifted")
    agree = {name: numbers for name, (agrees, numbers) in shifted.items() if agrees}
    plain = _measured(1.0, tmp_path / "plain", *agree)
    missed = [name for name, numbers in agree.items() if plain[name][1] != numbers]
    noticed = len(shifted) - len(agree)
    assert noticed >= 35
    assert noticed >= SHARE * (noticed + len(missed)), missed
