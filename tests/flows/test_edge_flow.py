"""The edge flow: 2-cycles, growth, tiny extents, its floor."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError

GD = cf.optimizers.gd(lr=1.0)
ROUGH = "(1 - x*y)**2/2 + logcosh(3*x - y) + sin(x)*exp(y/2)"


def at_end(S, w0=0.1, t=400, **options):
    path = cf.solve(cf.flows.edge(cf.losses.quartic(S=S), GD, **options), [w0], t, rtol=1e-11, atol=1e-13)
    assert path.status == "done"
    c, u, log_rho = path.z[-1]
    return c, u * np.exp(log_rho), path


@pytest.mark.parametrize("S", [2.1, 2.5, 2.9])
@pytest.mark.parametrize("eta, Q", [(1.0, 1.0), (0.5, 0.7)])
def test_with_the_secant_it_rests_on_the_symmetric_cycle(S, eta, Q):
    """F2: ρ² = (S − 2/η)/Q for 2 < ηS < 3."""
    S, gd = S / eta, cf.optimizers.gd(lr=eta)
    path = cf.solve(cf.flows.edge(cf.losses.quartic(S=S, Q=Q), gd, secant=True), [0.1], 600, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(path.covariance[-1, 0, 0], (S - 2 / eta) / Q, rtol=1e-8)
    np.testing.assert_allclose(path.w[-1], 0, atol=1e-8)
    orbit = cf.iterate(cf.as_map(cf.losses.quartic(S=S, Q=Q), gd), [0.1], 600)
    np.testing.assert_allclose(orbit.w[-1, 0] ** 2, (S - 2 / eta) / Q, rtol=1e-8)


@pytest.mark.parametrize("S", [3.1, 3.2, 3.3, 3.4])
def test_with_the_secant_it_follows_the_pitchfork(S):
    """F2: c² = (S − 3)/4, ρ² = (S + 1)/4 is gradient descent's 2-cycle, stable up to S = 1 + √5; the flow stays beyond."""
    c, swing, _ = at_end(S, secant=True)
    np.testing.assert_allclose([c**2, swing**2], [(S - 3) / 4, (S + 1) / 4], rtol=1e-8)
    if S == 3.1:
        np.testing.assert_allclose(sorted([(c - swing) ** 2, (c + swing) ** 2]), [0.72984, 1.37016], atol=5e-6)
    step = cf.as_map(cf.losses.quartic(S=S), GD)
    np.testing.assert_allclose(step([c + swing]), [c - swing], rtol=1e-7)
    orbit = np.abs(cf.iterate(step, [c + swing + 1e-6], 4000).w[-2:, 0])
    gap = np.abs(np.sort(orbit) - np.sort(np.abs([c + swing, c - swing]))).max()
    assert gap < 1e-7 if S < 1 + 5**0.5 else gap > 1e-2


def test_without_the_secant_nothing_stops_it_on_the_quartic():
    """At c = 0 the rate of ln ρ is ηS − 2 for every ρ, that of the secant ηS − 2 − Qρ²; off it c runs away."""
    loss = cf.losses.quartic(S=2.5)
    for rho in (0.1, 0.7, 2.0):
        rates = [cf.flows.edge(loss, GD, secant).drift([0.0, 1.0, np.log(rho)])[-1] for secant in (False, True)]
        np.testing.assert_allclose(rates, [0.5, 0.5 - rho**2], rtol=1e-12)
    path = cf.solve(cf.flows.edge(loss, GD), [0.1], 400)
    assert path.status.startswith("blow-up") and path.t[-1] < 10


