"""Horseshoes in the plane: known ones are proved, and none where there is none."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from flint import arb

import cfdyn as cf
from cfdyn.certify.borders.slopes import Slopes
from cfdyn.certify.covering.hsets import HSet, Planar, disjoint
from cfdyn.certify.subject import subject
from cfdyn.errors import UsageError

O, EXAMPLES = cf.optimizers, Path(__file__).parent / "examples"
DOUBLE_WELL = "(w**2 - 1)**2/4"


def henon(a, b=0.3):
    return cf.Map.from_text(["1 - a*x**2 + y", "b*x"], variables="x y", params={"a": a, "b": b})


def prove(*args, **options):
    found = cf.certify.horseshoe(*args, **options)
    assert not found.proved or cf.certify.check(found.document).valid
    return found


def test_a_horseshoe_made_by_hand_has_entropy_ln_2():
    # Smale's: two strips, each of which covers both.
    step = cf.Map.from_text(["6*x*(1 - x)", "(y + 4*x)/6"], variables="x y")
    strips = [((0.13, 0.45), ((0.16, 0), (0, 0.6))), ((0.87, 0.45), ((0.16, 0), (0, 0.6)))]
    said = []
    found = prove(step, sets=strips, progress=said.append)
    assert found.proved and found.claim["growth"] == "2"
    assert sorted(found.claim["transitions"]) == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert said == [f"proving: {k} of 4 coverings" for k in (1, 2, 3, 4)]


def test_sizes_and_coverings_are_counted():
    """Sets of 12 by 8 sizes; a claim names each covering that was tried and proved."""
    said = []
    found = prove(henon(1.4), box=[(-2, 2), (-1, 1)], progress=said.append)
    sizes = [words for words in said if words.endswith(" sizes of sets")]
    assert sizes == [f"saddle 2 of 2: {k} of 96 sizes of sets" for k in range(1, 97)]
    tried = [words.partition("proving: saddle 2 of 2, sets 1 of 6, ")[2].split() for words in said[96:]]
    assert len(tried) >= len(found.claim["transitions"]) and tried == [[str(k + 1), "of", str(len(tried)), "coverings"] for k in range(len(tried))]


def test_the_horseshoe_of_henon_on_file_is_valid():
    document = json.loads((EXAMPLES / "horseshoe_henon.json").read_text())
    # Newhouse, Berz, Grote & Makino (2008): at least 0.46469; numbers of cycles suggest 0.46512.
    assert cf.certify.check(document).valid and 0.2 < float(document["claim"]["entropy"]) < 0.4652


def test_heavy_ball_on_a_double_well_has_a_horseshoe():
    found = prove(DOUBLE_WELL, O.heavy_ball(lr=2, momentum=0.5), [(-3, 3), (-3, 3)])
    assert found.proved and float(found.claim["entropy"]) > 0.5


@pytest.mark.slow
def test_descent_in_the_plane_has_a_horseshoe_for_an_interval_of_rates():
    loss = "(x**2 - 1)**2/4 + y**2/2 + x*y/5"
    assert prove(loss, O.gd(lr=1.7), [(-3, 3), (-3, 3)]).proved
    found = prove(loss, O.gd(lr=1.7), [(-3, 3), (-3, 3)], lr=("1.6999", "1.7001"))
    assert found.proved and found.document["vary"]["lr"] == ["1.6999", "1.7001"]


@pytest.mark.slow
@pytest.mark.parametrize("period", [1, 2])
def test_henon_from_saddles_of_both_periods(period):
    found = prove(henon(1.4), box=[(-2, 2), (-1, 1)], period=period)
    assert found.proved and 0.1 < float(found.claim["entropy"]) < 0.4652


@pytest.mark.slow
def test_a_full_horseshoe_of_henon_stays_below_ln_2():
    # Devaney & Nitecki (1979): for a = 6, b = 0.3 there is a full two-shift.
    found = prove(henon(6), box=[(-2, 2), (-1, 1)])
    assert found.proved and 0.3 < float(found.claim["entropy"]) < math.log(2)


# -- what is false ---------------------------------------------------------------------------------------------------


def test_no_horseshoe_of_linear_maps():
    saddle = cf.Map.from_text(["2*x + y", "y/2"], variables="x y")
    assert "no orbit was found" in prove(saddle, box=[(-1, 1), (-1, 1)]).reason
    assert not prove("w**2/2", O.heavy_ball(lr=2.9, momentum=0.5), [(-1, 1), (-1, 1)]).proved


def test_no_horseshoe_before_there_is_chaos():
    assert not prove(henon(0.3), box=[(-2, 2), (-1, 1)]).proved


def test_sets_that_meet_prove_nothing():
    step = cf.Map.from_text(["6*x*(1 - x)", "(y + 4*x)/6"], variables="x y")
    one = ((0.13, 0.45), ((0.15, 0), (0, 0.6)))
    assert not prove(step, sets=[one, one]).proved
    assert not prove(step, sets=[one]).proved  # covers itself once: no growth


def test_a_fold_over_only_one_strip_is_not_two():
    # The image turns back at x = 0.875: the right strip is not crossed.
    step = cf.Map.from_text(["3.5*x*(1 - x)", "(y + 4*x)/6"], variables="x y")
    strips = [((0.13, 0.45), ((0.16, 0), (0, 0.6))), ((0.87, 0.45), ((0.16, 0), (0, 0.6)))]
    assert not prove(step, sets=strips).proved


def test_coverings_that_are_proved_hold_at_sample_points():
    about = subject(henon(1.4))
    plane = Planar(about.enclosure("step"), Slopes(about.enclosure("jacobian")))
    rng, proved = np.random.default_rng(3), 0
    for _ in range(150):
        x = rng.uniform(-1, 1, 2)
        image = np.array([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])
        m = np.array([[-2.8 * x[0], 1], [0.3, 0]])
        first = rng.normal(size=(2, 2)) * 0.05
        second = m @ first * rng.uniform([0.5, 1.0], [1.1, 3.0])
        one, other = (HSet(tuple(c.tolist()), tuple(map(tuple, n.T.tolist()))) for c, n in ((x, first), (image, second)))
        if plane.covering(one, other, (1, 2, 4, 8)) is None:
            continue
        proved += 1
        u = rng.uniform(-1, 1, (2, 2000))
        u[0, :500], u[0, 500:1000] = -1, 1
        z = x[:, None] + first @ u
        v = np.linalg.solve(second, np.array([1 - 1.4 * z[0] ** 2 + z[1], 0.3 * z[0]]) - image[:, None])
        assert ((np.abs(v[0]) > 1 - 1e-9) | (np.abs(v[1]) < 1 + 1e-9)).all()
        ends = v[0, :500], v[0, 500:1000]
        assert (ends[0].max() < -1 and ends[1].min() > 1) or (ends[1].max() < -1 and ends[0].min() > 1)
    assert proved > 10


def test_disjoint_is_said_of_parallelograms_without_a_common_point():
    rng, said = np.random.default_rng(5), 0
    u = rng.uniform(-1, 1, (2, 4000))
    for _ in range(200):
        a, b = (HSet(tuple(rng.uniform(-1, 1, 2)), tuple(map(tuple, rng.normal(size=(2, 2)) * 0.6))) for _ in range(2))
        inside = np.linalg.solve(
            np.array(b.columns).T, np.array(a.centre)[:, None] + np.array(a.columns).T @ u - np.array(b.centre)[:, None]
        )
        meet = bool((np.abs(inside) <= 1).all(axis=0).any())
        assert not (meet and disjoint(a, b))
        said += disjoint(a, b)
    assert said > 20
    square = HSet((0.0, 0.0), ((1.0, 0.0), (0.0, 1.0)))
    assert disjoint(square, HSet((2.1, 0.0), ((1.0, 0.0), (0.0, 1.0))))
    assert not disjoint(square, HSet((2.0, 0.0), ((1.0, 0.0), (0.0, 1.0))))  # they touch
    assert all(abs(x) == 1 for corner in square.corners() for x in corner) and arb(1) in [c[0] for c in square.corners()]


def test_other_maps_are_refused_with_a_sentence():
    with pytest.raises(UsageError, match="chaos is for one"):
        cf.certify.horseshoe(DOUBLE_WELL, O.gd(lr=1), [(-1, 1), (-1, 1)])
    with pytest.raises(UsageError, match="lo < hi"):
        cf.certify.horseshoe(henon(1.4), box=[(-1, 1)])
    with pytest.raises(UsageError, match="period of a saddle"):
        cf.certify.horseshoe(henon(1.4), box=[(-2, 2), (-1, 1)], period=0)
    with pytest.raises(UsageError, match="a set is"):
        cf.certify.horseshoe(henon(1.4), sets=[(0, 1)])
