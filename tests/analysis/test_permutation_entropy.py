"""`permutation_entropy` against shares in closed form, orders by sorting, and noise."""

import math

import numpy as np
import pytest

import cfdyn as cf

LOGISTIC = cf.Map.from_text("r*x*(1-x)", params={"r": 4.0})


def entropy(series, *options, **more):
    return cf.analysis.permutation_entropy(series, *options, **more)


def test_the_shares_at_full_chaos():
    """x = sin²(πθ/2): the orders of three values change at θ = 1/3 (x = f(f(x))), 2/5, 2/3 (x = f(x)) and 4/5."""
    found = entropy(cf.iterate(LOGISTIC, [0.3], 200_000), 3)
    by_hand = {(0, 1, 2): 5, (0, 2, 1): 1, (1, 2, 0): 4, (1, 0, 2): 2, (2, 1, 0): 0, (2, 0, 1): 3}
    # Lexicographic places of the ranks of x, f(x), f(f(x)).
    ranks = {(0, 1, 2): 0, (0, 2, 1): 1, (1, 0, 2): 2, (1, 2, 0): 3, (2, 0, 1): 4, (2, 1, 0): 5}
    shares = np.zeros(6)
    shares[found.patterns] = found.shares
    for order, fifteenths in by_hand.items():
        assert shares[ranks[order]] == pytest.approx(fifteenths / 15, abs=4e-3), order
    exact = -sum(k / 15 * math.log(k / 15) for k in by_hand.values() if k)
    assert found.entropy == pytest.approx(exact, abs=5 * found.error) and found.error < 1e-3
    assert found.missing == 1 and found.equal == 0.0 and found.share == pytest.approx(exact / math.log(6), abs=2e-3)


def test_the_numbers_are_those_of_sorting():
    x = np.random.default_rng(0).normal(size=2000)
    windows = np.lib.stride_tricks.sliding_window_view(x, 7)[:, ::2]  # four values, every other row
    orders = {tuple(np.argsort(np.argsort(window)).tolist()) for window in windows}
    shares = np.unique(windows.argsort(axis=1).argsort(axis=1), axis=0, return_counts=True)[1] / len(windows)
    found = entropy(x, 4, 2)
    assert len(found.patterns) == len(orders) and found.shares.tolist() == shares.tolist()  # both in lexicographic order


def test_noise_has_all_orders_and_a_cycle_few():
    found = entropy(np.random.default_rng(1).normal(size=(20_000, 2)), 4, coordinate=1)
    assert found.missing == 0 and found.share > 0.999
    cycle = entropy(cf.iterate(LOGISTIC.at(r=3.5), [0.3], 3000).z[1000:], 4)
    assert cycle.entropy == pytest.approx(math.log(4), abs=1e-3) and cycle.rate == pytest.approx(0, abs=1e-3)
    still = entropy(np.ones(1000), 3)
    assert (still.entropy, still.equal, still.missing) == (0.0, 1.0, 5)


def test_the_rate_comes_down_to_ln_2():
    orbit = cf.iterate(LOGISTIC, [0.3], 210_000)
    rates = [entropy(orbit, order).rate for order in (5, 6, 7, 8)]
    assert rates[0] > rates[1] > rates[2] > rates[3] > math.log(2) and rates[3] < 0.84


def test_no_scale_matters():
    x = cf.iterate(LOGISTIC, [0.3], 2000).z
    assert entropy(np.exp(x), 4).patterns.tolist() == entropy(x * 1e-200, 4).patterns.tolist() == entropy(x, 4).patterns.tolist()


@pytest.mark.parametrize(
    ("series", "options", "words"),
    [
        (np.ones(50), {}, "rows"),
        (np.ones(700), {"order": 11}, "2 to 10"),
        (np.ones(700), {"order": 1}, "order"),
        (np.ones(700), {"delay": 0}, "delay"),
        (np.full(700, math.nan), {}, "finite"),
        (np.ones((700, 1)), {"coordinate": 1}, "column 1"),
        ("abc", {}, "numbers"),
    ],
)
def test_senseless_calls_are_refused(series, options, words):
    with pytest.raises(cf.CfdynError, match=words):
        entropy(series, **options)
