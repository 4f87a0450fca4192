"""Claims that certificates prove: only what the checker accepts counts, and a proof that fails contradicts nothing."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

import cfdyn as cf
from cfdyn.claims import Claims, Control, near
from cfdyn.claims.proofs import NotProved, documents, facts
from cfdyn.claims.report import page, table
from cfdyn.claims.sources import all_claims, certificates
from cfdyn.claims.verdict import judge, measure
from cfdyn.cli.commands.show import _claim

WELL, GD = "(w**2 - 1)**2/4", cf.optimizers.gd(lr=1)


def claimed(make, **expected):
    claims = Claims("toy2000", "A. Toy, *Toys*, 2000.", read="the paper")
    claims.prove("page 1", expected, Control("nothing", changes={}))(make)
    (claim,) = claims
    return judge(claim, measure(claim))


def cycle(lr="1.1", points=(0.8, 1.2)):
    """There is a 2-cycle.

    One certificate.
    """
    return cf.certify.cycle(WELL, GD, list(points), lr=lr)


def test_what_the_certificate_says_is_held_against_the_claim():
    found = claimed(cycle, kind="cycle", period=2, stable=True)
    assert (found.verdict, found.measured["period"]) == ("proved", 2)
    assert claimed(cycle, kind="cycle", stable=False).verdict == "contradicted"
    # 2-cycles of w → (1 + η)w − ηw³: the squares of its points have the sum 1 + 1/η and the product 1/η²
    lo, hi = found.measured["points"]
    squares = [(one["low"] + one["high"]) ** 2 / 4 for one in (lo, hi)]
    assert sum(squares) == pytest.approx(2.1 / 1.1, abs=1e-7) and squares[0] * squares[1] == pytest.approx(1 / 1.21, abs=1e-7)


def test_a_proof_that_fails_contradicts_nothing():
    def absent():
        """There is no 3-cycle at η = 1.7."""
        return cf.certify.no_cycles(WELL, GD, 3, (-2, 2), lr="1.7", most=200)

    assert claimed(absent, kind="no_cycles", period=3).verdict == "undecided"


def test_a_proof_of_something_else_contradicts():
    assert claimed(cycle, kind="no_cycles", lr=near([1, 1.2], 0)).verdict == "contradicted"


def test_what_the_checker_refuses_is_not_proved():
    good = cycle()
    forged = copy.deepcopy(dict(good.document))
    forged["map"]["optimizer"]["params"]["lr"] = "1.2"
    forged["statement"] = good.statement.replace("1.1", "1.2")
    with pytest.raises(NotProved, match="does not accept"):
        documents(replace(good, document=forged))
    assert claimed(lambda: replace(good, document=forged), kind="cycle").verdict == "undecided"


def test_facts_of_several_are_listed_and_joined():
    pair = [cycle(), cf.certify.cycle(WELL, GD, [0.0], 1, lr="1.1")]
    found = facts(documents(pair))
    assert (found["kind"], found["period"], found["stable"]) == (["cycle"] * 2, [2, 1], [True, False])
    assert len(found["points"]) == 3 and near([2.1], 1e-9).agrees(found["multipliers"][1:]) is True
    assert facts(documents(pair[:1]))["period"] == 2


def test_points_are_the_weights_alone():
    heavy = cf.certify.cycle("w**2/2", cf.optimizers.heavy_ball(lr=1, momentum=0.5), [0.0], 1)
    assert near([0.0], 1e-7).agrees(facts(documents(heavy))["points"]) is True


def test_the_files_are_named_where_the_claim_is_shown():
    name = "may1976.orbits_stay_proved"
    (file,) = certificates(name)
    shown = _claim(all_claims()[name]).document()
    assert shown["certificates"] == [str(file)] and cf.certify.check(file).statement == shown["measured"]["statement"]
    verdict = judge(all_claims()[name], measure(all_claims()[name]))
    assert f"<dt>certificate</dt><dd>{file.name}</dd>" in page([verdict], {})
    assert f"| proved [1](certificates/{file.name}) |" in table([verdict])
