"""Central flows with momentum: exact identities with gd and RMSProp, θ and G in 50 digits, what is refused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from mpmath import mp

import cfdyn as cf
from cfdyn.errors import UsageError
from cfdyn.symbolic.recursion import recursion_of
from tests.flows.make_references import TWO

OPT = cf.optimizers
VALLEY, PAIR = ("(1 - x*y)**2/2", "x y", [1.5, 0.3]), (TWO, "x1 x2 a b c s", [0.3, 0.2, 0, 0, 0, -1.0])
# η, time, and how many modes are at the edge together; the second enters with them one after the other and loses both.
PLAIN = [(*VALLEY, 0.8, 20.0, 1), (*PAIR, 0.8, 150.0, 2)]


def solved(text, names, optimizer, start, t, kind="central", rows=41):
    flow = getattr(cf.flows, kind)(cf.Loss(text, names), optimizer)
    # Short steps, since between the ends of long ones the interpolation is good to 1e-8 only.
    path = cf.solve(flow, start, t, rtol=1e-13, atol=1e-16, save_at=np.linspace(0, t, rows), max_step=t / 400)
    assert path.status == "done"
    return path


def assert_same(ours, reference, speed):
    """The same path of weights, Σ and predictions, ``speed`` times faster, with the same events."""
    np.testing.assert_allclose(ours.w, reference.w, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.covariance, reference.covariance, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.predicted_loss, reference.predicted_loss, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.predicted_grad_norm_sq, reference.predicted_grad_norm_sq, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.edge, reference.edge, rtol=0, atol=1e-9)
    assert [(e.kind, e.rank) for e in ours.events] == [(e.kind, e.rank) for e in reference.events] != []
    np.testing.assert_allclose([e.t * speed for e in ours.events], [e.t for e in reference.events], rtol=1e-9)


def of_constant_preconditioner(beta, eta):
    """Optimizers whose flow is that of gd with η, and how many times as fast."""
    return {
        "heavy_ball": (OPT.heavy_ball(eta * (1 + beta), beta), (1 + beta) / (1 - beta)),
        "dampened": (OPT.heavy_ball(eta * (1 + beta) / 0.6, beta, dampening=0.4), (1 + beta) / (1 - beta)),
        "nesterov": (OPT.nesterov(eta * (1 + beta) / (1 + 2 * beta), beta), (1 + beta) / ((1 + 2 * beta) * (1 - beta))),
        "ema_momentum": (OPT.ema_momentum(eta * (1 + beta) / (1 - beta), beta), (1 + beta) / (1 - beta)),
        "of its own": (OWN.at(lr=eta * (1 + beta) / 4, mu=beta), (1 + beta) / (1 - beta)),
    }


# Nothing but its formulas: P = (1 − μ)/(4η), so that G = 1, and θ are implied.
OWN = cf.Optimizer.from_text({"w": "w - 4*lr*new", "v": "new"}, {"lr": 0.1, "mu": 0.5}, define={"new": "mu*v + g"})


@pytest.mark.parametrize("problem", PLAIN, ids=["one mode", "two modes"])
@pytest.mark.parametrize("beta", [0.5, 0.9])
@pytest.mark.parametrize("name", list(of_constant_preconditioner(0.5, 1.0)))
def test_it_is_gradient_descent_in_another_time(problem, beta, name):
    """η′ = 2η/θ at time Gθt/2: for heavy ball gd with η/(1 + β) at time t(1 + β)/(1 − β)."""
    text, names, start, eta, end, modes = problem
    optimizer, speed = of_constant_preconditioner(beta, eta)[name]
    reference = solved(text, names, OPT.gd(eta), start, end)
    assert reference.rank.max() == modes
    ours = solved(text, names, optimizer, start, end / speed)
    assert ours.names == reference.names, "the momentum is not part of the state"
    assert_same(ours, reference, speed)


ADAPTIVE = [(*VALLEY[:2], [1.5, 0.3, 0.02, 0.05], 0.1, 120.0, 1),
            (*PAIR[:2], [*PAIR[2], *[0.05] * 6], 0.2, 160.0, 2)]  # fmt: skip


def as_rmsprop(name, beta, eta, kappa, eps):
    """The optimizer whose flow is RMSProp's with (η, κ) in a time c = (1 + β)/(1 − β) times as fast."""
    c = (1 + beta) / (1 - beta)
    options = {"beta2": 1 / (1 + c * kappa), "eps": eps}
    if name == "own":
        new = {"m1": "b*m + (1 - b)*g", "n1": "beta2*nu + (1 - beta2)*g**2"}
        return cf.Optimizer.from_text({"w": "w - lr*m1/(sqrt(n1) + eps)", "m": "m1", "nu": "n1"}, {"lr": eta * c, "b": beta, **options},
                                      define=new, flow={"nu": "(1 - beta2)/beta2*(g**2 - nu)"})  # fmt: skip
    if name == "adamw":
        return OPT.adamw(eta * c, beta, weight_decay=0.0, bias_correction=False, **options)
    return OPT.adam(eta * c, beta, bias_correction=False, **options)