@pytest.mark.parametrize("S", [1.5, 2.0, 2.4])
@pytest.mark.parametrize("secant", [False, True])
def test_growth_on_a_quadratic(S, secant):
    """F3: ln Σ = ln ρ², not ln ρ, grows by 2(ηS − 2) a step; that of gradient descent by 2 ln|1 − ηS|."""
    loss = cf.Loss("S*x**2/2 + y**2/10", params={"S": S})
    path = cf.solve(cf.flows.edge(loss, GD, secant=secant), [0.1, 0.0], 10, rtol=1e-12, atol=1e-14, save_at=[0, 10])
    np.testing.assert_allclose(np.diff(np.log(path.covariance[:, 0, 0])) / 10, 2 * (S - 2), rtol=0, atol=1e-10)
    orbit = cf.iterate(cf.as_map(loss, GD), [0.1, 0.0], 10).w[:, 0]
    np.testing.assert_allclose(np.diff(np.log(orbit**2)), 2 * np.log(abs(1 - S)), atol=1e-10)


def test_the_start_is_the_first_step_of_gradient_descent():
    loss, gd = cf.Loss(ROUGH), cf.optimizers.gd(lr=0.3)
    first, second = cf.iterate(cf.as_map(loss, gd), [0.4, -0.2], 1).w
    z = cf.flows.edge(loss, gd).state([0.4, -0.2])
    c, swing = z[:2], z[2:4] * np.exp(z[4])
    np.testing.assert_allclose([c + swing, c - swing], [first, second], rtol=1e-13)
    np.testing.assert_allclose(np.linalg.norm(z[2:4]), 1, rtol=1e-15)


@pytest.mark.parametrize("log_rho", [0.5, -2.0, -5.5, -7.0, -20.0, -36.0, -100.0, -700.0, -800.0])
def test_the_secant_is_accurate_for_every_extent(log_rho):
    """Against the same quotient in 800 digits: no digits are lost as ρ falls to 10⁻³⁰⁰ and underflows."""
    mp = mpmath.mp.clone()
    mp.dps = 800
    c, u, eta = [0.4, -0.2], [0.6, 0.8], 0.3
    rate = cf.flows.edge(cf.Loss(ROUGH), cf.optimizers.gd(lr=eta), secant=True).drift([*c, *u, log_rho])[-1]

    def gradient(x, y):
        r, a = 1 - x * y, mp.tanh(3 * x - y)
        return [-y * r + 3 * a + mp.cos(x) * mp.exp(y / 2), -x * r - a + mp.sin(x) * mp.exp(y / 2) / 2]

    rho = mp.exp(log_rho)
    plus, minus = (gradient(*(mp.mpf(a) + s * rho * mp.mpf(b) for a, b in zip(c, u))) for s in (1, -1))
    want = eta * sum(mp.mpf(v) * (a - b) for v, a, b in zip(u, plus, minus)) / (2 * rho) / sum(mp.mpf(v) ** 2 for v in u) - 2
    np.testing.assert_allclose(rate, float(want), rtol=1e-13)


@pytest.mark.parametrize("curvatures", [(-3.0, -5.0), (1.0, -5.0), (-9.0, -9.0)])
def test_directions_of_negative_curvature_keep_their_length(curvatures):
    loss = cf.Loss("a*x**2/2 + b*y**2/2 + x**4/4 + y**4/4", "x y", dict(zip("ab", curvatures)))
    flow = cf.flows.edge(loss, GD, secant=True, floor=1e-6)
    for length in (0.5, 1.0, 1.7):
        path = cf.solve(flow, [0.1, 0.1, 0.0, length, -1.0], 30)
        assert path.status == "done" and np.isfinite(path.z).all()
        np.testing.assert_allclose(np.linalg.norm(path.z[-1, 2:4]), 1, rtol=1e-7)


def test_the_slope_on_the_sphere_is_the_one_that_is_stated():
    loss, eta = cf.Loss(ROUGH), 0.3
    c, u, rho = np.array([0.4, -0.2]), np.array([0.6, 0.8]), 0.7
    h, g = loss.hessian(c), [loss.gradient(c + s * rho * u) for s in (1, -1)]
    turn = eta * (np.eye(2) - np.outer(u, u)) @ h @ u
    for secant in (False, True):
        slope = (g[0] - g[1]) @ u / (2 * rho) if secant else u @ h @ u
        want = [*(-eta / 2 * (g[0] + g[1])), *turn, eta * slope - 2]
        flow = cf.flows.edge(loss, cf.optimizers.gd(lr=eta), secant=secant)
        np.testing.assert_allclose(flow.drift([*c, *u, np.log(rho)]), want, rtol=1e-11)


