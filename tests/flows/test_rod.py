"""The rod flow: its formula for any optimizer, 2-cycles as fixed points, growth on quadratics, published examples."""

from __future__ import annotations

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError
from cfdyn.flows.rod import oscillating

OPT = cf.optimizers
EVERY = [
    OPT.gd(0.3), OPT.gd(0.3, weight_decay=0.1), OPT.heavy_ball(0.2, 0.7), OPT.nesterov(0.2, 0.7), OPT.ema_momentum(0.2, 0.7),
    OPT.adam(0.1, beta2=0.9, eps=0.1), OPT.adamw(0.1, beta2=0.9, eps=0.1), OPT.nadam(0.1, beta2=0.9, eps=0.1),
    OPT.rmsprop(0.1, beta2=0.9, eps=0.1), OPT.scalar_rmsprop(0.1, beta2=0.9), OPT.adagrad(0.1, eps=0.1),
]  # fmt: skip
QUARTIC = cf.Loss("S*w**2/2 - w**4/4", params={"S": 2.5})
# λ₁ = S + y is driven over the edge by c, and y is damped.
VALLEY = cf.Loss("x**2*(S + y)/2 - c*y + k*y**2/2", "x y", {"S": 2.5, "c": 0.003, "k": 0.5})


def matrix(packed, r):
    full = np.zeros((r, r))
    full[np.triu_indices(r)] = packed
    return full + full.T - np.diag(np.diag(full))


def plain(step, z, flips, rods):
    """The drift in plain numpy, from the map and its Jacobian."""
    n, r = step.dim, int(flips.sum())
    sigma = matrix(z[n:], r)
    values, vectors = np.linalg.eigh(sigma)
    lengths = np.sqrt(np.maximum(values, 0))

    def move(z):
        return step(z) - z

    def ends(i):
        delta = np.zeros(n)
        delta[flips] = lengths[i] * vectors[:, i]
        return z[:n] + delta, z[:n] - delta

    if rods == "top":
        plus, minus = ends(-1)
        both = move(plus) + move(minus)
        slopes = step.jacobian(plus) + step.jacobian(minus) - 2 * np.eye(n)
        mean = both / 2 - flips * (slopes @ (flips * both)) / 8
        rate = sum(np.outer(move(e)[flips], move(e)[flips]) for e in (plus, minus)) / 4 - 2 * sigma
    else:
        pairs = [[move(e) for e in ends(i)] for i in range(r)]
        mean = move(z[:n]) + sum((a + b) / 2 - move(z[:n]) for a, b in pairs)
        apart = [(a - b)[flips] / 2 for a, b in pairs]
        rate = (sum(np.outer(x, x) for x in apart) + np.outer(mean[flips], mean[flips])) / 2 - 2 * sigma
    return np.concatenate([mean, rate[np.triu_indices(r)]])


@pytest.mark.parametrize("rods", ["top", "all"])
@pytest.mark.parametrize("optimizer", EVERY, ids=[f"{o.name}-{i}" for i, o in enumerate(EVERY)])
def test_the_drift_is_the_published_formula(optimizer, rods):
    loss = cf.Loss("(1 - x*y)**2/2 + x**4/8 + cosh(y)/5")
    step, flow = cf.as_map(loss, optimizer), cf.flows.rod(loss, optimizer, rods=rods)
    flips, random = np.array(oscillating(step.spec)), np.random.default_rng(1)
    r = int(flips.sum())
    for _ in range(3):
        half = random.normal(size=(r, r))
        sigma = half @ half.T / 10
        z = np.concatenate([random.uniform(0.3, 0.9, step.dim), sigma[np.triu_indices(r)]])
        want = plain(step, z, flips, rods)
        np.testing.assert_allclose(flow.drift(z), want, rtol=1e-11, atol=1e-11 * np.abs(want).max())


@pytest.mark.parametrize("optimizer", [OPT.gd(0.3), OPT.adam(0.1)])
def test_weights_alone_start_in_the_middle_of_the_first_step(optimizer):
    loss = cf.Loss("(1 - x*y)**2/2")
    step, path = cf.as_map(loss, optimizer), cf.solve(cf.flows.rod(loss, optimizer), [1.5, 0.3], 0)
    first = step.state([1.5, 0.3])
    half = (step(first) - first) / 2
    np.testing.assert_allclose(path.z[0, : step.dim], first + half, rtol=1e-15)
    np.testing.assert_allclose(path.covariance[0], np.outer(half[:2], half[:2]), rtol=1e-15)
    assert path.names[: step.dim] == step.names and path.names[step.dim] == "Sigma_x_x"