@pytest.mark.parametrize("problem", ADAPTIVE, ids=["one mode", "two modes"])
@pytest.mark.parametrize(("name", "beta"), [("adam", 0.5), ("adam", 0.9), ("adamw", 0.9), ("own", 0.5)])
def test_adam_is_rmsprop_in_another_time(problem, name, beta):
    """Adam (η, β₁, κ) without bias correction is RMSProp with (η/c, κ/c), the same ε and ν₀, at time ct."""
    text, names, start, eta, end, modes = problem
    c, kappa, eps = (1 + beta) / (1 - beta), 0.02, 1e-3
    reference = solved(text, names, OPT.rmsprop(eta, beta2=1 / (1 + kappa), eps=eps), start, end)
    assert reference.rank.max() == modes
    ours = solved(text, names, as_rmsprop(name, beta, eta, kappa, eps), start, end / c)
    assert_same(ours, reference, c)
    np.testing.assert_allclose(ours.z, reference.z, rtol=0, atol=1e-9)


# -- θ and G ---------------------------------------------------------------------------------------------------


def companion_flip(a, b):
    """In 50 digits the λ at which A + λb e₁ᵀ has the eigenvalue −1, by bisection of where a real one passes it."""
    with mp.workdps(50):
        size = len(b)

        def beyond(theta):
            matrix = mp.matrix(a)
            for i in range(size):
                matrix[i, 0] += theta * b[i]
            values = mp.eig(matrix, left=False, right=False)
            return any(abs(mp.im(z)) < mp.mpf(10) ** -30 and mp.re(z) < -1 for z in values)

        low, high = mp.mpf(0), mp.mpf(1000)
        assert beyond(high) and not beyond(low)
        for _ in range(180):
            middle = (low + high) / 2
            low, high = (low, middle) if beyond(middle) else (middle, high)
        return low


def frozen(name, beta, mu=None, decay=0.0, eta=0.1):
    """(w, m)⁺ = A(w, m) + bg in 50 digits with g in units of P, from the optimizers' definitions."""
    with mp.workdps(50):
        beta, decay = mp.mpf(beta), mp.mpf(eta) * mp.mpf(decay)
        if name == "heavy_ball":
            return [[1, -beta], [0, beta]], [-1, 1]
        if name == "nesterov":
            return [[1, -(beta**2)], [0, beta]], [-1 - beta, 1]
        if name == "nadam":
            now, then = mu
            return [[1, -then * beta], [0, beta]], [-(1 - now) - then * (1 - beta), 1 - beta]
        return [[1 - decay, -beta], [0, beta]], [-(1 - beta), 1 - beta]