@pytest.mark.parametrize("log_rho", [-0.3, -15.0, -400.0])
def test_its_jacobian(log_rho):
    """Against central differences of the slope, which is smooth to round-off for small ρ too."""
    flow = cf.flows.edge(cf.Loss(ROUGH), cf.optimizers.gd(lr=0.3), secant=True)
    z, n = np.array([0.4, -0.2, 0.6, 0.8, log_rho]), flow.dim
    moves = np.eye(n) * 1e-5
    want = np.array([(flow.drift(z + e) - flow.drift(z - e)) / 2e-5 for e in moves]).T
    np.testing.assert_allclose(flow.rule("drift_jacobian")(z, flow.p).reshape(n, n), want, rtol=0, atol=1e-8)


def test_near_the_edge_it_stays_with_the_iterates():
    """F4: against (w_t + w_{t+1})/2 the edge flow's error is below 0.4 times that of the central flow."""
    loss, gd, times = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), np.arange(601.0)
    middle = cf.iterate(cf.as_map(loss, gd), [0.05, 6.4], 601).last_two()[:, 1]
    flows = {"central": cf.flows.central(loss, gd), "edge": cf.flows.edge(loss, gd)}
    error = {name: np.sqrt(np.mean((cf.solve(f, [0.05, 6.4], 600, save_at=times).w[:, 1] - middle) ** 2))
             for name, f in flows.items()}  # fmt: skip
    np.testing.assert_allclose([error["central"], error["edge"]], [0.109, 0.0313], atol=5e-4)


def test_the_onset_needs_the_floor():
    """F5: from (0, 3) gradient descent oscillates at 1527 in doubles; the flow with a floor at round-off near it, else late."""
    loss, gd, times = cf.losses.two_time_scales(), cf.optimizers.gd(lr=0.3), np.arange(2601.0)
    onset, least = {}, {}
    for floor in (0.0, 1e-16):
        path = cf.solve(cf.flows.edge(loss, gd, floor=floor), [0.0, 3.0], 2600, save_at=times)
        extent = np.sqrt(np.trace(path.covariance, axis1=1, axis2=2))
        least[floor], onset[floor] = np.exp(path.z[:, -1].min()), times[(extent > 0.05) & (times > 1000)][0]
        assert path.status == "done"
    assert onset[1e-16] < 1550 and onset[0.0] > 2400
    assert least[0.0] < 1e-290 and least[1e-16] > 0.999e-16


def test_a_start_below_the_floor_rises_to_it():
    flow = cf.flows.edge(cf.Loss("w**2/2"), GD, floor=1e-3)
    path = cf.solve(flow, [0.0, 1.0, np.log(1e-6)], 20, save_at=[0, 1, 20])
    want = np.log(1e-3) + np.log(1e-3) * np.exp(-path.t)
    np.testing.assert_allclose(path.z[:, -1], want, rtol=1e-7)


def test_refusals():
    loss = cf.losses.double_well()
    flow = cf.flows.edge(loss, GD)
    with pytest.raises(UsageError, match="start off the critical point"):
        cf.solve(flow, [1.0], 1)
    assert cf.solve(flow, [1.0, 1.0, -3.0], 1).status == "done"
    for floor in (-1.0, float("nan"), float("inf"), True):
        with pytest.raises(UsageError, match="floor"):
            cf.flows.edge(loss, GD, floor=floor)
    # The parameter of the flow has the name of a function, so no loss has it too.
    with pytest.raises(UsageError, match="'floor' .*it is a function"):
        cf.flows.edge(cf.Loss("floor*w**2", params={"floor": 1.0}), GD, floor=0.1)
    assert "[reconstruction]" in flow.title
