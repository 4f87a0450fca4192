"""`zero_one_test` on motions whose kind is known, and its displacements against their definition."""

import math

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.analysis.invariants.zero_one_test import growth_rates

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})
HENON = cf.Map.from_text(["1 - a*x**2 + y", "b*x"], "x y", {"a": 1.4, "b": 0.3})
T = np.arange(4000)
ROTATION = np.cos(math.pi * (5**0.5 - 1) * T)


def verdict(series, **options):
    return cf.analysis.zero_one_test(series, **options)


@pytest.mark.parametrize(
    ("r", "kind"), [(4.0, "chaotic"), (3.9, "chaotic"), (3.83, "regular"), (3.55, "regular"), (2.8, "regular")]
)
def test_the_logistic_map(r, kind):
    found = verdict(cf.iterate(LOGISTIC.at(r=r), [0.3], 3000), transient=500)
    assert found.kind == kind
    assert found.low <= found.K <= found.high and len(found.values) == 100
    assert (found.K > 0.98) == (kind == "chaotic") and (found.K < 0.05) == (kind == "regular")


def test_two_variables_a_rotation_and_one_with_two_frequencies():
    assert verdict(cf.iterate(HENON, [0.1, 0.1], 3000)).kind == "chaotic"
    assert verdict(ROTATION).kind == "regular"
    assert verdict(np.stack([ROTATION, np.sin(2 * math.pi * 2**0.5 * T)], axis=1)).kind == "regular"


def test_no_unit_and_no_seed_matters():
    orbit = cf.iterate(LOGISTIC, [0.3], 1000).z
    assert {verdict(orbit * size + size, seed=seed).kind for size in (1e-300, 1.0, 1e300) for seed in (0, 1)} == {"chaotic"}
    assert verdict(orbit).values.tolist() == verdict(orbit).values.tolist()


def test_what_it_cannot_tell_is_undecided():
    noise = np.random.default_rng(0).normal(size=len(T))
    assert verdict(ROTATION + 0.1 * noise).kind == "undecided"
    slow = verdict(np.cos(0.03 * T))
    assert slow.kind == "undecided" and "every 35th row" in slow.reason  # cos(0.03 k) falls below 1/2 there
    assert verdict(slow_chaos()).kind == "undecided" and verdict(slow_chaos()[::30]).kind == "chaotic"


def slow_chaos():
    """Chaos that is sampled thirty times too often: the logistic map's orbit, smooth between its points."""
    x = cf.iterate(LOGISTIC, [0.3], 400).z[:, 0]
    return np.interp(np.arange(0, 400, 1 / 30), np.arange(401), x)


def test_what_does_not_vary_is_regular():
    assert verdict(np.full(300, 0.1)).kind == "regular" and verdict(np.zeros(300)).reason == "nothing varies"


def test_the_displacement_is_the_one_of_the_definition():
    rng = np.random.default_rng(3)
    x, c = rng.normal(size=300) + 0.7, 1.3
    p, q = (np.cumsum(x * turn(c * np.arange(1, 301))) for turn in (np.cos, np.sin))
    lags = np.arange(1, 31)
    moved = [np.mean((p[n : 270 + n] - p[:270]) ** 2 + (q[n : 270 + n] - q[:270]) ** 2) for n in lags]
    expected = np.corrcoef(lags, moved - x.mean() ** 2 * (1 - np.cos(lags * c)) / (1 - np.cos(c)))[0, 1]
    assert growth_rates(x, np.array([c]))[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("series", "options", "words"),
    [
        (np.ones(50), {}, "200 rows"),
        ([], {}, "200 rows"),
        (np.ones(300), {"transient": 200}, "200 rows"),
        (np.ones(300), {"transient": -1}, "200 rows"),
        (np.full(300, math.nan), {}, "finite"),
        (np.ones((300, 0)), {}, "columns"),
        ("abc", {}, "numbers"),
    ],
)
def test_senseless_calls_are_refused(series, options, words):
    with pytest.raises(cf.CfdynError, match=words):
        verdict(series, **options)


def test_an_orbit_that_diverges_is_refused():
    with pytest.raises(cf.CfdynError, match="diverged"):
        verdict(cf.iterate(LOGISTIC.at(r=5.0), [0.3], 2000))