@pytest.mark.parametrize("beta", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", ["heavy_ball", "nesterov", "ema_momentum", "adam", "adamw"])
def test_theta_is_where_the_companion_matrix_flips(name, beta):
    decay = {"weight_decay": 0.5} if name == "adamw" else {}
    first = "beta1" if name.startswith("adam") else "momentum"
    optimizer = OPT.get(name)(lr=0.1, **{first: beta}, **decay)
    theta, gain, a, b = recursion_of(optimizer, "central").numbers(optimizer.params)
    known = {"heavy_ball": 2 * (1 + beta), "nesterov": 2 * (1 + beta) / (1 + 2 * beta), "ema_momentum": 2 * (1 + beta) / (1 - beta),
             "adam": 2 * (1 + beta) / (1 - beta), "adamw": (2 - 0.05) * (1 + beta) / (1 - beta)}[name]  # fmt: skip
    assert theta == pytest.approx(float(companion_flip(*frozen(name, beta, decay=0.5 if decay else 0))), rel=1e-13)
    assert theta == pytest.approx(optimizer.limit, rel=1e-13) and theta == pytest.approx(known, rel=1e-13)
    assert gain == pytest.approx(1 / (1 - beta) if name in ("heavy_ball", "nesterov") else 1, rel=1e-13)


@pytest.mark.parametrize("step", [1, 10, 1000, 20_000])
def test_theta_of_nadam_moves_from_three_and_a_half_to_thirteen(step):
    """θ = 2(1 + β₁)/(1 + β₁ − 2μβ₁) with μ_t = β₁(1 − 0.96^(tψ)/2), at each step of the optimizer's own warm-up."""
    warmup = 0.96 ** (step * 0.004)
    nadam = OPT.nadam(0.1)
    theta, gain, _, _ = recursion_of(nadam, "central").numbers(nadam.params, warmup)
    now, then = 0.9 * (1 - warmup / 2), 0.9 * (1 - warmup * 0.96**0.004 / 2)
    assert theta == pytest.approx(float(companion_flip(*frozen("nadam", 0.9, (now, then)))), rel=1e-12)
    assert theta == pytest.approx(2 * 1.9 / (1.9 - 1.8 * now), rel=1e-3) and gain == pytest.approx(1, abs=1e-4)
    assert 3.4 < theta < 13.6


def test_the_edge_of_nadam_moves_along_the_path():
    """While a mode is held the effective sharpness is θ(t), and the held curvature moves with it."""
    flow = cf.flows.central(cf.Loss(VALLEY[0]), OPT.nadam(0.05, beta2=0.99))
    path = cf.solve(flow, [1.5, 0.3], 1500, rtol=1e-11, atol=1e-14, save_at=np.linspace(0, 1500, 301))
    mu = 0.45 * (2 - 0.96 ** (0.004 * (1 + path.t)))
    np.testing.assert_allclose(path.theta, 3.8 / (1.9 - 1.8 * mu), rtol=1e-3)
    assert path.rank[-1] == 1 and path.theta[-1] > path.theta[0] + 0.4
    held = path.rank == 1
    np.testing.assert_allclose(path.edge[held], 2, rtol=1e-9)
    for row in np.flatnonzero(held)[::20]:
        nu, decay2 = path.z[row, 2:4], path.z[row, -1]
        p = (np.sqrt(nu / (1 - decay2)) + 1e-8) / 0.05
        top = np.linalg.eigvalsh(cf.Loss(VALLEY[0]).hessian(path.w[row]) / np.sqrt(np.outer(p, p)))[-1]
        assert top == pytest.approx(path.theta[row], rel=1e-9)


# -- the equations themselves ----------------------------------------------------------------------------------


def test_the_equations_of_adamw():
    """dw/dt = −P⁻¹[g + ½∇⟨H, Σ⟩] − ηdw, dν/dt = κ[g² + diag HΣH − ν], (θP − H)Σ = 0, along a path with bias correction."""
    loss, eta, decay, beta, beta2 = cf.Loss(VALLEY[0]), 0.1, 0.05, 0.5, 0.98
    theta = (2 - eta * decay) * (1 + beta) / (1 - beta)
    flow = cf.flows.central(loss, OPT.adamw(eta, beta, beta2, eps=1e-4, weight_decay=decay))
    path = cf.solve(flow, [1.5, 0.3], 300, rtol=1e-11, atol=1e-14)
    assert flow.names == ("x", "y", "v_x", "v_y", "decay2") and set(path.rank) == {0, 1}
    for z, slope, sigma in zip(path.z, path.slopes, path.covariance, strict=True):
        w, nu, (g, h) = z[:2], z[2:4], (loss.gradient(z[:2]), loss.hessian(z[:2]))
        p = (np.sqrt(nu / (1 - z[4])) + 1e-4) / eta
        pull = g + np.einsum("ijk,ij->k", loss.third(w), sigma) / 2
        np.testing.assert_allclose(slope[:2], -pull / p - eta * decay * w, rtol=0, atol=1e-11)
        kappa = (1 - beta2) / beta2
        np.testing.assert_allclose(slope[2:4], kappa * (g**2 + np.diag(h @ sigma @ h) - nu), rtol=0, atol=1e-11)
        np.testing.assert_allclose((theta * np.diag(p) - h) @ sigma, 0, atol=1e-10)
        assert np.linalg.eigvalsh(theta * np.diag(p) - h)[0] > -1e-9
    held = path.rank == 1
    trace = np.einsum("rij,rji->r", np.array([loss.hessian(w) for w in path.w]), path.covariance)
    np.testing.assert_allclose(path.predicted_loss, path.loss + trace / 2, rtol=1e-12)
    np.testing.assert_allclose(path.theta, theta, rtol=1e-12)
    assert held.sum() > 20


def test_the_stable_flow_has_the_gain_and_no_edge():
    """dw/dt = −ηw/(1 − β) on w²/2, whatever the curvature; the ablated flow steps −Gθ g/λ₁."""
    loss, optimizer = cf.Loss("3*w**2/2"), OPT.heavy_ball(0.1, 0.5)
    np.testing.assert_allclose(cf.flows.stable(loss, optimizer).drift([1.0]), [-0.6], rtol=1e-14)
    path = cf.solve(cf.flows.ablated(loss, optimizer), [1.0], 1, rtol=1e-12, atol=1e-14)
    assert path.w[-1, 0] == pytest.approx(np.exp(-6.0), rel=1e-9)  # G θ = 2·3


def test_starts_with_and_without_the_momentum():
    """Weights, the flow's own state, and the optimizer's whole state, of which the momentum is left out."""
    flow = cf.flows.central(cf.Loss("x**2/2 + y**2"), OPT.adam(0.1, beta2=0.9))
    own = [1.0, 2.0, 0.1, 0.2, 0.9]
    np.testing.assert_allclose(flow.state([1.0, 2.0]), [1, 2, 0.1, 1.6, 0.9], rtol=1e-14)
    np.testing.assert_array_equal(flow.state(own), own)
    np.testing.assert_array_equal(flow.state([1.0, 2.0, 7.0, 8.0, 0.1, 0.2, 0.3, 0.9]), own)
    for wrong in ([1.0], [1.0] * 4, [1.0] * 7, [1.0, 2.0, np.nan, 0.2, 0.9]):
        with pytest.raises(UsageError):
            flow.state(wrong)


@pytest.mark.parametrize(("optimizer", "words"), [
    (OPT.amsgrad(0.1), "the state 'vmax' is not an average of the gradient and has no ds/dt"),
    (OPT.lion(0.1), "linear average of the gradients"), (OPT.sign_gd(0.1), "linear average of the gradients"),
    (OPT.sam(0.1), "linear average of the gradients"), (OPT.muon(0.1), "linear average of the gradients"),
    (OPT.adam(0.1, clip=1.0), "leave out clip"),
    (OPT.nesterov(0.1, -0.6), "a flip is not its first instability"),
    (cf.Optimizer.from_text({"w": "w - lr*v/t", "v": "v/2 + g"}, {"lr": 0.1}), "the state 't' has no ds/dt"),
], ids=["amsgrad", "lion", "sign_gd", "sam", "muon", "clip", "nesterov", "counter"])  # fmt: skip
def test_what_has_no_such_flow(optimizer, words):
    no_formula = SimpleNamespace(dim=1, value=lambda w: w @ w / 2, gradient=lambda w: w, hvp=lambda w, v: v)
    for loss in (cf.Loss("w**2/2"), no_formula):
        with pytest.raises(UsageError, match=words):
            cf.flows.central(loss, optimizer)


def test_flows_that_know_an_optimizer_by_its_name_take_no_other_of_that_name():
    """Heavy ball whose momentum has another name, and an RMSProp without the options of the catalogue's."""
    rows = cf.Loss("(w*x - y)**2/2", "w", data={"x": [1.0, 2.0], "y": [1.0, 3.0]})
    heavy_ball = cf.Optimizer.from_text({"w": "w - lr*(b*v + g)", "v": "b*v + g"}, {"lr": 0.1, "b": 0.9}, name="heavy_ball")
    with pytest.raises(UsageError, match="this one has other formulas than cf.optimizers.heavy_ball"):
        cf.flows.central(rows, heavy_ball, batch=1)
    rmsprop = cf.Optimizer.from_text({"w": "w - lr*g/sqrt(nu)", "nu": "nu/2 + g**2/2"}, {"lr": 0.1}, name="rmsprop")
    with pytest.raises(UsageError, match="that of rmsprop or scalar_rmsprop"):
        cf.stationary_preconditioner(rows, rmsprop, [0.5])


def test_a_preconditioner_that_the_update_does_not_show_is_taken_as_given():
    """The same RMSProp, its average written in two ways: in the step not as in the state."""
    rate = {"nu": "(1 - b)/b*(g**2 - nu)"}
    flows = [cf.flows.central(cf.Loss(VALLEY[0]), cf.Optimizer.from_text({"w": f"w - lr*g/sqrt({step})", "nu": "b*nu + (1 - b)*g**2"},
             {"lr": 0.1, "b": 0.9}, preconditioner="sqrt(nu)/lr", flow=rate)) for step in ("nu + (1 - b)*(g**2 - nu)", "b*nu + (1 - b)*g**2")]  # fmt: skip
    rows = [flow.drift([1.5, 0.3, 0.2, 0.4]) for flow in flows]
    np.testing.assert_array_equal(*rows)
    np.testing.assert_allclose(rows[0][0], -0.1 * (1.5 * 0.3 - 1) * 0.3 / np.sqrt(0.2), rtol=1e-14)
    with pytest.raises(UsageError, match=r"as far as its formulas show \(give P as `preconditioner"):
        cf.flows.central(cf.Loss("w**2/2"), cf.Optimizer.from_text({"w": "w - lr*g/sqrt(nu)", "nu": "b*nu + (1 - b)*g**2"},
                         {"lr": 0.1, "b": 0.9}, flow=rate))  # fmt: skip


AVERAGE, RATE = "b*nu + (1 - b)*g**2", {"nu": "(1 - b)/b*(g**2 - nu)"}


@pytest.mark.parametrize(("update", "known"), [
    ({"w": f"w - lr*g/sqrt({AVERAGE} + e)"}, OPT.rmsprop(0.1, 0.9, 0.01, eps_inside=True)),
    ({"w": "w - lr*g/sqrt(nu + (1 - b)*(g**2 - nu) + e)"}, OPT.rmsprop(0.1, 0.9, 0.01, eps_inside=True)),
    ({"w": f"w - lr*(c*m + (1 - c)*g)/sqrt(e + {AVERAGE})", "m": "c*m + (1 - c)*g"},
     OPT.adam(0.1, 0.5, 0.9, 0.01, bias_correction=False, eps_inside=True)),
], ids=["rmsprop", "rmsprop, written otherwise", "adam"])  # fmt: skip
def test_a_preconditioner_in_a_longer_sum_is_read_off(update, known):
    """With ε inside the root the new average is not part of the formula; flow and preconditioned sharpness see it all the same."""
    own = cf.Optimizer.from_text({**update, "nu": AVERAGE}, {"lr": 0.1, "b": 0.9, "e": 0.01} | ({"c": 0.5} if "m" in update else {}),
                                 flow=RATE)  # fmt: skip
    loss, z = cf.Loss(VALLEY[0]), [1.5, 0.3, 0.2, 0.4]
    for name in ("central", "edge"):
        flows = [getattr(cf.flows, name)(loss, optimizer) for optimizer in (own, known)]
        state = z if name == "central" else [*z, 0.6, 0.8, -2.0]
        np.testing.assert_allclose(*(flow.drift(state) for flow in flows), rtol=1e-13)
    orbits = [cf.iterate(cf.as_map(loss, optimizer), [1.5, 0.3], 30) for optimizer in (own, known)]
    np.testing.assert_allclose(*(orbit.preconditioned_sharpness for orbit in orbits), rtol=1e-12)
    np.testing.assert_allclose(*(orbit.theta for orbit in orbits), rtol=1e-12)


def test_an_accumulator_in_a_longer_sum_is_read_off():
    """P = √(s + ε)/η of the new s; nothing is made of a step that sees s and g² in another combination than s does."""
    own = cf.Optimizer.from_text(
        {"w": "w - lr*g/sqrt(s + g**2 + e)", "s": "s + g**2"}, {"lr": 0.1, "e": 0.01}, flow={"s": "g**2"}
    )
    drift = cf.flows.central(cf.Loss("3*w**2/2"), own).drift([2.0, 0.5])
    np.testing.assert_allclose(drift, [-0.6 / np.sqrt(0.51), 36.0], rtol=1e-14)
    other = cf.Optimizer.from_text(
        {"w": "w - lr*g/sqrt(s + 2*g**2 + e)", "s": "s + g**2"}, {"lr": 0.1, "e": 0.01}, flow={"s": "g**2"}
    )
    with pytest.raises(UsageError, match="give P as"):
        cf.flows.central(cf.Loss("w**2"), other)
