"""Self-stabilization: its maps in plain numpy, gradient descent itself, and the reduced equation's exact laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

import cfdyn as cf
from cfdyn.errors import NumericsError, UsageError

LR = 0.3
# The sharpest direction turns with y and z; ∇S⊥ and the gradient are not parallel.
BENT = cf.Loss("(y + x/2 + z**2/4)*(x + z/8)**2/2 - e*(x + y) + z**2/4 + e*z", "x y z", {"e": 1e-3})


def look(loss, w):
    """ηg, ηH, ηλ₁, u and η∇S⊥."""
    values, vectors = np.linalg.eigh(LR * loss.hessian(w))
    u = vectors[:, -1]
    rise = LR * loss.curvature_gradient(w, u, u)
    return LR * loss.gradient(w), LR * loss.hessian(w), values[-1], u, rise - u * (u @ rise)


def put_back(loss, w, times):
    for _ in range(times):
        g, _, top, u, c = look(loss, w)
        w = w - max(0, top - 2) / (c @ c) * c - u * (u @ g) / top
    return w


def plain(loss, w, steps, variant, sign):
    """The rows (w, θ†)."""
    theta, rows = put_back(loss, np.array(w), 60), []
    v = w - theta
    for _ in range(steps + 1):
        rows.append(np.concatenate([theta + v, theta]))
        g, h, _, u, c = look(loss, theta)
        u = sign * u
        x, y, moved = u @ v, c @ v, theta - g
        push = -2 * (g @ c) / (c @ c) if look(loss, moved)[2] > 2 else 0.0
        linear = h @ v
        if variant == "generalised":
            linear = h @ (v - x * u) + u * (u @ (LR * loss.gradient(theta + x * u)))
        v = v - ((x**2 - push) * c / 2 + linear + x * y * u)
        theta = put_back(loss, moved, 3)
    return np.array(rows)


def solved(loss, start, steps, variant="predicted"):
    path = cf.solve(cf.flows.self_stabilization(loss, cf.optimizers.gd(LR), variant=variant), start, steps)
    assert path.status == "done"
    return path


@pytest.mark.parametrize("start", [[0.03, 6.65, 0.01], [0.02, 6.5, -0.05]], ids=["at the edge", "below it"])
@pytest.mark.parametrize("variant", ["predicted", "generalised"])
def test_the_maps_in_plain_numpy(variant, start):
    path = solved(BENT, start, 250, variant)
    for sign in (1, -1):
        np.testing.assert_allclose(path.z, plain(BENT, start, 250, variant, sign), rtol=0, atol=1e-11)
    np.testing.assert_array_equal(path.w[0], start)
    np.testing.assert_allclose(solved(BENT, path.z[0, 3:], 250, "constrained").w, path.z[:, 3:], rtol=0, atol=1e-11)


def test_the_constrained_trajectory_stays_on_its_set():
    path = solved(BENT, [0.03, 6.65, 0.01], 600, "constrained")
    tops, along = [], []
    # Three turns are not enough for the first step, from afar; later ones are small.
    for w in path.w[2:]:
        g, _, top, u, _ = look(BENT, w)
        tops.append(top)
        along.append(abs(u @ g))
    assert max(tops) < 2 + 1e-12 and max(along) < 1e-12 and min(tops[100:]) > 2 - 1e-6


@pytest.mark.parametrize("make", [lambda e: (cf.losses.two_time_scales(zeta=0.3, eps=e), 0), lambda e: (BENT.at(e=e), 1)],
                         ids=["two time scales", "bent"])  # fmt: skip
def test_the_error_of_the_prediction_is_of_first_order(make):
    """ε = η√α with α = −g·∇S⊥ ∝ e; relative to δ = √(2α/β), over times of the order 1/ε."""
    errors, exact, sizes = [], [], (1e-3, 1e-4, 1e-5)
    for e in sizes:
        loss, more = make(e)
        size = (2 * e) ** 0.5
        near = put_back(loss, np.array([0.0, 2 / LR + 0.1 * size, *[0.0] * more]), 60)
        start = near + np.array([0.8 * size, 0.2 * size, *[0.0] * more])
        steps = int(4 / (LR * e**0.5))
        orbit = cf.iterate(cf.as_map(loss, cf.optimizers.gd(LR)), start, steps).w
        errors.append(np.abs(solved(loss, start, steps).w - orbit).max() / size)
        exact.append(np.abs(solved(loss, start, steps, "generalised").w - orbit).max() / size)
        far = np.abs(solved(loss, start, steps, "constrained").w - orbit).max() / size
        assert errors[-1] < 0.2 < 0.5 < far
    slopes = np.diff(np.log(errors)) / np.diff(np.log(np.sqrt(sizes)))
    assert (np.abs(slopes - 1) < 0.15).all(), (slopes, errors)
    assert (np.array(exact) < np.array(errors)).all(), (exact, errors)


def test_the_approach_to_the_edge_is_that_of_gradient_descent():
    """δ² is left out while the edge does not hold θ†; with it y would rise at once."""
    loss = cf.losses.two_time_scales(eps=1e-3)
    orbit = cf.iterate(cf.as_map(loss, cf.optimizers.gd(LR)), [0.02, 6.5], 3000).w
    path = solved(loss, [0.02, 6.5], 3000)
    below = orbit[:, 1] < 2 / LR - 0.02
    first = np.argmin(below)
    assert first > 300 and np.abs(path.w - orbit)[:first].max() < 2e-3
    # The first overshoot, which x needs the time to grow for.
    peaks = [rows[:2000, 1].argmax() for rows in (orbit, path.w)]
    assert abs(np.diff(peaks)[0]) < 5 and abs(orbit[peaks[0], 1] - path.w[peaks[1], 1]) < 1e-3 and orbit[peaks[0], 1] > 2 / LR + 0.15


def reduced(start=(0.01, 6.7), e=1e-4, t=6000.0):
    loss = cf.losses.two_time_scales(eps=e)
    flow = cf.flows.self_stabilization(loss, cf.optimizers.gd(LR), variant="reduced")
    path = cf.solve(flow, list(start), t, rtol=1e-13, atol=1e-16)
    x, y, alpha = path.z[0, 2:5]
    return path, alpha, path.z[0, 5:7] @ path.z[0, 5:7]


def period(path):
    """Y rises through 0 once in each."""
    y = path.z[:, 3]
    rises = np.flatnonzero((y[:-1] < 0) & (y[1:] >= 0))
    return [brentq(lambda t: path.state(t)[3], path.t[i], path.t[i + 1], xtol=1e-11) for i in rises[:2]]


@pytest.mark.slow
def test_the_start_of_the_reduced_equation():
    path, alpha, beta = reduced(t=0)
    loss, w = cf.losses.two_time_scales(eps=1e-4), path.w[0]
    theta = w - path.z[0, 3] / beta * path.z[0, 5:7]
    g, _, top, u, c = look(loss, theta)
    assert abs(top - 2) < 1e-12 and abs(u @ g) < 1e-14 and abs(abs(u @ path.z[0, 7:9]) - 1) < 1e-14
    np.testing.assert_allclose([alpha, beta, path.z[0, 2], path.z[0, 3]],
                               [-(g @ c) / LR**2, c @ c / LR**2, abs(u @ (np.array([0.01, 6.7]) - theta)),
                                c @ (np.array([0.01, 6.7]) - theta) / LR], rtol=1e-12)  # fmt: skip


def test_energy_is_conserved_and_the_average_of_the_square_is_exact():
    path, alpha, beta = reduced()
    x, y = path.z[:, 2], path.z[:, 3]
    energy = y**2 / 2 + beta * x**2 / 4 - alpha * np.log(x)
    assert np.ptp(energy) < 1e-9 * np.abs(energy).max() and np.ptp(x) > 0.02
    np.testing.assert_allclose(path.w, path.w[0] + np.outer(y - y[0], path.z[0, 5:7]) / beta, rtol=0, atol=1e-12)
    np.testing.assert_allclose(path.covariance, x[:, None, None] ** 2 * np.outer(path.z[0, 7:9], path.z[0, 7:9]), atol=1e-15)
    first, second = period(path)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    edges = np.linspace(first, second, 41)
    times = (edges[:-1, None] + np.diff(edges)[:, None] * (nodes + 1) / 2).ravel()
    squares = path.state(times)[:, 2] ** 2
    average = (squares.reshape(40, 20) @ weights).mean() / 2
    np.testing.assert_allclose(average, 2 * alpha / beta, rtol=1e-8)


def test_the_period_of_small_orbits():
    far = []
    for part in (0.2, 0.1):
        loss = cf.losses.two_time_scales(eps=1e-4)
        rest, alpha, beta = reduced(t=0)
        state = rest.z[0].copy()
        state[2:4] = (2 * alpha / beta) ** 0.5 * (1 + part), 0.0
        flow = cf.flows.self_stabilization(loss, cf.optimizers.gd(LR), variant="reduced")
        first, second = period(cf.solve(flow, state, 5000, rtol=1e-12, atol=1e-15))
        far.append((second - first) * LR * (2 * alpha) ** 0.5 / (2 * np.pi) - 1)
    # The first correction is quadratic in the amplitude.
    assert abs(far[1]) < 2e-3 and 3.5 < far[0] / far[1] < 4.5, far


def test_the_reduced_equation_is_near_gradient_descent_for_a_while():
    path, alpha, beta = reduced(e=1e-5, start=(0.004, 6.67), t=2000.0)
    orbit = cf.iterate(cf.as_map(cf.losses.two_time_scales(eps=1e-5), cf.optimizers.gd(LR)), [0.004, 6.67], 2000).w
    times = np.arange(2001)
    x = path.state(times)[:, 2]
    assert np.abs(np.abs(orbit[:, 0] - path.w[0, 0]) - x).max() < 0.1 * x.max() and x.max() > 2 * x.min()


@pytest.mark.parametrize("variant", ["predicted", "reduced", "constrained"])
def test_where_nothing_can_bring_the_curvature_to_the_edge(variant):
    flow = cf.flows.self_stabilization(cf.Loss("x**2 + y**2/4"), cf.optimizers.gd(1.5), variant=variant)
    with pytest.raises(NumericsError, match="start"):
        cf.solve(flow, [1.0, 1.0], 3)


def test_below_the_edge_a_quadratic_needs_none():
    path = solved(cf.Loss("x**2 + y**2/4"), [1.0, 1.0], 30)
    orbit = cf.iterate(cf.as_map(cf.Loss("x**2 + y**2/4"), cf.optimizers.gd(LR)), [1.0, 1.0], 30)
    np.testing.assert_allclose(path.w, orbit.w, atol=1e-14)


def test_unknown_variants():
    with pytest.raises(UsageError, match="variant of self_stabilization: 'generalized'; did you mean 'generalised'"):
        cf.flows.self_stabilization(BENT, cf.optimizers.gd(LR), variant="generalized")
