"""`covering`: known transition matrices, the entropy of other methods, and cycles that are there."""

import math

import numpy as np
import pytest

import cfdyn as cf

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})
CUBIC = cf.Map.from_text("x**3 - 3*x")


def test_full_shifts():
    """Two laps, three laps, and the same seen as one interval."""
    assert cf.analysis.covering(LOGISTIC, [0, 0.5, 1]).matrix.tolist() == [[1, 1], [1, 1]]
    found = cf.analysis.covering(CUBIC, [-2, -1, 1, 2])
    assert found.matrix.tolist() == [[1] * 3] * 3 and found.entropy == pytest.approx(math.log(3), abs=1e-12)
    whole = cf.analysis.covering(CUBIC, [(-2, 2)])
    assert whole.matrix.tolist() == [[3]] and whole.returns[:3].tolist() == [3.0, 9.0, 27.0]


@pytest.mark.parametrize(("r", "period"), [(3.84, 3), (3.74, 5), (3.9057, 5), (3.7017, 7)])
def test_cycles_force_the_entropy_that_laps_have(r, period):
    """Between the points of a stable cycle the map is a Markov map, if the critical point goes to it: both entropies agree."""
    step = LOGISTIC.at(r=r)
    stable = [c for c in cf.analysis.cycles(step, period, [(0, 1)]) if c.stable]
    assert len(stable) == 1
    beside = cf.analysis.cycles(step, period, [(0, 1)])
    own = stable[0].points[:, 0]
    twin = min((c.points[:, 0] for c in beside if not c.stable), key=lambda x: abs(np.sort(x) - np.sort(own)).max())
    found = cf.analysis.covering(step, np.sort(twin))
    full = cf.analysis.topological_entropy(step, (0, 1))
    assert found.entropy == pytest.approx(full.lower, abs=1e-9) and full.upper - full.lower < 1e-9


def test_a_valley_that_covers_without_a_lap_that_does():
    """2x² − 1 takes (−0.5, 0.5) down to −1 and up again: it covers (−1, −0.5) twice."""
    found = cf.analysis.covering(cf.Map.from_text("2*x**2 - 1"), [(-1, -0.5), (-0.5, 0.5), (0.5, 1)])
    assert found.matrix.tolist() == [[0, 1, 1], [2, 0, 0], [0, 1, 1]]
    # x³ − x goes up, down and up: between its turning values (±0.385) it is crossed three times, beyond them once in all.
    wave = cf.Map.from_text("x**3 - x")
    assert cf.analysis.covering(wave, [(-1.4, -0.6), (-0.1, 0.1), (0.6, 1.4)]).matrix[:, 1].tolist() == [1, 0, 1]
    assert cf.analysis.covering(wave, [(-1.4, 1.4)]).matrix.tolist() == [[0]]
    assert cf.analysis.covering(cf.Map.from_text("4*x**3 - 3*x + x/10"), [(-1, 1)]).matrix.tolist() == [[1]]


def test_at_least_as_many_points_return_as_walks_say():
    found = cf.analysis.covering(
        LOGISTIC.at(r=3.84), np.sort(cf.analysis.cycles(LOGISTIC.at(r=3.84), 3, [(0, 1)])[0].points[:, 0])
    )
    lucas = [1, 3, 4, 7, 11, 18, 29, 47, 76, 123, 199, 322]
    assert found.returns.tolist() == lucas
    points = [
        sum(d * len(cf.analysis.cycles(LOGISTIC.at(r=3.84), d, [(0, 1)])) for d in range(1, n + 1) if n % d == 0)
        for n in range(1, 9)
    ]
    assert all(there >= said for there, said in zip(points, lucas, strict=False))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cf.analysis.covering(cf.Map.from_text(["y", "x"], "x y"), [0, 1]), "one variable"),
        (lambda: cf.analysis.covering(LOGISTIC, [1, 0]), "lo < hi"),
        (lambda: cf.analysis.covering(LOGISTIC, [(0, 0.6), (0.5, 1)]), "overlap"),
        (lambda: cf.analysis.covering(LOGISTIC, [0, math.inf]), "finite"),
        (lambda: cf.analysis.covering(LOGISTIC, [0.5]), "intervals"),
        (lambda: cf.analysis.covering(cf.Map.from_text("frac(2*x)"), [0, 1]), "jumps"),
    ],
)
def test_senseless_calls_are_refused(call, words):
    with pytest.raises(cf.CfdynError, match=words):
        call()
