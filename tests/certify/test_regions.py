"""Trapping regions and basins: proved where they are, and not where an orbit leaves or settles elsewhere."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

O, L = cf.optimizers, cf.losses
DOUBLE_WELL = "(w**2 - 1)**2/4"


def henon(a):
    return cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": a, "b": 0.3})


def prove(kind, *args, **options):
    found = getattr(cf.certify, kind)(*args, **options)
    assert not found.proved or cf.certify.check(found.document).valid
    return found


def exactly(interval):
    return [Fraction(float.fromhex(end)) for end in interval]


def test_the_double_well_is_trapped_for_an_interval_of_rates():
    # max |g| = 2(A/3)^{3/2} in x = w√η, A = 1 + η, and the box is |x| < √(A+1): at η = 1.8 it holds 1.31 < 1.4 < 1.47.
    found = prove("trapping", DOUBLE_WELL, O.gd(lr=1.7), (-1.4, 1.4), lr=("1", "1.8"))
    assert found.proved and found.claim["whole"]


def test_a_box_that_an_orbit_leaves_is_not_trapping():
    assert not prove("trapping", DOUBLE_WELL, O.gd(lr=1.7), (-1.3, 1.3)).proved  # 1.3097 is the largest value
    assert not prove("trapping", DOUBLE_WELL, O.gd(lr=2.1), (-1.4, 1.4)).proved
    assert not prove("trapping", DOUBLE_WELL, O.gd(lr=1.7), (-1.4, 1.4), lr=("1.7", "2.1")).proved
    assert not prove("trapping", cf.Map.from_text("x"), box=(0, 1)).proved  # onto itself, not into the interior


def test_an_orbit_that_escapes_has_no_region():
    assert not prove("trapping", henon(1.45), box=[(-1.5, 1.5), (-0.45, 0.45)], start=(0, 0)).proved


def test_a_region_of_boxes_around_henons_attractor():
    found = prove("trapping", henon(1), box=[(-1.5, 1.5), (-0.45, 0.45)], start=(0, 0))
    assert found.proved and not found.claim["whole"] and "x" in found.document["evidence"]["tree"]


@pytest.mark.slow
def test_a_region_around_a_heavy_ball_attractor():
    assert prove("trapping", DOUBLE_WELL, O.heavy_ball(lr=1.2, momentum=0.3), [(-2, 2), (-2, 2)], start=(1.1, 0)).proved


@pytest.mark.slow
def test_henons_classical_attractor_has_a_trapping_region():
    assert prove("trapping", henon(1.4), box=[(-1.5, 1.5), (-0.45, 0.45)], start=(0, 0)).proved


@pytest.mark.parametrize(
    ("loss", "optimizer", "box", "point"),
    [(DOUBLE_WELL, O.gd(lr=0.9), (0.1, 1.3), [1]), (L.logistic_regression(), O.gd(lr=5), (-12, 12), [np.log(2)]),
     ("w**2/2", O.heavy_ball(lr=0.5, momentum=0.5), [(-2, 2), (-2, 2)], [0, 0]),
     (DOUBLE_WELL, O.heavy_ball(lr=0.2, momentum=0.5), [(0.5, 1.5), (-0.3, 0.3)], [1, 0]),
     (L.himmelblau(), O.gd(lr=0.01), [(2.5, 3.5), (1.5, 2.5)], [3, 2])],
    ids=["double_well", "logistic", "heavy_ball_quadratic", "heavy_ball", "himmelblau"],
)  # fmt: skip
def test_all_starts_converge(loss, optimizer, box, point):
    found = prove("convergence", loss, optimizer, box)
    assert found.proved, found.reason
    for interval, value in zip(found.claim["point"], point, strict=True):
        lo, hi = exactly(interval)
        assert lo - Fraction(1e-15) <= Fraction(float(value)) <= hi + Fraction(1e-15) and hi - lo < Fraction(1, 10**8)


def test_all_starts_converge_for_an_interval_of_rates():
    found = prove("convergence", DOUBLE_WELL, O.gd(lr=0.4), (0.1, 1.3), lr=("0.1", "0.6"))
    assert found.proved and found.statement.startswith("For every lr from 0.1 to 0.6")


def test_leaves_are_told():
    """In the end none is open, and the tree has as many as are done."""
    told = []
    found = cf.certify.convergence(DOUBLE_WELL, O.gd(lr=0.4), (0.1, 1.5), progress=lambda *counts: told.append(counts))
    tree = found.document["evidence"]["tree"]
    assert told[-1] == (tree.count("i") + tree.count("g"), 0, None) and len(told) > 3 and all(left for _, left, _ in told[:-1])


# -- what is false ---------------------------------------------------------------------------------------------------


def test_a_start_at_another_fixed_point_is_seen():
    assert not prove("convergence", DOUBLE_WELL, O.gd(lr=0.4), (0, 1.5), most=300).proved  # 0 stays at 0
    assert not prove("convergence", DOUBLE_WELL, O.gd(lr=0.4), (-1e-9, 1.5), most=300).proved
    assert not prove("convergence", DOUBLE_WELL, O.gd(lr=0.4), (-1.5, 1.5)).proved


def test_beyond_the_edge_nothing_converges():
    assert not prove("convergence", DOUBLE_WELL, O.gd(lr=1.01), (0.9, 1.1)).proved
    assert not prove("convergence", DOUBLE_WELL, O.gd(lr=0.99), (0.9, 1.1), lr=("0.99", "1.01")).proved


def test_a_three_cycle_beside_the_minimum_is_no_convergence():
    # The 3-cycle of Meng et al. is stable beside a stable minimum: its points are in the box.
    found = prove("convergence", L.meng_logistic(), O.gd(lr=0.15486309001950452), (-0.5, 3.5), most=40)
    assert not found.proved


def test_boxes_are_read_with_care():
    for kind in ("trapping", "convergence"):
        with pytest.raises(UsageError, match="lo < hi"):
            getattr(cf.certify, kind)(DOUBLE_WELL, O.gd(lr=1), (1, -1))
        with pytest.raises(UsageError, match="lo < hi"):
            getattr(cf.certify, kind)(DOUBLE_WELL, O.heavy_ball(lr=1), (1, 2))
    with pytest.raises(UsageError, match="0 to 1000 steps"):
        cf.certify.convergence(DOUBLE_WELL, O.gd(lr=1), (0.9, 1.1), steps=2000)
    with pytest.raises(UsageError, match="a start has 2 numbers"):
        cf.certify.trapping(henon(1.2), box=[(-1.5, 1.5), (-0.45, 0.45)], start=(0,))


@pytest.mark.slow
def test_heavy_ball_with_much_momentum_converges():
    """β = 0.9: the orbit turns some hundred steps, and boxes around what turns grow; the norm in which it contracts does not."""
    found = cf.certify.convergence("(w**2 - 1)**2/4", cf.optimizers.heavy_ball(lr=0.1, momentum=0.9), ((0.98, 1.02), (-0.02, 0.02)))
    assert found.proved, found.reason
    assert cf.certify.check(found.document).valid
    assert not cf.certify.convergence("(w**2 - 1)**2/4", cf.optimizers.heavy_ball(lr=0.1, momentum=0.9), ((-0.05, 0.05), (-0.02, 0.02)), most=50).proved
