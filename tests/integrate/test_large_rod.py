"""The rod flow of a loss that is no formula: the dense flow of the same loss, closed forms, what it refuses."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.integrate.large.kinds import rod_run
from cfdyn.integrate.large.kinds.swung import Swung
from tests.integrate.test_large import Plain
from tests.training import toy

NET = cf.losses.tanh_network()
START = 0.7 * np.random.default_rng(1).normal(size=7)
VALLEY, SLOPE = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3)


def covariance(path):
    return path.factors.T @ path.oscillation @ path.factors


@pytest.mark.parametrize("rods", ["top", "all"])
def test_its_velocity_is_that_of_the_dense_flow(rods):
    gd, rng = cf.optimizers.gd(lr=0.8), np.random.default_rng(2)
    dense, flow = (cf.flows.rod(loss, gd, rods=rods) for loss in (NET, Plain(NET)))
    z = dense.state(START)
    np.testing.assert_allclose(flow.state(START)[:7], z[:7], rtol=1e-12)
    np.testing.assert_allclose(flow.drift(START), dense.drift(z)[:7], rtol=1e-9, atol=1e-12)
    axes = np.linalg.qr(rng.normal(size=(7, 7)))[0][:3]
    several = np.array([0.2, 0.1, 1e-9])[:, None] * axes  # the shortest one by products
    drift, grown = flow.velocity(START, several, flow.gradient, flow.oracle.hvp)
    upper = np.triu_indices(7)
    expected = dense.drift(np.concatenate([START, (several.T @ several)[upper]]))
    found = (grown.T @ grown - 2 * several.T @ several)[upper]
    np.testing.assert_allclose(np.concatenate([drift, found]), expected, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("rods", ["top", "all"])
def test_it_converges_to_the_dense_path_of_a_network(rods):
    gd = cf.optimizers.gd(lr=1.2)
    dense = cf.solve(cf.flows.rod(NET, gd, rods=rods), START, 60, save_at=[30, 60], rtol=1e-9)
    errors = []
    for rtol in (1e-3, 1e-5):
        path = cf.solve(cf.flows.rod(Plain(NET), gd, rods=rods), START, 60, save_at=[30, 60], rtol=rtol)
        errors.append([np.abs(path.w - dense.w).max(), np.abs(covariance(path) - dense.covariance[-1]).max()])
    assert errors[0][0] < 0.01 and errors[1][0] < errors[0][0] / 5
    assert errors[1][1] < 3e-4 and path.rank[-1] < 7
    np.testing.assert_allclose(path.predicted_loss, dense.predicted_loss, atol=1e-3)
    np.testing.assert_allclose(path.sharpness, dense.sharpness, atol=2e-3)


def test_it_rests_on_the_two_cycle():
    """w̄ ± s is w ± √(S − 2/η) of the quartic."""
    quartic = Plain(cf.losses.quartic(S=2.5))
    path = cf.solve(cf.flows.rod(quartic, cf.optimizers.gd(lr=1.0), rods="all"), [0.1], 60, rtol=1e-5)
    assert path.status == "done" and path.variances[-1, 0] == pytest.approx(0.5, rel=1e-3)
    assert path.w[-1, 0] == pytest.approx(0.0, abs=1e-6)


def test_a_swing_on_a_parabola_grows_as_the_closed_form_says():
    """Σ(t) = Σ₀ e^{((ηS)²/2 − 2)t} along the steep axis, beside a rod 1e5 times as long that dies out as e^(−1.5t)."""
    bowl = Plain(cf.Loss("2.1*x**2/2 + y**2/2"))
    path = cf.solve(cf.flows.rod(bowl, cf.optimizers.gd(lr=1.0), rods="all"), [0.0, 0.0, 1e-6, 0.0, 0.0, 0.1], 8, rtol=1e-6)
    sizes = np.log(np.diag(covariance(path)))
    assert sizes[0] == pytest.approx(2 * np.log(1e-6) + 8 * (2.1**2 / 2 - 2), abs=1e-3)
    assert sizes[1] == pytest.approx(2 * np.log(0.1) - 1.5 * 8, abs=1e-3)


@pytest.mark.slow
def test_a_small_swing_that_grows_is_kept_beside_a_long_rod_that_does_not():
    """From deep in the stable region ⟨x²⟩ comes back from 1e-13, past the edge at step 1223, and exceeds 1e-4 soon after 1375."""
    dense = cf.solve(cf.flows.rod(VALLEY, SLOPE, rods="all"), [0.0, 3.0], 1600, save_at=range(1200, 1601, 25), rtol=1e-8, atol=1e-16)
    path = cf.solve(cf.flows.rod(Plain(VALLEY), SLOPE, rods="all"), [0.0, 3.0], 1600, save_at=range(1200, 1601, 25), rtol=1e-4)
    first = [int(path.t[np.argmax(size > 1e-4)]) for size in (dense.covariance[:, 0, 0], path.variances[:, 0])]
    assert first[0] == 1400 and abs(first[1] - first[0]) <= 50


def test_sums_of_low_rank_are_sums_of_matrices():
    rng = np.random.default_rng(0)
    blocks = [(rng.normal(size=(2, 6)), rng.normal(size=2)) for _ in range(3)]
    first, second, third = (rows.T @ np.diag(weights) @ rows for rows, weights in blocks)
    both = 2.0 * Swung(np.ones(6), blocks[:2]) - Swung(np.ones(6), blocks[1:])
    values, vectors = np.linalg.eigh(2 * first + second - third)
    assert both.size == pytest.approx(np.linalg.norm(values), rel=1e-12) and both.w.tolist() == [1.0] * 6
    found = both.round(1e-12, np.zeros((0, 6)))
    np.testing.assert_allclose(found.rods.T @ found.rods, (vectors * np.maximum(values, 0.0)) @ vectors.T, atol=1e-10)
    assert found.lost == pytest.approx(np.linalg.norm(np.minimum(values, 0.0)), rel=1e-9)


def test_along_slow_directions_far_less_is_left_out():
    """diag(1, 1e-4, 1e-9, 1e-15) turned: what is left out at 1e-3, with and without the last axes among the slow ones."""
    axes, sizes = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0][:4], np.array([1.0, 1e-4, 1e-9, 1e-15])
    plain, aware = (Swung(np.zeros(6), [(axes, sizes)]).round(1e-3, slow) for slow in (axes[:0], axes[2:]))
    np.testing.assert_allclose(plain.sizes, [1.0], rtol=1e-12)
    np.testing.assert_allclose(aware.sizes, [1.0, 1e-9], rtol=1e-6)
    np.testing.assert_allclose(np.abs(aware.axes @ axes.T), np.eye(4)[[0, 2]], atol=1e-6)
    np.testing.assert_allclose([plain.lost, aware.lost], [1e-4, 1e-4], rtol=1e-6)


def test_a_long_rod_along_a_slow_direction_takes_no_digits_from_the_others():
    axes, sizes = np.linalg.qr(np.random.default_rng(5).normal(size=(6, 6)))[0][:3], np.array([1.0, 0.5, 0.1])
    found = Swung(np.zeros(6), [(axes, sizes)]).round(1e-9, (axes[:1] + axes[1:2]) / np.sqrt(2))
    np.testing.assert_allclose(found.rods.T @ found.rods, (axes.T * sizes) @ axes, atol=1e-14)


@pytest.mark.slow
def test_a_path_that_runs_away_ends_in_a_sentence(recwarn):
    """Of x, with ηλ = 5, Σ grows as e^((12.5 − 2)t), until a square of it is no number."""
    bowl = Plain(cf.Loss("5*x**2/2 + y**2/2"))
    path = cf.solve(cf.flows.rod(bowl, cf.optimizers.gd(lr=1.0)), [0.1, 0.1], 200)
    assert path.t[-1] < 200 and "does not go a step further" in path.status and not len(recwarn)
    with pytest.raises(UsageError, match="finite numbers"):
        cf.solve(cf.flows.rod(bowl, cf.optimizers.gd(lr=1.0)), [np.nan, 0.1], 1)


@pytest.mark.parametrize("name", ["edge", "rod"])
def test_a_warm_start_begins_with_the_swing(name):
    w = cf.iterate(cf.as_map(VALLEY, SLOPE), [0.05, 6.4], 11).w
    path = cf.solve(cf.flows.get(name)(Plain(VALLEY), SLOPE), [0.05, 6.4], 1e-9, warm=10)
    middle = (w[9] + 2 * w[10] + w[11]) / 4
    np.testing.assert_allclose(path.w[0], middle, rtol=1e-12)
    assert path.variances[0, 0] == pytest.approx(np.sum((w[10] - middle) ** 2), rel=1e-6)
    assert "with the swing there" in path.notes[0]


def test_it_refuses_in_a_sentence(monkeypatch):
    with pytest.raises(UsageError, match="is that of gd, not of adam"):
        cf.flows.rod(Plain(VALLEY), cf.optimizers.adam(lr=0.1))
    with pytest.raises(UsageError, match="a centre and rods behind it of 2 entries each"):
        cf.flows.rod(Plain(VALLEY), SLOPE).state([0.0, 1.0, 2.0])
    with pytest.raises(UsageError, match="the central map exists for the central flow only"):
        cf.solve(cf.flows.rod(Plain(VALLEY), SLOPE), [0.05, 6.4], 10, method="map")
    monkeypatch.setattr(rod_run, "MOST", 1)
    with pytest.raises(NumericsError, match="more than 1 rods are longer than 0.003 of the longest: raise `rtol`"):
        cf.solve(cf.flows.rod(Plain(VALLEY), SLOPE), [0.05, 6.4, 0.1, 0.0, 0.0, 0.1], 10)
    path = cf.solve(cf.flows.rod(Plain(NET), cf.optimizers.gd(lr=1.2)), START, 10)
    assert path.t[-1] < 10 and "more than 1 rods" in path.status


def test_beside_the_optimizer_it_begins_with_the_swing_and_follows_it(tmp_path, monkeypatch):
    """It is written out here with the whole matrix, by Runge and Kutta, from the midpoint and the swing of step 10."""
    net, lr, (w, middle) = toy.Toy(), toy.LR, toy.descent(60)
    c = middle[10]
    sigma = np.outer(w[10] - c, w[10] - c)

    def velocity(c, sigma):
        values, vectors = np.linalg.eigh(sigma)
        rods, g = (vectors * np.sqrt(np.maximum(values, 0.0))).T, net.gradient(c)
        plus, minus = ([net.gradient(c + sign * rod) for rod in rods] for sign in (1, -1))
        mean = g + sum((a + b) / 2 - g for a, b in zip(plus, minus, strict=True))
        grown = [*((a - b) / 2 for a, b in zip(plus, minus, strict=True)), mean]
        return -lr * mean, lr**2 / 2 * sum(np.outer(v, v) for v in grown) - 2 * sigma

    for _ in range(600):
        k = velocity(c, sigma)
        m = velocity(c + 0.025 * k[0], sigma + 0.025 * k[1])
        c, sigma = c + 0.05 * m[0], sigma + 0.05 * m[1]
    toy.agrees_and_goes_on("rod", c, np.trace(sigma), tmp_path, monkeypatch)
