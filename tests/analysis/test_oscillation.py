"""`oscillation` against series whose period, noise and duration are known, and against orbits whose regime is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.series.filters import comb_filter, fast_part
from cfdyn.series.spectrum import coherence, rank_correlation

DOUBLE_WELL = cf.as_map(cf.losses.double_well(), cf.optimizers.gd(lr=1.1))
LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 3.8})


def oscillation(log, **options):
    return cf.analysis.oscillation(log, **options)


def shape(period: int, rng: np.random.Generator) -> np.ndarray:
    """One period of least period N, mean 0, root mean square 1, a tenth of its power in no shorter period."""
    proper = [j for j in range(1, period) if math.gcd(j, period) == 1]
    while True:
        c = rng.normal(size=period)
        c = (c - c.mean()) / c.std()
        if (np.abs(np.fft.fft(c)[proper] / period) ** 2).sum() > 0.1:
            return c


def cycle(period: int, n: int, ratio: float, seed: int) -> np.ndarray:
    """Quadratic drift, 30 times the cycle, and noise; ``ratio``: root mean square of the cycle over that of the noise."""
    rng, t = np.random.default_rng(seed), np.arange(n)
    return 30 * (t / n) ** 2 + shape(period, rng)[t % period] + rng.normal(size=n) / ratio


def orbit(step, start, n, skip=500, **params):
    return cf.iterate(step.at(**params), start, n + skip).w[skip:, 0]


# -- the filters and tests it rests on ------------------------------------------------------------------------------


@pytest.mark.parametrize("period", range(2, 13))
def test_the_fast_part_is_the_cycle_and_nothing_of_a_quintic(period):
    t = np.arange(200.0)
    c = shape(period, np.random.default_rng(period))[np.arange(200) % period]
    drift = 3 - t / 9 + (t / 50) ** 2 - (t / 70) ** 3 + (t / 80) ** 4 - (t / 90) ** 5
    lost = 3 * (period // 2)
    assert fast_part(c + drift, period) == pytest.approx(c[lost : len(c) - lost], abs=1e-9)
    assert comb_filter(c * (1 + (t / 100) ** 3), period) == pytest.approx(0, abs=1e-9)


def test_the_f_test_of_a_line_has_uniform_p_values():
    rng = np.random.default_rng(1)
    z = rng.normal(size=(4000, 8)) + 1j * rng.normal(size=(4000, 8))
    p = np.sort([coherence(row, False)[0] for row in z])
    assert np.abs(p - np.linspace(0, 1, 4000)).max() < 1.95 / math.sqrt(4000)  # Kolmogorov's bound at 0.1 %


def test_chatterjees_coefficient():
    """ξ = 1 − 3(n−1)/(n²−1) for a monotone rule, and √n ξ has variance 2/5 without one."""
    x = np.arange(50.0)
    assert rank_correlation(x, x**3)[0] == pytest.approx(1 - 3 / 51)
    rng = np.random.default_rng(2)
    found = [math.sqrt(100) * rank_correlation(*rng.normal(size=(2, 100)))[0] for _ in range(3000)]
    assert np.var(found) == pytest.approx(0.4, rel=0.1)


# -- cycles in noise and drift --------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", range(2, 9))
def test_the_least_period_in_drift_and_noise(period):
    found = [oscillation(cycle(period, 300, 3, seed)) for seed in range(20)]
    assert sum(f.period == period for f in found) >= 19
    assert np.median([f.evidence["signal_to_noise"] for f in found]) == pytest.approx(3, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 300, 1000])
@pytest.mark.parametrize("period", range(2, 9))
def test_the_least_period_in_many_seeds(period, n):
    right = [oscillation(cycle(period, n, 3, seed)).period == period for seed in range(200)]
    assert np.mean(right) >= 0.95


@pytest.mark.parametrize("period", [2, 3, 4, 5, 8])
def test_amplitude(period):
    for seed in range(5):
        half = np.ptp(shape(period, np.random.default_rng(seed))) / 2
        assert oscillation(cycle(period, 400, 5, seed)).amplitude == pytest.approx(half, rel=0.1)


@pytest.mark.parametrize("period", [4, 6, 12, 15, 24, 32])
def test_lines_of_proper_divisors_alone_give_the_least_common_multiple(period):
    """A 6-cycle without the frequency 1/6 is a 2-cycle and a 3-cycle together; all periods up to the longest."""
    t = np.arange(1500)
    parts = {6: (2, 3), 12: (3, 4), 15: (3, 5), 24: (3, 8)}.get(period, (period,))
    x = sum(np.cos(2 * np.pi * t / q + 0.3) for q in parts)
    assert oscillation(x + 0.02 * t).period == period


@pytest.mark.parametrize("period", [2, 3, 5])
def test_beginning_and_end(period):
    t = np.arange(1000)
    for seed in range(5):
        noise = 0.2 * np.random.default_rng(seed).normal(size=1000)
        x = np.sqrt(2) * np.cos(2 * np.pi * t / period) * ((t >= 300) & (t < 700))
        found = oscillation(x + 0.002 * t + noise)
        assert found.period == period
        assert abs(found.since - 300) <= 5 * period and abs(found.until - 699) <= 5 * period


@pytest.mark.parametrize("n", [20, 24, 30])
def test_short_logs(n):
    right = [oscillation(cycle(2, n, 10, seed)).period == 2 for seed in range(20)]
    assert sum(right) >= 19


@pytest.mark.slow
def test_a_million_rows():
    t = np.arange(1_000_000)
    assert oscillation(np.cos(2 * np.pi * t / 7) + 1e-5 * t, max_period=8).period == 7


# -- no oscillation --------------------------------------------------------------------------------------------------

QUIET = {
    "white": lambda e, t: e,
    "walk": lambda e, t: e.cumsum(),
    "trend": lambda e, t: 0.1 * t + e,
    "mixture": lambda e, t: e + 0.3 * e[::-1].cumsum(),
    "decay": lambda e, t: np.exp(-t / 50) + 0.01 * e,
}


@pytest.mark.parametrize("kind", QUIET)
def test_noise_and_trends_do_not_oscillate(kind):
    alarms = [oscillation(QUIET[kind](np.random.default_rng(s).normal(size=200), np.arange(200))).kind for s in range(30)]
    assert alarms.count("none") >= 28


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 60, 200, 600])
@pytest.mark.parametrize("kind", QUIET)
def test_false_alarms(kind, n):
    """At most 1 % in the long run; 8 of 300 are as many as that gives once in a hundred times."""
    rows = (np.random.default_rng(s).normal(size=n) for s in range(300))
    assert sum(oscillation(QUIET[kind](e, np.arange(n))).kind != "none" for e in rows) <= 8


@pytest.mark.parametrize("log", [np.full(100, 0.1), np.linspace(0, 1, 100), np.exp(-np.arange(300) / 40), np.sqrt(np.arange(100)),
                                 1 / (1 + np.arange(500.0)), np.tanh((np.arange(400) - 200) / 30)])  # fmt: skip
def test_smooth_logs_do_not_oscillate(log):
    found = oscillation(log)
    assert found.kind == "none" and found.period is None and found.since is None and found.amplitude == 0


# -- orbits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("c", [0.001, 0.0005])
def test_descent_in_a_sharpening_valley(c):
    """Where 1 + y² passes 2/η the decay along x turns to growth: from there, and in steps of two, it oscillates."""
    z = np.empty((800, 2))
    z[0] = 1e-3, 2.3 if c == 0.001 else 2.36
    for k in range(799):
        x, y = z[k]
        z[k + 1] = x - 0.3 * (1 + y * y) * x, y - 0.3 * (y * x * x - c)
    crossing = int(np.argmax(1 + z[:, 1] ** 2 > 2 / 0.3))
    found = oscillation(z, names=["x", "y"])
    assert (found.kind, found.period, found.leading) == ("periodic", 2, "x")
    assert abs(found.since - crossing) <= 10
    assert found.evidence["alternation"] == 1


def test_an_orbit_is_looked_at_along_its_top_eigenvector():
    loss = cf.Loss("(1 + y**2)*x**2/2 - c*y", "x y", {"c": 0.0005})
    orbit = cf.iterate(cf.as_map(loss, cf.optimizers.gd(lr=0.3)), [1e-3, 2.36], 800)
    found = oscillation(orbit)
    assert [d["name"] for d in found.directions] == ["top eigenvector", "x", "y"]
    assert found.period == 2 and found.leading in ("top eigenvector", "x")
    assert abs(found.since - int(np.argmax(orbit.sharpness > 2 / 0.3))) <= 10


@pytest.mark.parametrize("drift", [0, 0.01])
def test_a_stable_3_cycle_of_logistic_regression(drift):
    step = cf.as_map(cf.losses.logistic_regression(K=2, N=3), cf.optimizers.gd(lr=20))
    w = cf.iterate(step, [0.5], 600).w[:, 0]
    assert cf.analysis.classify(step, [0.5]).period == 3
    assert oscillation(w + drift * np.arange(601)).period == 3


@pytest.mark.parametrize(("lr", "period"), [(1.1, 2), (1.25, 4), (1.295, 8), (1.46, 3), (1.7, 6)])
def test_cycles_of_the_double_well(lr, period):
    w = orbit(DOUBLE_WELL, [1.1], 2000, lr=lr)
    assert cf.analysis.classify(DOUBLE_WELL.at(lr=lr), [1.1]).period == period
    found = oscillation(w + 1e-3 * np.arange(len(w)))
    assert (found.kind, found.period) == ("periodic", period)
    assert found.amplitude == pytest.approx(np.ptp(w) / 2, rel=0.02)
    assert found.evidence["returns"][period - 1] < 1e-3 < min(found.evidence["returns"][: period - 1])


@pytest.mark.parametrize("lr", [1.4, 1.5, 1.6, 1.9])
def test_chaos_of_the_double_well(lr):
    found = oscillation(orbit(DOUBLE_WELL, [1.1], 2000, lr=lr))
    assert (found.kind, found.period, found.bands) == ("irregular", None, 1)


@pytest.mark.parametrize(("r", "bands"), [(3.58, 4), (3.6, 2), (3.65, 2), (3.7, 1), (3.9, 1), (4.0, 1)])
def test_chaotic_bands_of_the_logistic_map(r, bands):
    """Four bands merge to two at 3.5926, two to one at 3.6786."""
    found = oscillation(orbit(LOGISTIC, [0.3], 800, skip=200, r=r))
    assert (found.kind, found.period, found.bands) == ("irregular", None, bands)


@pytest.mark.parametrize("n", [120, 1000])
@pytest.mark.parametrize("frequency", [0.381966, 0.309, 0.4871])
def test_quasi_periodic(frequency, n):
    found = oscillation(np.cos(2 * np.pi * frequency * np.arange(n)) + 1e-3 * np.arange(n))
    assert found.kind == "irregular"
    assert found.evidence["frequency"] == pytest.approx(frequency, abs=0.1 / n)


# -- properties ------------------------------------------------------------------------------------------------------

periods, seeds = st.integers(2, 8), st.integers(0, 10**6)


# Of noisy cycles one in 200 is called irregular, as the level of the test allows: the same logs each time.
@settings(max_examples=15, deadline=None, derandomize=True)
@given(periods, seeds, st.floats(0.01, 100), st.floats(-100, 100), st.floats(-1, 1))
def test_scale_offset_trend_and_time_reversal_change_nothing(period, seed, scale, offset, slope):
    x, t = cycle(period, 240, 20, seed), np.arange(240)
    found, moved = oscillation(x), oscillation(scale * (x + slope * t) + offset)
    assert found.period == moved.period == oscillation(x[::-1]).period == oscillation(-x).period == period
    assert moved.amplitude == pytest.approx(scale * found.amplitude, rel=1e-6)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(periods, periods, seeds)
def test_two_columns_have_their_least_common_multiple(a, b, seed):
    both = np.column_stack([cycle(a, 1000, 20, seed), cycle(b, 1000, 20, seed + 1)])
    found = oscillation(both, max_period=56)
    assert [d["period"] for d in found.directions] == [a, b]
    assert found.period == math.lcm(a, b)


# -- what it refuses, and what it keeps ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("log", "options", "words"),
    [
        (np.ones(5), {}, "16 rows or more, not 5"),
        (np.where(np.arange(50) == 31, np.nan, 1.0), {}, "nan at row 31, column 0"),
        (np.where(np.eye(40, 3) > 0, np.inf, 1.0), {}, "inf at row 0, column 0"),
        (np.ones((20, 2, 2)), {}, r"not \(20, 2, 2\)"),
        (["a"] * 20, {}, "real numbers"),
        (np.ones(50), {"max_period": 1}, "max_period"),
        (np.ones(50), {"level": 0.9}, "level"),
        (np.ones((50, 2)), {"names": ["loss"]}, "1 name for 2 columns"),
    ],
)
def test_errors(log, options, words):
    with pytest.raises(UsageError, match=words):
        oscillation(log, **options)


def test_many_columns_become_principal_directions():
    rng, t = np.random.default_rng(3), np.arange(400)
    u = rng.normal(size=50)
    table = np.outer((-1.0) ** t, u) + np.outer(t, rng.normal(size=50)) + 0.01 * rng.normal(size=(400, 50))
    found = oscillation(table)
    assert found.period == 2 and found.leading == "principal 1"
    assert found.amplitude == pytest.approx(np.linalg.norm(u), rel=0.01)


def test_the_record_is_kept(tmp_path):
    found = oscillation(cycle(3, 200, 3, 0))
    again = cf.load(found.save(tmp_path / "log.npz"))
    assert again.period == 3 and again.evidence == found.evidence
    assert again.slow + again.fast == pytest.approx(again.series)
    assert len(cf.plot(found).axes) == 3


# -- spikes that die away ---------------------------------------------------------------------------------------------


def decay(seed: int, n: int, noise: float, spike: float, lasts: float) -> np.ndarray:
    """0.2 + 2 e^(−t/60) with noise, and a spike half-way that dies away over some steps."""
    t, rng = np.arange(n), np.random.default_rng(seed)
    x = 0.2 + 2 * np.exp(-t / 60) + noise * rng.normal(size=n)
    x[n // 2 :] += spike * np.exp(-(t[n // 2 :] - n // 2) / lasts)
    return x


@pytest.mark.parametrize(("spike", "lasts"), [(0.1, 3), (0.3, 8), (1.0, 20)])
def test_a_spike_that_dies_away_is_no_chaos(spike, lasts):
    assert oscillation(decay(0, 300, 3e-3, spike, lasts)).kind == "none"


@pytest.mark.slow
def test_hundreds_of_decays_with_spikes_and_without_have_no_oscillation():
    """At a level of 0.01 four of 405 may."""
    logs = [(s, n, noise, spike, 8) for s in range(15) for n in (200, 300, 1000) for noise in (1e-3, 3e-3, 1e-2) for spike in (0, 0.3, 1.0)]
    assert sum(oscillation(decay(*one)).kind != "none" for one in logs) <= 8


@pytest.mark.parametrize("spike", [0.0, 0.3])
def test_oscillations_and_chaos_are_found_beside_a_spike(spike):
    """A 2-cycle of three times the noise, and the logistic map's chaos, on the same decay."""
    seen = [oscillation(decay(s, 300, 0.01, spike, 8) + 0.03 * (-1.0) ** np.arange(300)) for s in range(2)]
    assert [(one.kind, one.period) for one in seen] == [("periodic", 2)] * 2
    chaos = [oscillation(decay(s, 200, 0.01, spike, 8) + orbit(LOGISTIC, [0.3 + 0.01 * s], 199, r=3.9)) for s in range(2)]
    assert {one.kind for one in chaos} == {"irregular"}
