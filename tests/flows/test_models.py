"""The other flows, and the central flow against the optimizer that it models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import cfdyn as cf

CASES = {c["name"]: c for c in json.loads(Path(__file__).with_name("references.json").read_text())["cases"]}
LR = 0.8


def of_case(name, make):
    case = CASES[name]
    loss = cf.Loss(case["loss"], case["variables"])
    return case, loss, make(loss, cf.optimizers.gd(lr=LR))


def integrated(rate, start, times, **options):
    run = solve_ivp(rate, (times[0], times[-1]), start, "DOP853", t_eval=times, rtol=1e-12, atol=1e-14, **options)
    assert run.status == 0
    return run.y.T


@pytest.mark.parametrize("method", ["auto", "radau5"])
def test_gradient_flow(method):
    _, loss, flow = of_case("two-coupled-rank-drop", cf.flows.gradient)
    start, times = CASES["two-coupled-rank-drop"]["start"], np.linspace(0, 30, 7)
    want = integrated(lambda t, w: -LR * loss.gradient(w), start, times)
    path = cf.solve(flow, start, 30, rtol=1e-11, atol=1e-13, save_at=times, method=method)
    np.testing.assert_allclose(path.w, want, rtol=1e-9, atol=1e-10)
    assert path.events == [] and not path.covariance.any() and path.status == "done"
    np.testing.assert_allclose(path.predicted_loss, path.loss)


def test_gradient_flow_at_a_loose_tolerance_with_rkc():
    """A stiff linear flow, e^(−ηλt) in each direction; explicit steps would be as short as 1/400."""
    loss = cf.Loss("(x**2 + 10*y**2 + 1000*z**2)/2")
    path = cf.solve(cf.flows.gradient(loss, cf.optimizers.gd(lr=0.9)), [1, 1, 1], 3, rtol=1e-6, atol=1e-6, method="rkc")
    np.testing.assert_allclose(path.w[-1], [np.exp(-2.7), np.exp(-27), 0], rtol=0, atol=1e-4)
    assert path.stats["steps"] < 600


def test_stable_flow_of_rmsprop():
    loss, lr, beta2, eps = cf.Loss("(1 - x*y)**2/2 + 0.1*x**2"), 0.1, 0.9, 1e-3
    flow = cf.flows.stable(loss, cf.optimizers.rmsprop(lr=lr, beta2=beta2, eps=eps))

    def rate(t, z):
        g = loss.gradient(z[:2])
        return np.concatenate([-lr * g / (np.sqrt(z[2:]) + eps), (1 - beta2) / beta2 * (g**2 - z[2:])])

    start, times = [1.5, 0.3, 0.2, 0.4], np.linspace(0, 10, 6)
    path = cf.solve(flow, start, 10, rtol=1e-11, atol=1e-13, save_at=times)
    np.testing.assert_allclose(path.z, integrated(rate, start, times), rtol=1e-8, atol=1e-10)


def test_below_the_edge_all_flows_are_the_gradient_flow():
    loss, gd, times = cf.Loss("(1 - x*y)**2 / 2"), cf.optimizers.gd(lr=0.3), np.linspace(0, 5, 6)
    paths = [cf.solve(make(loss, gd), [1.5, 0.3], 5, rtol=1e-11, atol=1e-13, save_at=times).w
             for make in (cf.flows.gradient, cf.flows.stable, cf.flows.central, cf.flows.thread)]  # fmt: skip
    np.testing.assert_allclose(paths[1:], paths[:1] * 3, rtol=0, atol=1e-10)


def test_the_thread_flow_is_the_central_flow_until_the_exit_and_never_leaves():
    case, loss, flow = of_case("enter-leave-enter-leave", cf.flows.thread)
    (enter, _, _), (leave, _, _) = case["events"][:2]
    path = cf.solve(flow, case["start"], case["t"][-1], rtol=1e-11, atol=1e-13, save_at=case["t"])
    before, after = np.array(case["t"]) < leave, np.array(case["t"]) > leave
    np.testing.assert_allclose(path.w[before], np.array(case["w"])[before], rtol=0, atol=1e-9)
    np.testing.assert_allclose(path.sharpness[np.array(case["t"]) > enter], 2 / LR, rtol=1e-9)
    assert [e.kind for e in path.events] == ["enter"] and abs(path.events[0].t - enter) < 1e-9
    assert np.abs(path.w - case["w"])[after].max() > 1e-2, "a difference that can be seen"


def rise_of_sum(loss, w, k):
    """∇ of the sum of the k largest eigenvalues."""
    u = np.linalg.eigh(loss.hessian(w))[1][:, -k:]
    return sum(loss.curvature_gradient(w, u[:, i], u[:, i]) for i in range(k))


def test_the_thread_flow_with_two_eigenvalues_projects_off_their_sum():
    case, loss, flow = of_case("two-coupled-rank-drop", cf.flows.thread)
    times = np.array([0, 5, 30, 57, 60, 70, 85])
    path = cf.solve(flow, case["start"], 85, rtol=1e-11, atol=1e-13, save_at=times, edge_tolerance=0.2)
    two = next(e.t for e in path.events if e.rank == 2)
    assert [e.rank for e in path.events][:2] == [1, 2]
    np.testing.assert_allclose([e.t for e in path.events[:2]], [e[0] for e in case["events"][:2]], rtol=0, atol=5e-8)

    def rate(t, w):
        g, rise = loss.gradient(w), rise_of_sum(loss, w, 2)
        return -LR * (g - rise * (rise @ g) / (rise @ rise))

    later = times[times > two]
    last = next((e.t for e in path.events if e.t > two), 85)
    later = later[later < last]
    assert len(later)
    want = integrated(rate, path(two), [two, *later])[1:]
    np.testing.assert_allclose(path(later), want, rtol=0, atol=1e-8)
    for w in path(later):
        np.testing.assert_allclose(np.linalg.eigvalsh(loss.hessian(w))[-2:].sum(), 4 / LR, rtol=1e-8)


def test_the_ablated_flow():
    case, loss, flow = of_case("enter-leave-enter-leave", cf.flows.ablated)
    times = np.linspace(0, 20, 9)
    want = integrated(lambda t, w: -2 * loss.gradient(w) / np.linalg.eigvalsh(loss.hessian(w))[-1], case["start"], times)
    for method in ("auto", "radau5"):
        path = cf.solve(flow, case["start"], 20, rtol=1e-11, atol=1e-13, save_at=times, method=method)
        np.testing.assert_allclose(path.w, want, rtol=0, atol=1e-9)


def test_the_ablated_flow_of_scalar_rmsprop_ends_sharper():
    """Without its penalty on curvature the same step goes to a sharper minimum."""
    loss, optimizer = cf.Loss("(1 - x*y)**2/2"), cf.optimizers.scalar_rmsprop(lr=0.2, beta2=0.9)
    full = cf.solve(cf.flows.central(loss, optimizer), [2.0, 0.45, 0.3], 60)
    bare = cf.solve(cf.flows.ablated(loss, optimizer), [2.0, 0.45, 0.3], 60)
    assert full.status == bare.status == "done" and full.sharpness[-1] < bare.sharpness[-1] - 0.5


def slow(rate, size=0.01):
    """At the edge y = 0 and σ² = 2e(0.2 + z), while z decays at a slow rate; y is damped, so that no cycles remain."""
    return cf.Loss("x**2*(2.5 + y)/2 - e*y*(0.2 + z) + y**2/20 + s*z**2/2", "x y z", {"e": size, "s": rate})


def test_a_variance_in_closed_form():
    """σ² = 2e(0.2 + z), with z = z₀ exp(−ηst) while y = 0, and the predicted loss with it."""
    rate, times = 1e-3, np.linspace(0, 2000, 11)
    path = cf.solve(cf.flows.central(slow(rate), cf.optimizers.gd(lr=LR)), [0, 0, 1], 2000, rtol=1e-11, atol=1e-13,
                    save_at=times)  # fmt: skip
    z = np.exp(-LR * rate * times)
    np.testing.assert_allclose(path.w, np.outer(z, [0, 0, 1]), rtol=0, atol=1e-11)
    np.testing.assert_allclose(path.covariance[:, 0, 0], 2 * (2e-3 + z / 100), rtol=1e-9)
    np.testing.assert_allclose(path.predicted_loss, rate * z**2 / 2 + 2.5 * (2e-3 + z / 100), rtol=1e-9)


def test_the_variance_of_gradient_descent_at_rest():
    """The orbit of period 2 that is left when z does not move has the predicted variance and loss."""
    gd, loss = cf.optimizers.gd(lr=LR), slow(0.0)
    orbit = cf.iterate(cf.as_map(loss, gd), [0.1, 0.0, 1.0], 4000).z[-100:]
    path = cf.solve(cf.flows.central(loss, gd), [0, 0, orbit[0, 2]], 10, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose((orbit[:, 0] ** 2).mean(), path.covariance[-1, 0, 0], rtol=1e-9)
    np.testing.assert_allclose(orbit.mean(0), path.w[-1], rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.mean([loss.value(w) for w in orbit]), path.predicted_loss[-1], rtol=1e-9)
    np.testing.assert_allclose(np.mean([loss.gradient(w) @ loss.gradient(w) for w in orbit]),
                               path.predicted_grad_norm_sq[-1], rtol=0.05)  # fmt: skip


def test_midpoints_of_gradient_descent_stay_close_to_the_flow():
    """The smaller σ² is, the closer are flow and time averages: first order in it."""
    far = []
    for rate, size in ((2e-3, 1e-2), (5e-4, 2.5e-3)):
        loss, steps, gd = slow(rate, size), int(2 / rate), cf.optimizers.gd(lr=LR)
        orbit = cf.iterate(cf.as_map(loss, gd), [(2.4 * size) ** 0.5, 0.0, 1.0], 400 + steps).z[400:]
        middle = (orbit[:-2] + 2 * orbit[1:-1] + orbit[2:]) / 4
        variance = (orbit[:-2, 0] ** 2 + 2 * orbit[1:-1, 0] ** 2 + orbit[2:, 0] ** 2) / 4
        path = cf.solve(cf.flows.central(loss, gd), [0, 0, middle[0, 2]], len(middle) - 1, save_at=np.arange(len(middle)))
        far.append((np.abs(middle - path.w).max(), np.abs(variance / path.covariance[:, 0, 0] - 1).max()))
    assert far[1][0] < 0.4 * far[0][0] < 2e-3 and max(far[0][1], far[1][1]) < 2e-2, far


def test_names_of_the_flows():
    assert set(cf.flows.names()) >= {"ablated", "central", "gradient", "stable", "thread"}


@pytest.mark.parametrize("name, options, gradients", [
    ("gradient", {}, 1), ("modified", {"order": 2}, 3), ("edge", {}, 4), ("rod", {}, 6), ("principal", {}, 5),
])  # fmt: skip
def test_work_is_counted_in_gradients(name, options, gradients):
    """A gradient 1, a product with the Hessian 2, all of the Hessian of two weights 4."""
    flow = cf.flows.get(name)(cf.Loss("(1 - x*y)**2/2"), cf.optimizers.gd(lr=0.3), **options)
    stats = cf.solve(flow, [1.2, 0.4], 5).stats
    assert stats["gradient_equivalents"] == gradients * stats["slopes"] > 0
