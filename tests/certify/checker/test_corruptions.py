"""More than 400 certificates with one thing wrong in their meaning: the checker rejects each, without a hash."""

import json
import re
import time

import pytest

import cfdyn as cf
from cfdyn.certify.checker.check import KINDS, check
from cfdyn.certify.checker.statement import statement
from tests.certify.checker.corruptions import all_corruptions, changed
from tests.certify.checker.examples import EXAMPLES, document

ALL = all_corruptions()
CASES = dict(ALL)


def test_there_are_more_than_400_that_change_something():
    assert len(CASES) == len(ALL) > 400
    examples = {json.dumps(document(name), sort_keys=True) for name in EXAMPLES}
    assert not [name for name, found in ALL if json.dumps(found, sort_keys=True) in examples]


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (k % 4 != 0)) for k, name in enumerate(EXAMPLES)])
def test_the_examples_are_valid(name):
    found = check(document(name))
    assert found.valid and found.statement == document(name)["statement"] == statement(document(name)), found


def test_every_kind_has_an_example():
    assert {document(name)["kind"] for name in EXAMPLES} == set(KINDS)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (k % 16 != 0)) for k, name in enumerate(CASES)])
def test_a_corruption_is_rejected(name):
    begin = time.process_time()
    found = check(CASES[name])
    assert not found.valid and found.reason, found.statement
    assert "cannot follow" not in found.reason
    assert not re.search("statement", found.reason), "it is the evidence that has to fail"
    assert time.process_time() - begin < 20


def test_the_statement_cannot_be_another_one():
    for name in ("cycle_henon", "no_cycles-double-well-3"):
        found = document(name)
        found["statement"] = found["statement"].replace("has", "has no", 1) + "."
        assert "statement" in check(found).reason


def test_an_orbit_that_is_not_there_converges_nowhere():
    """log(x) is nothing for x < 0, and the step after it forgets that it was asked for."""
    forgets = cf.Map.from_text(["1/2", "log(x)"], "x y")
    found = cf.certify.convergence(forgets, box=((0.25, 1), (-1, 1))).document
    assert check(found).valid
    found["claim"]["box"] = [[(-1.0).hex(), (1.0).hex()]] * 2
    found["statement"] = statement(found)
    assert "leaf" in check(found).reason


def test_harmless_changes_prove_what_they_say():
    wider = changed("cycles-logistic-4", (("evidence", "ledgers", "4", "tree"), lambda t: t.replace("a", "o", 1)))
    assert check(wider).statement == document("cycles-logistic-4")["statement"]  # a letter is a hint
    unknown = changed("cycle_adam_3", (("claim", "stable"), None), (("claim", "multipliers"), None))
    assert check(unknown).valid and "stable" not in check(unknown).statement and "multiplier" not in check(unknown).statement
    less = changed("chaos_double_well", (("claim", "growth"), "1.5"), (("claim", "entropy"), "0.4"))
    assert check(less).valid and "ln 1.5 ≥ 0.4" in check(less).statement
    open_ = changed(
        "cycles-double-well-3",
        (("evidence", "ledgers", "3", "tree"), lambda t: t[:-1] + "?"),
        (("claim", "complete"), False),
        (("claim", "fixed points"), None),
    )
    assert check(open_).valid and "at least 4" in check(open_).statement
    fewer = changed("cycles-double-well-3", (("evidence", "ledgers", "3", "proven"), lambda old: old[1:]), (("claim", "count"), 3), (("claim", "complete"), False),
                    (("claim", "fixed points"), None), (("evidence", "ledgers", "3", "tree"), "?"))  # fmt: skip
    assert check(fewer).valid and "at least 3" in check(fewer).statement
