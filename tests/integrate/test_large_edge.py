"""The edge flow of a loss that is no formula: the dense flow of the same loss, closed forms, what it refuses."""

import numpy as np
import pytest

import cfdyn as cf
from cfdyn.errors import UsageError
from tests.integrate.test_large import Plain
from tests.training import toy

GD = cf.optimizers.gd(lr=1.0)
QUARTIC = cf.losses.quartic(S=2.5)
NET = cf.losses.tanh_network()
START = 0.7 * np.random.default_rng(1).normal(size=7)


@pytest.mark.parametrize("secant", [False, True])
@pytest.mark.parametrize("floor", [0.0, 1e-3])
def test_its_velocity_is_that_of_the_dense_flow(secant, floor):
    gd = cf.optimizers.gd(lr=0.8)
    dense, flow = (cf.flows.edge(loss, gd, secant=secant, floor=floor) for loss in (NET, Plain(NET)))
    z = dense.state(START)
    np.testing.assert_allclose(flow.state(START), z, rtol=1e-12)
    small = np.append(z[:-1], -8.0)
    np.testing.assert_allclose(flow.drift(z), dense.drift(z), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(flow.drift(small), dense.drift(small), rtol=1e-7, atol=1e-9)


def test_it_rests_on_the_two_cycle():
    """c ± ρu is w ± √(S − 2/η) of the quartic."""
    path = cf.solve(cf.flows.edge(Plain(QUARTIC), GD, secant=True), [0.1], 200, rtol=1e-4)
    assert path.status == "done" and path.variances[-1, 0] == pytest.approx(0.5, rel=1e-3)
    assert path.w[-1, 0] == pytest.approx(0.0, abs=1e-6)


def test_a_swing_on_a_parabola_grows_as_the_closed_form_says():
    """ρ(t) = ρ₀ e^{(ηS − 2)t}, to tolerance."""
    bowl = Plain(cf.Loss("2.1*x**2/2 + y**2/2"))
    path = cf.solve(cf.flows.edge(bowl, GD), [0.0, 0.0, 1.0, 0.0, np.log(0.01)], 20, rtol=1e-6)
    assert 0.5 * np.log(path.variances[-1, 0]) == pytest.approx(np.log(0.01) + 2.0, abs=1e-4)
    assert path.sharpness[-1] == pytest.approx(2.1, rel=1e-9)


def test_a_swing_that_runs_away_ends_the_run_when_the_closed_form_says():
    """ln ρ = ln ρ₀ + (ηS − 2)t meets 300 at t = (300 + ln 100)/0.5."""
    bowl, start = Plain(cf.Loss("2.5*x**2/2 + y**2/2")), [0.0, 0.0, 1.0, 0.0, np.log(0.01)]
    path = cf.solve(cf.flows.edge(bowl, GD), start, 2000, rtol=1e-3)
    assert "diverges" in path.status
    assert path.t[-1] == pytest.approx((300 + np.log(100)) / 0.5, rel=1e-3)


def test_full_states_without_a_direction_or_with_an_endless_swing_are_refused():
    flow = cf.flows.edge(Plain(cf.Loss("2.5*x**2/2 + y**2/2")), GD)
    for z in ([0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 800.0]):
        with pytest.raises(UsageError, match="direction u that is not 0 and a swing rho below e\\^300"):
            cf.solve(flow, z, 10)


def test_it_converges_to_the_dense_path_of_a_network():
    gd, times = cf.optimizers.gd(lr=1.2), np.arange(0, 101, 20.0)
    dense = cf.solve(cf.flows.edge(NET, gd, secant=True), START, 100, save_at=times, rtol=1e-9)
    errors = []
    for rtol in (1e-3, 1e-5):
        path = cf.solve(cf.flows.edge(Plain(NET), gd, secant=True), START, 100, save_at=times, rtol=rtol)
        errors.append(np.abs(path.w - dense.w).max())
    assert errors[0] < 0.03 and errors[1] < errors[0] / 10


@pytest.mark.parametrize("flow", [cf.flows.edge, cf.flows.rod])
def test_an_optimizer_is_what_its_formulas_say(flow):
    """Descent under another name and with another rate, and Nesterov's method under the name of descent."""
    mine = cf.Optimizer.from_text({"w": "w - 2*a*g"}, {"a": 0.3}, name="mine")
    found = flow(Plain(QUARTIC), mine)
    np.testing.assert_allclose(found.state([0.1]), flow(Plain(QUARTIC), cf.optimizers.gd(lr=0.6)).state([0.1]), rtol=1e-14)
    np.testing.assert_allclose(found.drift([0.1]), flow(Plain(QUARTIC), cf.optimizers.gd(lr=0.6)).drift([0.1]), rtol=1e-14)
    other = cf.Optimizer.from_text({"w": "w - lr*(m*v + g)", "v": "m*v + g"}, {"lr": 0.1, "m": 0.9}, name="gd")
    with pytest.raises(UsageError, match="not of an optimizer of that name with other formulas"):
        flow(Plain(QUARTIC), other)
    with pytest.raises(UsageError, match="leave out clip"):
        flow(Plain(QUARTIC), cf.optimizers.gd(lr=0.1, clip=1.0))


def test_it_refuses_in_a_sentence():
    with pytest.raises(UsageError, match="is that of gd, not of adam"):
        cf.flows.edge(Plain(QUARTIC), cf.optimizers.adam(lr=0.1))
    with pytest.raises(UsageError, match="which is 0 at this start"):
        cf.flows.edge(Plain(QUARTIC), GD).state([0.0])
    with pytest.raises(UsageError, match="smallest extent"):
        cf.flows.edge(Plain(QUARTIC), GD, floor=-1.0)


def test_beside_the_optimizer_it_begins_with_the_swing_and_follows_it(tmp_path, monkeypatch):
    """It is written out here by Runge and Kutta from the midpoint and the swing of step 10, beside which the run is stopped."""
    net, lr, (w, middle) = toy.Toy(), toy.LR, toy.descent(60)
    c, v = middle[10], w[10] - middle[10]

    def velocity(c, v):  # v = ρu; d(ln ρ)/dt by the secant
        u = v / np.linalg.norm(v)
        secant, turned = lr * (net.gradient(c + v) - net.gradient(c - v)) / 2 @ u, lr * net.hessian(c) @ v
        return -lr / 2 * (net.gradient(c + v) + net.gradient(c - v)), turned - (u @ turned) * u + (secant - 2 * u @ v) * u

    for _ in range(1200):
        k = velocity(c, v)
        m = velocity(c + 0.0125 * k[0], v + 0.0125 * k[1])
        c, v = c + 0.025 * m[0], v + 0.025 * m[1]
    toy.agrees_and_goes_on("edge", c, v @ v, tmp_path, monkeypatch)
