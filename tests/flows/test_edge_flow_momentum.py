"""The edge flow with momentum and a preconditioner: exact identities, growth in 50 digits, its equations, 2-cycles, orbits."""

from __future__ import annotations

import numpy as np
import pytest
from mpmath import mp

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.symbolic.recursion import recursion_of
from tests.flows.test_momentum import ADAPTIVE, OPT, PLAIN, as_rmsprop, frozen, of_constant_preconditioner
from tests.flows.test_momentum_beside_orbits import SEED, TANH, slow

NAMES = ("heavy_ball", "dampened", "ema_momentum", "of its own")


def solved(text, names, optimizer, start, t, **options):
    flow = cf.flows.edge(cf.Loss(text, names), optimizer, **options)
    path = cf.solve(flow, start, t, rtol=1e-13, atol=1e-16, save_at=np.linspace(0, t, 41))
    assert path.status == "done"
    return path


def swinging(start, d, extent=0.02):
    """A whole state: the weights and states of P, a direction, and the extent of the swing."""
    return [*start, *np.full(d, d**-0.5), np.log(extent)]


def assert_same(ours, reference):
    assert reference.covariance.max() > 0.01, "it swings"
    for part in ("z", "covariance", "predicted_loss", "predicted_grad_norm_sq", "edge"):
        np.testing.assert_allclose(getattr(ours, part), getattr(reference, part), rtol=0, atol=1e-9, err_msg=part)


@pytest.mark.parametrize("problem", PLAIN, ids=["one mode", "two modes"])
@pytest.mark.parametrize("beta", [0.5, 0.9])
@pytest.mark.parametrize("secant", [False, True])
def test_it_is_that_of_gradient_descent_in_another_time(problem, beta, secant):
    """Heavy ball (η, β) is gd with η/(1 + β) at time t(1 + β)/(1 − β), from far off the slow motion too; nesterov is not."""
    text, names, w, eta, end, _ = problem
    start = swinging(w, len(w))
    reference = solved(text, names, OPT.gd(eta), start, end, secant=secant)
    known = of_constant_preconditioner(beta, eta)
    for name in NAMES:
        optimizer, speed = known[name]
        assert_same(solved(text, names, optimizer, start, end / speed, secant=secant), reference)
    optimizer, speed = known["nesterov"]
    other = solved(text, names, optimizer, start, end / speed, secant=secant)
    assert np.abs(other.w - reference.w).max() > 0.01


