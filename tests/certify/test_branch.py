"""Whole branches: the tube holds the cycle that other means find, and no proof goes through a bifurcation."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest
from flint import ctx

import cfdyn as cf
from cfdyn.certify.branch import Slab, _Walk
from cfdyn.certify.shooting.candidates import polished
from cfdyn.certify.shooting.krawczyk import proven_cycle
from cfdyn.certify.subject import subject
from cfdyn.errors import UsageError
from tests.certify.cases import L, O, adam

WELL = L.double_well()


def number(text):
    return Fraction(float.fromhex(text))


def two_cycle(lr):
    """The asymmetric 2-cycle of GD on the double well, x → A x − (A − 1) x³ with A = 1 + lr, to 40 digits."""
    with mpmath.workdps(40):
        return [Fraction(str(root)) for root in _asymmetric(1 + mpmath.mpf(lr.numerator) / lr.denominator)]


def _asymmetric(a):
    """x + y = s, xy = p with (a + 1) = (a − 1)(s² − p), 1 = (a − 1) p."""
    p = 1 / (a - 1)
    s = mpmath.sqrt((a + 1) / (a - 1) + p)
    root = mpmath.sqrt(s * s - 4 * p)
    return (s + root) / 2, (s - root) / 2


@pytest.fixture(scope="module")
def found():
    return cf.certify.branch(WELL, O.gd(lr=1), 2, [0.85], lr=("1.05", "1.2"))


def test_the_tube_covers_the_interval_and_holds_the_two_cycle(found):
    assert found.proved and found.claim["stable"] is True and found.document["vary"] == {"lr": ["1.05", "1.2"]}
    slabs = found.document["evidence"]["slabs"]
    assert number(slabs[0]["vary"][0]) <= Fraction("1.05") and number(slabs[-1]["vary"][1]) >= Fraction("1.2")
    assert all(a["vary"][1] == b["vary"][0] for a, b in zip(slabs, slabs[1:], strict=False))
    for slab in slabs:
        lo, hi = map(number, slab["vary"])
        for k in range(5):
            high, low = two_cycle(lo + (hi - lo) * k / 4)
            boxes = sorted(([number(e) for e in box[0]] for box in slab["points"]), reverse=True)
            assert boxes[0][0] <= high <= boxes[0][1] and boxes[1][0] <= low <= boxes[1][1]


def test_joints_lie_in_both_slabs(found):
    slabs, joints = (found.document["evidence"][name] for name in ("slabs", "joints"))
    assert len(joints) == len(slabs) - 1
    for joint, before, behind in zip(joints, slabs, slabs[1:], strict=False):
        assert joint["at"] == before["vary"][1]
        for small, *large in zip(joint["points"], before["points"], behind["points"], strict=True):
            for box in large:
                assert number(box[0][0]) <= number(small[0][0]) and number(small[0][1]) <= number(box[0][1])


def test_slabs_of_two_cycles_are_not_joined():
    """At lr 1.1 there is a 2-cycle beside 1 and its mirror image beside −1."""
    at = 1.1
    walk = _Walk(subject(WELL, O.gd(lr=1), {"lr": ("1.05", "1.2")}), "lr", 1.05, 1.2, lambda words: None)
    with ctx.workprec(128):
        slabs = [
            Slab(at, at, proven_cycle(walk.at(at), polished(walk.at(at), [[s * 0.814], [s * 1.116]]), [1e-3]), True)
            for s in (1, -1)
        ]
        assert walk._joint(at, slabs[0], slabs[0]) is not None
        assert walk._joint(at, *slabs) is None and walk._joint(at, *slabs[::-1]) is None


@pytest.mark.parametrize("lr, period, start", [
    pytest.param(("1.45", "1.46"), 3, [0.5], marks=pytest.mark.slow), (("0.99", "1.2"), 2, [0.85])])  # fmt: skip
def test_no_branch_goes_through_the_birth_of_its_cycle(lr, period, start):
    """The 3-cycle is born at 1.450440964, the 2-cycle at 1."""
    proof = cf.certify.branch(WELL, O.gd(lr=1), period, start, lr=lr)
    assert not proof.proved and "stops at lr" in proof.reason


def test_a_branch_that_loses_its_stability_says_nothing_about_it():
    proof = cf.certify.branch(WELL, O.gd(lr=1), 1, [1.0], lr=("0.9", "1.1"))
    assert proof.proved and proof.claim["stable"] is None and "stable" not in proof.statement
    assert cf.certify.branch(WELL, O.gd(lr=1), 1, [0.0], lr=("0.9", "1.1")).claim["stable"] is False


def test_adams_three_cycle_over_an_interval():
    proof = cf.certify.branch("w**2/2", adam(1, 0.5, 0.2, 1e-8), 3, [0.0984, 0.1611, -0.3115], lr=("0.99999", "1.00001"))
    assert proof.proved and proof.claim["stable"] is True


@pytest.mark.slow
def test_adams_three_cycle_over_a_longer_interval():
    assert cf.certify.branch("w**2/2", adam(1, 0.5, 0.2, 1e-8), 3, [0.0984, 0.1611, -0.3115], lr=("0.9", "1.1")).proved


def test_another_parameter_and_what_cannot_be_asked():
    proof = cf.certify.branch(WELL, O.gd(lr=0.5), 1, [1.0], a=("1", "1.5"))
    assert proof.proved and "every a from 1 to 1.5" in proof.statement
    with pytest.raises(UsageError, match="one parameter"):
        cf.certify.branch(WELL, O.gd(lr=1), 1, [1.0])


def test_an_interval_of_one_double():
    """Its sixteenth is below the last bit of its ends, and no step."""
    said = []
    proof = cf.certify.branch(WELL, O.gd(lr=1), 1, [1.0], lr=("0.5", "0.50000000000000001"), progress=said.append)
    assert proof.claim["slabs"] == 1 and said[1:] == ["100.00 of 100 % of the interval"]
    assert cf.certify.check(proof.document).valid


@pytest.mark.slow
def test_the_two_cycle_of_log_cosh_for_all_learning_rates_from_2_1_to_8():
    """2w = η tanh w, with the multiplier (1 − η sech²w)² in [0, 1): stable throughout."""
    proof = cf.certify.branch(L.log_cosh(), O.gd(lr=1), 2, [1.0], lr=("2.1", "8"))
    assert proof.proved and proof.claim["stable"] is True


def test_log_of_cosh_is_proved_like_logcosh_and_said_as_typed():
    """tanh and sech² in the slopes, not sinh/cosh, whose parts widen each other: a fifth of the slabs at lr = 4."""
    typed, named = (cf.certify.branch(text, O.gd(lr=2.1), 2, [0.54], lr=("2.1", "4")) for text in ("log(cosh(w))", "logcosh(w)"))
    assert typed.claim == named.claim and typed.claim["slabs"] < 30
    assert typed.document["map"]["loss"]["formula"] == "log(cosh(w))" and cf.certify.check(typed.document).valid
