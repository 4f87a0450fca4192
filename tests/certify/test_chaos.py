"""Chaos of maps of one variable: what is known is proved, what is false is not."""

from __future__ import annotations

import copy
import math
from fractions import Fraction

import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

O, L = cf.optimizers, cf.losses
GOLDEN = (1 + math.sqrt(5)) / 2
DOUBLE_WELL = "(w**2 - 1)**2/4"


def logistic(r):
    return cf.Map.from_text("r*x*(1-x)", params={"r": r})


def prove(loss, optimizer=None, box=None, **options):
    found = cf.certify.chaos(loss, optimizer, box, **options)
    assert not found.proved or cf.certify.check(found.document).valid
    return found


def test_the_logistic_map_at_3_9_has_more_entropy_than_a_three_cycle_forces():
    found = prove(logistic(3.9), box=(0, 1), longest=7)
    assert found.proved and found.claim["period"] == 3
    growth = Fraction(found.claim["growth"])
    assert growth**2 > growth + 1  # above the golden mean, exactly
    assert "ln((1+√5)/2)" in found.statement


@pytest.mark.slow
def test_the_bound_is_below_the_entropy_from_laps_and_near_it():
    step = logistic(3.9)
    known = cf.analysis.topological_entropy(step, (0, 1))
    bound = float(prove(step, box=(0, 1), longest=8).claim["entropy"])
    assert known.upper - 0.02 < bound <= known.upper


def test_full_maps_come_near_to_ln_2_and_ln_3_and_never_above():
    two = float(prove(logistic(4), box=(0, 1), longest=5).claim["entropy"])
    three = float(prove(DOUBLE_WELL, O.gd(lr=2), (-1.6, 1.6), longest=3).claim["entropy"])
    assert 0.6 < two < math.log(2)
    assert 0.9 < three < math.log(3)


@pytest.mark.parametrize(
    ("loss", "optimizer", "box"),
    [(DOUBLE_WELL, O.gd(lr=1.7), (-2, 2)), (L.poisson_regression(), O.gd(lr=3.2), (-6, 6)), (L.logistic_regression(), O.gd(lr=20), None),
     pytest.param(L.rough_parabola(0.025), O.gd(lr=0.1), None, marks=pytest.mark.slow)],
    ids=["double_well", "poisson", "logistic_regression", "rough_parabola"],
)  # fmt: skip
def test_descent_with_a_three_cycle_is_chaotic(loss, optimizer, box):
    found = prove(loss, optimizer, box, longest=1)
    assert found.proved and found.claim["period"] == 3
    assert float(found.claim["entropy"]) > math.log(GOLDEN) - 1e-8


def test_an_interval_of_learning_rates_has_one_proof():
    found = prove(DOUBLE_WELL, O.gd(lr=1.7), (-2, 2), longest=3, lr=("1.695", "1.705"))
    assert found.proved and found.document["vary"] == {"lr": ["1.695", "1.705"]}
    assert found.statement.startswith("For every lr from 1.695 to 1.705")


def test_entropy_without_an_odd_cycle_is_proved_too():
    # Odd periods begin where two bands merge (r = 3.6786); before it the entropy is at most ln(2)/2.
    found = prove(logistic(3.65), box=(0, 1), longest=10)
    assert found.proved and found.claim["period"] is None
    assert 0.2 < float(found.claim["entropy"]) < math.log(2) / 2
    assert "Sharkovskii" not in found.statement


def test_a_bend_of_slope_two_and_a_half_is_chaotic_without_a_three_cycle():
    # Slopes 1 and 1 − 2.55: positive entropy for every product η·max L″ above 2, a 3-cycle only from 3 on.
    loss, optimizer = L.one_sided_quadratic(3), O.gd(lr=0.85)
    found = prove(loss, optimizer, (-3, 3), longest=8)
    assert found.proved and float(found.claim["entropy"]) > 0.1
    assert not prove(loss, optimizer, (-3, 3), period=3).proved


def test_the_three_cycle_of_meng_is_chaos_that_attracts_nothing_much():
    found = prove(L.meng_logistic(), O.gd(lr=0.15486309001950452), (-1, 4), longest=1)
    assert found.proved and found.claim["period"] == 3 and "nothing about what attracts" in found.statement


# -- what is false ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("r", [3.5, 3.7, 3.8, 3.82])
def test_no_three_cycle_is_proved_before_it_is_born(r):
    assert not prove(logistic(r), box=(0, 1), period=3).proved


def test_no_three_cycle_of_a_convex_loss_below_three_over_its_curvature():
    # η·max L″ < 3 forbids 3-cycles; max L″ = 1/4 here, and 1 of log cosh w, which has none at all.
    assert not prove(L.logistic_regression(), O.gd(lr=11.9), period=3).proved
    assert not prove(L.log_cosh(), O.gd(lr=2.9), (-8, 8)).proved
    assert not prove(L.log_cosh(), O.gd(lr=8), (-12, 12)).proved


@pytest.mark.parametrize("r", [2.9, 3.3, 3.5])
def test_nothing_is_proved_where_the_entropy_is_zero(r):
    found = prove(logistic(r), box=(0, 1))
    assert not found.proved and found.document is None and "another box" in found.reason


def test_a_three_cycle_of_a_map_that_jumps_proves_nothing():
    # A contracted rotation: its 3-cycle attracts everything, and there is no chaos.
    step = cf.Map.from_text("x/2 + c - floor(x/2 + c)", params={"c": 0.6})
    orbit = [0.3]
    for _ in range(60):
        orbit.append((orbit[-1] / 2 + 0.6) % 1)
    assert len({round(x, 9) for x in orbit[-30:]}) == 3
    found = prove(step, box=(0, 1), period=3)
    assert not found.proved and "jump" in found.reason


def test_a_rotation_in_pieces_is_not_chaotic():
    step = cf.Map.from_text("Piecewise((x + 1/3, x < 2/3), (x - 2/3, True))")
    assert not prove(step, box=(0, 1), period=3).proved


def test_other_maps_are_refused_with_a_sentence():
    with pytest.raises(UsageError, match="horseshoe is for two"):
        cf.certify.chaos(DOUBLE_WELL, O.heavy_ball(lr=1), (-1, 1))
    with pytest.raises(UsageError, match="an odd period"):
        cf.certify.chaos(logistic(4), box=(0, 1), period=4)
    with pytest.raises(UsageError, match="lo < hi"):
        cf.certify.chaos(logistic(4), box=(1, 0))
    with pytest.raises(UsageError, match="box"):
        cf.certify.chaos(logistic(4))


def test_what_is_changed_in_meaning_is_not_valid():
    document = prove(logistic(3.9), box=(0, 1), longest=5).document
    for change in (lambda d: d["claim"].update(growth="1.7"), lambda d: d["claim"].update(period=5),
                   lambda d: d["evidence"]["vector"].pop(), lambda d: d["map"]["params"].update(r="3.8"),
                   lambda d: d["claim"]["points"].reverse()):  # fmt: skip
        other = copy.deepcopy(dict(document))
        change(other)
        assert not cf.certify.check(other).valid