@pytest.mark.parametrize("rods", ["top", "all"])
def test_the_quartic_follows_the_cycle_of_period_2_to_its_pitchfork_and_beyond(rods):
    def rest(S, start=0.3):
        path = cf.solve(cf.flows.rod(QUARTIC.at(S=S), OPT.gd(1.0), rods=rods), [start], 400, rtol=1e-11)
        return path.w[-1, 0], path.covariance[-1, 0, 0]

    for S in (2.05, 2.5, 2.95):
        mean, variance = rest(S)
        assert abs(mean) < 1e-12 and abs(variance - (S - 2)) < 1e-10
    for S in (3.1, 3.2, 1 + 5**0.5 - 1e-3, 3.3):
        mean, variance = rest(S)
        squares = np.sort((mean + np.array([1, -1]) * variance**0.5) ** 2)
        # The two points of the cycle after the pitchfork: w₁w₂ = −1, w₁² + w₂² = S − 1.
        np.testing.assert_allclose(squares, (S - 1 + np.array([-1, 1]) * ((S - 1) ** 2 - 4) ** 0.5) / 2, rtol=1e-9)
        orbit = np.sort(cf.iterate(cf.as_map(QUARTIC.at(S=S), OPT.gd(1.0)), [0.3], 20_000).w[-4:, 0] ** 2)
        assert (np.abs(orbit - squares.repeat(2)).max() < 1e-6) == (S < 1 + 5**0.5)
        if S == 3.1:
            np.testing.assert_allclose(squares, [0.72984, 1.37016], atol=5e-6)