@pytest.mark.parametrize("problem", ADAPTIVE, ids=["one mode", "two modes"])
@pytest.mark.parametrize(("name", "beta"), [("adam", 0.5), ("adam", 0.9), ("adamw", 0.9), ("own", 0.5)])
def test_that_of_adam_is_that_of_rmsprop_in_another_time(problem, name, beta):
    text, names, z, eta, end, _ = problem
    c, kappa, eps, start = (1 + beta) / (1 - beta), 0.02, 1e-3, swinging(z, len(z) // 2)
    reference = solved(text, names, OPT.rmsprop(eta, beta2=1 / (1 + kappa), eps=eps), start, end)
    assert_same(solved(text, names, as_rmsprop(name, beta, eta, kappa, eps), start, end / c), reference)


WARM, RATE = 0.8, 0.975  # of nadam: μ_t and μ_{t+1} are 0.6 and 0.61 β₁


def optimizer_and_edge(name, beta):
    """An optimizer with η = 0.1 and its θ."""
    options = (
        {"weight_decay": 0.5} if name == "adamw" else {"momentum_decay": np.log(RATE) / np.log(0.96)} if name == "nadam" else {}
    )
    first = "beta1" if "adam" in name else "momentum"
    optimizer = OPT.get(name)(lr=0.1, **{first: beta}, **options)
    return optimizer, recursion_of(optimizer, "edge").numbers(optimizer.params, WARM)[0]


def growth(name, beta, theta):
    """d ln|z|/dλ at θ of the largest multiplier z, in 50 digits by central differences."""
    with mp.workdps(50):
        a, b = frozen(name, beta, (0.6 * beta, 0.61 * beta), 0.5 if name == "adamw" else 0.0)
        near, sizes = mp.mpf(10) ** -15, []
        for side in (-1, 1):
            rows = [[x + (theta + side * near) * k * (j == 0) for j, x in enumerate(row)] for row, k in zip(a, b)]
            sizes.append(max(mp.log(abs(z)) for z in mp.eig(mp.matrix(rows), left=False, right=False)))
        return float((sizes[1] - sizes[0]) / (2 * near))


@pytest.mark.parametrize("beta", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", ["heavy_ball", "nesterov", "ema_momentum", "adam", "adamw", "nadam"])
def test_it_grows_as_the_largest_multiplier_does_near_the_edge(name, beta):
    optimizer, theta = optimizer_and_edge(name, beta)
    want = growth(name, beta, theta)
    closed = {"nesterov": (1 + 2 * beta) ** 2 / (1 + 3 * beta), "heavy_ball": 1 / (1 - beta), "ema_momentum": 1, "adam": 1}
    assert want == pytest.approx(closed.get(name, want), rel=1e-9)
    values = {"u_w": 1.0, "v_w": 1.0, "warmup": WARM}
    flow, scale = cf.flows.edge(cf.Loss("a*w**2/2", "w", {"a": 3.0}), optimizer), 0.1 / (1 + optimizer.params.get("eps", 0.0))
    rate = flow.drift([values.get(entry, 0.0) for entry in flow.names])[-1]
    assert rate == pytest.approx(want * (3 * scale - theta), rel=1e-7)


def test_the_equations_of_adamw():
    """On a whole state, from the loss's gradients and Hessian: centre, second moments, direction and extent."""
    loss, eta, decay, beta, beta2, eps = cf.Loss(TANH[0], TANH[1]), 0.1, 0.05, 0.5, 0.98, 1e-4
    z = np.array([1.2, 0.4, 0.7, 0.3, 0.2, 0.1, 0.6, 0.48, 0.6, 0.64, -2.0])
    c, nu, power, u, rho = z[:3], z[3:6], z[6], z[7:10], np.exp(z[10])
    flow = cf.flows.edge(loss, OPT.adamw(eta, beta, beta2, eps=eps, weight_decay=decay))
    assert flow.names == ("a", "b", "c", "v_a", "v_b", "v_c", "decay2", "u_a", "u_b", "u_c", "log_rho")
    scale, g, kappa = (
        (np.sqrt(nu / (1 - power)) + eps) / eta,
        [loss.gradient(c + s * rho * u) for s in (1, -1)],
        (1 - beta2) / beta2,
    )
    last = eta * decay  # δ; F = (1 − β)z/(z − β)
    theta, slope = (2 - last) * (1 + beta) / (1 - beta), -beta * (1 - beta) / (1 + beta) ** 2
    growth = (2 - last) / (theta + theta**2 * slope) * (loss.hessian(c) @ u / scale - theta * u)
    want = [*(-(g[0] + g[1]) / 2 / scale - last * c), *(kappa * ((g[0] ** 2 + g[1] ** 2) / 2 - nu)), -kappa * power,
            *(growth - u * (u @ growth)), u @ growth]  # fmt: skip
    np.testing.assert_allclose(flow.drift(z), want, rtol=1e-12)


@pytest.mark.parametrize("beta", [0.5, 0.9])
@pytest.mark.parametrize("name", ["heavy_ball", "nesterov", "ema_momentum"])
def test_with_the_secant_it_rests_on_the_two_cycle(name, beta):
    """On Sw²/2 − Qw⁴/4 at w² = (S − θ/η)/Q, which an own orbit of the optimizer confirms."""
    optimizer, theta = optimizer_and_edge(name, beta)
    S = 1.02 * theta / 0.1
    loss = cf.Loss("S*w**2/2 - w**4/4", "w", {"S": S})
    path = cf.solve(cf.flows.edge(loss, optimizer, secant=True), [0.001, 1.0, -1.0], 3000, rtol=1e-11, atol=1e-13)
    assert path.covariance[-1, 0, 0] == pytest.approx(0.02 * theta / 0.1, rel=1e-8) and abs(path.w[-1, 0]) < 1e-8
    step = cf.as_map(loss, optimizer)
    points = cf.iterate(step, [0.9 * (0.02 * theta / 0.1) ** 0.5], 20_000).w[-2:, 0]
    np.testing.assert_allclose(np.sort(points) ** 2, 0.02 * theta / 0.1, rtol=1e-8)
    assert points[0] * points[1] < 0


def test_starts():
    """From weights alone and from the optimizer's whole state c ± ρu are its weights and the next ones."""
    loss, adam = cf.Loss("x**2/2 + y**2"), OPT.adam(0.1, beta2=0.9)
    flow, step = cf.flows.edge(loss, adam), cf.as_map(loss, adam)
    orbit = cf.iterate(step, [1.0, 2.0], 6).z
    for whole, z in ((flow.state([1.0, 2.0]), orbit[:2]), (flow.started(orbit[5]), orbit[5:7])):
        swing = whole[5:7] * np.exp(whole[7])
        np.testing.assert_allclose([whole[:2] + swing, whole[:2] - swing], z[:, :2], rtol=1e-14)
    np.testing.assert_allclose(flow.state([1.0, 2.0])[2:5], [0.1, 1.6, 0.9], rtol=1e-14)  # what the first step uses
    np.testing.assert_array_equal(flow.started(orbit[5])[2:5], orbit[5, [4, 5, 7]])


@pytest.mark.parametrize("name", ["heavy_ball", "nesterov", "ema_momentum"])
def test_in_a_comparison_it_is_as_near_as_the_central_flow(name):
    """Warm starts on a slow river, β = 0.5; the seed that is injected into the optimizer is the flow's floor."""
    text, names, start, rate, eps = slow(1e-3)["river"]
    loss, (optimizer, theta) = cf.Loss(text, names, {"eps": eps}), optimizer_and_edge(name, 0.5)
    optimizer = optimizer.at(lr=rate * theta / 2)
    z = cf.iterate(cf.as_map(loss, optimizer), start, 60, inject=SEED).z[-1]
    found = cf.compare(loss, optimizer, ["central", "edge", "stable"], z, 2000, inject=SEED)
    central, edge, stable = (model.distance for model in found.models)
    assert edge < 1.2 * central < 0.4 * stable
    np.testing.assert_allclose(found.models[1].preconditioned[-1], theta, rtol=0.05)


@pytest.mark.parametrize(("optimizer", "words"), [
    (OPT.amsgrad(0.1), "the state 'vmax' is not an average of the gradient and has no ds/dt"),
    (OPT.lion(0.1), "the flow 'edge' needs"), (OPT.sam(0.1), "the flow 'edge' needs"), (OPT.adam(0.1, clip=1.0), "leave out clip"),
    (OPT.nesterov(0.1, -0.6), "a flip is not its first instability"), (OPT.muon(0.1), "the flow 'edge' needs"),
], ids=["amsgrad", "lion", "sam", "clip", "nesterov", "muon"])  # fmt: skip
def test_what_has_no_edge_flow(optimizer, words):
    loss = cf.losses.matrix_factorization() if optimizer.name == "muon" else cf.Loss("w**2/2")
    with pytest.raises(UsageError, match=words):
        cf.flows.edge(loss, optimizer)
