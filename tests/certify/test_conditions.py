"""A proof holds where the formulas are defined as they are written, in the prover and in the checker."""

from __future__ import annotations

import json

import pytest

import cfdyn as cf

GD = cf.optimizers.gd(lr=0.5)
# What is 0 where it is defined: not everywhere in [0, 1], and there.
CHAOTIC = "3.9*x*(1-x) + {}"
ADDED = (
    "log(x-2) - log(x-2)", "0*log(x-0.5)", "(x-0.5)/(x-0.5) - 1", "sqrt(x-0.5)**2 - (x-0.5)", "1/(1/(x-0.5)) - (x-0.5)",
    "floor(1/(x-0.5)) - floor(1/(x-0.5))", "1 - (x-0.5)**(x-x)", "1 - log(x-0.5)**0", "0*Max(sqrt(x-0.5), 1)", "0*(log(x-0.5) > 0)",
    "0/tan(pi*(x-0.5))", "0/(0.5 - x)**2",
)  # fmt: skip
DEFINED = ("log(x+2) - log(x+2)", "0*log(x + 1)", "(x+1)/(x+1) - 1", "sqrt(x+1)**2 - (x+1)", "floor(1/(x+5)) - floor(1/(x+5))")


def a_map(added: str, formula: str = CHAOTIC) -> cf.Map:
    return cf.Map.from_text(formula.format(added))


@pytest.mark.parametrize("added", ADDED)
def test_nothing_is_proved_where_the_map_is_not_defined(added):
    found = cf.certify.chaos(a_map(added), box=[(0, 1)])
    assert not found.proved and "as they are written the formulas need" in found.reason
    trapped = cf.certify.trapping(a_map(added, "x/2 + 1/4 + {}"), box=[(0, 1)])
    assert not trapped.proved and "as they are written" in trapped.reason


@pytest.mark.parametrize("added", DEFINED)
def test_what_is_defined_is_proved_and_verified(added):
    found = cf.certify.chaos(a_map(added), box=[(0, 1)])
    assert found.proved and found.claim["period"] == 3
    verdict = cf.certify.check(found)
    assert verdict.valid and verdict.statement == found.statement


@pytest.mark.parametrize("added", [*ADDED, *DEFINED])
def test_the_checker_finds_out_by_itself(added):
    """The certificates of the map without what cancels, with the formula written in by hand."""
    plain = cf.Map.from_text("3.9*x*(1-x)")
    proofs = (cf.certify.chaos(plain, box=[(0, 1)]), cf.certify.trapping(cf.Map.from_text("x/2 + 1/4"), box=[(0, 1)]))
    for found, formula in zip(proofs, (CHAOTIC, "x/2 + 1/4 + {}"), strict=True):
        document = json.loads(json.dumps(found.document))
        text = formula.format(added)
        document["statement"] = document["statement"].replace(document["map"]["formulas"][0], text)
        document["map"]["formulas"] = [text]
        assert cf.certify.check(document).valid == (added in DEFINED)


def test_a_fixed_point_of_descent_where_the_loss_has_no_value():
    """w − η(1 + 1/w) rests at −1; log w has no value there, log|w| has."""
    assert not cf.certify.cycle("log(w) + w", GD, [-1.0]).proved
    found = cf.certify.cycle("log(Abs(w)) + w", GD, [-1.0])
    assert found.proved and cf.certify.check(found).valid
    document = json.loads(json.dumps(found.document).replace("log(Abs(w)) + w", "log(w) + w"))
    assert not cf.certify.check(document).valid


def test_all_fixed_points_are_those_where_the_loss_has_a_value():
    ledger = cf.certify.cycles("log(w) + w", GD, period=1, box=[(-3, -0.1)])
    assert not ledger.complete
    ledger = cf.certify.cycles("w - log(w)", GD, period=1, box=[(0.25, 4)])
    assert ledger.complete and len(ledger.proven) == 1 and cf.certify.check(ledger).valid


def test_a_gradient_that_cancels_is_needed_nevertheless():
    """As written a step of w/2 + 0·g takes the gradient, too."""
    plain = cf.Optimizer.from_text({"w": "w/2 + 0*g"}, {"lr": 0.1})
    found = cf.certify.trapping("w**2/2", plain, box=[(-2, 2)])
    assert found.proved and cf.certify.check(found).valid
    assert not cf.certify.trapping("log(w)", plain, box=[(-2, 2)]).proved
    document = json.loads(json.dumps(found.document).replace("w**2/2", "log(w)"))
    assert not cf.certify.check(document).valid


def test_two_variables():
    henon = ["1 - 1.4*x**2 + y + {}", "0.3*x"]
    inside = cf.Map.from_text([henon[0].format("0*log(x + 9)"), henon[1]], variables="x y")
    ledger = cf.certify.cycles(inside, period=2, box=[(-2, 2)] * 2)
    assert ledger.complete and len(ledger.proven) == 1
    outside = cf.Map.from_text([henon[0].format("0*log(x)"), henon[1]], variables="x y")
    assert not cf.certify.cycle(outside, points=[[0.9758, -0.1427], [-0.4758, 0.2927]]).proved