@pytest.mark.parametrize("sharp", [1.7, 1.99, 2.0, 2.01, 2.3])
def test_growth_on_a_quadratic(sharp):
    """Σ' = (η²S²/2 − 2)Σ; gradient descent has 2 log|1 − ηS|, the same zero."""
    flow = cf.flows.rod(cf.Loss("S*w**2/2", params={"S": sharp}), OPT.gd(1.0))
    path = cf.solve(flow, [0.0, 1e-3], 5, rtol=1e-12, atol=1e-30)
    np.testing.assert_allclose(np.log(path.z[-1, 1] / 1e-3) / 5, sharp**2 / 2 - 2, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("part", [0.99, 0.9999, 1.0001, 1.1])
@pytest.mark.parametrize("optimizer", [OPT.heavy_ball(1.0, 0.5), OPT.nesterov(1.0, 0.5), OPT.ema_momentum(1.0, 0.5)],
                         ids=lambda o: o.name)  # fmt: skip
def test_growth_with_momentum_changes_its_sign_at_the_threshold(optimizer, part):
    """For the eigenvector of a real multiplier μ of the map Σ grows with (μ − 1)²/2 − 2, positive iff μ < −1."""
    loss = cf.Loss("S*w**2/2", params={"S": part * optimizer.limit})
    values, vectors = np.linalg.eig(cf.as_map(loss, optimizer).jacobian([0.0, 0.0]))
    flip = values.real.argmin()
    assert np.isreal(values).all()
    v = vectors[:, flip].real
    for rods in ("top", "all"):
        path = cf.solve(cf.flows.rod(loss, optimizer, rods=rods), [0, 0, *(1e-4 * np.outer(v, v)[np.triu_indices(2)])], 3,
                        rtol=1e-11, atol=1e-30)  # fmt: skip
        growth = np.log((path.z[-1, 2] + path.z[-1, 4]) / 1e-4) / 3
        np.testing.assert_allclose(growth, (values[flip].real - 1) ** 2 / 2 - 2, rtol=1e-7, atol=1e-9)
        assert (growth > 0) == (part > 1)


def test_complex_multipliers_that_leave_the_unit_circle_are_not_seen():
    """All rods: Σ' = ½(A − I)Σ(A − I)ᵀ − 2Σ, which grows with |μ − 1|²/2 − 2 < 0 although |μ| > 1."""
    optimizer = OPT.nesterov(1.0, -0.6)
    loss = cf.Loss("S*w**2/2", params={"S": 1.05 * optimizer.limit})
    values, vectors = np.linalg.eig(cf.as_map(loss, optimizer).jacobian([0.0, 0.0]))
    assert abs(values[0]) > 1 and abs(values[0].imag) > 0.5
    v = vectors[:, 0]
    sigma = np.outer(v, v.conj()).real[np.triu_indices(2)]
    path = cf.solve(cf.flows.rod(loss, optimizer, rods="all"), [0, 0, *sigma], 10, rtol=1e-11, atol=1e-30)
    growth = abs(values[0] - 1) ** 2 / 2 - 2
    np.testing.assert_allclose(path.z[-1, 2:], np.exp(10 * growth) * sigma, rtol=1e-7)
    assert growth < -0.5


@pytest.mark.parametrize("optimizer", [OPT.gd(0.8), OPT.heavy_ball(1.2, 0.5), OPT.nesterov(0.6, 0.5), OPT.ema_momentum(2.4, 0.5)],
                         ids=lambda o: o.name)  # fmt: skip
def test_a_cycle_of_period_2_is_a_fixed_point(optimizer):
    """All have their edge at 2.5, where the valley's cycle has x² = 2c and y = 0."""
    orbit = cf.iterate(cf.as_map(VALLEY, optimizer), [0.1, 0.0], 4000).w[-2:]
    np.testing.assert_allclose(np.abs(orbit), [[0.006**0.5, 0]] * 2, atol=1e-9)
    for rods in ("top", "all"):
        path = cf.solve(cf.flows.rod(VALLEY, optimizer, rods=rods), [0.1, 0.0], 2000, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(path.w[-1], [0, 0], atol=1e-6)
        np.testing.assert_allclose(path.covariance[-1, 0, 0], 0.006, rtol=1e-4)


def near_edge(steps=600):
    loss, gd = cf.losses.two_time_scales(), OPT.gd(0.3)
    orbit = cf.iterate(cf.as_map(loss, gd), [0.05, 6.4], steps).w
    return loss, gd, (orbit[1:] + orbit[:-1]) / 2


def test_the_near_edge_example_of_several_time_scales():
    loss, gd, middle = near_edge()
    times = np.arange(len(middle))

    def error(path):
        return np.sqrt(np.mean((path.w[:, 1] - middle[:, 1]) ** 2))

    rod = error(cf.solve(cf.flows.rod(loss, gd), [0.05, 6.4], 600, save_at=times))
    # The middle of the steps k and k + 1 is at the time k + ½ of a flow that starts at the start.
    central = error(cf.solve(cf.flows.central(loss, gd), [0.05, 6.4], 601, save_at=times + 0.5))
    assert rod < 0.4 * central and abs(rod - 0.034) < 1e-3 and abs(central - 0.111) < 3e-3


def test_a_single_rod_misses_the_onset_that_every_mode_with_a_rod_sees():
    """From deep in the stable region the rod lies along the drift, and the critical mode has none to grow from."""
    loss, gd = cf.losses.two_time_scales(), OPT.gd(0.3)
    late = cf.iterate(cf.as_map(loss, gd), [0.0, 3.0], 2600).w[2200:]
    assert np.abs(late[:, 1] - 2 / 0.3).max() < 0.6 and late[:, 0].var() > 1e-3
    single = cf.solve(cf.flows.rod(loss, gd), [0.0, 3.0], 2600, save_at=[1400, 2600])
    assert single.status == "done" and single.sharpness[-1] > 10 and single.covariance[:, 0, 0].max() < 1e-12
    each = cf.solve(cf.flows.rod(loss, gd, rods="all"), [0.0, 3.0], 2600, save_at=np.arange(1000, 2601, 10))
    assert np.abs(each.w[-20:, 1] - 2 / 0.3).max() < 0.1 and each.covariance[-1, 0, 0] > 1e-2
    assert 1223 < each.t[np.argmax(each.covariance[:, 0, 0] > 1e-4)] < 1527


@pytest.mark.parametrize(("optimizer", "apart"), [(OPT.adam(0.1, 0.5, 0.99, eps=0.05), 0.02), (OPT.nadam(0.1, 0.5, 0.99, eps=0.05), 0.01),
                                                  (OPT.rmsprop(0.05, 0.99, eps=0.05), 0.01)], ids=["adam", "nadam", "rmsprop"])  # fmt: skip
def test_adaptive_optimizers_are_held_at_their_edge(optimizer, apart):
    """Without oscillations y would go to 1, the bottom of the valley; the edge holds it back."""
    loss, steps = cf.Loss("x**2*(4 + y)/2 + k*(y - 1)**2/2", "x y", {"k": 1e-4}), 8000
    orbit = cf.iterate(cf.as_map(loss, optimizer), [0.02, 0.0], steps).w
    middle, variance = (orbit[1:] + orbit[:-1]) / 2, (orbit[1:] - orbit[:-1]) ** 2 / 4
    path = cf.solve(cf.flows.rod(loss, optimizer, rods="all"), [0.02, 0.0], steps - 1, save_at=np.arange(0, steps, 10))
    assert path.status == "done" and np.abs(path.w - middle[::10])[20:].max() < apart and middle[-1, 1] < 0.7
    # Adam's amplitude swings slowly; its average is compared.
    np.testing.assert_allclose(path.covariance[-200:, 0, 0].mean(), variance[-2000:, 0].mean(), rtol=0.25)
    if optimizer.name != "adam":
        np.testing.assert_allclose(path.covariance[-1, 0, 0], variance[-1, 0], rtol=2e-3)


def test_what_it_refuses():
    loss = cf.Loss("(1 - x*y)**2/2")
    with pytest.raises(UsageError, match="choice of rods: 'al'; did you mean 'all'"):
        cf.flows.rod(loss, OPT.gd(0.3), rods="al")
    with pytest.raises(UsageError, match=r"2 entries \(x, y\) or all 5 entries"):
        cf.solve(cf.flows.rod(loss, OPT.gd(0.3)), [1.0, 1.0, 1.0], 1)
    with pytest.raises(NumericsError, match="not defined at the start"):
        cf.solve(cf.flows.rod(loss, OPT.normalized_gd(0.3)), [1.0, 1.0], 1)
